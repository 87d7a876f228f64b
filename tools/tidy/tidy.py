#!/usr/bin/env python3
"""Checks that the tree keeps to its design: floors, walls, limits and words that are not used here.

Prints one line for each finding, `path:line: [rule] what, and what to do`, and fails when there is any. An
exception is a comment at the place itself, with its reason: `tidy: allow <rule> <why>`; one that excuses
nothing is a finding too.
"""
import argparse
import pathlib
import sys
from typing import Iterable, Iterator

from rules import RULES
from tree import Finding, Source, Tree, find_files, parse_floors, parse_subrooms, read_sources

FLOORS_FILE = "cmake/module.cmake"


def check(sources: Iterable[Source], tree: Tree) -> tuple[list[Finding], int]:
    """What is found in the sources, and how many exceptions were used."""
    findings: list[Finding] = []
    exceptions = 0
    for source in sources:
        used = set()
        for finding in find(source, tree):
            allowance = next((each for each in source.allowances if each.covers(finding)), None)
            if allowance:
                used.add(allowance)
            else:
                findings.append(finding)
        exceptions += len(used)
        findings.extend(complain(source, used))
    return sorted(findings, key=lambda finding: (finding.path, finding.line, finding.rule)), exceptions


def find(source: Source, tree: Tree) -> Iterator[Finding]:
    for rule in RULES.values():
        yield from rule(source, tree)


def complain(source: Source, used: set) -> Iterator[Finding]:
    """Exceptions that are none: of no rule, without a reason, or for nothing."""
    for allowance in source.allowances:
        if allowance.rule not in RULES:
            message = f"'{allowance.rule}' is no rule: use one of {', '.join(sorted(RULES))}"
        elif not allowance.why:
            message = f"no reason given: write 'tidy: allow {allowance.rule}' and why"
        elif allowance not in used:
            message = f"excuses nothing from {allowance.rule}: remove it, or put it on the line it is for"
        else:
            continue
        yield Finding(source.path, allowance.line, "allow", message)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).parents[2],
                        help="the project's root (default: the one this program lies in)")
    root = parser.parse_args().root

    floors_file = root / FLOORS_FILE
    rooms = floors_file.read_text() if floors_file.is_file() else ""
    floors = parse_floors(rooms)
    if not floors:
        print(f"tidy: no floors found in {FLOORS_FILE} under {root}", file=sys.stderr)
        return 2
    paths = find_files(root)
    sources = read_sources(root, paths)
    findings, exceptions = check(sources, Tree(set(paths), floors, parse_subrooms(rooms)))
    for finding in findings:
        print(finding)
    print(f"tidy: {len(sources)} files, {len(findings)} findings, {exceptions} exceptions")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
