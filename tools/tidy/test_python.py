"""The rules for Python: what each refuses and what it lets pass."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import test_tidy

PLACES = ("tools/tidy/a.py", "tests/e2e/test_a.py", "bench/a.py", "scripts/a.py")
ELSEWHERE = ("web/a.py", "docs/a.py", "a.py")
BODY = "    a()\n"


class Limits(test_tidy.RuleTest):
    def test_line_length(self):
        for path in PLACES:
            self.assert_finds("line-length", path, "#\n#" + "é" * 110 + "\n", 2)
            self.assert_passes(path, "#" + "é" * 109 + "\n")
        for path in (*ELSEWHERE, "tools/generated/a.py"):
            self.assert_passes(path, "#" * 111)

    def test_function_size(self):
        for path in PLACES:
            for head in ("@b\ndef f():\n", "@b\nasync def f():\n"):
                self.assert_finds("function-size", path, head + BODY * 70, 2)
                self.assert_passes(path, head + BODY * 69)
        method = "    def f():\n" + "    " + BODY
        self.assert_finds("function-size", "tools/a.py", "class A:\n" + method + ("    " + BODY) * 69, 2)
        self.assert_finds("function-size", "tools/a.py", 'def f():\n    """A.' + "\n" * 69 + '    """\n')
        self.assert_passes("tools/a.py", "class A:\n" + method * 40 + BODY * 80)
        self.assert_passes("docs/a.py", "def f():\n" + BODY * 70)

    def test_structure(self):
        self.assert_finds("structure", "tools/a.py", "a = 1\nb = (2\n", 2)
        self.assert_finds("structure", "tools/a.py", "import os\nexcept:\n", 2)
        self.assert_passes("docs/a.py", "b = (2\n")


class Statements(test_tidy.RuleTest):
    def test_bare_except(self):
        text = "try:\n    a()\n{}\n    b()\n"
        for path in PLACES:
            self.assert_finds("bare-except", path, text.format("except:"), 3)
        for harmless in ("except Exception:", "except (OSError, ValueError) as error:", "finally:"):
            self.assert_passes("tools/a.py", text.format(harmless))
        self.assert_passes("tools/a.py", 'a = "except:"  # except:\n')
        self.assert_passes("docs/a.py", text.format("except:"))

    def test_unused_import(self):
        for path in PLACES:
            self.assert_finds("unused-import", path, "import os\n")
        for unused in ("import os.path", "import os as o\nos.a()", "from a import b",
                       "from a import b as c\nb()", "from a import b\nb = 1", "from a import b  # b",
                       'from a import b\nc = "b"', "from a import b\nc.b()"):
            self.assert_finds("unused-import", "tools/a.py", unused + "\n")
        self.assert_finds("unused-import", "tools/a.py", "from a import (\n    b,\n    c)\nb()\n", 3)
        self.assert_finds("unused-import", "tools/a.py", "def f():\n    import os\n", 2)
        for used in ("import os\nos.getcwd()", "import os.path\nos.path.join(a)",
                     "import os as o\no.getcwd()", "from a import b\n\n@b\ndef f(): pass",
                     "from a import b\n\ndef f(c: list[b]): pass",
                     'from a import b, c\n__all__ = ["b", "c"]', "from a import *",
                     "from __future__ import annotations"):
            self.assert_passes("tools/a.py", used + "\n")
        self.assert_passes("docs/a.py", "import os\n")

    def test_blind_wait(self):
        for path in ("tests/e2e/test_a.py", "tests/crash/a.py"):
            self.assert_finds("blind-wait", path, "def f():\n    time.sleep(1)\n", 2)
            self.assert_finds("blind-wait", path, "for a in b:\n    sleep(1)\n", 2)
            self.assert_finds("blind-wait", path, "while a:\n    def f():\n        time.sleep(1)\n", 3)
            self.assert_passes(path, "while not a():\n    if b:\n        time.sleep(1)\n")
            self.assert_passes(path, "lane.sleep(1)\nsleep = 1\n")
        self.assert_passes("bench/a.py", "time.sleep(1)\n")


if __name__ == "__main__":
    unittest.main()
