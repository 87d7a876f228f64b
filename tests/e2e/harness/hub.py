"""A server process with a data directory, or a database, of its own."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from typing import Mapping

from harness.api import Api
from harness.paths import SERVER
from harness.postgres import Database

BOOTSTRAP_KEY = "cdk_bootstrapbootstrapbootstrap"
ENCRYPTION_KEY = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
START_S = 30
STOP_S = 40  # the server gives itself 30
LEASE_S = 30.0  # a node that died on PostgreSQL keeps its lanes for 15, which the next one has to wait for
READY = re.compile(r"ready on (https?)://127\.0\.0\.1:(\d+)")


class HubFailed(Exception):
    """The server did not start, or ended when it should not have."""


class Port:
    """A free port, kept from everybody but the server: no program is given it that asks for any, and who asks
    for it by its number, and allows that others have it without listening there (SO_REUSEADDR), gets it."""

    def __init__(self) -> None:
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind(("127.0.0.1", 0))
        self.number = self._holder.getsockname()[1]

    def release(self) -> None:
        self._holder.close()


class Hub:
    """Configured as in production, but that it may send to this machine. settings are environment variables;
    one that is None is not set at all. prefix is a command that becomes the server."""

    def __init__(self, engine: str = "sqlite", settings: Mapping[str, str | None] | None = None,
                 flags: tuple[str, ...] = (), data: pathlib.Path | None = None,
                 prefix: tuple[str, ...] = ()) -> None:
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="crossdock-e2e-"))
        self.data = data or self._directory / "data"
        self.log_file = self._directory / "log"
        self._database = Database() if engine == "postgres" else None
        self._port = Port()
        self.port = self._port.number
        self.flags = flags
        self.prefix = prefix
        self.settings: dict[str, str | None] = {
            "CROSSDOCK_BOOTSTRAP_KEY": BOOTSTRAP_KEY,
            "CROSSDOCK_DATABASE_URL": self._database.url if self._database else None,
            "CROSSDOCK_EGRESS_ALLOW": "127.0.0.0/8",
            "CROSSDOCK_LOG_FORMAT": "text",
            "INTEGRATION_ENCRYPTION_KEY": ENCRYPTION_KEY,
            # Receivers that fail on purpose are many here; the tests of circuits say so.
            "CIRCUIT_FAILURE_THRESHOLD": "1000000",
        } | dict(settings or {})
        self.process: subprocess.Popen | None = None
        self.first_lines: list[str] = []

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items()
                     if not name.startswith(("CROSSDOCK_", "WEBHOOK_", "INTEGRATION_", "LOG_", "CIRCUIT_"))}
        return inherited | {name: value for name, value in self.settings.items() if value is not None}

    @property
    def command(self) -> list[str]:
        address = f"127.0.0.1:{self.port}"
        return [*self.prefix, str(SERVER), "serve", "--data", str(self.data), "--listen", address,
                *self.flags]

    def start(self) -> "Hub":
        """Returns when it says that it is ready."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=self._directory,
                text=True,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        overdue = threading.Timer(START_S, self.process.kill)
        overdue.start()
        self.first_lines = []
        for line in self.process.stdout:
            self.first_lines.append(line)
            if READY.search(line):
                overdue.cancel()
                return self
        overdue.cancel()
        status = self.process.wait()
        raise HubFailed(f"the server ended with {status} before it was ready: {self.log_tail()}")

    def run_to_its_end(self) -> subprocess.CompletedProcess:
        """For a server that is expected to refuse to start."""
        return subprocess.run(
            self.command,
            env=self.environment,
            cwd=self._directory,
            text=True,
            capture_output=True,
            timeout=START_S,
            check=False,
        )

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, within: float = STOP_S) -> int:
        """The exit status."""
        status = self.process.wait(within)
        self.process.stdout.close()
        self.process = None
        return status

    def stop(self) -> int:
        """Drains it and returns its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    def restart(self) -> None:
        status = self.stop()
        assert status == 0, f"exit status {status}: {self.log_tail()}"
        self.start()

    def remove(self) -> None:
        """Ends it however it is, and removes all it has left."""
        if self.process:
            self.kill()
        self._port.release()
        if self._database:
            self._database.drop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def log_tail(self, bytes_max: int = 4000) -> str:
        text = self.log_file.read_bytes() if self.log_file.exists() else b""
        return text[-bytes_max:].decode(errors="replace")

    @property
    def database(self) -> Database:
        """On PostgreSQL alone."""
        assert self._database
        return self._database

    @property
    def api(self) -> Api:
        """Speaks for nobody."""
        return Api(self.port)

    @property
    def platform(self) -> Api:
        """Speaks for the platform's administrators."""
        return Api(self.port, BOOTSTRAP_KEY)

    def platform_in(self, tenant: str) -> Api:
        """The same, about one tenant."""
        return Api(self.port, BOOTSTRAP_KEY, tenant)
