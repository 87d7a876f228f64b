#!/usr/bin/env python3
"""Checks that every header of src/ compiles alone: that it includes what it uses.

Each header is compiled as a file of its own, without the program's precompiled header, which would hide what
is missing. What passed is remembered in the build folder by the content of the header and of all of ours that
it includes, so that only what changed is compiled again.

Most headers reach base/task.hpp, and with it Asio: three quarters of their time. For these it is precompiled,
once per run; a header that includes it anyway gains nothing from it that it would not have alone.
"""
import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

from cpp import Cpp

SHARED = "base/task.hpp"
ERROR = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):\d+: (?:fatal )?error: (?P<what>.*)$", re.MULTILINE)


class Headers:
    """The headers of one folder, and how they are compiled."""

    def __init__(self, source_dir: pathlib.Path, compiler: list[str]):
        self.source_dir = source_dir
        self.compiler = compiler
        self.names = sorted(path.relative_to(source_dir).as_posix() for path in source_dir.rglob("*.hpp"))

    @functools.cache
    def content(self, name: str) -> str:
        return (self.source_dir / name).read_text()

    @functools.cache
    def closure(self, name: str) -> frozenset[str]:
        """The header and all of ours that it includes, directly or not."""
        found, waiting = set(), [name]
        while waiting:
            current = waiting.pop()
            if current not in found:
                found.add(current)
                waiting.extend(include.path for include in Cpp(self.content(current)).includes
                               if include.quoted and (self.source_dir / include.path).is_file())
        return frozenset(found)

    @functools.cached_property
    def _version(self) -> str:
        command = [self.compiler[0], "--version"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def digest(self, name: str) -> str:
        parts = [self._version, *self.compiler]
        for each in sorted(self.closure(name)):
            parts += [each, self.content(each)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def precompile(self, name: str, output: pathlib.Path) -> bool:
        """False where the header does not compile, which its own check will report."""
        return self._run(name, ["-x", "c++-header", "-o", str(output)]).returncode == 0

    def errors(self, name: str, precompiled: pathlib.Path | None) -> str:
        """What the compiler says about the header alone; empty when it has nothing to say."""
        shared = ["-include-pch", str(precompiled)] if precompiled else []
        done = self._run(name, [*shared, "-x", "c++", "-fsyntax-only"])
        return done.stderr or f"{self.compiler[0]} ended with {done.returncode}" if done.returncode else ""

    def _run(self, name: str, how: list[str]) -> subprocess.CompletedProcess:
        return subprocess.run([*self.compiler, *how, "-"], input=f'#include "{name}"\n', text=True,
                              capture_output=True, check=False)


def compiler_of(build_dir: pathlib.Path, source_dir: pathlib.Path) -> list[str]:
    """The compiler, and every flag that says what the code of the folder means: no output, no optimising."""
    flags: dict[str, None] = {}  # as a set that keeps its order
    executable = ""
    for entry in json.loads((build_dir / "compile_commands.json").read_text()):
        if not pathlib.Path(entry["file"]).is_relative_to(source_dir):
            continue
        words = [word for word in shlex.split(entry["command"])
                 if pathlib.PurePath(word).name != "ccache" and word != "-Winvalid-pch"]
        start = next(index for index, word in enumerate(words) if "clang" in pathlib.PurePath(word).name)
        executable = words[start]
        at = start + 1
        while at < len(words):
            if words[at] == "-Xclang":
                at += 1  # the precompiled header comes this way
            elif words[at] == "-isystem":
                flags[shlex.join(words[at:at + 2])] = None
                at += 1
            elif words[at].startswith(("-D", "-I", "-std=", "-W")):
                flags[shlex.quote(words[at])] = None
            at += 1
    if not executable:
        raise SystemExit(f"headers: {build_dir} has no command for {source_dir}: configure it again")
    return [executable, *(word for flag in flags for word in shlex.split(flag))]


def check(headers: Headers, passed: dict[str, str], jobs: int) -> tuple[dict[str, str], int]:
    """The compiler's errors by header, and how many headers were compiled; passed is brought up to date."""
    digests = {name: headers.digest(name) for name in headers.names}
    pending = [name for name in headers.names if passed.get(name) != digests[name]]
    sharing = {name for name in pending if SHARED in headers.closure(name)}
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        precompiled = pathlib.Path(folder) / "shared.pch"
        if len(sharing) < 2 or not headers.precompile(SHARED, precompiled):
            sharing = set()
        shared = (precompiled if name in sharing else None for name in pending)
        outcomes = pool.map(headers.errors, pending, shared)
        errors = {name: error for name, error in zip(pending, outcomes) if error}
    passed.clear()
    passed.update((name, digest) for name, digest in digests.items() if name not in errors)
    return errors, len(pending)


def finding(headers: Headers, name: str, error: str) -> str:
    """The compiler's first complaint, at its place: often another header, which this one includes."""
    path, line, what = f"{headers.source_dir.name}/{name}", "1", error.strip()
    if first := ERROR.search(error):
        what = first["what"]
        place = pathlib.Path(first["path"])
        if place.is_relative_to(headers.source_dir):
            path, line = f"{headers.source_dir.name}/{place.relative_to(headers.source_dir)}", first["line"]
    return f"{path}:{line}: [headers] {what}: include what it uses, so that it compiles alone"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a configured build folder")
    parser.add_argument("--source", type=pathlib.Path, default=pathlib.Path(__file__).parents[2] / "src")
    parser.add_argument("--all", action="store_true", help="compile also what passed before")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()

    source_dir = args.source.resolve()
    memory = args.build / "headers_passed.json"
    passed = json.loads(memory.read_text()) if memory.is_file() and not args.all else {}
    headers = Headers(source_dir, compiler_of(args.build, source_dir))
    errors, compiled = check(headers, passed, args.jobs)
    memory.write_text(json.dumps(passed, indent=1))
    findings = sorted({finding(headers, name, error) for name, error in errors.items()})
    for each in findings:
        print(each)
    print(f"headers: {len(headers.names)} headers, {compiled} compiled, {len(errors)} do not compile alone, "
          f"{len(findings)} findings")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
