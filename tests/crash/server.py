"""The server under test as a process: started, killed at some moment or system call, started again."""
import ctypes
import os
import pathlib
import random
import signal
import socket
import subprocess
import time
from dataclasses import dataclass

from api import BOOTSTRAP_KEY, Api

READY_S_MAX = 60
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Fault:
    """How one life of the server ends.

    random  SIGKILL so long after it was ready
    early   SIGKILL so long after it was started, ready or not
    placed  SIGKILL in place of the n-th of the calls in one thread, traced from so long after it was ready
    broken  the n-th of the calls and all after it fail with EIO; the server has to stop by itself
    cut     the file system loses what was not synced, so long after the server was ready
    """
    kind: str
    after_s: float
    calls: str = ""
    nth: int = 0
    resumed: bool = False  # after_s counts from the first delivery of this life

    def __str__(self) -> str:
        place = f", then {self.calls} no. {self.nth}" if self.calls else ""
        return f"{self.kind} after {self.after_s:.2f} s{place}"


# Where a commit becomes durable, or is asked for.
PLACES = {"sqlite": "fsync,fdatasync", "postgres": "sendto,sendmsg"}


def make_plan(seed: int, kills: int, engine: str, seconds: tuple[float, float]) -> list[Fault]:
    """The kills of a run: every second one placed at a system call of the engine, the rest at random moments.

    An engine without places: all at random moments.
    """
    rng = random.Random(seed)
    plan = []
    for i in range(kills):
        after_s = rng.uniform(*seconds)
        if i % 2 == 0 and engine in PLACES:
            # Another node's lanes are taken when its lease has ended; before that there is little to cut off.
            nth = rng.randint(1, 20)
            plan.append(Fault("placed", after_s, PLACES[engine], nth, resumed=engine == "postgres"))
        elif i % 8 == 5:
            plan.append(Fault("early", rng.uniform(0, 0.3)))
        elif i % 4 == 3 and engine == "sqlite":
            # In the middle of writing a transaction to the log.
            plan.append(Fault("placed", after_s, "pwrite64", rng.randint(1, 200)))
        else:
            plan.append(Fault("random", after_s))
    return plan


def make_breaks(seed: int, count: int, seconds: tuple[float, float]) -> list[Fault]:
    rng = random.Random(f"{seed} breaks")
    return [Fault("broken", rng.uniform(*seconds), PLACES["sqlite"], rng.randint(1, 20))
            for _ in range(count)]


def make_cuts(seed: int, count: int, seconds: tuple[float, float]) -> list[Fault]:
    rng = random.Random(f"{seed} cuts")
    return [Fault("cut", rng.uniform(*seconds)) for _ in range(count)]


def die_with_parent() -> None:
    """Between fork and exec: the harness leaves no process behind, however it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, program: pathlib.Path, data: pathlib.Path, log: pathlib.Path,
                 environment: dict[str, str]):
        self.port = free_port()
        self.api = Api(self.port)
        self._command = [str(program), "serve", "--dev", "--data", str(data),
                         "--listen", f"127.0.0.1:{self.port}"]
        self._log = log
        self.environment = {
            **os.environ, **environment,
            "CROSSDOCK_BOOTSTRAP_KEY": BOOTSTRAP_KEY,
            # No subscription may switch itself off: its receiver fails on purpose.
            "CROSSDOCK_AUTO_DISABLE_FAILURES": "1000000",
            "CIRCUIT_FAILURE_THRESHOLD": "1000000",
            "WEBHOOK_QUEUE_SIZE": "20000",
            "CROSSDOCK_LOG_LEVEL": "warn",
        }
        self._process: subprocess.Popen | None = None
        self._tracer: subprocess.Popen | None = None
        self.starts = 0

    def start(self) -> None:
        self.starts += 1
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             env=self.environment, preexec_fn=die_with_parent)

    def wait_ready(self) -> bool:
        """False when it ended before it was ready."""
        deadline = time.monotonic() + READY_S_MAX
        while self.alive():
            if self.api.ready():
                return True
            if time.monotonic() > deadline:
                raise TimeoutError(f"the server was not ready within {READY_S_MAX} s; see {self._log}")
            time.sleep(0.01)
        return False

    def alive(self) -> bool:
        return self._process.poll() is None

    def wait(self, seconds: float) -> int | None:
        """The exit status; None when it lives on."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if self._tracer and self._process.returncode is not None:
                self._tracer.wait()
                self._tracer = None

    def inject(self, calls: str, what: str) -> None:
        """Has strace change system calls of the running server from now on."""
        self._tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={calls}", "-e", f"inject={calls}:{what}",
             "-p", str(self._process.pid)],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)

    def kill(self) -> int:
        self._process.kill()
        return self.wait(30)

    def end(self) -> None:
        if self._process and self.alive():
            self.kill()

    def drain(self, seconds: float) -> int | None:
        """SIGTERM; the exit status, or None when it did not end in time."""
        self._process.terminate()
        return self.wait(seconds)


def can_trace() -> bool:
    """Whether strace may attach to a process that is not its child, as it has to here."""
    with subprocess.Popen(["sleep", "30"], preexec_fn=die_with_parent) as sleeper:
        try:
            done = subprocess.run(["strace", "-qq", "-o", os.devnull, "-p", str(sleeper.pid)], timeout=0.3,
                                  stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return done.returncode == 0
        except subprocess.TimeoutExpired:
            return True
        except OSError:
            return False
        finally:
            sleeper.kill()
