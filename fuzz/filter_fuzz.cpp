// Any bytes: as a filter and an event's data, they are refused or evaluated; as choices they become a filter
// that is valid, which must say what its conditions, each a filter of its own, say together.
#include "outbound/filter/filter.hpp"

#include <array>
#include <string>

#include "base/assert.hpp"
#include "base/limits.hpp"

namespace {

event::Event make_event(std::string data) {
  event::Event event;
  event.type = "order.created";
  event.subject = "order/42";
  event.data = std::move(data);
  event.changes = R"({"a":{"old":1,"new":"x"}})";
  return event;
}

bool evaluate(const format::Value& document, const event::Event& event) {
  const auto filter = outbound::Filter::compile(document);
  XD_ASSERT(filter.has_value());
  outbound::EventView view(event);
  return filter->matches(view);
}

/// By the meaning of and, or and not; only conditions are given to the compiler.
bool evaluate_slowly(const format::Value& document, const event::Event& event) {
  if (const auto* all = document.find("and")) {
    bool holds = true;
    for (const format::Value& one : all->elements()) holds = evaluate_slowly(one, event) && holds;
    return holds;
  }
  if (const auto* any = document.find("or")) {
    bool holds = false;
    for (const format::Value& one : any->elements()) holds = evaluate_slowly(one, event) || holds;
    return holds;
  }
  if (const auto* inner = document.find("not")) return !evaluate_slowly(*inner, event);
  return evaluate(document, event);
}

/// Makes JSON out of bytes, each a choice.
class Maker {
 public:
  Maker(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  std::string value(int depth) {
    const std::size_t choice = choose(depth > 0 ? 10 : 8);
    if (choice < 8) return scalar();
    std::string text(1, choice == 8 ? '[' : '{');
    static constexpr std::array<const char*, 4> kNames = {R"("a":)", R"("b.c":)", R"("d[0]":)", R"("":)"};
    const std::size_t count = choose(4);
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) text += ",";
      if (choice == 9) text += kNames[i];
      text += value(depth - 1);
    }
    return text + (choice == 8 ? "]" : "}");
  }

  std::string filter(int depth) {
    const std::size_t choice = choose(depth > 0 ? 6 : 3);
    if (choice < 3) return condition();
    if (choice == 3) return R"({"not":)" + filter(depth - 1) + "}";
    std::string text = choice == 4 ? R"({"and":[)" : R"({"or":[)";
    text += filter(depth - 1);
    for (std::size_t more = choose(3); more > 0; --more) text += "," + filter(depth - 1);
    return text + "]}";
  }

 private:
  std::size_t choose(std::size_t count) { return at_ < size_ ? data_[at_++] % count : 0; }

  std::string scalar() {
    static constexpr std::array<const char*, 16> kScalars = {
        "null",       "true",      "false",  "0",    "-0.0",
        "1",          "1.0",       "10e-1",  "\"\"", "\"x\"",
        "\"xy\"",     "\"order\"", "1e9999", "-2.5", "12345678901234567890",
        "\"\\u00e9\""};
    return kScalars[choose(kScalars.size())];
  }

  std::string condition() {
    static constexpr std::array<const char*, 12> kFields = {
        "type",    "subject_type", "ordering_key", "changes.a.new", "data",           "data.a",
        "data[0]", "data[*]",      "data[*].a",    R"(data.b\\.c)", R"(data.d\\[0])", "data.a[*][*]"};
    static constexpr std::array<const char*, 10> kOps = {"eq", "ne",  "in",     "gt",          "gte",
                                                         "lt", "lte", "exists", "starts_with", "contains"};
    const std::string op = kOps[choose(kOps.size())];
    std::string text =
        std::string(R"({"field":")") + kFields[choose(kFields.size())] + R"(","op":")" + op + "\"";
    if (op == "exists") return text + (choose(2) == 0 ? "}" : R"(,"value":false})");
    if (op == "in") return text + R"(,"value":[)" + scalar() + "," + scalar() + "]}";
    if (op == "starts_with") return text + R"(,"value":")" + (choose(2) == 0 ? "x" : "order") + "\"}";
    if (op.starts_with('g') || op.starts_with('l'))
      return text + R"(,"value":)" + (choose(2) == 0 ? "1" : "\"x\"") + "}";
    return text + R"(,"value":)" + scalar() + "}";
  }

  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

void check_choices(const std::uint8_t* data, std::size_t size) {
  Maker maker(data, size);
  const event::Event event = make_event(maker.value(3));
  const auto document = format::parse_json(maker.filter(4));
  XD_ASSERT(document.has_value());
  if (document->root().raw().size() > base::limits::kFilterBytesMax) return;
  XD_ASSERT(evaluate(document->root(), event) == evaluate_slowly(document->root(), event));
}

/// The filter, a line feed, the data.
void check_text(std::string text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const event::Event event = make_event(end < text.size() ? text.substr(end + 1) : "null");
  const auto document = format::parse_json(text.substr(0, end));
  if (!document) return;
  const auto filter = outbound::Filter::compile(document->root());
  if (!filter) {
    XD_ASSERT(!filter.error().fields.empty() && filter.error().fields.size() <= 50);
    for (const base::FieldError& field : filter.error().fields) {
      XD_ASSERT(field.pointer.starts_with("#/filter") && !field.code.empty() && !field.detail.empty());
    }
    return;
  }
  outbound::EventView view(event);
  const bool matches = filter->matches(view);
  XD_ASSERT(matches == filter->matches(view));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  if (data[0] % 2 == 0) {
    check_choices(data + 1, size - 1);
  } else {
    check_text({reinterpret_cast<const char*>(data) + 1, size - 1});
  }
  return 0;
}
