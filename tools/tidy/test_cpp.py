"""What tidy sees in C++: comments, literals, functions, lambdas."""
import pathlib
import sys
import textwrap
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from cpp import Cpp, Unbalanced


def functions(text: str) -> list[str]:
    """Each function found: its name, its body's first and last line; the empty first line is line 0."""
    cpp = Cpp(text)
    return [f"{each.name} {cpp.line(each.start) - 1}-{cpp.line(each.end) - 1}" for each in cpp.functions]


def captures(text: str) -> list[str]:
    return [each.captures for each in Cpp(text).lambdas]


class Masking(unittest.TestCase):
    def test_keeps_every_offset(self):
        text = textwrap.dedent(r'''
            int a; // "x
            /* ' { */ auto s = R"--(a
            )" b)--"; char c = '"'; auto n = 1'000; g("\"{", 'x', U"", u8R"(
            )"); "not ended
            ''')
        cpp = Cpp(text)
        for derived in (cpp.code, cpp.bare, cpp.structure):
            self.assertEqual(len(derived), len(text))
            self.assertEqual([at for at, char in enumerate(derived) if char == "\n"],
                             [at for at, char in enumerate(text) if char == "\n"])

    def test_blanks_comments_and_what_is_in_quotes(self):
        code = Cpp('a(); // b()\nc("d()", \'{\'); /* e() */ f();').code
        self.assertEqual([word for word in "abcdef" if word + "(" in code], ["a", "c", "f"])
        self.assertNotIn("{", code)

    def test_reads_a_raw_string_up_to_its_own_mark(self):
        cpp = Cpp('auto s = R"x(a)" // no comment\n)x"; real();')
        self.assertEqual([literal.text for literal in cpp.literals], ['a)" // no comment\n'])
        self.assertEqual(cpp.comments, [])
        self.assertIn("real()", cpp.code)

    def test_takes_an_identifier_that_ends_in_R_for_no_raw_string(self):
        self.assertEqual([literal.text for literal in Cpp('FOOR"(a" b(")");').literals], ["(a", ")"])

    def test_takes_digit_separators_for_no_character(self):
        self.assertIn("f()", Cpp("int a = 1'000; f(); int b = 0x1'0;").code)

    def test_joins_lines_of_a_continued_comment(self):
        self.assertNotIn("rand", Cpp("// a \\\nrand();\nb();").code)

    def test_finds_includes_in_code_only(self):
        cpp = Cpp(textwrap.dedent('''
            #include "a/b.hpp"
              # include <c>
            // #include "d/e.hpp"
            auto s = R"(
            #include "f/g.hpp"
            )";
            '''))
        found = [(each.path, each.quoted) for each in cpp.includes]
        self.assertEqual(found, [("a/b.hpp", True), ("c", False)])


class Functions(unittest.TestCase):
    def test_finds_free_and_member_functions_but_no_scopes(self):
        self.assertEqual(functions('''
            namespace a::b {
            extern "C" {
            int f(int x) {
            }
            }
            class C final : public D<int(int)> {
             public:
              C() : x_{1}, y_(2) {
              }
              ~C() {
              }
              bool operator==(const C&) const {
                return true;
              }
             private:
              int x_{0};
            };
            }
            '''), ["f 3-4", "C 8-9", "~C 10-11", "operator== 12-14"])

    def test_takes_initialisers_and_enums_for_no_function(self):
        self.assertEqual(functions('''
            constexpr std::array<int, 2> kA = {1, 2};
            std::map<int, int> m{{1, 2}};
            enum class E : char { a, b };
            void f(std::vector<int> v = {1}, int w = g({}));
            alignas(64) std::atomic<int> x{0};
            '''), [])

    def test_sees_through_templates_constraints_and_return_types(self):
        self.assertEqual(functions('''
            template <class T = std::vector<int>, int n = (1 > 0)>
            auto f(T t) -> std::map<int, T> {
            }
            template <class T>
            requires (sizeof(T) > 1) && std::movable<T>
            struct S {
              void g() const & noexcept {
              }
            };
            template <class T>
            concept K = requires(T t) { { t.x() } -> std::same_as<int>; };
            struct stat look() {
            }
            void h() requires requires(int i) { i; } {
            }
            '''), ["f 2-3", "g 7-8", "look 12-13", "h 14-15"])

    def test_counts_the_outermost_only(self):
        self.assertEqual(functions('''
            TEST(Noun, does_this) {
              struct L { void m() { } };
              run([&] {
                if (x) { }
              });
            }
            '''), ["TEST 1-6"])

    def test_counts_a_lambda_of_a_namespace_or_a_table(self):
        self.assertEqual(functions('''
            const auto f = [](int x) {
              return [x] { return x; };
            };
            Row rows[] = {
              {1, [](Tx& tx) -> R {
              }}};
            '''), ["a lambda 1-3", "a lambda 5-6"])

    def test_is_not_misled_by_braces_in_literals_comments_and_macros(self):
        self.assertEqual(functions(r'''
            #define OPEN(x) \
              if (x) {
            void f() {
              s = "{"; c = '{';  // {
              t = R"({)";  /* { */
            }
            void g() {
            }
            '''), ["f 3-6", "g 7-8"])

    def test_reads_one_branch_of_an_if_that_cuts_a_block(self):
        self.assertEqual(functions('''
            #if A
            void f(int a) {
            #else
            void f(long a) {
            #endif
            }
            #if 0
            void g() {{
            #else
            void g() {
            #endif
            }
            '''), ["f 2-6", "g 10-12"])

    def test_reads_all_branches_of_an_if_that_holds_whole_blocks(self):
        self.assertEqual(functions('''
            #ifdef B
            void h() {
            }
            #else
            void i() {
            }
            #endif
            '''), ["h 2-3", "i 5-6"])

    def test_says_where_braces_stop_matching(self):
        with self.assertRaises(Unbalanced) as caught:
            functions("void f() {\n  g(];\n}\n")
        self.assertEqual(caught.exception.offset, 15)

    def test_knows_what_is_within_a_function(self):
        text = "int a;\nvoid f() { int b; }\nint c;\n"
        inside = [name for name in ("a;", "b;", "c;") if Cpp(text).in_function(text.index(name))]
        self.assertEqual(inside, ["b;"])


class Lambdas(unittest.TestCase):
    def test_are_told_from_subscripts_bindings_and_attributes(self):
        self.assertEqual(captures('''
            void f() {
              a[i] = b()[j];
              auto& [k, v] = c;
              delete[] d;
              int e[3] {};
              [[maybe_unused]] int g;
              for (const auto& [m, n] : o) { }
            }
            '''), [])

    def test_are_found_with_every_kind_of_tail(self):
        self.assertEqual(captures('''
            void f() {
              auto h = []<class T, int n = (2 > 1)>(T t) constexpr { };
              g([&] { }, [=](int x) { });
              i([s = std::move(s), this](auto x) { });
              return [a]() mutable noexcept -> Task<std::vector<int>> { };
            }
            '''), ["", "&", "=", "s = std::move(s), this", "a"])

    def test_own_what_is_not_in_an_inner_lambda(self):
        cpp = Cpp("auto f = [&] { a(); spawn([](int x) { co_await b(); }(1)); c(); };")
        own = cpp.own_body(cpp.lambdas[0])
        self.assertIn("a()", own)
        self.assertIn("c()", own)
        self.assertNotIn("co_await", own)


class Remarks(unittest.TestCase):
    CPP = Cpp("// far\nint a;\n// one\n// two\nint b; // here\nint c; // beside\nint d;\nint e;\n")

    def test_are_on_the_line_and_in_the_comments_right_above(self):
        self.assertEqual(self.CPP.remarks(5).split("\n"), ["// one", "// two", "// here"])

    def test_are_also_beside_the_code_on_the_line_above(self):
        self.assertEqual(self.CPP.remarks(7).strip(), "// beside")

    def test_are_not_further_away(self):
        self.assertEqual(self.CPP.remarks(8).strip(), "")


if __name__ == "__main__":
    unittest.main()
