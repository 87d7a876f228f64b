"""Tells people and programs how a run went."""
import dataclasses
import json

from reconcile import Verdict


def print_report(options, file_system: str, run, verdict: Verdict) -> bool:
    """The table of all counts; True when the run passes."""
    course = run.course
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(course.kills.items()))
    print(f"crash test: {options.engine}{' on ' + file_system if file_system else ''}"
          f"{', ordered' if options.ordered else ''}{', inbound' if options.inbound else ''}"
          f"{', mutant ' + options.mutant if options.mutant else ''}, seed {options.seed}")
    line("kills", sum(course.kills.values()), f"{kinds}; {course.missed} placed ones came too late")
    line("restarts", run.server.starts - 1, f"the slowest was ready after {course.slowest_restart_s:.2f} s")
    line("rate", round(run.rate),
         f"events acknowledged per second in which the server was there, of {options.rate:g}")
    for each in dataclasses.fields(verdict):
        if each.name != "examples":
            count = getattr(verdict, each.name)
            line(each.name, count, each.metadata["meaning"], bad=each.metadata["zero"] and count > 0)
            for example in verdict.examples.get(each.name, ()):
                if each.metadata["zero"]:
                    print(f"  {'':18} {'':>9}    {example}")
    line("deaths", len(course.deaths), "ends of the server that nobody asked for", bad=bool(course.deaths))
    line("damages", len(course.damages), "databases that integrity_check found wanting",
         bad=bool(course.damages))
    for what in course.deaths[:5] + course.damages[:5]:
        print(f"  {'':18} {'':>9}    {what}")
    faults = faults_of(options, run, verdict)
    print(f"FAILED: {', '.join(faults)}" if faults else "PASSED", flush=True)
    return not faults


def line(name: str, count: int, meaning: str, bad: bool = False) -> None:
    print(f"  {name:18} {count:9} {'!!' if bad else '  '} {meaning}")


def faults_of(options, run, verdict: Verdict) -> list[str]:
    faults = verdict.faults()
    faults += [name for name in ("deaths", "damages") if getattr(run.course, name)]
    if run.rate < options.rate_min:
        faults.append(f"rate below {options.rate_min:g}/s")
    if verdict.acknowledged == 0 or verdict.received == 0:
        faults.append("nothing happened")
    return faults


def write_report(path, options, file_system: str, run, verdict: Verdict) -> None:
    line = {"engine": options.engine, "file_system": file_system, "mutant": options.mutant,
            "seed": options.seed, "kills": run.course.kills, "restarts": run.server.starts - 1,
            "rate": run.rate, "faults": faults_of(options, run, verdict), "deaths": run.course.deaths,
            "damages": run.course.damages, **dataclasses.asdict(verdict)}
    with open(path, "a", encoding="utf-8") as lines:
        lines.write(json.dumps(line) + "\n")
