"""What the server has stored of webhooks, read from its database when it is down."""
import hashlib
import json
import struct
import uuid
from dataclasses import dataclass, field

QUERIES = {
    "received": "SELECT id, tenant_id, endpoint_id, external_id, conflict_of, batch_id, batch_index, body"
                " FROM received_events",
    "results": "SELECT id, endpoint_id, status, event_id FROM received_results",
    "keys": "SELECT received_id, duplicates FROM received_keys",
    "stats": "SELECT endpoint_id, total_received, total_processed, total_failed FROM endpoint_stats",
}
# SQLite keeps the newest counts apart, and finds what an endpoint received by an index that comes late.
COUNTS = "SELECT counts FROM endpoint_counts"
COUNT = struct.Struct("<16s3iq")  # the endpoint's id; received, processed, failed; a time
NOT_INDEXED = ("SELECT e.id FROM received_events e JOIN received_indexed n ON e.id <= n.until"
               " WHERE NOT EXISTS (SELECT 1 FROM received_index i WHERE i.tenant_id = e.tenant_id"
               " AND i.endpoint_id = e.endpoint_id AND i.id = e.id)")


@dataclass(slots=True)
class Stored:
    """A received event."""
    id: str
    tenant_id: str
    inlet_id: str
    external_id: str
    seq: int  # -1: the body could not be read
    body_sha256: str
    conflict_of: str | None = None
    batch_index: int | None = None


@dataclass(slots=True)
class Result:
    """What became of a received event."""
    inlet_id: str
    status: str
    event_id: str | None


@dataclass
class InboundStore:
    received: list[Stored] = field(default_factory=list)
    results: dict[str, Result] = field(default_factory=dict)            # by received id
    duplicates: dict[str, int] = field(default_factory=dict)            # by received id
    stats: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # received, processed, failed
    not_indexed: list[str] = field(default_factory=list)                # received ids that an index misses


def read_inbound_store(rows_of, engine: str) -> InboundStore:
    """rows_of: from a query to its rows. engine: "sqlite" or "postgres"."""
    store = InboundStore()
    for row in rows_of(QUERIES["received"]):
        body = row["body"]
        if isinstance(body, str):  # of PostgreSQL
            body = bytes.fromhex(body.removeprefix("\\x"))
        store.received.append(Stored(row["id"], row["tenant_id"], row["endpoint_id"], row["external_id"],
                                     seq_of(body), hashlib.sha256(body).hexdigest(), row["conflict_of"],
                                     row["batch_index"] if row["batch_id"] else None))
    for row in rows_of(QUERIES["results"]):
        store.results[row["id"]] = Result(row["endpoint_id"], row["status"], row["event_id"])
    store.duplicates = {row["received_id"]: row["duplicates"] for row in rows_of(QUERIES["keys"])}
    store.stats = {row["endpoint_id"]: (row["total_received"], row["total_processed"], row["total_failed"])
                   for row in rows_of(QUERIES["stats"])}
    if engine == "sqlite":
        for row in rows_of(COUNTS):
            for raw, *more, _ in COUNT.iter_unpack(row["counts"]):
                endpoint_id = str(uuid.UUID(bytes=raw))
                store.stats[endpoint_id] = tuple(map(sum, zip(store.stats[endpoint_id], more)))
        store.not_indexed = [row["id"] for row in rows_of(NOT_INDEXED)]
    return store


def seq_of(body: bytes) -> int:
    try:
        return json.loads(body)["data"]["seq"]
    except (ValueError, KeyError, TypeError):
        return -1
