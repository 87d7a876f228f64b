"""Each rule with what it refuses and what it lets pass, the exceptions, and the program as a whole."""
import io
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import rules
import tidy
from tree import Source, Tree, find_files, parse_floors, parse_subrooms

ROOT = pathlib.Path(__file__).parents[2]
FLOORS = {"base": 0, "db": 1, "http": 1, "format": 1, "queue": 2, "event": 3, "inbound": 6, "outbound": 6,
          "cli": 8, "app": 9}
SUBROOMS = {"outbound": ["filter", "send", "replay"]}
PROGRAM = "src/event/event.cpp"
TEST = "src/event/event_test.cpp"
BENCH = "src/event/event_bench.cpp"
# Put together here, so that this file says neither what it looks for nor an exception of its own.
ALLOW = "// tidy: " + "allow"
DO_IT = "TO" + "DO"


def check(files: dict[str, str]) -> tuple[list[str], int]:
    """What tidy finds in these files, as "path:line rule", and the number of exceptions."""
    sources = [Source(path, text) for path, text in files.items()]
    findings, exceptions = tidy.check(sources, Tree(set(files), FLOORS, SUBROOMS))
    return [f"{each.path}:{each.line} {each.rule}" for each in findings], exceptions


class RuleTest(unittest.TestCase):
    def assert_finds(self, rule: str, path: str, text: str, line: int = 1) -> None:
        with self.subTest(path=path, text=text[:80]):
            self.assertEqual(check({path: text})[0], [f"{path}:{line} {rule}"])

    def assert_passes(self, path: str, text: str) -> None:
        with self.subTest(path=path, text=text[:80]):
            self.assertEqual(check({path: text})[0], [])

    def assert_refused_calls(self, rule: str, refused: list[str], harmless: list[str]) -> None:
        for call in refused:
            self.assert_finds(rule, PROGRAM, f"void f() {{\n  {call}\n}}\n", 2)
            self.assert_passes(TEST, f"void f() {{\n  {call}\n}}\n")
            self.assert_passes(BENCH, f"void f() {{\n  {call}\n}}\n")
        for call in [*harmless, *(f"// {call}" for call in refused)]:
            self.assert_passes(PROGRAM, f"void f() {{\n  {call}\n}}\n")


class Limits(RuleTest):
    def test_file_size(self):
        for path in ("src/db/a.cpp", "web/src/a.tsx", "tools/a.py", "scripts/a.sh", "src/db/core/a.sql"):
            self.assert_finds("file-size", path, "\n" * 501, 501)
            self.assert_passes(path, "\n" * 500)
        for path in ("web/a.tsx", "tests/a.json", "bench/generated/a.cpp", "web/src/a.generated.ts"):
            self.assert_passes(path, "\n" * 501)

    def test_line_length(self):
        self.assert_finds("line-length", "src/db/a.cpp", "//\n//" + "é" * 109 + "\n", 2)
        self.assert_passes("src/db/a.cpp", "//" + "é" * 108 + "\n")
        self.assert_passes("web/src/a.ts", "/" * 200)

    def test_line_length_is_the_one_of_the_formatter(self):
        config = (ROOT / ".clang-format").read_text()
        self.assertEqual(re.search(r"^ColumnLimit: (\d+)", config, re.MULTILINE)[1], str(rules.COLUMNS_MAX))

    def test_function_size(self):
        for path in ("src/db/a.cpp", "bench/a.cpp", "tests/e2e/a.cpp", "fuzz/a.cpp", "src/db/a_test.cpp"):
            self.assert_finds("function-size", path, "\nvoid f() {" + "\n" * 70 + "}\n", 2)
            self.assert_passes(path, "\nvoid f() {" + "\n" * 69 + "}\n")
        self.assert_passes("src/db/a.cpp", "namespace db {\nclass A {" + "\n" * 200 + "};\n}\n")

    def test_structure(self):
        self.assert_finds("structure", "src/db/a.cpp", "void f() {\n  g(;\n}\n", 3)
        self.assert_passes("src/db/a.cpp", "void f() {\n  g();\n}\n")


class Text(RuleTest):
    def test_header(self):
        self.assert_passes("src/db/a.hpp", "// The door to the store.\n#pragma once\n")
        self.assert_passes("src/db/a.hpp", "// The door to\n// the store.\n#pragma once\n\nint a;\n")
        self.assert_passes("src/db/a.cpp", "int a;\n")
        for text in ("#pragma once\n", "/// A door.\n#pragma once\n", "// The door\n#pragma once\n", ""):
            self.assert_finds("header", "src/db/a.hpp", text)
        self.assert_finds("header", "src/db/a.hpp", "// The door.\n\n#pragma once\n", 2)

    def test_suffix(self):
        self.assert_finds("suffix", "src/db/a.cc", "int a;\n")
        self.assert_passes("web/src/a.h", "int a;\n")

    def test_todo(self):
        for path in ("src/db/a.cpp", "tools/a.py", "CMakeLists.txt", "web/src/a.tsx"):
            for word in (DO_IT, "FIX" + "ME", "XX" + "X", "HA" + "CK"):
                self.assert_finds("todo", path, f"\n{word}: later\n", 2)
        self.assert_passes("src/db/a.cpp", "// mktemp XX" + "XXXX, TO" + "DOS\n")
        self.assert_passes("connectors/x/manifest.json", f'"{DO_IT}"')

    def test_machine_path(self):
        for path in ("/wo" "rk/main", "/ro" "ot/.cache", "/ho" "me/ann/x", "/fa" "rm", "file:///wo" "rk/x"):
            self.assert_finds("machine-path", "docs/a.md", f"\nsee '{path}'\n", 2)
        for path in ("https://wo" "rk/a", "https://x.example/wo" "rk/a", "$HOME/wo" "rk/", "/wo" "rking/",
                     "#/ro" "ot/0", "a/ho" "me/ann/b"):
            self.assert_passes("docs/a.md", f"see '{path}'\n")

    def test_registry(self):
        self.assert_finds("registry", "web/package-lock.json", '{\n"resolved": "https://r.example/a.tgz"}', 2)
        self.assert_passes("web/package-lock.json", '{"resolved": "", "integrity": "sha512-a"}')
        self.assert_passes("tests/answer.json", '{"resolved": "http"}')


class Includes(RuleTest):
    def test_include(self):
        for path in ("../base/log.hpp", "./log.hpp", "base/../base/log.hpp", "log.hpp"):
            self.assert_finds("include", "src/base/a.cpp", f'#include "{path}"\n')
        self.assert_passes("src/base/a.cpp", '#include "base/log.hpp"\n#include <vector>\n')
        files = {"src/db/a.cpp": "#include <base/log.hpp>\n", "src/base/log.hpp": "// A log.\n#pragma once\n"}
        self.assertEqual(check(files)[0], ["src/db/a.cpp:1 include"])

    def test_floor_of_rooms(self):
        for own, other in (("base", "db"), ("db", "http"), ("outbound", "inbound"), ("db", "app")):
            self.assert_finds("floor", f"src/{own}/a.cpp", f'#include "{other}/b.hpp"\n')
            self.assert_finds("floor", f"src/{own}/a_test.cpp", f'#include "{other}/b.hpp"\n')
        for own, other in (("db", "base"), ("outbound", "event"), ("app", "inbound"), ("db", "db")):
            self.assert_passes(f"src/{own}/a.cpp", f'#include "{other}/b.hpp"\n')
        self.assert_finds("floor", "src/who/a.cpp", "int a;\n")
        unknown = {"src/db/a.cpp": '#include "who/a.hpp"\n', "src/who/a.hpp": "// A.\n#pragma once\n"}
        self.assertEqual(check(unknown)[0], ["src/db/a.cpp:1 floor", "src/who/a.hpp:1 floor"])
        self.assert_finds("floor", "src/a.cpp", "int a;\n")

    def test_floor_of_subrooms(self):
        for include in ("outbound/replay/a.hpp", "outbound/a.hpp", "inbound/receive/a.hpp"):
            self.assert_finds("floor", "src/outbound/send/a.cpp", f'#include "{include}"\n')
        for include in ("outbound/send/a.hpp", "outbound/filter/a.hpp", "event/log/a.hpp"):
            self.assert_passes("src/outbound/send/a.cpp", f'#include "{include}"\n')
        self.assert_passes("src/outbound/send/a_test.cpp", '#include "outbound/replay/a.hpp"\n')
        self.assert_passes("src/outbound/a.cpp", '#include "outbound/replay/a.hpp"\n')
        self.assert_finds("floor", "src/outbound/who/a.cpp", "int a;\n")
        self.assert_finds("floor", "src/outbound/send/a.cpp", '#include "outbound/filter/fixture.hpp"\n')
        self.assert_passes("fuzz/a.cpp", '#include "outbound/filter/fixture.hpp"\n')

    def test_floor_of_testing(self):
        include = '#include "testing/run.hpp"\n'
        for path in ("src/event/a.cpp", "src/event/a.hpp", "src/event/a_fuzz.cpp", "fuzz/a.cpp"):
            self.assert_finds("floor", path, "// A.\n#pragma once\n" + include, 3)
            self.assert_finds("floor", path, "// A.\n#pragma once\n" + '#include "event/cases_test.hpp"\n', 3)
        for path in (TEST, BENCH, "src/event/a_test.hpp", "src/testing/a.cpp", "tests/e2e/a.cpp"):
            self.assert_passes(path, "// A.\n#pragma once\n" + include)
        self.assert_passes("src/event/a_test.cpp", '#include "event/cases_test.hpp"\n')
        for room in ("base", "db", "http", "queue"):
            self.assert_passes("src/testing/a.cpp", f'#include "{room}/a.hpp"\n')
        self.assert_finds("floor", "src/testing/a.cpp", '#include "event/a.hpp"\n')

    def test_floor_outside_the_rooms(self):
        self.assert_passes("tests/e2e/a.cpp", '#include "app/a.hpp"\n#include <boost/asio.hpp>\n')
        self.assert_finds("floor", "tests/e2e/a.cpp", '#include "who/a.hpp"\n')
        own = {"tests/e2e/a.cpp": '#include "e2e/b.hpp"\n', "tests/e2e/b.hpp": "// B.\n#pragma once\n"}
        self.assertEqual(check(own)[0], [])

    def test_wall(self):
        walls = {"boost/beast/http.hpp": "http", "curl/curl.h": "http", "sqlite3.h": "db", "libpq-fe.h": "db",
                 "postgresql/libpq-fe.h": "db", "rapidjson/reader.h": "format", "pugixml.hpp": "format"}
        for header, room in walls.items():
            self.assert_passes(f"src/{room}/deep/a.cpp", f"#include <{header}>\n")
            self.assert_finds("wall", PROGRAM, f"#include <{header}>\n")
            self.assert_finds("wall", "src/testing/a.cpp", f"#include <{header}>\n")
        for header, own in (("spdlog/spdlog.h", "log"), ("prometheus/counter.h", "metrics")):
            self.assert_passes(f"src/base/{own}.cpp", f"#include <{header}>\n")
            self.assert_finds("wall", "src/base/a.cpp", f"#include <{header}>\n")
        self.assert_passes(PROGRAM, "#include <boost/asio/post.hpp>\n#include <sqlite3.hpp>\n")

    def test_wall_around_the_bench(self):
        for room in ("base", "http", "testing"):
            self.assert_finds("wall", "bench/a.cpp", f'#include "{room}/a.hpp"\n')
        self.assert_passes("bench/a.cpp", '#include "b.hpp"\n#include "load/c.hpp"\n#include <curl/curl.h>\n')
        own = {"bench/a.cpp": '#include "http/b.hpp"\n', "bench/http/b.hpp": "// B.\n#pragma once\n"}
        self.assertEqual(check(own)[0], [])


class Statements(RuleTest):
    def test_sql(self):
        refused = ['"SELECT id FROM events"', '"INSERT INTO events VALUES ($1)"', '"UPDATE events SET a = 1"',
                   '"DELETE FROM events"', '"WITH due AS (SELECT 1)"', '"CREATE TABLE a (b)"',
                   '"create unique index a"', 'R"(\n  /* why */ SELECT 1)"', '"PRAGMA mmap_size=0"',
                   '"insert into a values (1)"', '"UPDATE events "']
        harmless = ['"DELETE"', '"Select a provider"', '"SELECTED"', '"update failed"',
                    '"with tenant as owner"', '"Create an endpoint"', '"UPDATE_FAILED"', '"see SELECT 1"']
        for literal in refused:
            self.assert_finds("sql", PROGRAM, f"auto a = {literal};\n")
            for path in (TEST, BENCH, "src/event/event_store.cpp", "src/event/log/store.cpp",
                         "src/db/deep/a.cpp", "src/testing/a.cpp"):
                self.assert_passes(path, f"auto a = {literal};\n")
        for literal in harmless:
            self.assert_passes(PROGRAM, f"auto a = {literal}; // SELECT 1\n")

    def test_using_std(self):
        for path in ("src/db/a.cpp", "src/db/a_test.cpp", "bench/a.cpp", "tests/a.cpp"):
            self.assert_finds("using-std", path, "namespace x {\nusing namespace std;\n}\n", 2)
            self.assert_passes(path, "using namespace std::literals;\nvoid f() { using namespace std; }\n")

    def test_catch_all(self):
        text = "void f() {\n  try {\n    g();\n  // edge: the session's\n  } catch ( ... ) {\n  }\n}\n"
        self.assert_passes(PROGRAM, text)
        self.assert_finds("catch-all", PROGRAM, text.replace("edge: the session's", "edge:"), 5)
        self.assert_finds("catch-all", PROGRAM, text.replace("// edge: the session's", "h();"), 5)
        self.assert_passes(TEST, text.replace("edge:", ""))
        self.assert_passes(PROGRAM, "void f() {\n  try { } catch (...) { }  // edge: the session's\n}\n")
        self.assert_passes(PROGRAM, "void f() {\n  try { } catch (const std::exception& e) { }\n}\n")

    def test_lambda_coroutine(self):
        for capture in ("this", "&", "x = std::move(x)"):
            for body in ("co_await g();", "co_return 1;", "XD_CO_DO(g());", "XD_CO_TRY(auto x, g());"):
                text = f"void f() {{\n  // why\n  spawn([{capture}]() -> Task<void> {{ {body} }});\n}}\n"
                self.assert_finds("lambda-coroutine", PROGRAM, text, 3)
                self.assert_finds("lambda-coroutine", PROGRAM, text.replace("why", "safe:"), 3)
                self.assert_passes(PROGRAM, text.replace("why", "safe: a member keeps it"))
                self.assert_passes(TEST, text)
                self.assert_passes("src/testing/a.cpp", text)
        for harmless in ("[](X& x) -> Task<void> { co_await x.f(); }", "[this](Tx& tx) { return tx.f(); }",
                         "[&] { spawn([](X& x) -> Task<void> { co_return; }(x)); }"):
            self.assert_passes(PROGRAM, f"void f() {{\n  g({harmless});\n}}\n")


class Calls(RuleTest):
    def test_output(self):
        self.assert_refused_calls(
            "output",
            ["std::cout << 1;", "std::cerr << 1;", 'printf("a");', 'std::puts("a");', "fprintf(stdout, a);"],
            ["std::snprintf(a, 1, b);", "std::fprintf(stderr, a);", "page.printf(1);"])
        for path in ("src/app/main.cpp", "src/cli/a.cpp", "src/testing/a.cpp"):
            self.assert_passes(path, "void f() { std::cout << 1; }\n")
        self.assert_finds("output", "src/app/wiring.cpp", "void f() { std::cout << 1; }\n")

    def test_regex(self):
        self.assert_refused_calls(
            "regex",
            ["std::regex a(b);", "std::regex_match(a, b);"],
            ["re2::RE2 regex(a);"])
        self.assert_finds("regex", PROGRAM, "#include <regex>\n")

    def test_detach(self):
        self.assert_refused_calls(
            "detach",
            ["thread.detach();", "t->detach();", "co_spawn(e, f(), asio::detached);"],
            ["gate.spawn(a, b);", "thread.join();", "bool detached = false;"])

    def test_stop(self):
        self.assert_refused_calls(
            "stop",
            ["context.stop();", "io_context_.stop();", "ioc->stop();", "io.stop();", "a.context().stop();",
             "post(&asio::io_context::stop);"],
            ["db.stop();", "server_->stop();", "context.run();", "audio.stop();"])

    def test_sleep(self):
        self.assert_refused_calls(
            "sleep",
            ["sleep(1);", "::usleep(1);", "std::this_thread::sleep_for(1s);"],
            ["co_await base::sleep_for(1s);", "lane.sleep(1);", "asleep(1);"])

    def test_rand(self):
        self.assert_refused_calls(
            "rand",
            ["int a = rand();", "std::srand(1);"],
            ["operand(1);", "dice.rand();"])

    def test_unsafe_c(self):
        self.assert_refused_calls(
            "unsafe-c",
            ["strcpy(a, b);", "std::strcat(a, b);", "sprintf(a, b);", "gets(a);", "int a = atoi(b);"],
            ["snprintf(a, 1, b);", "map.gets(a);", "widgets(a);", "format::atoi(a);"])

    def test_lock(self):
        self.assert_refused_calls(
            "lock",
            ["std::mutex a;", "std::shared_mutex a;", "std::lock_guard a(b);", "std::condition_variable a;"],
            ["std::atomic<int> a;", "Mutex a;"])
        for path in ("src/base/a.cpp", "src/db/sqlite/a.cpp", "src/testing/a.cpp"):
            self.assert_passes(path, "std::mutex a;\n")

    def test_clock(self):
        self.assert_refused_calls(
            "clock",
            ["std::chrono::system_clock::now();", "Steady a = steady_clock::now();", "std::time(nullptr);",
             "time(NULL);", "::time(&now);", "gettimeofday(&a, 0);"],
            ["clock.now();", "row.time(0);", "base::Time time(int column);", "auto a = time(column);"])
        for path in ("src/base/clock.cpp", "src/testing/a.cpp", "bench/a.cpp"):
            self.assert_passes(path, "auto a = std::chrono::steady_clock::now();\n")

    def test_assert(self):
        self.assert_refused_calls(
            "assert",
            ["assert(a);"],
            ["XD_ASSERT(a);", "static_assert(a);", "x.assert(a);"])
        self.assert_finds("assert", PROGRAM, "#include <cassert>\n")


class Exceptions(RuleTest):
    BAN = "std::mutex a;"

    def test_excuse_their_own_line_and_are_counted(self):
        text = f"{self.BAN}  {ALLOW} lock two threads share it\n"
        self.assertEqual(check({PROGRAM: text}), ([], 1))

    def test_excuse_the_next_line_when_alone(self):
        self.assertEqual(check({PROGRAM: f"{ALLOW} lock shared\n{self.BAN}\n"}), ([], 1))
        self.assertEqual(check({PROGRAM: f"int b;  {ALLOW} lock shared\n{self.BAN}\n"})[0],
                         [f"{PROGRAM}:1 allow", f"{PROGRAM}:2 lock"])

    def test_excuse_a_file_from_anywhere_in_it(self):
        text = "\n" * 300 + "-- tidy: " + "allow file-size one statement of a generator\n" + "\n" * 300
        self.assertEqual(check({"src/db/a.sql": text}), ([], 1))

    def test_excuse_only_the_rule_they_name(self):
        text = f"{self.BAN} assert(a);  {ALLOW} lock shared\n"
        self.assertEqual(check({PROGRAM: text}), ([f"{PROGRAM}:1 assert"], 1))

    def test_need_a_reason_a_known_rule_and_something_to_excuse(self):
        self.assertEqual(check({PROGRAM: f"{self.BAN}  {ALLOW} lock\n"}),
                         ([f"{PROGRAM}:1 allow", f"{PROGRAM}:1 lock"], 0))
        source = Source(PROGRAM, f"{self.BAN}  {ALLOW} lock\n")
        self.assertIn("no reason given", tidy.check([source], Tree(set(), FLOORS))[0][0].message)
        self.assert_finds("allow", PROGRAM, f"int a;  {ALLOW} locks why\n")
        self.assert_finds("allow", PROGRAM, f"int a;  {ALLOW} lock why\n")

    def test_are_comments_and_not_strings(self):
        text = f'{self.BAN} auto b = "{ALLOW} lock why";\n'
        self.assertEqual(check({PROGRAM: text}), ([f"{PROGRAM}:1 lock"], 0))


class Program(unittest.TestCase):
    def run_in(self, files: dict[str, bytes]) -> tuple[int, list[str]]:
        with tempfile.TemporaryDirectory() as folder:
            for path, content in files.items():
                (pathlib.Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (pathlib.Path(folder) / path).write_bytes(content)
            with mock.patch("sys.argv", ["tidy.py", folder]), redirect_stdout(io.StringIO()) as out, \
                    redirect_stderr(io.StringIO()):
                status = tidy.main()
            return status, out.getvalue().splitlines()

    MODULE = b"set(CROSSDOCK_FLOOR_base 0)\n"

    def test_prints_findings_and_a_summary_and_fails(self):
        status, lines = self.run_in({"cmake/module.cmake": self.MODULE, "src/base/a.cpp": b"std::regex a;\n"})
        self.assertEqual(status, 1)
        self.assertTrue(lines[0].startswith("src/base/a.cpp:1: [regex] std::regex: "), lines)
        self.assertEqual(lines[1], "tidy: 2 files, 1 findings, 0 exceptions")

    def test_passes_a_clean_tree_and_reads_no_data(self):
        status, lines = self.run_in({"cmake/module.cmake": self.MODULE, "src/base/a.cpp": b"int a;\n",
                                     "docs/a.bin": b"\xff/fa" b"rm", "docs/b.bin": b"\0 /fa" b"rm"})
        self.assertEqual((status, lines), (0, ["tidy: 2 files, 0 findings, 0 exceptions"]))

    def test_refuses_a_tree_without_floors(self):
        self.assertEqual(self.run_in({"cmake/module.cmake": b"\n"}), (2, []))


class Reading(unittest.TestCase):
    def test_lists_what_git_would_track(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path in ("kept.cpp", "new.cpp", "gone.cpp", "build/made.cpp"):
                (root / path).parent.mkdir(exist_ok=True)
                (root / path).write_text("int a;\n")
            (root / ".gitignore").write_text("/build/\n")
            without_git = find_files(root)
            subprocess.run(["git", "init", "--quiet", folder], check=True)
            subprocess.run(["git", "-C", folder, "add", "kept.cpp", "gone.cpp"], check=True)
            (root / "gone.cpp").unlink()
            self.assertEqual(find_files(root), [".gitignore", "kept.cpp", "new.cpp"])
            self.assertEqual(without_git, [".gitignore", "gone.cpp", "kept.cpp", "new.cpp"])

    def test_floors_are_those_of_the_build(self):
        text = ("set(CROSSDOCK_FLOOR_a 0)\nforeach(r b c)\n  set(CROSSDOCK_FLOOR_${r} 1)\nendforeach()\n"
                "set(OTHER 5)\n")
        self.assertEqual(parse_floors(text), {"a": 0, "b": 1, "c": 1})
        floors = parse_floors((ROOT / "cmake/module.cmake").read_text())
        self.assertEqual((floors["base"], floors["app"]), (0, 9))
        self.assertEqual(set(FLOORS.items()) - set(floors.items()), set())

    def test_subrooms_are_those_of_the_build(self):
        text = "set(CROSSDOCK_SUBROOMS_a b c)\nset(CROSSDOCK_FLOOR_a 0)\n"
        self.assertEqual(parse_subrooms(text), {"a": ["b", "c"]})
        rooms = parse_subrooms((ROOT / "cmake/module.cmake").read_text())
        for room, names in rooms.items():
            folders = {path.name for path in (ROOT / "src" / room).iterdir() if path.is_dir()}
            self.assertEqual(folders, set(names))

    def test_every_rule_has_a_test(self):
        tested = "".join(path.read_text() for path in pathlib.Path(__file__).parent.glob("test_*.py"))
        for rule in rules.RULES:
            self.assertRegex(tested, rf'assert_\w+\(\s*"{rule}",')


if __name__ == "__main__":
    unittest.main()
