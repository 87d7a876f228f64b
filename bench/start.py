#!/usr/bin/env python3
"""Measures starting: time to ready and memory on an empty store, and the first delivery with a full backlog.

usage: bench/start.py --server build/release/crossdock [--pending 100000] [--results bench/results]

The backlog is published while the receiver hangs: it lets itself be connected to and answers nothing. Then
the server is killed, the receiver begins to answer, and the server is started again. (Where nobody listens at
all the circuits of the subscriptions are opened, and stay open over a start until their probe, a minute
later: that is not what this measures.) Exit code 1 when no webhook arrives within a minute, 3 when a bar is
missed.
"""
import argparse
import atexit
import http.server
import json
import os
import pathlib
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

KEY = "cdk_" + secrets.token_hex(24)
TENANT = "demo"  # made by --dev
SUBSCRIPTIONS = 10
BATCH = 1000
IDLE_S = 2.0
BARS = {"start_empty_s": 0.3, "idle_rss_mib": 40, "first_delivery_s": 1}  # at most


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, program: pathlib.Path, data: pathlib.Path):
        self.port = free_port()
        self.command = [str(program), "serve", "--dev", "--data", str(data),
                        "--listen", f"127.0.0.1:{self.port}"]
        self.process: subprocess.Popen | None = None

    def start(self) -> float:
        """Seconds until it was ready."""
        begin = time.perf_counter()
        environment = {**os.environ, "CROSSDOCK_BOOTSTRAP_KEY": KEY, "CROSSDOCK_LOG_LEVEL": "warn",
                       "CROSSDOCK_AUTO_DISABLE_FAILURES": "1000000"}
        self.process = subprocess.Popen(self.command, env=environment, stdout=subprocess.DEVNULL)
        atexit.register(self.process.kill)
        while self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                    return time.perf_counter() - begin
            except OSError:
                time.sleep(0.002)
        raise SystemExit(f"the server ended with {self.process.returncode}")

    def end(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.wait(60)

    def rss_mib(self) -> float:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def post(self, path: str, body: object) -> dict:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), method="POST",
            headers={"Authorization": f"Bearer {KEY}", "X-Tenant-Id": TENANT,
                     "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{path}: {error.code} {error.read().decode()}") from error


class HangingReceiver:
    """The kernel takes its connections; nobody ever reads from them."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.socket.getsockname()[1]

    def end(self) -> None:
        self.socket.close()


class Receiver:
    """Answers 200 and keeps the time of the first webhook."""

    def __init__(self, port: int):
        self.first: float | None = None
        self.arrived = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if receiver.first is None:
                    receiver.first = time.perf_counter()
                    receiver.arrived.set()
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def measure_empty(program: pathlib.Path, work: pathlib.Path, times: int) -> dict:
    starts, memory = [], []
    for i in range(times):
        server = Server(program, work / f"empty{i}")
        starts.append(server.start())
        time.sleep(IDLE_S)
        memory.append(server.rss_mib())
        server.end(signal.SIGTERM)
    return {"start_empty_s": statistics.median(starts), "start_empty_max_s": max(starts),
            "idle_rss_mib": max(memory)}


def measure_backlog(program: pathlib.Path, work: pathlib.Path, pending: int) -> dict:
    server = Server(program, work / "backlog")
    server.start()
    hanging = HangingReceiver()
    port = hanging.port
    for i in range(SUBSCRIPTIONS):
        server.post("/api/v1/webhooks/subscriptions",
                    {"name": f"s{i}", "url": f"http://127.0.0.1:{port}/hook/{i}",
                     "event_types": [f"bench.s{i}"]})
    data = {"text": "x" * 900}
    for first in range(0, pending, BATCH):
        events = [{"type": f"bench.s{n % SUBSCRIPTIONS}", "data": data}
                  for n in range(first, min(first + BATCH, pending))]
        server.post("/api/v1/events/batch", {"events": events})
    server.end(signal.SIGKILL)
    hanging.end()
    receiver = Receiver(port)
    begin = time.perf_counter()
    ready = server.start()
    if not receiver.arrived.wait(60):
        raise SystemExit("no webhook arrived within a minute")
    time.sleep(IDLE_S)
    memory = server.rss_mib()
    server.end(signal.SIGTERM)
    return {"pending": pending, "start_backlog_s": ready, "first_delivery_s": receiver.first - begin,
            "rss_backlog_mib": memory}


def main() -> None:
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=pathlib.Path, default=here.parent / "build/release/crossdock")
    parser.add_argument("--pending", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5, help="starts on an empty store")
    parser.add_argument("--results", type=pathlib.Path, default=here / "results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crossdock-start-") as work:
        figures = measure_empty(options.server, pathlib.Path(work), options.times)
        print("start: filling a backlog", file=sys.stderr)
        figures |= measure_backlog(options.server, pathlib.Path(work), options.pending)
    missed = [name for name, bar in BARS.items() if figures[name] > bar]
    for name, value in figures.items():
        met = "MISSED" if name in missed else "met"
        verdict = f"  at most {BARS[name]}: {met}" if name in BARS else ""
        print((f"{name:20} {value:10.3f}" if isinstance(value, float) else f"{name:20} {value:10}") + verdict)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "start.json").write_text(json.dumps(figures, indent=2) + "\n")
    if missed:
        raise SystemExit(3)


if __name__ == "__main__":
    main()
