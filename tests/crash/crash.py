#!/usr/bin/env python3
"""The crash test: kills the server again and again under load, then accounts for every event.

A producer publishes events and notes what the server promised; a receiver notes every request before it
answers; the server is killed at random moments and in the middle of its system calls, or its disk loses
power. After the last restart everything is delivered, and the three accounts are held against each other.
Passes (status 0) when nothing acknowledged is lost, nothing is made up, and each duplicate is explained by
an attempt that a crash cut off. Status 1: it is not so; the ledgers are kept. 2: the harness itself failed.
77: this machine cannot do it.
"""
import argparse
import contextlib
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from dataclasses import dataclass, field

import disk as disks
import export
import inbound_ledger
import ledger
from api import RETRIES_MAX, TIMEOUT_S, Setting
from child import Child
from inbound_reconcile import reconcile_inbound
from inbound_store import read_inbound_store
from inlets import make_inlets
from reconcile import Rules, Verdict, reconcile
from report import print_report, write_report
from server import Fault, Server, can_trace, make_breaks, make_cuts, make_plan

SKIPPED = 77
BROKEN = 2
PLACED_S_MAX = 10       # in which an awaited system call comes
RESUMED_S_MAX = 40      # in which deliveries go on after a restart; a lease of 15 s is on the way
STOPPED_S_MAX = 20      # in which a server ends by itself whose disk does not work
STUCK_S_MAX = 60        # without a request although deliveries wait
LAST_LIFE_S = 2         # of load after the last restart
STATUS_STORAGE_BROKEN = 74
IN_FLIGHT_MAX = 512     # deliveries under way in one thread of the server, as documented


@dataclass
class Course:
    """What happened to the server during a run, apart from the events."""
    kills: dict[str, int] = field(default_factory=dict)
    missed: int = 0  # placed kills whose call did not come in time; the server was killed then
    deaths: list[str] = field(default_factory=list)   # ends nobody asked for
    damages: list[str] = field(default_factory=list)  # what integrity_check found
    lives: list[tuple[float, float]] = field(default_factory=list)  # from ready to the end
    slowest_restart_s: float = 0

    def count(self, kind: str) -> None:
        self.kills[kind] = self.kills.get(kind, 0) + 1


class Run:
    """One server with one store, from the first start to the reconciliation."""

    def __init__(self, options: argparse.Namespace, directory: pathlib.Path, disk: disks.Disk | None):
        self.options = options
        self.directory = directory
        self.disk = disk
        self.course = Course()
        self.data = (disk.mount_point if disk else directory) / "data"
        environment = {}
        if options.engine == "postgres":
            environment["CROSSDOCK_DATABASE_URL"] = options.database_url
        self.server = Server(options.server, self.data, directory / "server.log", environment)

    def perform(self, plan: list[Fault]) -> Verdict:
        inbound = self.options.inbound
        receiver, producer = Child("receiver.py"), Child("sender.py" if inbound else "producer.py")
        setting = self._set_up(receiver.hear()["port"])
        receiver.tell({"seed": self.options.seed, "ledger": self._path("received"),
                       "secrets": setting.secrets})
        receiver.hear()
        producer.tell({"port": self.server.port, "rate": self.options.rate, "seed": self.options.seed,
                       "run": secrets.token_hex(4), "ledger": self._path("sent"),
                       **({"secrets": self.inlet_secrets} if inbound else
                          {"keys": setting.keys, "ordered": self.options.ordered})})
        for number, fault in enumerate(plan, 1):
            self._say(f"{number}/{len(plan)} {fault}")
            self._live(fault)
            self._check_store()
            self._start()
        self._live_on()
        producer.stop()
        self._drain(setting)
        receiver.stop()
        return self._reconcile(setting)

    def _set_up(self, receiver_port: int) -> Setting:
        self._start()
        if not self._ready():
            raise RuntimeError(f"the server does not start; see {self.directory}/server.log")
        setting = Setting(self.server.api, receiver_port, "PER_KEY" if self.options.ordered else "NONE")
        if self.options.inbound:
            self.inlets, self.inlet_secrets = make_inlets(self.server.api, setting.keys)
        if self.options.mutant:
            # A mutant cannot even be set up: what it said yes to may not be there for the next request.
            self.server.drain(60)
            self.server.environment["CROSSDOCK_MUTANT"] = self.options.mutant
            self._start()
            self._ready()
        self.server.starts = 1
        return setting

    def end(self) -> None:
        """Whatever happened: no process is left behind."""
        self.server.end()

    # --- the server's lives

    def _start(self) -> None:
        self.started_at = time.monotonic()
        self.server.start()

    def _ready(self) -> bool:
        if not self.server.wait_ready():
            self._died(self.server.wait(0))
            return False
        self.ready_at = time.time()
        took_s = time.monotonic() - self.started_at
        self.course.slowest_restart_s = max(self.course.slowest_restart_s, took_s)
        return True

    def _live(self, fault: Fault) -> None:
        """Waits for the moment, then ends the server."""
        if fault.kind == "early":
            time.sleep(fault.after_s)  # tidy: allow blind-wait the moment of the fault is drawn by lot
            self.course.count(fault.kind)
            self.server.kill()
            return
        if not self._ready():
            return
        if fault.resumed:
            self._wait_for_deliveries()
        status = self.server.wait(fault.after_s)
        if status is not None:
            return self._died(status)
        self.course.count(fault.kind)
        ends = {"random": self._kill, "placed": self._kill_at, "broken": self._break, "cut": self._cut}
        ends[fault.kind](fault)
        self.course.lives.append((self.ready_at, time.time()))

    def _live_on(self) -> None:
        """The last life under load: until enough was acknowledged, at least for a moment."""
        if self._ready():
            status = self.server.wait(LAST_LIFE_S)
            count = (inbound_ledger if self.options.inbound else ledger).count_acknowledged
            while status is None and count(self._path("sent")) < self.options.events_min:
                status = self.server.wait(1)
            self.course.lives.append((self.ready_at, time.time()))
            if status is not None:
                self._died(status)

    def _kill(self, _: Fault) -> None:
        self.server.kill()

    def _kill_at(self, fault: Fault) -> None:
        self.server.inject(fault.calls, f"signal=SIGKILL:when={fault.nth}")
        status = self.server.wait(PLACED_S_MAX)
        if status is None:
            self.course.missed += 1
            self.server.kill()
        elif status != -signal.SIGKILL:
            self._died(status)

    def _break(self, fault: Fault) -> None:
        self.server.inject(fault.calls, f"error=EIO:when={fault.nth}+")
        status = self.server.wait(STOPPED_S_MAX)
        if status != STATUS_STORAGE_BROKEN:
            self.course.deaths.append(f"went on with a broken disk, or ended with {status}")
            self.server.kill()

    def _cut(self, _: Fault) -> None:
        self.disk.cut()
        # Whatever the server says from here on must not be a promise: nothing it writes will be kept.
        if self.server.wait(0.2) is None:
            self.server.kill()
        self.disk.power_on()

    def _died(self, status: int | None) -> None:
        self.course.deaths.append(f"ended by itself with status {status}")
        self.course.lives.append((getattr(self, "ready_at", time.time()), time.time()))

    def _wait_for_deliveries(self) -> None:
        before = self._received_bytes()
        deadline = time.monotonic() + RESUMED_S_MAX
        while self._received_bytes() == before:
            if time.monotonic() > deadline or not self.server.alive():
                self.course.deaths.append(f"nothing was delivered within {RESUMED_S_MAX} s of a restart")
                return
            time.sleep(0.05)

    def _check_store(self) -> None:
        if self.options.engine != "sqlite":
            return
        found = export.check_integrity(self.data / "core.db")
        if found != "ok":
            self.course.damages.append(found)

    # --- the end

    def _drain(self, setting: Setting) -> None:
        """Until nothing waits and nothing has arrived for twice the longest attempt."""
        seen, arrived_at = -1, time.monotonic()
        while self.server.alive():
            if (size := self._received_bytes()) != seen:
                seen, arrived_at = size, time.monotonic()
            quiet_s = time.monotonic() - arrived_at
            if quiet_s > 2 * TIMEOUT_S and not self.server.api.waiting(setting.keys, self.options.inbound):
                break
            if quiet_s > STUCK_S_MAX:
                break  # what is left is counted as undrained
            time.sleep(0.25)
        status = self.server.drain(60)
        if status != 0:
            self.course.deaths.append(f"SIGTERM: ended with status {status}")
            self.server.kill()

    def _reconcile(self, setting: Setting) -> Verdict:
        self._check_store()
        if self.options.engine == "sqlite":
            with export.Copy(self.data / "core.db") as copy:
                return self._judge(setting, lambda query: export.rows_of_sqlite(copy, query))
        url = self.options.database_url
        return self._judge(setting, lambda query: export.rows_of_postgres(url, query))

    def _judge(self, setting: Setting, rows_of) -> Verdict:
        """rows_of: from a query to its rows."""
        stored = export.read_export(rows_of)
        crashes = self.server.starts - 1
        rules = Rules(setting.tenants, setting.subscriptions, RETRIES_MAX, crashes,
                      IN_FLIGHT_MAX * (os.cpu_count() or 1), self.options.ordered)
        received = ledger.read_received(self._path("received"))
        if self.options.inbound:
            requests = inbound_ledger.read_requests(self._path("sent"))
            moments = inbound_ledger.acknowledged_us(requests)
            self.rate = acknowledged_rate(moments, self.course.lives)
            store = read_inbound_store(rows_of, self.options.engine)
            return reconcile_inbound(requests, store, received, stored, rules, self.inlets)
        sent = ledger.read_sent(self._path("sent"))
        moments = [event.acknowledged_us for event in sent.values() if event.acknowledged_us]
        self.rate = acknowledged_rate(moments, self.course.lives)
        history = ledger.read_history(self._path("received")) if self.options.ordered else None
        return reconcile(sent, received, stored, rules, history)

    def _path(self, name: str) -> str:
        return str(self.directory / f"{name}.tsv")

    def _received_bytes(self) -> int:
        return os.stat(self._path("received")).st_size

    def _say(self, text: str) -> None:
        if self.options.verbose:
            print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def acknowledged_rate(moments_us: list[int], lives: list[tuple[float, float]]) -> float:
    """Events acknowledged per second in which the server was there."""
    there = sum(end - begin for begin, end in lives)
    spans = [(begin * 1e6, end * 1e6) for begin, end in lives]
    count = sum(1 for moment in moments_us if any(begin <= moment <= end for begin, end in spans))
    return count / there if there else 0.0


# --- the command


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=pathlib.Path, required=True, help="the program crossdock")
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--postgres-tool", type=pathlib.Path,
                        help="crossdock_test_postgres (default: where it is built with the program)")
    parser.add_argument("--kills", type=int, default=0,
                        help="how often it is killed, half of it in a system call")
    parser.add_argument("--broken-disks", type=int, default=0,
                        help="how often fsync begins to fail (SQLite)")
    parser.add_argument("--power-cut", type=int, default=0,
                        help="how often each file system loses power, instead of kills (SQLite)")
    parser.add_argument("--file-systems", default=",".join(disks.FILE_SYSTEMS))
    parser.add_argument("--seconds-between", default="0.05,3", metavar="MIN,MAX",
                        help="length of the server's lives")
    parser.add_argument("--rate", type=float, default=1300, help="events per second that are offered")
    parser.add_argument("--ordered", action="store_true",
                        help="subscriptions with ordering PER_KEY: nothing may overtake within its key")
    parser.add_argument("--inbound", action="store_true",
                        help="webhooks come in, each sent three times at once, and become the events")
    parser.add_argument("--events-min", type=int, default=0,
                        help="events that must be acknowledged before the load ends")
    parser.add_argument("--rate-min", type=float, default=0,
                        help="events per second that must be acknowledged while the server is there")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--mutant", default="",
                        help="a fault that the server has compiled in (preset mutants)")
    parser.add_argument("--report", type=pathlib.Path,
                        help="file that gets the verdict of each run, a line of JSON each")
    parser.add_argument("--work", type=pathlib.Path,
                        help="where the run's directory is made (default: where temporary ones are)")
    parser.add_argument("--verbose", action="store_true", help="say what is done to the server")
    options = parser.parse_args()
    options.server = options.server.resolve()
    options.seconds_between = tuple(float(number) for number in options.seconds_between.split(","))
    if not os.access(options.server, os.X_OK):
        parser.error(f"{options.server} is not a program; build it first")
    if options.inbound and options.ordered:
        parser.error("--inbound knows no --ordered")
    if options.power_cut and (options.engine != "sqlite" or options.kills):
        parser.error("--power-cut is for SQLite, and without --kills")
    if not options.power_cut and not options.kills:
        parser.error("nothing to do: give --kills or --power-cut")
    return options


@contextlib.contextmanager
def postgres(server: pathlib.Path, tool: pathlib.Path | None):
    """The URL of a PostgreSQL of our own, started by the tool that is built with the tests."""
    tool = tool or server.parent / "src/testing/crossdock_test_postgres"
    # One place for each build: what a killed run has left there is replaced by the next.
    name = f"crossdock-crash-{zlib.crc32(str(server).encode()):08x}"
    directory = pathlib.Path(tempfile.gettempdir()) / name
    done = subprocess.run([tool, "start", directory], check=True, capture_output=True, text=True)
    try:
        yield done.stdout.strip()
    finally:
        subprocess.run([tool, "stop", directory], check=True)


def make_faults(options: argparse.Namespace) -> list[Fault]:
    if options.power_cut:
        return make_cuts(options.seed, options.power_cut, options.seconds_between)
    traceable = can_trace()
    if not traceable:
        print("SKIPPED: strace may not attach to a process here: all kills are random, no disk breaks",
              flush=True)
    engine = options.engine if traceable else ""
    faults = make_plan(options.seed, options.kills, engine, options.seconds_between)
    breaks = options.broken_disks if engine == "sqlite" else 0
    return faults + make_breaks(options.seed, breaks, options.seconds_between)


def perform(options: argparse.Namespace, file_system: str) -> bool:
    """One run; True when it passes."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="crossdock-crash-", dir=options.work))
    with contextlib.ExitStack() as ending:
        disk = None
        if file_system:
            disk = disks.Disk(file_system, directory)
            disk.mount()
            ending.callback(disk.destroy)
        if options.engine == "postgres":
            options.database_url = ending.enter_context(postgres(options.server, options.postgres_tool))
        run = Run(options, directory, disk)
        ending.callback(run.end)
        try:
            verdict = run.perform(make_faults(options))
        except BaseException:
            print(f"broken off; what there is lies in {directory}", flush=True)
            raise
    passed = print_report(options, file_system, run, verdict)
    if options.report:
        write_report(options.report, options, file_system, run, verdict)
    if passed:
        shutil.rmtree(directory)
    else:
        print(f"the ledgers sent.tsv and received.tsv and server.log are kept in {directory}")
    return passed


def main() -> int:
    options = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    file_systems = [""]
    if options.power_cut:
        file_systems = options.file_systems.split(",")
        try:
            disks.enter_namespace()
            for file_system in file_systems:
                with tempfile.TemporaryDirectory(prefix="crossdock-crash-", dir=options.work) as directory:
                    disks.check(file_system, pathlib.Path(directory))
        except disks.CannotCut as reason:
            print(f"SKIPPED: power cut: {reason}", flush=True)
            return SKIPPED
    passed = [perform(options, file_system) for file_system in file_systems]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception:
        traceback.print_exc()
        sys.exit(BROKEN)  # not 1: a harness that fails has not judged
