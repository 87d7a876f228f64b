"""Databases on one PostgreSQL for the whole run: ctest's fixture starts it, by hand this process does."""
import atexit
import os
import pathlib
import shutil
import subprocess
import tempfile
import uuid
from urllib.parse import quote

from harness.paths import SERVER

_server_directory: pathlib.Path | None = None


def _directory() -> pathlib.Path:
    """The directory of the running server; its socket lies there."""
    global _server_directory
    if _server_directory is None:
        given = os.environ.get("CROSSDOCK_E2E_POSTGRES")
        _server_directory = pathlib.Path(given) if given else _start()
    return _server_directory


def _start() -> pathlib.Path:
    directory = pathlib.Path(tempfile.mkdtemp(prefix="crossdock-e2e-pg-"))
    directory.chmod(0o755)
    program = shutil.which("crossdock_test_postgres", path=f"{SERVER.parent}:{SERVER.parent}/src/testing")
    if program is None:
        raise FileNotFoundError(f"crossdock_test_postgres is not built beside {SERVER}")
    atexit.register(lambda: subprocess.run([program, "stop", directory], check=False))
    subprocess.run([program, "start", directory], check=True, stdout=subprocess.DEVNULL)
    return directory


def _run(statement: str, database: str = "postgres") -> None:
    subprocess.run(["psql", "--no-psqlrc", "--quiet", "--host", _directory(), "--username", "postgres",
                    "--dbname", database, "--command", statement],
                   check=True, capture_output=True, text=True)


class Database:
    """An empty database of its own."""

    def __init__(self) -> None:
        self._name = f"e2e_{uuid.uuid4().hex}"
        _run(f"CREATE DATABASE {self._name}")
        self.url = f"postgresql://postgres@/{self._name}?host={quote(str(_directory()), safe='')}"

    def execute(self, statement: str) -> None:
        """As an administrator would by hand."""
        _run(statement, self._name)

    def drop(self) -> None:
        _run(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")
