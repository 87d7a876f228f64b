"""Which rules there are. Each takes a source and the tree, and yields what it finds."""
import re
from typing import Callable, Iterator

import bans
import python
import walls
from tree import Finding, Source, Tree

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 110

SIZED_SUFFIXES = {".cpp", ".hpp", ".py", ".ts", ".tsx", ".sh", ".sql"}
SIZED_PLACES = ("src/", "bench/", "tests/", "fuzz/", "web/src/", "tools/", "scripts/")
LOCK_FILES = {"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"}

# The brackets keep the words out of this file, which is checked too.
UNFINISHED = re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")
# A folder of one machine at the start of a path; within a longer path, a URL or a JSON pointer the words mean
# something else.
MACHINE_PATH = re.compile(r"(?:(?<![\w.~$}/#+-])|(?<=file://))"
                          r"/(?:(?:[w]ork|[r]oot|[h]ome/[a-z_][\w.-]*)/|[f]arm\b)")
REGISTRY = re.compile(r'"resolved"\s*:\s*"http|^\s+resolved "http|\btarball:\s*http', re.MULTILINE)


def file_size(source: Source, tree: Tree) -> Iterator[Finding]:
    if source.suffix not in SIZED_SUFFIXES or not source.within(*SIZED_PLACES) or source.is_generated:
        return
    count = len(source.lines)
    if count > FILE_LINES_MAX:
        yield Finding(source.path, FILE_LINES_MAX + 1, "file-size",
                      f"{count} lines, at most {FILE_LINES_MAX}: give its second noun a file of its own",
                      whole_file=True)


def line_length(source: Source, tree: Tree) -> Iterator[Finding]:
    if not (source.is_cpp or python.is_python(source)) or source.is_generated:
        return
    advice = "run scripts/format.sh, or shorten it" if source.is_cpp else "break it"
    for number, line in enumerate(source.lines, start=1):
        if len(line) > COLUMNS_MAX:
            yield Finding(source.path, number, "line-length",
                          f"{len(line)} columns, at most {COLUMNS_MAX}: {advice}")


def function_size(source: Source, tree: Tree) -> Iterator[Finding]:
    for name, first, last in cpp_functions(source) if source.is_cpp else python.functions(source):
        count = last - first + 1
        if count > FUNCTION_LINES_MAX:
            yield Finding(source.path, first, "function-size",
                          f"{name} has {count} lines, at most {FUNCTION_LINES_MAX}: "
                          "make a step of it a function")


def cpp_functions(source: Source) -> Iterator[tuple[str, int, int]]:
    """The name of each function, and the lines of its braces."""
    if not source.unbalanced_line:
        for function in source.cpp.functions:
            yield function.name, source.cpp.line(function.start), source.cpp.line(function.end)


def structure(source: Source, tree: Tree) -> Iterator[Finding]:
    if line := python.error_line(source):
        yield Finding(source.path, line, "structure", "this is no Python: correct it")
    if source.is_cpp and source.unbalanced_line:
        yield Finding(source.path, source.unbalanced_line, "structure",
                      "this brace or parenthesis has no partner, so functions cannot be checked: "
                      "balance it within each branch of #if")


def suffix(source: Source, tree: Tree) -> Iterator[Finding]:
    if source.is_cpp and source.suffix not in (".cpp", ".hpp"):
        yield Finding(source.path, 1, "suffix",
                      f"C++ files end in .cpp or .hpp, not {source.suffix}: rename it", whole_file=True)


def header(source: Source, tree: Tree) -> Iterator[Finding]:
    if not source.is_cpp or source.suffix != ".hpp":
        return
    comment = []
    for line in source.lines:
        if not line.startswith("// "):
            break
        comment.append(line[3:].strip())
    if not comment or comment[-1][-1:] not in (".", "!", "?"):
        yield Finding(source.path, 1, "header", "open the header with one // sentence, ended by a full stop, "
                      "that says what this is in the domain", whole_file=True)
    elif source.lines[len(comment):len(comment) + 1] != ["#pragma once"]:
        yield Finding(source.path, len(comment) + 1, "header",
                      "put #pragma once right below the opening sentence", whole_file=True)


def todo(source: Source, tree: Tree) -> Iterator[Finding]:
    if source.is_code and UNFINISHED.search(source.text):
        for number, line in enumerate(source.lines, start=1):
            if found := UNFINISHED.search(line):
                yield Finding(source.path, number, "todo",
                              f"{found.group()}: finish it now, or write it down where work is planned")


def machine_path(source: Source, tree: Tree) -> Iterator[Finding]:
    if MACHINE_PATH.search(source.text):
        for number, line in enumerate(source.lines, start=1):
            if found := MACHINE_PATH.search(line):
                yield Finding(source.path, number, "machine-path",
                              f"{found.group()} is of one machine only: write a path relative to the project")


def registry(source: Source, tree: Tree) -> Iterator[Finding]:
    if source.name in LOCK_FILES:
        if found := REGISTRY.search(source.text):
            yield Finding(source.path, source.text.count("\n", 0, found.end()) + 1, "registry",
                          "the lock file names a registry: install with omit-lockfile-registry-resolved=true")


RULES: dict[str, Callable[[Source, Tree], Iterator[Finding]]] = {
    "file-size": file_size,
    "line-length": line_length,
    "function-size": function_size,
    "structure": structure,
    "suffix": suffix,
    "header": header,
    "todo": todo,
    "machine-path": machine_path,
    "registry": registry,
    "include": walls.include,
    "floor": walls.floor,
    "wall": walls.wall,
    "sql": bans.sql,
    "using-std": bans.using_std,
    "catch-all": bans.catch_all,
    "lambda-coroutine": bans.lambda_coroutine,
    **bans.CALLS,
    "bare-except": python.bare_except,
    "unused-import": python.unused_import,
    "blind-wait": python.blind_wait,
}
