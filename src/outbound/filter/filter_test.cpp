#include "outbound/filter/filter.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace outbound {

namespace {

namespace limits = base::limits;

constexpr const char* kData = R"({
  "order": {"id": "A-17", "total": 100.50, "paid": true, "coupon": null, "a.b": {"c[0]": 1, "d\\e": 2}},
  "items": [{"sku": "TEST-1", "qty": 2}, {"sku": "X-9", "qty": 10}],
  "tags": ["vip", 7, null],
  "matrix": [[1, 2], [3, 4]],
  "big": 12345678901234567890123,
  "name": "Zoë",
  "empty": {}
})";

event::Event make_event() {
  event::Event event;
  event.type = "order.created";
  event.subject = "order/42";
  event.data = kData;
  event.changes = R"({"status":{"old":"open","new":"paid"}})";
  event.origin = "api";
  return event;
}

base::Result<Filter> compiled(std::string text) {
  const auto document = format::parse_json(std::move(text));
  EXPECT_TRUE(document);
  return Filter::compile(document->root());
}

bool matches(const std::string& text, const event::Event& event = make_event()) {
  const auto filter = compiled(text);
  EXPECT_TRUE(filter) << text << (filter ? "" : filter.error().message);
  EventView view(event);
  return filter && filter->matches(view);
}

std::string condition(std::string_view field, std::string_view op, std::string_view value) {
  std::string text = R"({"field":)" + format::json_string(field) + R"(,"op":")" + std::string(op) + "\"";
  if (!value.empty()) text += ",\"value\":" + std::string(value);
  return text + "}";
}

struct Case {
  const char* field;
  const char* op;
  const char* value;
  bool matches;
};

void expect_all(std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    const std::string text = condition(c.field, c.op, c.value);
    EXPECT_EQ(matches(text), c.matches) << text;
    EXPECT_EQ(matches(R"({"not":)" + text + "}"), !c.matches) << text;
  }
}

TEST(Filter, matches_the_event_s_own_members) {
  expect_all({{"type", "eq", R"("order.created")", true},
              {"type", "eq", R"("order.updated")", false},
              {"type", "starts_with", R"("order.")", true},
              {"subject", "eq", R"("order/42")", true},
              {"subject_type", "eq", R"("order")", true},
              {"origin", "in", R"(["sync","api"])", true},
              {"changes.status.new", "eq", R"("paid")", true},
              {"changes", "exists", "", true},
              {"data", "exists", "", true}});
}

TEST(Filter, takes_an_empty_member_of_the_event_for_missing) {
  expect_all({{"ordering_key", "exists", "", false},
              {"ordering_key", "exists", "false", true},
              {"ordering_key", "eq", R"("")", false},
              {"ordering_key", "ne", R"("7")", true},
              {"ordering_key", "starts_with", R"("")", false}});
}

TEST(Filter, finds_members_by_name_index_and_escape) {
  expect_all({{"data.order.id", "eq", R"("A-17")", true},
              {"data.items[0].sku", "eq", R"("TEST-1")", true},
              {"data.items[1].sku", "eq", R"("TEST-1")", false},
              {"data.items[2].sku", "exists", "", false},
              {"data.matrix[1][0]", "eq", "3", true},
              {"data.order.a\\.b.c\\[0]", "eq", "1", true},
              {"data.order.a\\.b.d\\\\e", "eq", "2", true},
              {"data.order[0]", "exists", "", false},
              {"data.items.sku", "exists", "", false},
              {"data.order.id.deeper", "exists", "", false}});
}

TEST(Filter, matches_any_element_of_a_list) {
  expect_all({{"data.items[*].sku", "eq", R"("X-9")", true},
              {"data.items[*].sku", "eq", R"("X-8")", false},
              {"data.items[*].qty", "gt", "9", true},
              {"data.items[*].qty", "gt", "10", false},
              {"data.matrix[*][*]", "eq", "4", true},
              {"data.items[*].sku", "ne", R"("X-9")", false},
              {"data.items[*].price", "exists", "", false},
              {"data.items[*].qty", "exists", "", true},
              {"data.order[*]", "exists", "", false}});
}

TEST(Filter, tells_missing_from_null) {
  expect_all({{"data.order.coupon", "exists", "", true},
              {"data.order.coupon", "exists", "false", false},
              {"data.order.coupon", "eq", "null", true},
              {"data.order.coupon", "ne", "null", false},
              {"data.order.voucher", "exists", "true", false},
              {"data.order.voucher", "exists", "false", true},
              {"data.order.voucher", "eq", "null", false},
              {"data.order.voucher", "ne", "null", true},
              {"data.order.voucher", "lt", "5", false},
              {"data.order.voucher", "in", R"([null, "x"])", false},
              {"data.order.coupon", "in", R"([null, "x"])", true}});
}

TEST(Filter, compares_only_what_is_of_one_kind) {
  expect_all({{"data.order.total", "eq", R"("100.50")", false},
              {"data.order.total", "ne", R"("100.50")", true},
              {"data.order.total", "gt", R"("1")", false},
              {"data.order.id", "gt", "1", false},
              {"data.order.paid", "eq", "true", true},
              {"data.order.paid", "eq", "1", false},
              {"data.order.paid", "eq", R"("true")", false},
              {"data.order", "eq", "null", false},
              {"data.empty", "exists", "", true},
              {"data.order.total", "starts_with", R"("100")", false},
              {"data.order.total", "contains", R"("100")", false}});
}

TEST(Filter, compares_numbers_by_what_they_mean) {
  expect_all({{"data.order.total", "eq", "100.5", true},
              {"data.order.total", "eq", "1005e-1", true},
              {"data.order.total", "gte", "100.5", true},
              {"data.order.total", "gt", "100.5", false},
              {"data.order.total", "lt", "100.50001", true},
              {"data.order.total", "lte", "100", false},
              {"data.order.total", "in", "[1, 1.005e2]", true},
              {"data.big", "eq", "12345678901234567890123", true},
              {"data.big", "eq", "12345678901234567890124", false},
              {"data.big", "gt", "12345678901234567890122", true},
              {"data.big", "eq", "1.2345678901234567890123e22", true}});
}

TEST(Filter, compares_strings_by_their_bytes) {
  expect_all({{"data.name", "eq", R"("Zo\u00eb")", true},
              {"data.name", "eq", R"("zoë")", false},
              {"data.name", "gt", R"("Zoe")", true},
              {"data.order.id", "gte", R"("A-17")", true},
              {"data.order.id", "lt", R"("A-2")", true},
              {"data.name", "starts_with", R"("Zo")", true},
              {"data.name", "starts_with", R"("Zoë!")", false}});
}

TEST(Filter, looks_for_a_part_of_a_string_or_an_element_of_a_list) {
  expect_all({{"data.order.id", "contains", R"("-1")", true},
              {"data.order.id", "contains", R"("-2")", false},
              {"data.order.id", "contains", R"("")", true},
              {"data.tags", "contains", R"("vip")", true},
              {"data.tags", "contains", R"("vi")", false},
              {"data.tags", "contains", "7.0", true},
              {"data.tags", "contains", "null", true},
              {"data.tags", "contains", "true", false},
              {"data.tags[*]", "contains", R"("vi")", true},
              {"data.order", "contains", R"("id")", false}});
}

TEST(Filter, joins_conditions) {
  const std::string yes = condition("type", "exists", "");
  const std::string no = condition("type", "eq", "1");
  const auto list = [](const char* word, std::initializer_list<std::string> members) {
    std::string text = "{\"" + std::string(word) + "\":[";
    for (const std::string& member : members) text += (text.ends_with('[') ? "" : ",") + member;
    return text + "]}";
  };
  const auto inverse = [](const std::string& text) { return "{\"not\":" + text + "}"; };
  for (const std::string& a : {yes, no}) {
    for (const std::string& b : {yes, no}) {
      for (const std::string& c : {yes, no}) {
        const bool x = a == yes;
        const bool y = b == yes;
        const bool z = c == yes;
        EXPECT_EQ(matches(list("and", {a, b, c})), x && y && z);
        EXPECT_EQ(matches(list("or", {a, b, c})), x || y || z);
        EXPECT_EQ(matches(list("and", {a, list("or", {b, inverse(c)})})), x && (y || !z));
        EXPECT_EQ(matches(list("or", {list("and", {a, b}), inverse(c)})), (x && y) || !z);
        EXPECT_EQ(matches(inverse(list("and", {a, inverse(list("or", {b, c}))}))), !(x && !(y || z)));
      }
    }
  }
}

TEST(Filter, looks_at_the_data_that_was_parsed_already) {
  const event::Event event = make_event();
  const auto other = format::parse_json(R"({"n":1})").value();
  EventView view(event, {.data = &other.root()});
  EXPECT_TRUE(compiled(condition("data.n", "eq", "1"))->matches(view));
}

TEST(Filter, takes_data_that_is_no_json_for_missing) {
  event::Event event = make_event();
  event.data = "{";
  event.changes.clear();
  EXPECT_TRUE(matches(condition("data.n", "exists", "false"), event));
  EXPECT_TRUE(matches(condition("changes", "exists", "false"), event));
}

TEST(Filter, lets_an_event_through_that_takes_too_long_to_judge) {
  event::Event event = make_event();
  event.data = "[" + std::string("0");
  for (std::size_t i = 0; i < limits::kFilterStepsMax / 4; ++i) event.data += ",0";
  event.data += "]";
  const std::string never = condition("data", "contains", "1");
  std::string many = "{\"or\":[" + never;
  EXPECT_FALSE(matches(many + "]}", event));
  for (int i = 0; i < 4; ++i) many += "," + never;
  EXPECT_TRUE(matches(many + "]}", event));
  EXPECT_TRUE(matches("{\"not\":" + many + "]}}", event));
}

struct Refused {
  std::string filter;
  const char* pointer;
  const char* code;
};

void expect_refused(const std::vector<Refused>& cases) {
  for (const Refused& c : cases) {
    const auto filter = compiled(c.filter);
    ASSERT_FALSE(filter) << c.filter;
    EXPECT_EQ(filter.error().code, base::Code::invalid);
    ASSERT_FALSE(filter.error().fields.empty()) << c.filter;
    const base::FieldError& field = filter.error().fields.front();
    EXPECT_EQ(field.pointer, c.pointer) << c.filter;
    EXPECT_EQ(field.code, c.code) << c.filter;
    EXPECT_FALSE(field.detail.empty());
  }
}

TEST(Filter, refuses_what_is_no_filter) {
  expect_refused({
      {"[]", "#/filter", "WRONG_TYPE"},
      {"{}", "#/filter", "INVALID"},
      {R"({"data.total": 3})", "#/filter", "INVALID"},
      {R"({"and": [], "or": []})", "#/filter", "INVALID"},
      {R"({"and": []})", "#/filter/and", "OUT_OF_RANGE"},
      {R"({"or": {}})", "#/filter/or", "WRONG_TYPE"},
      {R"({"not": []})", "#/filter/not", "WRONG_TYPE"},
      {R"({"or": [3]})", "#/filter/or/0", "WRONG_TYPE"},
      {R"({"not": {"and": [null]}})", "#/filter/not/and/0", "WRONG_TYPE"},
      {R"({"and": [{"field":"type","op":"exists"}], "~/x": 1})", "#/filter/~0~1x", "UNKNOWN_MEMBER"},
      {R"({"field":"type","op":"exists","values":[]})", "#/filter/values", "UNKNOWN_MEMBER"},
  });
}

TEST(Filter, refuses_a_condition_that_cannot_be_meant) {
  expect_refused({
      {R"({"op":"exists"})", "#/filter/field", "REQUIRED"},
      {R"({"field":1,"op":"exists"})", "#/filter/field", "WRONG_TYPE"},
      {R"({"field":"type","value":1})", "#/filter/op", "REQUIRED"},
      {R"({"field":"type","op":1,"value":1})", "#/filter/op", "WRONG_TYPE"},
      {R"({"field":"type","op":"$eq","value":1})", "#/filter/op", "INVALID"},
      {R"({"field":"type","op":"eq"})", "#/filter/value", "REQUIRED"},
      {R"({"field":"type","op":"eq","value":[]})", "#/filter/value", "WRONG_TYPE"},
      {R"({"field":"type","op":"eq","value":{}})", "#/filter/value", "WRONG_TYPE"},
      {R"({"field":"type","op":"gt","value":null})", "#/filter/value", "WRONG_TYPE"},
      {R"({"field":"type","op":"lte","value":true})", "#/filter/value", "WRONG_TYPE"},
      {R"({"field":"type","op":"starts_with","value":1})", "#/filter/value", "WRONG_TYPE"},
      {R"({"field":"type","op":"exists","value":1})", "#/filter/value", "WRONG_TYPE"},
      {R"({"field":"type","op":"exists","value":null})", "#/filter/value", "WRONG_TYPE"},
      {R"({"field":"type","op":"in","value":"x"})", "#/filter/value", "WRONG_TYPE"},
      {R"({"field":"type","op":"in","value":[]})", "#/filter/value", "OUT_OF_RANGE"},
      {R"({"field":"type","op":"in","value":["x",[1]]})", "#/filter/value/1", "WRONG_TYPE"},
      {R"({"field":"type","op":"eq","value":1e10000})", "#/filter/value", "OUT_OF_RANGE"},
      {R"({"field":"type","op":"eq","value":1e-99999999999999999999})", "#/filter/value", "OUT_OF_RANGE"},
  });
}

TEST(Filter, compares_times_as_times_however_they_are_written) {
  event::Event event = make_event();
  event.data = R"({"at":"2026-01-31T09:15:00.5+01:00","day":"2026-01-31","word":"2026-b"})";
  const auto holds = [&](const char* field, const char* op, const char* value) {
    return matches(condition(field, op, value), event);
  };
  EXPECT_TRUE(holds("data.at", "eq", R"("2026-01-31T08:15:00.500Z")"));
  EXPECT_FALSE(holds("data.at", "ne", R"("2026-01-31T08:15:00.500Z")"));
  EXPECT_TRUE(holds("data.at", "in", R"(["x","2026-01-31T08:15:00.500000Z"])"));
  EXPECT_TRUE(holds("data.at", "lt", R"("2026-01-31T08:15:01Z")"));
  EXPECT_TRUE(holds("data.at", "gt", R"("2026-01-31T08:15:00Z")"));
  EXPECT_TRUE(holds("data.at", "gte", R"("2026-01-31T03:15:00.5-05:00")"));
  EXPECT_FALSE(holds("data.at", "gt", R"("2026-01-31T03:15:00.5-05:00")"));
  // What is no time is a text, on both sides.
  EXPECT_TRUE(holds("data.day", "lt", R"("2026-01-31T00:00:00Z")"));
  EXPECT_TRUE(holds("data.word", "gt", R"("2026-01-31T00:00:00Z")"));
  EXPECT_TRUE(holds("data.at", "gt", R"("2026-01-31")"));
}

TEST(Filter, takes_the_steps_it_uses_and_stops_where_they_do_not_suffice) {
  event::Event event = make_event();
  event.data = "[0";
  for (int i = 1; i < 1000; ++i) event.data += ",0";
  event.data += "]";
  EventView view(event);
  const Filter none = compiled(condition("data[*]", "eq", "1")).value();
  const Filter first = compiled(condition("data[*]", "eq", "0")).value();
  std::size_t steps = 2000;
  EXPECT_EQ(first.ask(view, steps), Filter::Answer::yes);
  EXPECT_GT(steps, 1990u);
  EXPECT_EQ(none.ask(view, steps), Filter::Answer::no);
  EXPECT_LT(steps, 1000u);
  EXPECT_EQ(none.ask(view, steps), Filter::Answer::undecided);
  EXPECT_EQ(steps, 0u);
  EXPECT_EQ(first.ask(view, steps), Filter::Answer::undecided);
}

TEST(Filter, takes_a_step_for_each_sixteen_bytes_that_it_compares) {
  const std::string long_text = format::json_string(std::string(8000, 'x'));
  const std::string other_text = format::json_string(std::string(7999, 'x') + "y");
  const std::string digits(8000, '7');
  const std::string name(480, 'n');
  event::Event event;
  event.data = R"({"text":)" + long_text + R"(,"list":[)" + long_text + R"(],"number":)" + digits +
               R"(,"small":1,"deep":{")" + name + R"(":1}})";
  EventView view(event);
  for (const std::string& filter :
       {condition("data.text", "eq", other_text), condition("data.text", "in", "[1," + other_text + "]"),
        condition("data.text", "starts_with", other_text), condition("data.text", "contains", other_text),
        condition("data.text", "gt", other_text), condition("data.list", "contains", other_text),
        condition("data.number", "eq", "1"), condition("data.number", "lt", "1"),
        condition("data.small", "eq", digits), condition("data.small", "gt", digits)}) {
    std::size_t steps = 10'000;
    EXPECT_EQ(compiled(filter)->ask(view, steps), Filter::Answer::no) << filter.substr(0, 60);
    EXPECT_LE(steps, 9'500u) << filter.substr(0, 60);
    EXPECT_GT(steps, 8'900u) << filter.substr(0, 60);
  }
  std::size_t steps = 10'000;
  EXPECT_EQ(compiled(condition("data.deep." + name, "eq", "2"))->ask(view, steps), Filter::Answer::no);
  EXPECT_LE(steps, 9'970u);
  steps = 10'000;
  EXPECT_EQ(compiled(condition("data.text", "eq", R"("short")"))->ask(view, steps), Filter::Answer::no);
  EXPECT_GT(steps, 9'990u) << "their lengths differ";
}

TEST(Filter, lets_through_what_takes_more_than_all_steps_of_one_filter) {
  event::Event event = make_event();
  event.data = "[0";
  for (int i = 1; i < 60'000; ++i) event.data += ",0";
  event.data += "]";
  EventView view(event);
  const std::string none = condition("data[*]", "eq", "1");
  const Filter filter = compiled(R"({"or":[)" + none + "," + none + "]}").value();
  std::size_t steps = 10 * limits::kFilterStepsMax;
  EXPECT_EQ(filter.ask(view, steps), Filter::Answer::yes);
  EXPECT_EQ(steps, 9 * limits::kFilterStepsMax);
  EXPECT_TRUE(filter.matches(view));
  steps = limits::kFilterStepsMax - 1;
  EXPECT_EQ(filter.ask(view, steps), Filter::Answer::undecided);
}

TEST(Filter, refuses_a_path_that_leads_nowhere) {
  std::vector<Refused> cases;
  for (const char* path : {"",
                           ".",
                           "payload",
                           "payload.x",
                           "Data",
                           "data.",
                           "data..x",
                           "data.x.",
                           "data[",
                           "data[]",
                           "data[x]",
                           "data[-1]",
                           "data[0",
                           "data[0]x",
                           "data[*",
                           "data[0.5]",
                           "data[99999999999999999999]",
                           "data.x\\",
                           "type.x",
                           "origin[0]",
                           "datax.y"}) {
    cases.push_back({condition(path, "exists", ""), "#/filter/field", "INVALID"});
  }
  cases.push_back({condition("data." + std::string(limits::kFilterPathBytesMax, 'x'), "exists", ""),
                   "#/filter/field", "TOO_LONG"});
  std::string deep = "data";
  for (std::size_t i = 0; i <= limits::kFilterPathStepsMax; ++i) deep += ".x";
  cases.push_back({condition(deep, "exists", ""), "#/filter/field", "TOO_DEEP"});
  expect_refused(cases);
}

TEST(Filter, has_limits) {
  std::string deep = condition("type", "exists", "");
  for (std::size_t i = 1; i < limits::kFilterDepthMax; ++i) deep = R"({"not":)" + deep + "}";
  EXPECT_TRUE(compiled(deep));
  std::string pointer = "#/filter";
  for (std::size_t i = 0; i < limits::kFilterDepthMax; ++i) pointer += "/not";
  const auto list = [](std::size_t count, const std::string& member) {
    std::string text = member;
    for (std::size_t i = 1; i < count; ++i) text += "," + member;
    return "[" + text + "]";
  };
  const std::string yes = condition("type", "exists", "");
  EXPECT_TRUE(compiled(R"({"or":)" + list(limits::kFilterListMax, yes) + "}"));
  EXPECT_TRUE(compiled(condition("type", "in", list(limits::kFilterValuesMax, "1"))));
  const std::string padding = condition("type", "eq", format::json_string(""));
  const std::string fill(limits::kFilterBytesMax - padding.size(), 'x');
  EXPECT_TRUE(compiled(condition("type", "eq", format::json_string(fill))));
  expect_refused(
      {{R"({"not":)" + deep + "}", pointer.c_str(), "TOO_DEEP"},
       {R"({"or":)" + list(limits::kFilterListMax + 1, yes) + "}", "#/filter/or", "OUT_OF_RANGE"},
       {condition("type", "in", list(limits::kFilterValuesMax + 1, "1")), "#/filter/value", "OUT_OF_RANGE"},
       {condition("type", "eq", format::json_string(fill + "x")), "#/filter", "TOO_LONG"}});
}

TEST(Filter, tells_all_that_is_wrong_at_once) {
  const auto filter = compiled(R"({"and":[{"field":"x","op":"y"},{"not":{"field":"type","op":"gt"}}]})");
  ASSERT_FALSE(filter);
  std::vector<std::string> pointers;
  for (const base::FieldError& field : filter.error().fields) pointers.push_back(field.pointer);
  std::ranges::sort(pointers);
  EXPECT_EQ(pointers, (std::vector<std::string>{"#/filter/and/0/field", "#/filter/and/0/op",
                                                "#/filter/and/1/not/value"}));
}

TEST(Filter, says_how_many_errors_there_are_beyond_the_first_hundred) {
  std::string text = R"({"or":[{"or":[1)";
  for (int i = 1; i < 90; ++i) text += ",1";
  const auto filter = compiled(text + "]}," + text.substr(7) + "]}]}");
  ASSERT_FALSE(filter);
  EXPECT_EQ(filter.error().fields.size(), 100u);
  EXPECT_EQ(filter.error().fields.more(), 80u);
}

}  // namespace

}  // namespace outbound
