#!/usr/bin/env python3
"""Measures what a long history costs: load on an empty and on a full store in turns,
and every kind of search.

usage: bench/history.py --server build/release/crossdock --bench build/release/bench/crossdock_bench
                        [--rows 10000000] [--seconds 20] [--turns 2] [--results bench/results]

The full store is SQLite, and filled directly while no server runs: deliveries of thirty days, some of them
failed, retried, slow or skipped, of four busy tenants and of one that has a delivery now and then. Exit code
3 when a bar is missed: 90 % of the empty store's deliveries, and 100 ms for each search.
"""
import argparse
import datetime
import json
import os
import pathlib
import random
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from start import KEY, Server

DAY_S = 86_400
DAYS = 29
SPARSE_EVERY = 100_000
TIMES = 15
RATE_BAR, SEARCH_BAR_MS = 0.9, 100.0
TYPES = ["order.created", "order.updated", "order.line.added", "invoice.paid"]
ERRORS = [("HTTP_5XX", 503), ("HTTP_5XX", 500), ("HTTP_404_410", 404), ("CONNECT_TIMEOUT", None),
          ("DNS", None)]
COLUMNS = ("id, tenant_id, subscription_id, event_id, event_type, status, attempt_number, replay_no, is_test,"
           " created_at, completed_at, outcome, started_at, request_url, remote_ip, response_status,"
           " response_time_ms, dns_us, connect_us, tls_us, first_byte_us, error_class, error_message, via,"
           " error_signature")


def uuid7(micros: int, tail: bytes) -> bytes:
    fraction = micros % 1000 * 4096 // 1000
    return (micros // 1000).to_bytes(6, "big") + bytes([0x70 | fraction >> 8, fraction & 255]) + tail


def text_of(id: bytes) -> str:
    text = id.hex()
    return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])


def time_text(micros: int) -> str:
    moment = datetime.datetime.fromtimestamp(micros / 1e6, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class FullStore:
    """A stopped store with a long history."""

    def __init__(self, program: pathlib.Path, directory: pathlib.Path, rows: int):
        self.directory = directory
        self.rows = rows
        self.now = int(time.time() * 1e6)
        self.random = random.Random(7)
        self.tenants = [self.make_id() for _ in range(5)]
        self.subscriptions = [(self.make_id(), tenant) for tenant in self.tenants[:4] for _ in range(4)]
        self.sparse = (self.make_id(), self.tenants[4])
        self.signatures = [secrets.token_hex(8) for _ in ERRORS]
        self.event = b""
        server = Server(program, directory)
        server.start()
        server.end(15)
        self.database = sqlite3.connect(directory / "core.db", isolation_level=None)
        self.database.execute("PRAGMA cache_size=-262144")
        self.empty_of_keys()
        self.fill_deliveries()
        self.fill_counts()
        self.database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.database.close()

    def make_id(self) -> bytes:
        return uuid7(self.now - DAYS * DAY_S * 1_000_000, bytes([0x80]) + os.urandom(7))

    def empty_of_keys(self) -> None:
        """So that the next server's bootstrap key is accepted, and nothing of an earlier run is delivered."""
        for table in ("api_keys", "idempotency_keys", "endpoint_secrets", "subscription_stats",
                      "webhook_subscriptions"):
            self.database.execute(f"DELETE FROM {table}")
        self.database.execute("DELETE FROM tasks WHERE kind <> 'housekeeping'")
        self.database.execute("DELETE FROM tenants WHERE slug NOT LIKE 'history-%'")
        self.database.execute("DELETE FROM lanes WHERE kind <> 'housekeeping'")

    def prepare_for_next(self) -> None:
        self.database = sqlite3.connect(self.directory / "core.db", isolation_level=None)
        self.empty_of_keys()
        self.database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.database.close()

    def make_row(self, n: int, step: float) -> tuple:
        micros = self.now - DAYS * DAY_S * 1_000_000 + int(n * step)
        tail = bytes([0x80 | n >> 24 & 63, n >> 16 & 255, n >> 8 & 255, n & 255, 0, 0, 0, 1])
        dice = self.random.random()
        busy = self.subscriptions[int(dice * 9973) % 16]
        subscription, tenant = self.sparse if n % SPARSE_EVERY == 7 else busy
        self.event = uuid7(micros - 50, tail)
        row = [uuid7(micros, tail), tenant, subscription, self.event, TYPES[n & 3], "DELIVERED", 1, 0, 0,
               micros, micros + 20_000, "DELIVERED", micros + 3000,
               "http://127.0.0.1:45123/receiver/0123456789", "127.0.0.1", 200, 3, 0, 100, 0, 1500, "", "",
               "worker", ""]
        if dice < 0.02:
            kind = n % len(ERRORS)
            row[5] = row[11] = "FAILED"
            row[6] = 6
            row[21], row[15] = ERRORS[kind]
            row[22] = "the receiver did not answer as it should"
            row[24] = self.signatures[kind]
        elif dice < 0.04:
            row[6] = 2 + n % 4
        elif dice < 0.05:
            row[16] = 1000 + n % 5000
        elif dice < 0.06:
            row[5] = row[11] = "SKIPPED"
        return tuple(row)

    def fill_deliveries(self) -> None:
        step = DAYS * DAY_S * 1e6 / self.rows
        for i, tenant in enumerate(self.tenants):
            self.database.execute("INSERT INTO tenants VALUES (?, ?, ?, 'ACTIVE', 1, ?, ?)",
                                  (tenant, f"history-{i}", f"History {i}", self.now, self.now))
        insert = f"INSERT INTO webhook_deliveries ({COLUMNS}) VALUES ({', '.join('?' * 25)})"
        piece = 200_000
        for first in range(0, self.rows, piece):
            self.database.execute("BEGIN")
            self.database.executemany(insert, (self.make_row(n, step)
                                               for n in range(first, min(first + piece, self.rows))))
            self.database.execute("COMMIT")
            self.database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        print("history: indexing", file=sys.stderr)
        for owner in ("tenant_id", "subscription_id", "event_id"):
            self.database.execute(f"INSERT INTO delivery_index SELECT {owner}, 0, id, seq"
                                  " FROM webhook_deliveries ORDER BY 1, 3")
        for owner in ("tenant_id", "subscription_id"):
            self.database.execute(f"INSERT INTO delivery_index SELECT {owner}, 1, id, seq"
                                  " FROM webhook_deliveries WHERE status = 'SKIPPED' ORDER BY 1, 3")
        self.database.execute("INSERT INTO delivery_indexed SELECT 1, MAX(seq) FROM webhook_deliveries"
                              " WHERE true ON CONFLICT DO UPDATE SET seq = excluded.seq")

    def fill_counts(self) -> None:
        hour, minute = self.now // 3_600_000_000, self.now // 60_000_000
        counts = (900, 10, 20, 4000, 500, 300, 100, 0, 0, 0, 0, 0, 30, 0, 0, 0)
        owners = [(id, tenant) for id, tenant in self.subscriptions] + [(id, id) for id in self.tenants]
        marks = ", ".join("?" * 16)
        self.database.execute("BEGIN")
        for owner, tenant in owners:
            self.database.executemany(f"INSERT INTO delivery_minutes VALUES (?, ?, ?, {marks})",
                                      ((minute - n, owner, tenant, *counts) for n in range(10, 48 * 60)))
            self.database.executemany(f"INSERT INTO delivery_hours VALUES (?, ?, {marks})",
                                      ((owner, hour - n, *counts) for n in range(1, 24 * 395)))
        self.database.execute("INSERT INTO delivery_minutes_summed VALUES (1, ?)", (minute - 5,))
        for signature, (error_class, status) in zip(self.signatures, ERRORS):
            for tenant in self.tenants:
                self.database.execute("INSERT INTO error_signatures VALUES (?, ?, ?, ?,"
                                      " '127.0.0.1:45123', 'failed', ?, ?)",
                                      (tenant, signature, error_class, status, self.now, self.now))
            self.database.executemany(
                "INSERT INTO error_hours VALUES (?, ?, ?, ?, 10, 60, ?, ?, ?)",
                ((tenant, hour - n, signature, subscription, self.now, self.now, subscription)
                 for subscription, tenant in self.subscriptions for n in range(24 * DAYS)))
        self.database.execute("COMMIT")


def load(bench: pathlib.Path, program: pathlib.Path, work: pathlib.Path, seconds: int,
         store: FullStore | None) -> float:
    """Deliveries per second that the end-to-end bench measures on an empty store, or on the full one."""
    wrapper = work / "serve"
    link = f'ln "{store.directory}/core.db" "$4/core.db"' if store else ":"
    # The bench starts: serve … --data DIR …
    wrapper.write_text("#!/bin/bash\n"
                       'for ((i = 1; i < $#; i++)); do\n'
                       '  [ "${!i}" = --data ] && j=$((i + 1)) && data="${!j}"\n'
                       'done\n'
                       f'mkdir -p "$data"; {link.replace("$4", "$data")}\nexec "{program}" "$@"\n')
    wrapper.chmod(0o755)
    command = [str(bench), "e2e", "--server", str(wrapper), "--seconds", str(seconds),
               "--name", "history-load", "--results", str(work)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if ran.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(command)}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
    if store:
        store.prepare_for_next()
    (run,) = json.loads((work / "history-load.json").read_text())["runs"]
    return run["delivered_per_s"]


def searches(store: FullStore) -> list[tuple[str, int, str]]:
    """Name, tenant and target of each."""
    list_ = "/api/v1/webhooks/deliveries?"
    subscription = text_of(store.subscriptions[0][0])
    middle = time_text(store.now - 15 * DAY_S * 1_000_000)
    month = time_text(store.now - DAYS * DAY_S * 1_000_000)
    conditions = {
        "newest": "", "page of 250": "limit=250", "total": "include=total", "FAILED": "status=FAILED",
        "SKIPPED": "status=SKIPPED", "DELIVERED": "status=DELIVERED",
        "FAILED, CANCELLED": "status=FAILED,CANCELLED", "subscription": f"subscription_id={subscription}",
        "subscription, FAILED": f"subscription_id={subscription}&status=FAILED",
        "subscription, 404": f"subscription_id={subscription}&status_code=404",
        "5xx": "status_code=5xx", "503": "status_code=503", "4xx": "status_code=4xx",
        "418, none": "status_code=418", "error class": "error_class=DNS",
        "signature": f"error_signature={store.signatures[0]}", "type": "event_type=invoice.paid",
        "pattern": "event_type=order.*", "type, none": "event_type=no.such",
        "slow": "response_time_ms[gte]=1000", "slow, 5 s": "response_time_ms[gte]=5000",
        "latency 10 ms": "response_time_ms[gte]=10", "retried": "attempts[gte]=2",
        "5 attempts": "attempts[gte]=5", "tests, none": "is_test=true",
        "before the middle": f"created_at[lt]={middle}",
        "FAILED before": f"created_at[lt]={middle}&status=FAILED",
        "event": f"event_id={text_of(store.event)}", "event, none": f"event_id={text_of(os.urandom(16))}",
        "operation, none": f"operation_id={text_of(os.urandom(16))}",
        "type, slow, FAILED": "event_type=invoice.paid&response_time_ms[gte]=1&status=FAILED",
        "FAILED total": "status=FAILED&include=total"}
    found = [(name, 0, list_ + condition) for name, condition in conditions.items()]
    found += [("sparse tenant", 4, list_), ("sparse tenant, FAILED", 4, list_ + "status=FAILED"),
              ("sparse tenant, pattern", 4, list_ + "event_type=order.*")]
    groups, stats = "/api/v1/webhooks/deliveries/groups", "/api/v1/webhooks/stats"
    found += [("groups, 24 h", 0, groups), ("groups, 29 days", 0, f"{groups}?created_at[gte]={month}"),
              ("groups of a type", 0, f"{groups}?event_type=order.*&created_at[gte]={month}"),
              ("stats, 1 h", 0, stats), ("stats, 29 days", 0, f"{stats}?from={month}")]
    two_days = time_text(store.now - 47 * 3_600_000_000)
    return found + [("stats, 47 h by minutes", 0, f"{stats}?from={two_days}&step=120")]


def measure_searches(program: pathlib.Path, store: FullStore) -> dict:
    server = Server(program, store.directory)
    server.start()
    figures = {}
    for name, tenant, target in searches(store):
        times, partial = [], False
        for _ in range(TIMES):
            request = urllib.request.Request(
                f"http://127.0.0.1:{server.port}{target}",
                headers={"Authorization": f"Bearer {KEY}", "X-Tenant-Id": f"history-{tenant}"})
            begin = time.perf_counter()
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    body = json.load(answer)
            except urllib.error.HTTPError as error:
                raise SystemExit(f"{target}: {error.code} {error.read().decode()}") from error
            times.append((time.perf_counter() - begin) * 1000)
            partial = partial or body.get("partial", False)
        figures[name] = {"p50_ms": statistics.median(times), "max_ms": max(times), "partial": partial,
                         "rows": len(body["data"])}
    server.end(15)
    store.prepare_for_next()
    return figures


def print_and_judge(figures: dict) -> bool:
    print(f"{'search':26} {'p50 ms':>8} {'max ms':>8}  rows")
    fine = True
    for name, one in figures["searches"].items():
        fine = fine and one["max_ms"] <= SEARCH_BAR_MS
        partial = "  partial" if one["partial"] else ""
        print(f"{name:26} {one['p50_ms']:8.1f} {one['max_ms']:8.1f}  {one['rows']:4}{partial}")
    if not figures["turns"]:
        return fine
    for turn in figures["turns"]:
        print(f"delivered/s: empty {turn['empty']:8.0f}, full {turn['full']:8.0f}")
    ratio = statistics.median(turn["full"] / turn["empty"] for turn in figures["turns"])
    print(f"full store / empty store: {ratio:.3f}")
    return fine and ratio >= RATE_BAR


def main() -> None:
    here = pathlib.Path(__file__).resolve().parent
    release = here.parent / "build/release"
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=pathlib.Path, default=release / "crossdock")
    parser.add_argument("--bench", type=pathlib.Path, default=release / "bench/crossdock_bench")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=int, default=20, help="of load on each store")
    parser.add_argument("--turns", type=int, default=2, help="how often both are loaded; 0: only searches")
    parser.add_argument("--results", type=pathlib.Path, default=here / "results")
    options = parser.parse_args()
    program = options.server.resolve()
    with tempfile.TemporaryDirectory(prefix="crossdock-history-") as name:
        work = pathlib.Path(name)
        begin = time.perf_counter()
        print(f"history: filling {options.rows} rows", file=sys.stderr)
        store = FullStore(program, work / "full", options.rows)
        figures = {"rows": options.rows, "fill_s": time.perf_counter() - begin,
                   "store_mib": (store.directory / "core.db").stat().st_size / 2**20,
                   "searches": measure_searches(program, store), "turns": []}
        for _ in range(options.turns):
            figures["turns"].append({"empty": load(options.bench, program, work, options.seconds, None),
                                     "full": load(options.bench, program, work, options.seconds, store)})
    fine = print_and_judge(figures)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "history-sqlite.json").write_text(json.dumps(figures, indent=2) + "\n")
    sys.exit(0 if fine else 3)


if __name__ == "__main__":
    main()
