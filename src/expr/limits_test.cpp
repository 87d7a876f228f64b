// Expressions that want too much: each ends soon, in an error of its own.
#include <gtest/gtest.h>

#include "expr/program.hpp"
#include "format/json.hpp"

namespace expr {

namespace {

std::string code_of(std::string source, Limits limits = {}) {
  const auto program = Program::compile(std::move(source));
  if (!program) return std::string(name(program.error().code));
  // Steps end them, however slow the machine, unless a test is about time.
  if (limits.time_max == Limits{}.time_max) limits.time_max = std::chrono::minutes(1);
  format::Arena arena(0);
  const auto document = format::parse_json(R"({"a": [1, 2, 3], "s": "text"})");
  const auto result = evaluate(*program, &document->root(), {.limits = limits}, arena);
  return result ? "none" : std::string(name(result.error().code));
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST(Limits, hostile_expressions_end_in_an_error) {
  const struct {
    std::string source;
    std::string code;
  } cases[] = {
      {"($f := function($n) { $f($n + 1) }; $f(0))", "U1002"},
      {"($f := function($n) { 1 + $f($n + 1) }; $f(0))", "U1001"},
      {"($f := function() { $map([1, 2], $f) }; $f())", "U1001"},
      {"[1..10000000]", "D2015"},
      {"[1..10000001]", "D2014"},
      {"[1..90000].([1..90000])", "D2015"},
      {"$pad('', 100000000, 'abc')", "U1002"},
      {"($d := function($s, $n) { $n = 0 ? $s : $d($s & $s, $n - 1) }; $d('abcdefgh', 40))", "U1002"},
      {"($d := function($s, $n) { $n = 0 ? $s : $d([$s, $s], $n - 1) }; $d('a', 40))", "D2015"},
      {"($d := function($s, $n) { $n = 0 ? $s : $d([[$s], [$s]], $n - 1) }; $string($d('a', 40)))", "U1002"},
      {"($d := function($s, $n) { $n = 0 ? $s : $d([[$s], [$s]], $n - 1) }; $d('a', 40) = $d('a', 40))",
       "U1002"},
      {"($d := function($s, $n) { $n = 0 ? $s : $d([[$s], [$s]], $n - 1) }; $boolean($d(0, 40)))", "U1002"},
      {"($d := function($s, $n) { $n = 0 ? $s : $d([[$s], [$s]], $n - 1) }; $distinct([$d(0, 40), 1]))",
       "U1002"},
      {"($d := function($s, $n) { $n = 0 ? $s : $d([[$s], [$s]], $n - 1) }; $d([], 40).*)", "U1002"},
      {"($d := function($s, $n) { $n = 0 ? $s : $d([[$s], [$s]], $n - 1) }; $d([], 40).**)", "U1002"},
      {"($d := function($s, $n) { $n = 0 ? $s : $d([[$s]], $n - 1) }; $d(1, 5000))", "U1001"},
      {"($d := function($s, $n) { $n = 0 ? $s : $d({'a': $s}, $n - 1) }; $d(1, 5000))", "U1001"},
      {"$sort([1..9000], function($a, $b) { true })", "U1002"},
      {"$reduce([1..9000], $append) ~> $map(function($v) { [1..9000] })", "U1003"},
      {repeated("(", 1000), "S0501"},
      {repeated("[", 100'000), "S0501"},
      {"1" + repeated("+1", 100'000), "S0501"},
      {"1" + repeated("+1", 1'500), "U1001"},
      {"a" + repeated(".a", 100'000), "none"},
      {"a" + repeated("[0]", 100'000), "U1002"},
      {"a.(%" + repeated("+%", 200) + ")", "S0501"},
      {"($b := $pad('', 1000000, 'ab'); $map([1..9000], function($v) { $contains($b, 'x') }))", "U1002"},
      {"($b := $pad('', 1000000, 'ab'); $c := $b & ''; $map([1..9000], function($v) { $b = $c }))", "U1002"},
      {"$split($pad('', 1000000, 'ab'), /b/)", "U1002"},
      {"$formatNumber(1, $pad('0', 100000, ',0'))", "U1002"},
      {"$formatInteger(1, $pad('0', 100000, ',0'))", "U1002"},
      {"$toMillis($pad('', 100000, '1'), '[Y]x')", "none"},
      {"$fromMillis(1, $pad('', 100000, '[Y]'))", "U1002"},
      {repeated("-", 100'000) + "1", "S0501"},
      {"$match('" + repeated("a", 5000) + "', /a/) ~> $map(function($m) { $match($m.match & s, /./) })",
       "U1002"},
  };
  for (const auto& [source, code] : cases) EXPECT_EQ(code_of(source), code) << source.substr(0, 120);
}

TEST(Limits, each_can_be_set) {
  EXPECT_EQ(code_of("$sum([1..1000])"), "none");
  EXPECT_EQ(code_of("$map([1..1000], $abs)", {.steps_max = 500}), "U1002");
  EXPECT_EQ(code_of("[1..1000]", {.sequence_max = 100}), "D2015");
  EXPECT_EQ(code_of("[1..1000] ~> $map(function($x) { $string($x) })", {.memory_bytes_max = 10'000}),
            "U1003");
  EXPECT_EQ(code_of("[1..1000]", {.output_bytes_max = 100}), "U1004");
  EXPECT_EQ(code_of("1 + (2 + (3 + 4))", {.depth_max = 4}), "U1001");
  EXPECT_EQ(code_of("($f := function($n) { $f($n + 1) }; $f(0))",
                    {.steps_max = 1'000'000'000, .memory_bytes_max = std::size_t{1} << 30, .time_max = {}}),
            "D1012");
}

TEST(Limits, a_second_evaluation_in_the_same_arena_starts_afresh) {
  format::Arena arena(0);
  const auto greedy = Program::compile("$pad('', 100000000)");
  const auto modest = Program::compile("1 + 1");
  EXPECT_FALSE(evaluate(*greedy, nullptr, {}, arena).has_value());
  const auto result = evaluate(*modest, nullptr, {}, arena);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ((*result)->text(), "2");
}

}  // namespace expr
