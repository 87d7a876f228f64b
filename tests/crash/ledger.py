"""The producer's and the receiver's append-only ledgers: what was sent, what was promised, what arrived."""
import os
import threading
from dataclasses import dataclass
from enum import Enum
from typing import Iterator

SYNC_PERIOD_S = 0.2
ANSWERED = "="  # in place of a moment


class Writer:
    """Appends lines. A line has left the process when append() returns; the disk follows in batches.

    The disk matters only to who reads the ledger after the harness itself was killed, so append() does not
    wait for it: waiting would also slow the server, where both share a disk.
    """

    def __init__(self, path: str):
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._closing = threading.Event()
        self._syncing = threading.Thread(target=self._sync, name="ledger", daemon=True)
        self._syncing.start()

    def append(self, lines: str) -> None:
        content = lines.encode()
        if os.write(self._file, content) != len(content):
            raise OSError("a ledger line was written in part: is the disk full?")

    def close(self) -> None:
        self._closing.set()
        self._syncing.join()
        os.fdatasync(self._file)
        os.close(self._file)

    def _sync(self) -> None:
        while not self._closing.wait(SYNC_PERIOD_S):
            os.fdatasync(self._file)


class Outcome(Enum):
    """What the producer knows of an event. An acknowledgement is never taken back by a later answer."""
    ACK = "A"
    UNK = "U"
    REJ = "R"


@dataclass(slots=True)
class Sent:
    """One event of the producer, with the last word about it."""
    tenant: int
    type: str
    sha256: str  # of the text of its data
    outcome: Outcome = Outcome.UNK
    event_id: str = ""
    acknowledged_us: int = 0
    detail: str = ""
    ordering_key: str = ""


def sent_line(at_us: int, seq: int, tenant: int, event_type: str, sha256: str, ordering_key: str) -> str:
    return f"S\t{at_us}\t{seq}\t{tenant}\t{event_type}\t{sha256}\t{ordering_key}\n"


def outcome_line(at_us: int, seq: int, outcome: Outcome, detail: str) -> str:
    """detail: the event's id of an ACK, the status of a REJ, the error of an UNK."""
    return f"{outcome.value}\t{at_us}\t{seq}\t{' '.join(detail.split())}\n"


def read_sent(path: str) -> dict[int, Sent]:
    """The producer's events by seq. One that was sent but has no outcome is UNK.

    A repeated event (same idempotency key) has several outcomes: one ACK is enough, and only one that was
    refused every time is REJ.
    """
    events: dict[int, Sent] = {}
    unknown: set[int] = set()
    for fields in read_lines(path):
        kind, at_us, seq = fields[0], int(fields[1]), int(fields[2])
        if kind == "S":
            if seq not in events:
                events[seq] = Sent(int(fields[3]), fields[4], fields[5], ordering_key=fields[6])
            continue
        event, outcome = events[seq], Outcome(kind)
        if event.outcome is Outcome.ACK:
            continue
        if outcome is Outcome.UNK:
            unknown.add(seq)
        if outcome is Outcome.ACK:
            event.event_id, event.acknowledged_us = fields[3], at_us
        event.detail = fields[3]
        event.outcome = Outcome.UNK if outcome is Outcome.REJ and seq in unknown else outcome
    return events


def count_acknowledged(path: str) -> int:
    with open(path, "rb") as lines:
        return sum(1 for line in lines if line.startswith(b"A\t"))


class Answer(Enum):
    """What the receiver did with a request, noted before it did it."""
    OK = "ok"        # 200 at once
    SLOW = "slow"    # 200 after a while
    ERROR = "error"  # 500
    DROP = "drop"    # the connection reset without a byte, after a while
    CUT = "cut"      # the connection reset inside the answer's header
    HANG = "hang"    # nothing, until the server gives up

    @property
    def delivered(self) -> bool:
        return self in (Answer.OK, Answer.SLOW)


@dataclass(slots=True, frozen=True)
class Received:
    """One request at the receiver. kept: it was not the first on its connection."""
    at_us: int
    endpoint: int
    seq: int  # -1: the body could not be read
    webhook_id: str
    sha256: str  # of the text of its data
    signed: bool
    kept: bool
    answer: Answer


def received_line(row: Received) -> str:
    return (f"{row.at_us}\t{row.endpoint}\t{row.seq}\t{row.webhook_id}\t{row.sha256}\t{int(row.signed)}\t"
            f"{int(row.kept)}\t{row.answer.value}\n")


def answered_line(endpoint: int, seq: int) -> str:
    """A 200 that did not go out at once has gone out now."""
    return f"{ANSWERED}\t{endpoint}\t{seq}\n"


def read_received(path: str) -> list[Received]:
    return [_received(fields) for fields in read_lines(path) if fields[0] != ANSWERED]


def _received(fields: list[str]) -> Received:
    at, endpoint, seq, webhook_id, sha256, signed, kept, answer = fields
    return Received(int(at), int(endpoint), int(seq), webhook_id, sha256, signed == "1", kept == "1",
                    Answer(answer))


class Step(Enum):
    """What the receiver saw and did, one after the other."""
    ARRIVED = "arrived"
    ANSWERED = "answered"  # with 2xx, on a connection that still was there


def read_history(path: str) -> list[tuple[Step, int, int]]:
    """The steps with endpoint and seq, in their order."""
    history = []
    for fields in read_lines(path):
        if fields[0] == ANSWERED:
            history.append((Step.ANSWERED, int(fields[1]), int(fields[2])))
            continue
        row = _received(fields)
        history.append((Step.ARRIVED, row.endpoint, row.seq))
        if row.answer is Answer.OK:
            history.append((Step.ANSWERED, row.endpoint, row.seq))
    return history


def read_lines(path: str) -> Iterator[list[str]]:
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield line.rstrip("\n").split("\t")
