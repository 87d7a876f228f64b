"""Waiting for what must become true."""
import time
from typing import Callable, TypeVar

T = TypeVar("T")
PATIENCE_S = 15.0  # long enough for a machine that is busy with other tests; nothing waits for all of it
POLL_S = 0.02


def eventually(probe: Callable[[], T], what: str, within: float = PATIENCE_S) -> T:
    """The first true answer of the probe. AssertionError with the last one when there is none in time."""
    deadline = time.monotonic() + within
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within:g} s; last answer: {answer!r}")
        time.sleep(POLL_S)
