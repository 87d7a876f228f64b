#include "outbound/filter/filter.hpp"

#include <charconv>
#include <cstring>
#include <span>

#include "base/limits.hpp"
#include "format/decimal.hpp"

namespace outbound {

namespace {

using Kind = format::Value::Kind;

constexpr std::size_t kBytesPerStep = 16;
constexpr std::size_t kMomentBytesMin = 20;  // "2026-01-31T08:15:00Z"
constexpr std::size_t kMomentBytesMax = 40;

/// What a path led to: a value, or one of the event's own texts.
struct Seen {
  Kind kind = Kind::null;
  bool boolean = false;
  std::string_view text{};
  std::span<const format::Value> elements{};
};

Seen seen(const format::Value& value) {
  return {value.kind(), value.boolean(), value.text(), value.elements()};
}

/// Two texts; two times as such, however they are written. operand.integer is what moment_of() says of it.
std::strong_ordering compare_texts(std::string_view text, const auto& operand) {
  if (operand.integer) {
    if (const auto moment = moment_of(text)) return *moment <=> *operand.integer;
  }
  return text <=> operand.text;
}

std::strong_ordering compare_numbers(std::string_view text, const auto& operand) {
  // Most numbers are integers of few digits.
  if (operand.integer) {
    std::int64_t integer = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, integer);
    if (read.ec == std::errc{} && read.ptr == end) return integer <=> *operand.integer;
  }
  return format::Decimal(text).compare(format::Decimal(operand.text));
}

}  // namespace

std::optional<std::int64_t> moment_of(std::string_view text) {
  // Most texts are none, which their length or their beginning tells.
  if (text.size() < kMomentBytesMin || text.size() > kMomentBytesMax || text[4] != '-') return std::nullopt;
  const auto moment = base::parse_rfc3339(text);
  return moment ? std::optional(base::to_micros(*moment)) : std::nullopt;
}

const format::Value* EventView::Json::value(const std::string& text) {
  if (known_) return value_;
  known_ = true;
  if (auto parsed = format::parse_json(text)) {
    value_ = &document_.emplace(std::move(*parsed)).root();
  }
  return value_;
}

/// One evaluation.
class FilterRun {
 public:
  FilterRun(const Filter& filter, EventView& event, std::size_t most)
      : filter_(filter), event_(event), most_(most) {}

  /// True as well where the steps did not suffice.
  bool matches();
  std::size_t spent() const { return std::min(spent_, most_); }
  bool is_over() const { return spent_ > most_; }

 private:
  using Test = Filter::Test;
  using Step = Filter::Step;
  using Operand = Filter::Operand;

  bool holds(const Test& test);
  bool holds_below(const Test& test, const format::Value* value, std::span<const Step> path);
  bool holds_for_any(const Test& test, const format::Value& list, std::span<const Step> path);
  bool holds_for(const Test& test, const Seen& value);
  bool equals(const Seen& value, const Operand& operand);
  bool is_in_order(Filter::Op op, const Seen& value, const Operand& operand);
  bool starts_with(const Seen& value, const Operand& operand);
  bool contains(const Seen& value, const Operand& operand);

  /// False when nothing is left to spend.
  bool spend(std::size_t steps) {
    spent_ += steps;
    return !is_over();
  }
  bool spend_bytes(std::size_t bytes) { return spend(bytes / kBytesPerStep); }

  const Filter& filter_;
  EventView& event_;
  std::size_t most_;
  std::size_t spent_ = 0;
};

bool FilterRun::matches() {
  auto next = static_cast<std::int32_t>(filter_.tests_.size()) - 1;
  while (next >= 0) {
    const Test& test = filter_.tests_[static_cast<std::size_t>(next)];
    const bool holds = this->holds(test);
    if (!spend(1)) return true;
    next = holds ? test.if_true : test.if_false;
  }
  return next == Filter::kYes;
}

bool FilterRun::holds(const Test& test) {
  const event::Event& event = event_.event();
  const auto of_text = [&](std::string_view text) {
    return !text.empty() && holds_for(test, {.kind = Kind::string, .text = text});
  };
  const auto path = std::span(filter_.steps_).subspan(test.first_step, test.steps);
  switch (test.root) {
    case Filter::Root::type: return of_text(event.type);
    case Filter::Root::subject: return of_text(event.subject);
    case Filter::Root::subject_type: return of_text(event::subject_type(event));
    case Filter::Root::ordering_key: return of_text(event.ordering_key);
    case Filter::Root::origin: return of_text(event.origin);
    case Filter::Root::data: return holds_below(test, event_.data(), path);
    case Filter::Root::changes: return holds_below(test, event_.changes(), path);
  }
  return false;
}

bool FilterRun::holds_below(const Test& test, const format::Value* value, std::span<const Step> path) {
  for (; value != nullptr && !path.empty(); path = path.subspan(1)) {
    const Step& step = path.front();
    switch (step.kind) {
      case Step::Kind::name:
        if (!spend(value->members().size() * (1 + step.name.size() / kBytesPerStep))) return false;
        value = value->find(step.name);
        break;
      case Step::Kind::index:
        value = step.index < value->elements().size() ? &value->elements()[step.index] : nullptr;
        break;
      case Step::Kind::any: return holds_for_any(test, *value, path.subspan(1));
    }
  }
  return value != nullptr && holds_for(test, seen(*value));
}

bool FilterRun::holds_for_any(const Test& test, const format::Value& list, std::span<const Step> path) {
  for (const format::Value& element : list.elements()) {
    if (!spend(1)) return false;
    if (holds_below(test, &element, path)) return true;
  }
  return false;
}

bool FilterRun::holds_for(const Test& test, const Seen& value) {
  const auto operands = std::span(filter_.operands_).subspan(test.first_operand, test.operands);
  switch (test.op) {
    case Filter::Op::exists: return true;
    case Filter::Op::in:
      for (const Operand& operand : operands) {
        if (!spend(1)) return false;
        if (equals(value, operand)) return true;
      }
      return false;
    case Filter::Op::eq: return equals(value, operands.front());
    case Filter::Op::gt:
    case Filter::Op::gte:
    case Filter::Op::lt:
    case Filter::Op::lte: return is_in_order(test.op, value, operands.front());
    case Filter::Op::starts_with: return starts_with(value, operands.front());
    case Filter::Op::contains: return contains(value, operands.front());
  }
  return false;
}

bool FilterRun::equals(const Seen& value, const Operand& operand) {
  if (value.kind != operand.kind) return false;
  switch (operand.kind) {
    case Kind::null: return true;
    case Kind::boolean: return value.boolean == operand.boolean;
    case Kind::string:
      if (value.text.size() == operand.text.size()) {
        if (!spend_bytes(value.text.size())) return false;
        if (value.text == operand.text) return true;
      }
      return operand.integer && spend_bytes(std::min(value.text.size(), kMomentBytesMax)) &&
             moment_of(value.text) == operand.integer;
    case Kind::number:
      return spend_bytes(value.text.size() + operand.text.size()) &&
             compare_numbers(value.text, operand) == 0;
    case Kind::array:
    case Kind::object: break;  // no operand is one
  }
  return false;
}

bool FilterRun::is_in_order(Filter::Op op, const Seen& value, const Operand& operand) {
  if (value.kind != operand.kind || !spend_bytes(value.text.size() + operand.text.size())) return false;
  const std::strong_ordering order = operand.kind == Kind::number ? compare_numbers(value.text, operand)
                                                                  : compare_texts(value.text, operand);
  switch (op) {
    case Filter::Op::gt: return order > 0;
    case Filter::Op::gte: return order >= 0;
    case Filter::Op::lt: return order < 0;
    case Filter::Op::lte: return order <= 0;
    default: return false;
  }
}

bool FilterRun::starts_with(const Seen& value, const Operand& operand) {
  return value.kind == Kind::string && value.text.size() >= operand.text.size() &&
         spend_bytes(operand.text.size()) && value.text.starts_with(operand.text);
}

bool FilterRun::contains(const Seen& value, const Operand& operand) {
  if (value.kind == Kind::string && operand.kind == Kind::string) {
    // memmem, because the time it takes grows with the text alone, whatever stands in it.
    return spend_bytes(value.text.size()) &&
           memmem(value.text.data(), value.text.size(), operand.text.data(), operand.text.size()) != nullptr;
  }
  for (const format::Value& element : value.elements) {
    if (!spend(1)) return false;
    if (equals(seen(element), operand)) return true;
  }
  return false;
}

bool Filter::matches(EventView& event) const {
  return FilterRun(*this, event, base::limits::kFilterStepsMax).matches();
}

Filter::Answer Filter::ask(EventView& event, std::size_t& steps) const {
  FilterRun run(*this, event, std::min(steps, base::limits::kFilterStepsMax));
  const bool matches = run.matches();
  const bool stopped = run.is_over() && run.spent() < base::limits::kFilterStepsMax;
  steps -= run.spent();
  return stopped ? Answer::undecided : matches ? Answer::yes : Answer::no;
}

std::size_t Filter::bytes() const {
  std::size_t bytes = sizeof(*this) + tests_.capacity() * sizeof(Test) + steps_.capacity() * sizeof(Step) +
                      operands_.capacity() * sizeof(Operand);
  for (const Step& step : steps_) bytes += step.name.capacity();
  for (const Operand& operand : operands_) bytes += operand.text.capacity();
  return bytes;
}

}  // namespace outbound
