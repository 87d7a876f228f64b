"""Calls and statements that the design has a better place, or a better word, for."""
import re
from dataclasses import dataclass
from typing import Callable, Iterator

from tree import Finding, Source, Tree

# A function of the C library, called as such: with std::, with ::, or bare. A member, or a function of
# another namespace, is another function.
C_CALL = r"(?<![\w.>:])(?:std::|::)?(?:{names})\s*\("


@dataclass(frozen=True)
class Ban:
    """Code that may stand only in certain places of src/. Tests, benches and fuzz targets are free."""
    rule: str
    pattern: re.Pattern
    advice: str
    places: tuple[str, ...] = ()

    def __call__(self, source: Source, tree: Tree) -> Iterator[Finding]:
        if not is_program(source) or source.within(*self.places):
            return
        for match in self.pattern.finditer(source.cpp.code):
            words = " ".join(match.group().split()).rstrip("( ")
            yield Finding(source.path, source.cpp.line(match.start()), self.rule, f"{words}: {self.advice}")


def c_calls(*names: str) -> str:
    return C_CALL.format(names="|".join(names))


BANS = (
    Ban("output", re.compile(r"\bstd::w?(?:cout|cerr|clog)\b|\bstd::print(?:ln)?\b|"
                             + c_calls("v?printf", "puts", "putchar") + r"|\bv?fprintf\s*\(\s*stdout\b"),
        "only commands print; log with base::log", ("src/cli/", "src/app/main.cpp", "src/testing/")),
    Ban("regex", re.compile(r"\bstd::(?:w?regex\b|basic_regex\b|regex_\w+|[cs]match\b)"
                            r"|#\s*include\s*<regex>"),
        "backtracks without bound; use RE2"),
    Ban("detach", re.compile(r"(?:\.|->)detach\s*\(|\basio::detached(?:_t)?\b"),
        "nothing is detached; spawn on a Gate, join a thread"),
    Ban("stop", re.compile(r"\bio_context::stop\b"
                           r"|\b(?:\w*context_?|io_?|ioc_?)(?:\(\))?\s*(?:\.|->)\s*stop\s*\("),
        "drops the work in flight; stop accepting, close the gates, let run() return"),
    Ban("sleep", re.compile(r"\bthis_thread::sleep_(?:for|until)\b|" + c_calls("u?sleep", "nanosleep")),
        "blocks a thread; await base::sleep_for"),
    Ban("rand", re.compile(c_calls("s?rand", "[dlm]rand48")),
        "neither good nor seeded; use the id's or crypto's random bytes"),
    Ban("unsafe-c", re.compile(c_calls("strcpy", "stpcpy", "strcat", "v?sprintf", "gets", "ato[fil]", "atoll",
                                       "strtok")),
        "cannot tell an error or a bound; use std::string, snprintf, from_chars"),
    Ban("lock", re.compile(r"\bstd::(?:\w*mutex|(?:unique|scoped|shared)_lock|lock_guard)\b"
                           r"|\bstd::condition_variable\w*"),
        "a shard is one thread; post values to it instead", ("src/base/", "src/db/", "src/testing/")),
    Ban("clock", re.compile(r"\b(?:system|steady|high_resolution|utc)_clock::now\b"
                            r"|(?<![\w.>:])(?:std::|::)time\s*\("
                            r"|(?<![\w.>:])time\s*\(\s*(?:nullptr|NULL|0|&\s*\w+)\s*\)|"
                            + c_calls("gettimeofday", "clock_gettime")),
        "time comes from base::Clock, so that tests can move it", ("src/base/clock.cpp", "src/testing/")),
    Ban("assert", re.compile(r"(?<![\w.>:])assert\s*\(|#\s*include\s*<(?:cassert|assert\.h)>"),
        "vanishes from the release; use XD_ASSERT"),
)
CALLS: dict[str, Callable[[Source, Tree], Iterator[Finding]]] = {ban.rule: ban for ban in BANS}

# The beginning of a statement, after any comments. Words that are also English or HTTP count only with what
# follows them in SQL.
SQL = re.compile(
    r"(?:\s|/\*.*?\*/|--[^\n]*\n)*"
    r"(?:(?:SELECT|PRAGMA|TRUNCATE|SAVEPOINT|VACUUM|ANALYZE|EXPLAIN|COPY|NOTIFY|LISTEN)(?:\s|$)"
    r"|WITH\s+(?:RECURSIVE\s+)?\w+\s*(?:\([^)]*\)\s*)?AS\b"
    r"|(?i:INSERT\s+(?:INTO|OR)|REPLACE\s+INTO|MERGE\s+INTO|DELETE\s+FROM|UPDATE\s+[\w\".]+\s+SET)\b"
    r"|(?i:(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?(?:TEMP\w*\s+|UNIQUE\s+|UNLOGGED\s+)?"
    r"(?:TABLE|INDEX|VIEW|TRIGGER|SCHEMA|SEQUENCE|TYPE|FUNCTION|DATABASE|ROLE))\b"
    r"|UPDATE\s+\w+\s*$|BEGIN\s+(?:IMMEDIATE|EXCLUSIVE|DEFERRED|TRANSACTION)|LOCK\s+TABLE)",
    re.DOTALL)

COROUTINE = re.compile(r"\b(?:co_await|co_return|co_yield|XD_CO_\w+)\b")


def is_program(source: Source) -> bool:
    return source.is_cpp and source.top == "src" and not source.is_test


def sql(source: Source, tree: Tree) -> Iterator[Finding]:
    is_store = re.search(r"(?:^|_)store\.cpp$", source.name) or source.within("src/db/", "src/testing/")
    if not is_program(source) or is_store:
        return
    for literal in source.cpp.literals:
        if SQL.match(literal.text):
            yield Finding(source.path, source.cpp.line(literal.start), "sql",
                          "a statement outside a store: move it into the noun's *_store.cpp, or its folder's "
                          "store.cpp")


def using_std(source: Source, tree: Tree) -> Iterator[Finding]:
    if not source.is_cpp:
        return
    for match in re.finditer(r"\busing\s+namespace\s+std\s*;", source.cpp.code):
        if source.unbalanced_line or not source.cpp.in_function(match.start()):
            yield Finding(source.path, source.cpp.line(match.start()), "using-std",
                          "using namespace std in a whole namespace: write std::, or say it in the function")


def catch_all(source: Source, tree: Tree) -> Iterator[Finding]:
    if not is_program(source):
        return
    for match in re.finditer(r"\bcatch\s*\(\s*\.\.\.\s*\)", source.cpp.code):
        line = source.cpp.line(match.start())
        if not re.search(r"\bedge:\s*\S", source.cpp.remarks(line)):
            yield Finding(source.path, line, "catch-all",
                          "exceptions end at main, the HTTP session and the queue handler: let it pass, "
                          "or say with '// edge: …' which edge this is")


def lambda_coroutine(source: Source, tree: Tree) -> Iterator[Finding]:
    """Captures live in the lambda, not in the coroutine's frame: gone after a suspension if the lambda is."""
    if not is_program(source) or source.within("src/testing/") or source.unbalanced_line:
        return
    for found in source.cpp.lambdas:
        if not found.captures or not COROUTINE.search(source.cpp.own_body(found)):
            continue
        line = source.cpp.line(found.start)
        if not re.search(r"\bsafe:\s*\S", source.cpp.remarks(line)):
            yield Finding(source.path, line, "lambda-coroutine",
                          f"a coroutine that captures [{found.captures}], which dies with the lambda: pass "
                          "state as parameters, or say with '// safe: …' why the lambda outlives it")
