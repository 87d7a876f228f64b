"""A program of the harness that runs beside it."""
import json
import pathlib
import subprocess
import sys

from server import die_with_parent

HERE = pathlib.Path(__file__).resolve().parent


class Child:
    """A process of the harness that talks in lines of JSON and ends when its standard input does."""

    def __init__(self, program: str):
        self._process = subprocess.Popen([sys.executable, str(HERE / program)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)

    def tell(self, message: dict) -> None:
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict:
        text = self._process.stdout.readline()
        if not text:
            raise RuntimeError(f"{self._process.args[1]} ended before it was ready")
        return json.loads(text)

    def stop(self) -> None:
        self._process.stdin.close()
        if self._process.wait(60) != 0:
            raise RuntimeError(f"{self._process.args[1]} ended with {self._process.returncode}")
