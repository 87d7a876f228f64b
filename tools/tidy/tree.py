"""The files that are checked, what a rule finds in them, and the exceptions that they ask for themselves."""
import functools
import pathlib
import re
import subprocess
from dataclasses import dataclass, field
from typing import Iterable, Iterator

from cpp import Cpp, Unbalanced

CPP_SUFFIXES = {".cpp", ".hpp", ".h", ".hh", ".cc", ".cxx", ".hxx"}
CODE_SUFFIXES = CPP_SUFFIXES | {".py", ".ts", ".tsx", ".js", ".mjs", ".css", ".html", ".sh", ".sql", ".cmake",
                                ".yml", ".yaml", ".toml"}
CODE_NAMES = {"CMakeLists.txt", "Makefile", "Dockerfile"}
ALLOW = re.compile(r"tidy: allow\b[ \t]*(?P<rule>[\w-]*)[ \t]*(?P<why>[^\n]*)")
COMMENT_START = re.compile(r"(?://|#|--|/\*)[ \t]*(?=tidy: allow\b)")


@dataclass(frozen=True)
class Tree:
    """What a rule knows beside the file it looks at."""
    paths: set[str]
    floors: dict[str, int]
    subrooms: dict[str, list[str]] = field(default_factory=dict)  # of a room, lower first


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str
    whole_file: bool = False  # an exception may then stand anywhere in the file

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


@dataclass(frozen=True)
class Allowance:
    """`tidy: allow <rule> <why>` in a comment, on the line it excuses or alone on the line above."""
    line: int
    rule: str
    why: str
    alone: bool

    def covers(self, finding: Finding) -> bool:
        if finding.rule != self.rule or not self.why:
            return False
        reach = {self.line, self.line + 1} if self.alone else {self.line}
        return finding.whole_file or finding.line in reach


class Source:
    """One text file of the tree; path is relative to the root, with slashes."""

    def __init__(self, path: str, text: str):
        self.path = path
        self.text = text
        self.parts = path.split("/")
        self.name = self.parts[-1]
        self.suffix = pathlib.PurePosixPath(path).suffix

    @property
    def top(self) -> str:
        return self.parts[0] if len(self.parts) > 1 else ""

    @property
    def room(self) -> str | None:
        return self.parts[1] if self.top == "src" and len(self.parts) > 2 else None

    @property
    def subroom(self) -> str | None:
        return self.parts[2] if self.room and len(self.parts) > 3 else None

    @property
    def is_cpp(self) -> bool:
        return self.suffix in CPP_SUFFIXES and self.top in ("src", "bench", "tests", "fuzz")

    @property
    def is_code(self) -> bool:
        return self.suffix in CODE_SUFFIXES or self.name in CODE_NAMES

    @property
    def is_test(self) -> bool:
        """Tests, benches, fuzz targets and fixtures of the rooms: they may do what the program may not."""
        return re.search(r"_(?:test|bench|fuzz)\.[ch]pp$|^fixture\.hpp$", self.name) is not None

    @property
    def is_generated(self) -> bool:
        return "generated" in self.parts[:-1] or ".generated." in self.name

    def within(self, *places: str) -> bool:
        """True for one of these files, or a file under one of these folders (which end in a slash)."""
        return any(self.path.startswith(place) if place.endswith("/") else self.path == place
                   for place in places)

    @functools.cached_property
    def cpp(self) -> Cpp:
        return Cpp(self.text)

    @functools.cached_property
    def lines(self) -> list[str]:
        return self.text.removesuffix("\n").split("\n")

    @functools.cached_property
    def unbalanced_line(self) -> int | None:
        """The line at which braces stop matching; nothing when the structure of the C++ can be trusted."""
        try:
            self.cpp.functions
            return None
        except Unbalanced as error:
            return self.cpp.line(error.offset)

    @functools.cached_property
    def allowances(self) -> list[Allowance]:
        if not self.is_code or "tidy: allow" not in self.text:
            return []
        return list(self._find_allowances())

    def _find_allowances(self) -> Iterator[Allowance]:
        for number, line in enumerate(self.lines, start=1):
            start = COMMENT_START.search(line)
            if not start:
                continue
            if self.is_cpp and not self._is_comment(number, start.end()):
                continue
            allow = ALLOW.match(line, start.end())
            why = allow["why"].removesuffix("*/").strip()
            yield Allowance(number, allow["rule"], why, alone=not line[:start.start()].strip())

    def _is_comment(self, line: int, column: int) -> bool:
        at = self.cpp.offset(line) + column
        return any(comment.start <= at <= comment.end for comment in self.cpp.comments)


def find_files(root: pathlib.Path) -> list[str]:
    """What git tracks and what it would track; without git, all but the folders that .gitignore names."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=False)
    if listed.returncode == 0:
        paths = set(listed.stdout.decode().split("\0"))
        return sorted(path for path in paths if (root / path).is_file())
    ignore_file = root / ".gitignore"
    ignored = {".git"}
    if ignore_file.is_file():
        ignored |= {line.strip().strip("/") for line in ignore_file.read_text().splitlines()}
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*")
                  if path.is_file() and not ignored.intersection(path.relative_to(root).parts))


def read_sources(root: pathlib.Path, paths: Iterable[str]) -> list[Source]:
    """The text files among them; what is not UTF-8, and what holds a zero byte, is data."""
    sources = []
    for path in paths:
        try:
            text = (root / path).read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            sources.append(Source(path, text))
    return sources


def parse_floors(text: str) -> dict[str, int]:
    """The floor of each room, from cmake/module.cmake: the one place where they are written."""
    floors: dict[str, int] = {}
    loop: tuple[str, list[str]] | None = None
    for match in re.finditer(r"\bforeach\((?P<variable>\w+) (?P<rooms>[^)]*)\)|\b(?P<end>endforeach)\(\)"
                             r"|\bset\(CROSSDOCK_FLOOR_(?P<name>\w+|\$\{\w+\}) (?P<floor>\d+)\)", text):
        if match["variable"]:
            loop = (match["variable"], match["rooms"].split())
        elif match["end"]:
            loop = None
        elif loop and match["name"] == f"${{{loop[0]}}}":
            floors.update((room, int(match["floor"])) for room in loop[1])
        else:
            floors[match["name"]] = int(match["floor"])
    return floors


def parse_subrooms(text: str) -> dict[str, list[str]]:
    """The sub-rooms of each room that has some, lower first, from the same file."""
    return {match["room"]: match["names"].split()
            for match in re.finditer(r"\bset\(CROSSDOCK_SUBROOMS_(?P<room>\w+) (?P<names>[^)]*)\)", text)}
