"""Reads Python, and the rules that are Python's own. What holds for C++ as well stands in rules.py."""
import ast
import functools
from typing import Iterator

from tree import Finding, Source, Tree

PLACES = ("tools/", "tests/", "bench/", "scripts/")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def is_python(source: Source) -> bool:
    return source.suffix == ".py" and source.within(*PLACES)


@functools.cache
def parse(text: str) -> list[ast.AST] | SyntaxError:
    """All nodes of a file, outer ones first."""
    try:
        return list(ast.walk(ast.parse(text)))
    except SyntaxError as error:
        return error


def nodes(source: Source, *kinds: type) -> Iterator[ast.AST]:
    """Those of these kinds; none where the file cannot be read, which the structure rule says."""
    if is_python(source) and not isinstance(found := parse(source.text), SyntaxError):
        yield from (node for node in found if isinstance(node, kinds))


def functions(source: Source) -> Iterator[tuple[str, int, int]]:
    """The name of each function, with its first and its last line."""
    for function in nodes(source, *FUNCTIONS):
        yield function.name, function.lineno, function.end_lineno


def error_line(source: Source) -> int | None:
    """The line at which the file stops being Python."""
    if is_python(source) and isinstance(error := parse(source.text), SyntaxError):
        return error.lineno or 1
    return None


def bare_except(source: Source, tree: Tree) -> Iterator[Finding]:
    for handler in nodes(source, ast.ExceptHandler):
        if handler.type is None:
            yield Finding(source.path, handler.lineno, "bare-except",
                          "catches Ctrl-C and exit() too: name the exceptions that are meant")


def unused_import(source: Source, tree: Tree) -> Iterator[Finding]:
    used = {node.id for node in nodes(source, ast.Name) if isinstance(node.ctx, ast.Load)} | exported(source)
    for node in nodes(source, ast.Import, ast.ImportFrom):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue
        for name in node.names:
            bound = name.asname or name.name.split(".")[0]
            if bound not in used and bound != "*":
                yield Finding(source.path, name.lineno, "unused-import", f"{bound} is not used: remove it")


def exported(source: Source) -> set[str]:
    """The names in __all__."""
    return {name.value for node in nodes(source, ast.Assign)
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
            for name in ast.walk(node.value) if isinstance(name, ast.Constant)}


def blind_wait(source: Source, tree: Tree) -> Iterator[Finding]:
    """A test sleeps only in a while loop, between two looks at what must become true."""
    if not source.within("tests/"):
        return
    in_loops = {id(node) for loop in nodes(source, ast.While) for node in own_nodes(loop)}
    for call in nodes(source, ast.Call):
        if is_sleep(call.func) and id(call) not in in_loops:
            yield Finding(source.path, call.lineno, "blind-wait",
                          "a time is too short on one machine and too long on another: "
                          "wait with eventually() for what must become true")


def is_sleep(called: ast.expr) -> bool:
    if isinstance(called, ast.Attribute):
        return called.attr == "sleep" and isinstance(called.value, ast.Name) and called.value.id == "time"
    return isinstance(called, ast.Name) and called.id == "sleep"


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What stands in a node, but not in the functions that are defined in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*FUNCTIONS, ast.Lambda)):
            yield child
            yield from own_nodes(child)
