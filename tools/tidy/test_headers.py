"""The check of headers, on small folders with the real compiler."""
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import headers

COMPILER = shutil.which("clang++-19")


class Flags(unittest.TestCase):
    def test_are_those_that_give_the_code_its_meaning(self):
        with tempfile.TemporaryDirectory() as folder:
            build = pathlib.Path(folder)
            common = ("/usr/bin/ccache /usr/bin/clang++-19 -DA=\\\"b\\\" -I/s -std=c++23 -O1 "
                      "-Xclang -include-pch -Xclang x.pch ")
            (build / "compile_commands.json").write_text(json.dumps([
                {"file": "/s/a.cpp", "command": common + "-Winvalid-pch -Wall -o a.o -c /s/a.cpp"},
                {"file": "/s/b.cpp", "command": common + "-isystem /i -o b.o -c /s/b.cpp"},
                {"file": "/t/c.cpp", "command": "clang++-19 -DC -c /t/c.cpp"}]))
            kept = ["-DA=\"b\"", "-I/s", "-std=c++23", "-Wall", "-isystem", "/i"]
            self.assertEqual(headers.compiler_of(build, pathlib.Path("/s")), ["/usr/bin/clang++-19", *kept])


@unittest.skipUnless(COMPILER, "clang++-19 is not installed")
class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source_dir = pathlib.Path(folder.name) / "src"
        self.passed: dict[str, str] = {}
        self.write("base/task.hpp", "#include <vector>\nusing Numbers = std::vector<int>;\n")
        self.write("base/word.hpp", "#include <string>\nusing Word = std::string;\n")

    def write(self, name: str, text: str) -> None:
        (self.source_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (self.source_dir / name).write_text("#pragma once\n" + text)

    def check(self) -> tuple[list[str], int]:
        """The headers that fail, and how many were compiled."""
        found = headers.Headers(self.source_dir, [COMPILER, "-std=c++23", f"-I{self.source_dir}"])
        errors, compiled = headers.check(found, self.passed, jobs=2)
        self.findings = [headers.finding(found, name, error) for name, error in errors.items()]
        return list(errors), compiled

    def test_passes_headers_that_include_what_they_use(self):
        self.write("db/a.hpp", '#include "base/task.hpp"\ninline Numbers a;\n')
        self.write("db/b.hpp", '#include "db/a.hpp"\ninline Numbers b = a;\n')
        self.assertEqual(self.check(), ([], 4))

    def test_refuses_a_header_that_leans_on_the_shared_one_without_including_it(self):
        for name in ("db/a.hpp", "db/b.hpp"):
            self.write(name, '#include "base/task.hpp"\n#include "base/word.hpp"\ninline Numbers n;\n')
        self.write("db/leaning.hpp", "\ninline std::vector<int> c;\n")
        self.write("db/leaning_too.hpp", '#include "base/word.hpp"\ninline Numbers d;\n')
        self.assertEqual(self.check()[0], ["db/leaning.hpp", "db/leaning_too.hpp"])
        self.assertRegex(self.findings[0], r"^src/db/leaning\.hpp:3: \[headers\] .*'std'.*: include what it")

    def test_names_the_header_at_fault_also_when_another_includes_it(self):
        self.write("db/a.hpp", "inline Unknown a;\n")
        self.write("db/b.hpp", '#include "db/a.hpp"\n')
        self.assertEqual(self.check()[0], ["db/a.hpp", "db/b.hpp"])
        self.assertEqual(len(set(self.findings)), 1)
        self.assertTrue(self.findings[0].startswith("src/db/a.hpp:2: "), self.findings)

    def test_refuses_everything_that_includes_a_shared_header_at_fault(self):
        self.write("base/task.hpp", "inline Unknown a;\n")
        self.write("db/a.hpp", '#include "base/task.hpp"\n')
        self.assertEqual(self.check()[0], ["base/task.hpp", "db/a.hpp"])
        self.assertEqual({finding.partition(" ")[0] for finding in self.findings}, {"src/base/task.hpp:2:"})

    def test_compiles_again_only_what_changed_and_what_failed(self):
        self.write("db/a.hpp", '#include "base/task.hpp"\n')
        self.write("db/b.hpp", "inline Unknown b;\n")
        self.check()
        self.assertEqual(self.check(), (["db/b.hpp"], 1))
        self.write("db/b.hpp", "inline int b;\n")
        self.assertEqual(self.check(), ([], 1))
        self.write("base/task.hpp", "using Numbers = int[2];\n")
        self.assertEqual(self.check(), ([], 2))
        self.assertEqual(self.check(), ([], 0))


if __name__ == "__main__":
    unittest.main()
