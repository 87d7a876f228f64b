#include "expr/program.hpp"

#include <gtest/gtest.h>

#include "format/json.hpp"

namespace expr {

namespace {

/// What an expression makes of an input, as JSON; "(nothing)", or the error's code, token and position.
class Runner {
 public:
  std::string operator()(std::string source, std::string input = "null") {
    const auto document = format::parse_json(std::move(input));
    EXPECT_TRUE(document.has_value());
    auto program = Program::compile(std::move(source));
    if (!program) return shown(program.error());
    const auto result = evaluate(*program, &document->root(), environment, arena_);
    if (!result) return shown(result.error());
    if (!*result) return "(nothing)";
    std::string out;
    format::JsonWriter(out).value(**result);
    return out;
  }

  Environment environment{};

 private:
  static std::string shown(const Error& error) {
    EXPECT_FALSE(error.message.empty());
    return std::string(name(error.code)) + " " + error.token + " " + std::to_string(error.position);
  }

  format::Arena arena_{0};
};

struct Case {
  std::string_view source;
  std::string_view result;
  std::string_view input = "null";
};

void check(std::span<const Case> cases, Runner& run) {
  for (const auto& [source, result, input] : cases) {
    EXPECT_EQ(run(std::string(source), std::string(input)), result) << source;
  }
}

void check(std::initializer_list<Case> cases) {
  Runner run;
  check(std::span(cases.begin(), cases.size()), run);
}

}  // namespace

TEST(Program, numbers_that_are_only_moved_keep_their_text) {
  constexpr std::string_view kInput = R"({"a": 0.10, "b": [12345678901234567890, 1E5], "c": {"d": -0}})";
  check({{"a", "0.10", kInput},
         {"b", "[12345678901234567890, 1E5]", kInput},
         {"b[0]", "12345678901234567890", kInput},
         {R"({"x": a, "y": [b, a]})", R"({"x":0.10,"y":[12345678901234567890,1E5,0.10]})", kInput},
         {"c.d", "-0", kInput},
         {"$sort(b)[0]", "1E5", kInput},
         {"a + 0", "0.1", kInput}});
}

TEST(Program, identifiers_of_any_length_keep_their_digits_in_texts) {
  constexpr std::string_view kInput = R"({"id": 12345678901234567890, "price": 0.10})";
  check({{R"("id-" & id)", R"("id-12345678901234567890")", kInput},
         {"$string(id)", R"("12345678901234567890")", kInput},
         {"$string(price)", R"("0.1")", kInput},
         {"$string(0.1 + 0.2)", R"("0.3")", kInput}});
}

TEST(Program, objects_keep_the_order_of_their_keys) {
  constexpr std::string_view kInput = R"({"b": 1, "10": 2, "a": 3})";
  check({{"$", kInput, kInput},
         {"$keys()", R"(["b","10","a"])", kInput},
         {"*", "[1,2,3]", kInput},
         {R"({"z": a, "1": b})", R"({"z":3,"1":1})", kInput}});
}

TEST(Program, an_error_says_where_it_is) {
  check({{"1 + 'a'", "T2002 + 3"},
         {"$sum('a')", "T0412 sum 5"},
         {"foo(1)", "T1006 foo 4"},
         {"sum(1)", "T1005 sum 4"},
         {"'😀' & 1 +", "S0207 (end) 10"},
         {"[1, 2", "S0203 (end) 5"},
         {"'a' < 1", "T2009 < 5"},
         {"$uppercase(5)", "T0410 uppercase 11"},
         {"/a(?=b)/", "S0303 a(?=b) 8"},
         {R"(/(a)\1/)", R"(S0303 (a)\1 7)"}});
}

TEST(Program, time_and_chance_are_those_of_the_environment) {
  Runner run;
  run.environment.now = *base::parse_rfc3339("2026-11-22T16:48:00.123Z");
  run.environment.seed = 7;
  EXPECT_EQ(run("$now()"), R"("2026-11-22T16:48:00.123Z")");
  EXPECT_EQ(run("$millis()"), "1795366080123");
  EXPECT_EQ(run("$now('[H01]:[m01] [z]', '-0530')"), R"("11:18 GMT-05:30")");
  const std::string chance = run("[$random(), $random(), $shuffle([1..9])]");
  EXPECT_EQ(run("[$random(), $random(), $shuffle([1..9])]"), chance);
  run.environment.seed = 8;
  EXPECT_NE(run("[$random(), $random(), $shuffle([1..9])]"), chance);
}

TEST(Program, tables_are_asked_by_name) {
  struct Tables : LookupTables {
    const format::Value* find(std::string_view table, std::string_view key) const override {
      return table == "states" ? states.root().find(key) : nullptr;
    }
    format::Document states = *format::parse_json(R"({"TX": "Texas"})");
  } tables;
  Runner run;
  run.environment.tables = &tables;
  EXPECT_EQ(run(R"($lookup("states", "TX"))"), R"("Texas")");
  EXPECT_EQ(run(R"($lookup("states", "XX"))"), "(nothing)");
  EXPECT_EQ(run(R"($lookup("cities", "TX"))"), "(nothing)");
  EXPECT_EQ(run(R"($lookup({"TX": 1}, "TX"))"), "1");
}

TEST(Program, eval_is_off_unless_asked_for) {
  Runner run;
  EXPECT_EQ(run("$eval('1+1')"), "D3121 eval 6");
  run.environment.eval = true;
  EXPECT_EQ(run("$eval('1+1')"), "2");
  EXPECT_EQ(run("$eval('1+')"), "D3120 eval 6");
}

TEST(Program, characters_are_code_points) {
  check({{"$length('a😀b')", "3"},
         {"$substring('a😀b', 1, 1)", R"("😀")"},
         {"$pad('😀', 3, '*')", R"("😀**")"},
         {"$split('a😀b', '')", R"(["a","😀","b"])"},
         {"$uppercase('straße ǆ ά')", R"("STRASSE Ǆ Ά")"},
         {"$lowercase('ΟΔΟΣ Σ')", R"("οδος σ")"},
         {"$match('😀ab', /a/).index", "2"}});
}

TEST(Program, regular_expressions_are_those_of_javascript) {
  check({{R"($match("ab12", /[a-z]+(?<n>\d)/).groups)", R"(["1"])"},
         {R"($contains("a\u00a0b", /a\sb/))", "true"},
         {R"($contains("a\nb", /a.b/))", "false"},
         {R"($contains("a/b", /a\/b/))", "true"},
         {R"($contains("A", /a/i))", "true"},
         {R"($contains("x\na", /^a/m))", "true"},
         {R"($contains("x\na", /^a/))", "false"},
         {R"($contains("€", /\u20ac/))", "true"},
         {R"($replace("a-b", /(\w)-(\w)/, "$2-$1"))", R"("b-a")"},
         {R"($replace("aaa", /a/, "b", 2))", R"("bba")"},
         {R"($split("a1b22c", /\d+/))", R"(["a","b","c"])"}});
}

TEST(Program, an_expression_is_as_cheap_as_it_can_be) {
  const auto tier = [](std::string source) { return Program::compile(std::move(source))->tier(); };
  EXPECT_EQ(tier("a.b.`c d`"), Program::Tier::path);
  EXPECT_EQ(tier("'x'"), Program::Tier::path);
  EXPECT_EQ(tier("a.b > 3 and $lowercase(c) = 'x' ? 1 : -d"), Program::Tier::scalar);
  EXPECT_EQ(tier("a[0].b"), Program::Tier::full);
  EXPECT_EQ(tier("$map(a, function($x){$x})"), Program::Tier::full);
}

}  // namespace expr
