"""The design's floors and walls: what may be included from where."""
import re
from dataclasses import dataclass
from typing import Iterator

from cpp import Include
from tree import Finding, Source, Tree

TESTING = "testing"
TEST_FILE = re.compile(r"_(?:test|bench)\.[ch]pp$|(?:^|/)fixture\.hpp$")
FIXTURE = re.compile(r"(?:^|/)fixture\.hpp$")  # for fuzz targets as well
TESTING_FLOOR = 3  # the tests' equipment stands on the stores, the HTTP parts and the queue, below the domain


@dataclass(frozen=True)
class Wall:
    library: str
    header: re.Pattern
    place: str  # a file, or a folder with its slash


WALLS = (
    Wall("Beast", re.compile(r"boost/beast\b"), "src/http/"),
    Wall("curl", re.compile(r"curl/"), "src/http/"),
    Wall("SQLite", re.compile(r"(?:.*/)?sqlite3(?:ext)?\.h$"), "src/db/"),
    Wall("libpq", re.compile(r"(?:.*/)?(?:libpq-fe|libpq-events|postgres_ext)\.h$"), "src/db/"),
    Wall("spdlog or fmt", re.compile(r"(?:spdlog|fmt)/"), "src/base/log.cpp"),
    Wall("prometheus", re.compile(r"prometheus/"), "src/base/metrics.cpp"),
    Wall("a JSON or XML library",
         re.compile(r"rapidjson/|simdjson|nlohmann/|boost/(?:json|property_tree)\b|(?:.*/)?pugixml\.hpp$"),
         "src/format/"),
    Wall("RE2", re.compile(r"re2/"), "src/format/"),
    Wall("a compression library", re.compile(r"(?:zlib|zstd)\.h$|brotli/"), "src/format/"),
)


def is_room(name: str, tree: Tree) -> bool:
    return name in tree.floors or name == TESTING


def names_room(include: Include, tree: Tree) -> bool:
    """True where the include reaches into src/: in quotes, or in <> around a path that exists there."""
    room, slash, _ = include.path.partition("/")
    return bool(slash) and is_room(room, tree) and (include.quoted or f"src/{include.path}" in tree.paths)


def include(source: Source, tree: Tree) -> Iterator[Finding]:
    """Includes are written as "room/file.hpp", with nothing relative in them."""
    if not source.is_cpp:
        return
    for found in source.cpp.includes:
        line = source.cpp.line(found.start)
        if re.search(r"(?:^|/)\.\.?/", found.path):
            yield Finding(source.path, line, "include",
                          f'"{found.path}" is relative: include by the full path, as "room/file.hpp"')
        elif found.quoted and source.top == "src" and "/" not in found.path:
            yield Finding(source.path, line, "include",
                          f'"{found.path}" names no room: include by the full path, as "room/file.hpp"')
        elif not found.quoted and names_room(found, tree):
            yield Finding(source.path, line, "include",
                          f'<{found.path}> is ours: include it in quotes, as "{found.path}"')


def floor(source: Source, tree: Tree) -> Iterator[Finding]:
    """A room includes itself and lower floors only, and what equips the tests is for tests only."""
    if not source.is_cpp or source.top == "bench":
        return
    if source.top == "src" and (source.room is None or not is_room(source.room, tree)):
        yield Finding(source.path, 1, "floor",
                      f"{source.room or source.name} is no room: add it to cmake/module.cmake, or move it",
                      whole_file=True)
        return
    if source.subroom and source.room in tree.subrooms and source.subroom not in tree.subrooms[source.room]:
        yield Finding(source.path, 1, "floor",
                      f"{source.subroom} is no sub-room of {source.room}: add it to cmake/module.cmake, or "
                      "move it",
                      whole_file=True)
        return
    for found in source.cpp.includes:
        room, slash, _ = found.path.partition("/")
        if not slash or room in (".", "..") or not (found.quoted or names_room(found, tree)):
            continue  # not ours, or the include rule's business
        if message := floor_message(source, room, found, tree):
            yield Finding(source.path, source.cpp.line(found.start), "floor", message)


def floor_message(source: Source, room: str, found: Include, tree: Tree) -> str | None:
    if not is_room(room, tree):
        if source.top != "src" and {f"{source.top}/{found.path}", found.path} & tree.paths:
            return None
        return f"{room} is no room: include a room of cmake/module.cmake, or a library in <>"
    equips_tests = room == TESTING or TEST_FILE.search(found.path)
    is_test = source.top == "tests" or source.room == TESTING or TEST_FILE.search(source.name)
    if equips_tests and not is_test and not (source.top == "fuzz" and FIXTURE.search(found.path)):
        return f"{found.path} is for *_test and *_bench files: everything else gets along without it"
    if source.top == "src" and room == source.room and not is_test:
        return subfloor_message(source, found, tree)
    if source.top != "src" or room in (source.room, TESTING):
        return None
    own = TESTING_FLOOR if source.room == TESTING else tree.floors[source.room]
    if tree.floors[room] < own:
        return None
    return (f"{source.room} (floor {own}) may not include {room} (floor {tree.floors[room]}), only lower "
            "floors: publish an event, enqueue a task, or move what both need down")


def subfloor_message(source: Source, found: Include, tree: Tree) -> str | None:
    """Within a room of sub-rooms; its tests may look up."""
    order = tree.subrooms.get(source.room)
    if not order or not source.subroom:
        return None
    parts = found.path.split("/")
    if len(parts) > 2 and parts[1] in order and order.index(parts[1]) <= order.index(source.subroom):
        return None
    return (f"{source.subroom} may not include {found.path}, which stands above it in {source.room}: "
            "move what both need down")


def wall(source: Source, tree: Tree) -> Iterator[Finding]:
    """Heavy libraries stay in the room that wraps them; the load generator shares no code with the engine."""
    if not source.is_cpp:
        return
    for found in source.cpp.includes:
        line = source.cpp.line(found.start)
        if source.top == "bench" and names_room(found, tree) and f"bench/{found.path}" not in tree.paths:
            yield Finding(source.path, line, "wall",
                          f"{found.path} is the engine's: bench/ shares no code with it, write its own")
        for wall_of in WALLS if source.top == "src" else ():
            if wall_of.header.match(found.path) and not source.within(wall_of.place):
                yield Finding(source.path, line, "wall",
                              f"{wall_of.library} stays in {wall_of.place}: use what the room offers")
