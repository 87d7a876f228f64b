"""What the server has stored, read from its database when it is down: the server's side of the account."""
import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from typing import Iterator

QUERIES = {
    "events": "SELECT id, tenant_id, type, data FROM events WHERE origin <> 'system'",
    "deliveries": "SELECT id, subscription_id, event_id, status, attempt_number, outcome, response_status,"
                  " replay_no FROM webhook_deliveries",
    "attempts": "SELECT delivery_id, attempt_number, outcome, response_status FROM delivery_attempts",
    "tasks": "SELECT id, kind, attempt, unknown_attempts FROM tasks",
}
UUID_COLUMNS = {"id", "tenant_id", "subscription_id", "event_id", "delivery_id", "endpoint_id", "conflict_of",
                "batch_id", "received_id"}


@dataclass(slots=True, frozen=True)
class Event:
    id: str
    tenant_id: str
    type: str
    seq: int
    sha256: str


@dataclass(slots=True)
class Delivery:
    id: str
    subscription_id: str
    event_id: str
    status: str
    replay_no: int
    attempts: dict[int, "Attempt"] = field(default_factory=dict)  # by number
    attempts_said: int = 0  # what the row says their number is
    twice: int = 0          # attempts that share a number


@dataclass(slots=True, frozen=True)
class Attempt:
    outcome: str
    status: int | None


@dataclass
class Export:
    events: list[Event]
    deliveries: list[Delivery]
    tasks: list[dict]
    orphans: int = 0  # attempts of no delivery


def uuid_text(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def rows_of_sqlite(path: pathlib.Path, query: str) -> Iterator[dict]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        for row in connection.execute(query):
            yield {name: uuid_text(row[name]) if name in UUID_COLUMNS else row[name] for name in row.keys()}


def rows_of_postgres(url: str, query: str) -> Iterator[dict]:
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", url,
               "--command", f"SELECT row_to_json(r) FROM ({query}) r"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as psql:
        for line in psql.stdout:
            yield json.loads(line)
    if psql.returncode != 0:
        raise subprocess.CalledProcessError(psql.returncode, command)


def read_export(rows_of) -> Export:
    """rows_of: from a query to its rows."""
    events = []
    for row in rows_of(QUERIES["events"]):
        events.append(Event(row["id"], row["tenant_id"], row["type"], json.loads(row["data"])["seq"],
                            hashlib.sha256(row["data"].encode()).hexdigest()))
    deliveries = {}
    for row in rows_of(QUERIES["deliveries"]):
        last = {row["attempt_number"]: Attempt(row["outcome"], row["response_status"])}
        deliveries[row["id"]] = Delivery(row["id"], row["subscription_id"], row["event_id"], row["status"],
                                         row["replay_no"], last, row["attempt_number"])
    tasks = list(rows_of(QUERIES["tasks"]))
    waiting = {task["id"] for task in tasks}
    orphans = 0
    for row in rows_of(QUERIES["attempts"]):
        delivery = deliveries.get(row["delivery_id"])
        if delivery is None:
            orphans += row["delivery_id"] not in waiting
        elif row["attempt_number"] in delivery.attempts:
            delivery.twice += 1
        else:
            delivery.attempts[row["attempt_number"]] = Attempt(row["outcome"], row["response_status"])
    return Export(events, list(deliveries.values()), tasks, orphans)


class Copy:
    """A copy of a database with its log: looking at it recovers and checkpoints nothing of the original."""

    def __init__(self, path: pathlib.Path):
        # In memory where there is room: the copy is to slow no disk down.
        memory = pathlib.Path("/dev/shm")
        size = sum(part.stat().st_size for part in path.parent.glob(path.name + "*"))
        usable = memory.is_dir() and os.access(memory, os.W_OK)
        roomy = usable and shutil.disk_usage(memory).free > 4 * size
        self._directory = tempfile.TemporaryDirectory(prefix="crossdock-copy-", dir=memory if roomy else None)
        self.path = pathlib.Path(self._directory.name) / path.name
        for suffix in ("", "-wal"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                shutil.copyfile(part, self.path.with_name(part.name))

    def __enter__(self) -> pathlib.Path:
        return self.path

    def __exit__(self, *_) -> None:
        self._directory.cleanup()


def check_integrity(path: pathlib.Path) -> str:
    """"ok", or what is wrong with the database that the crash left behind."""
    if not path.exists():
        return "the database is gone"
    try:
        with Copy(path) as copy, closing(sqlite3.connect(copy)) as connection:
            return "; ".join(row[0] for row in connection.execute("PRAGMA integrity_check(10)"))
    except sqlite3.DatabaseError as error:
        return str(error)
