#!/usr/bin/env python3
"""Tests the crash test: a server with a known fault must be found out, or the harness is worth nothing.

Runs crash.py against a server built with the preset mutants, with each fault that it can switch on.
Status 0: each was caught by what it lost, or could not be tried here, which is said loudly.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77

# What each fault needs to show: a kill between the answer and the commit; a disk that forgets.
HUNTS = (("ack_before_commit", ["--kills", "12"]), ("ack_before_commit", ["--inbound", "--kills", "12"]),
         ("synchronous_normal", ["--power-cut", "3"]))


def hunt(server: pathlib.Path, mutant: str, arguments: list[str]) -> str:
    """"caught", "skipped", or what is wrong with the harness."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="crossdock-mutants-"))
    report = work / "report.jsonl"
    done = subprocess.run([sys.executable, HERE / "crash.py", "--server", server, "--mutant", mutant,
                           "--work", work, "--report", report, *arguments])
    if done.returncode == SKIPPED:
        result = "skipped"
    else:
        runs = [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
        result = judge(done.returncode, runs)
    if result in ("caught", "skipped"):
        shutil.rmtree(work)  # with the ledgers of a failure that was wanted
    return result


def judge(status: int, runs: list[dict]) -> str:
    if status not in (0, 1) or not runs:
        return f"the crash test itself failed with status {status}"
    for run in runs:
        if "lost_events" not in run["faults"]:
            return f"not caught by the run of seed {run['seed']} {run['file_system']}"
    return "caught" if status == 1 else "caught, but the crash test passed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=pathlib.Path, default=HERE.parents[1] / "build/mutants/crossdock",
                        help="the program of the preset mutants")
    server = parser.parse_args().server
    if not server.exists():
        print(f"{server} is not there; build it: cmake --preset mutants && ninja -C build/mutants crossdock",
              file=sys.stderr)
        return 2
    results = [hunt(server, mutant, arguments) for mutant, arguments in HUNTS]
    for (mutant, arguments), result in zip(HUNTS, results):
        print(f"mutant {mutant} {' '.join(arguments)}: {result.upper() if result == 'skipped' else result}",
              flush=True)
    return 0 if all(result in ("caught", "skipped") for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
