#include <charconv>

#include "base/limits.hpp"
#include "format/decimal.hpp"
#include "outbound/filter/filter.hpp"

namespace outbound {

namespace {

using base::Code;
using base::Result;
using format::Value;
using Kind = Value::Kind;

constexpr std::size_t kNameShownBytes = 100;
constexpr const char* kShapes =
    "a filter is {\"field\", \"op\", \"value\"}, {\"and\": […]}, {\"or\": […]} or {\"not\": {…}}";
constexpr const char* kOps =
    "the operators are eq, ne, in, gt, gte, lt, lte, exists, starts_with and contains";
constexpr const char* kRoots =
    "a field is type, subject, subject_type, ordering_key, origin, or begins with data or changes, like "
    "data.order.total";

/// A member name as a part of a JSON pointer (RFC 6901).
std::string pointer_part(std::string_view name) {
  std::string part = "/";
  for (const char c : name.substr(0, kNameShownBytes))
    part += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return part;
}

}  // namespace

/// Makes the list of tests from its end: each test is told where to go from it.
class FilterCompiler {
 public:
  Result<Filter> compile(const Value& document, std::string_view pointer);

 private:
  using Op = Filter::Op;
  using Root = Filter::Root;
  using Step = Filter::Step;
  using Operand = Filter::Operand;

  /// An operator as it is written, and what is made of it.
  struct Word {
    std::string_view word;
    Op op;
    bool negated = false;
  };
  static const Word* find_word(std::string_view text);

  /// Where to go when what is being compiled holds, and when it does not; the answer is where it begins.
  struct Exits {
    std::int32_t if_true = Filter::kYes;
    std::int32_t if_false = Filter::kNo;
    Exits swapped() const { return {if_false, if_true}; }
  };
  std::int32_t filter(const Value& value, const std::string& pointer, std::size_t depth, Exits exits);
  std::int32_t list(const Value& value, const std::string& pointer, std::size_t depth, Exits exits,
                    std::string_view word);
  std::int32_t condition(const Value& value, const std::string& pointer, Exits exits);

  void path(std::string_view text, const std::string& pointer, Filter::Test& test);
  bool step(std::string_view& rest, const std::string& pointer);
  bool bracket(std::string_view& rest, const std::string& pointer);
  void operands(const Value* value, const std::string& pointer, const Word& word, Filter::Test& test);
  void operand(const Value& value, const std::string& pointer, Op op);
  void unknown_members(const Value& value, const std::string& pointer,
                       std::initializer_list<std::string_view> known);

  void error(std::string pointer, std::string code, std::string detail) {
    errors_.push_back({std::move(pointer), std::move(code), std::move(detail)});
  }
  bool invalid(const std::string& pointer, std::string detail) {
    error(pointer, "INVALID", std::move(detail));
    return false;
  }

  Filter filter_;
  base::FieldErrors errors_;
};

const FilterCompiler::Word* FilterCompiler::find_word(std::string_view text) {
  static constexpr Word kWords[] = {
      {"eq", Op::eq},
      {"ne", Op::eq, true},
      {"in", Op::in},
      {"gt", Op::gt},
      {"gte", Op::gte},
      {"lt", Op::lt},
      {"lte", Op::lte},
      {"exists", Op::exists},
      {"starts_with", Op::starts_with},
      {"contains", Op::contains},
  };
  const Word* const found = std::ranges::find(kWords, text, &Word::word);
  return found == std::end(kWords) ? nullptr : found;
}

Result<Filter> FilterCompiler::compile(const Value& document, std::string_view pointer) {
  if (document.raw().size() > base::limits::kFilterBytesMax) {
    error(std::string(pointer), "TOO_LONG",
          "at most " + std::to_string(base::limits::kFilterBytesMax) + " bytes; use fewer conditions, or in");
  } else {
    filter(document, std::string(pointer), 1, {});
  }
  if (errors_.empty()) {
    filter_.tests_.shrink_to_fit();
    filter_.steps_.shrink_to_fit();
    filter_.operands_.shrink_to_fit();
    return std::move(filter_);
  }
  base::Error failed{Code::invalid, "the filter cannot be used: " + errors_.front().detail + " (" +
                                        errors_.front().pointer + ")"};
  failed.fields = std::move(errors_);
  return std::unexpected(std::move(failed));
}

std::int32_t FilterCompiler::filter(const Value& value, const std::string& pointer, std::size_t depth,
                                    Exits exits) {
  if (depth > base::limits::kFilterDepthMax) {
    error(pointer, "TOO_DEEP",
          "and, or and not lie in one another at most " + std::to_string(base::limits::kFilterDepthMax) +
              " deep; make it flatter");
    return Filter::kNo;
  }
  if (!value.is_object()) {
    error(pointer, "WRONG_TYPE", kShapes);
    return Filter::kNo;
  }
  const Value* const all = value.find("and");
  const Value* const any = value.find("or");
  const Value* const inner = value.find("not");
  const bool is_condition = value.find("field") || value.find("op") || value.find("value");
  if ((all != nullptr) + (any != nullptr) + (inner != nullptr) + is_condition != 1) {
    invalid(pointer, std::string("this must be one of them: ") + kShapes);
    return Filter::kNo;
  }
  if (is_condition) return condition(value, pointer, exits);
  if (inner != nullptr) {
    unknown_members(value, pointer, {"not"});
    return filter(*inner, pointer + "/not", depth + 1, exits.swapped());
  }
  const std::string_view word = all != nullptr ? "and" : "or";
  unknown_members(value, pointer, {word});
  return list(all != nullptr ? *all : *any, pointer + "/" + std::string(word), depth, exits, word);
}

std::int32_t FilterCompiler::list(const Value& value, const std::string& pointer, std::size_t depth,
                                  Exits exits, std::string_view word) {
  if (!value.is_array() || value.elements().empty() ||
      value.elements().size() > base::limits::kFilterListMax) {
    error(pointer, value.is_array() ? "OUT_OF_RANGE" : "WRONG_TYPE",
          "this must be an array of 1 to " + std::to_string(base::limits::kFilterListMax) + " filters");
    return Filter::kNo;
  }
  std::int32_t next = word == "and" ? exits.if_true : exits.if_false;
  for (std::size_t i = value.elements().size(); i-- > 0;) {
    const Exits through = word == "and" ? Exits{next, exits.if_false} : Exits{exits.if_true, next};
    next = filter(value.elements()[i], pointer + "/" + std::to_string(i), depth + 1, through);
  }
  return next;
}

std::int32_t FilterCompiler::condition(const Value& value, const std::string& pointer, Exits exits) {
  unknown_members(value, pointer, {"field", "op", "value"});
  Filter::Test test;
  const Value* const field = value.find("field");
  if (field == nullptr || !field->is_string()) {
    error(pointer + "/field", field == nullptr ? "REQUIRED" : "WRONG_TYPE", kRoots);
  } else {
    path(field->text(), pointer + "/field", test);
  }
  const Value* const op = value.find("op");
  const Word* const word = op != nullptr && op->is_string() ? find_word(op->text()) : nullptr;
  if (word == nullptr) {
    error(pointer + "/op", op == nullptr ? "REQUIRED" : op->is_string() ? "INVALID" : "WRONG_TYPE", kOps);
    return Filter::kNo;
  }
  test.op = word->op;
  const Value* const wanted = value.find("value");
  operands(wanted, pointer + "/value", *word, test);
  const bool absent = word->op == Op::exists && wanted != nullptr && !wanted->boolean();
  if (word->negated || absent) exits = exits.swapped();
  test.if_true = exits.if_true;
  test.if_false = exits.if_false;
  filter_.tests_.push_back(test);
  return static_cast<std::int32_t>(filter_.tests_.size()) - 1;
}

void FilterCompiler::path(std::string_view text, const std::string& pointer, Filter::Test& test) {
  static constexpr std::pair<std::string_view, Root> kWords[] = {
      {"type", Root::type},       {"subject", Root::subject},
      {"data", Root::data},       {"subject_type", Root::subject_type},
      {"changes", Root::changes}, {"ordering_key", Root::ordering_key},
      {"origin", Root::origin},
  };
  if (text.size() > base::limits::kFilterPathBytesMax) {
    return error(pointer, "TOO_LONG",
                 "at most " + std::to_string(base::limits::kFilterPathBytesMax) + " bytes");
  }
  std::string_view rest = text.substr(std::min(text.find_first_of(".["), text.size()));
  const auto root = std::ranges::find(kWords, text.substr(0, text.size() - rest.size()),
                                      &std::pair<std::string_view, Root>::first);
  if (root == std::end(kWords)) return error(pointer, "INVALID", kRoots);
  test.root = root->second;
  if (!rest.empty() && test.root != Root::data && test.root != Root::changes) {
    return error(
        pointer, "INVALID",
        std::string(root->first) + " is a text and has no members; what the event carries is in data");
  }
  test.first_step = static_cast<std::uint32_t>(filter_.steps_.size());
  while (!rest.empty()) {
    if (!step(rest, pointer)) return;
  }
  test.steps = static_cast<std::uint32_t>(filter_.steps_.size()) - test.first_step;
  if (test.steps > base::limits::kFilterPathStepsMax) {
    error(pointer, "TOO_DEEP",
          "at most " + std::to_string(base::limits::kFilterPathStepsMax) + " names and indexes");
  }
}

/// ".name", with a backslash before each character of the name that would end it, or a bracket.
bool FilterCompiler::step(std::string_view& rest, const std::string& pointer) {
  if (rest.front() == '[') return bracket(rest, pointer);
  if (rest.front() != '.') return invalid(pointer, "behind ] comes the end, a dot or another [");
  Step& made = filter_.steps_.emplace_back();
  std::size_t at = 1;
  for (; at < rest.size() && rest[at] != '.' && rest[at] != '['; ++at) {
    if (rest[at] == '\\' && ++at == rest.size()) {
      return invalid(pointer, "a backslash stands before the character that it is for");
    }
    made.name += rest[at];
  }
  if (made.name.empty()) return invalid(pointer, "a name is missing behind a dot");
  rest.remove_prefix(at);
  return true;
}

/// "[3]" or "[*]".
bool FilterCompiler::bracket(std::string_view& rest, const std::string& pointer) {
  constexpr const char* kAdvice =
      "brackets hold the index of an element, [0], or [*] for any; a bracket or dot in a name has a "
      "backslash "
      "before it";
  const std::size_t end = rest.find(']');
  if (end == std::string_view::npos) return invalid(pointer, kAdvice);
  const std::string_view inside = rest.substr(1, end - 1);
  Step made{.kind = Step::Kind::any};
  if (inside != "*") {
    made.kind = Step::Kind::index;
    const char* const stop = inside.data() + inside.size();
    const auto read = std::from_chars(inside.data(), stop, made.index);
    if (read.ec != std::errc{} || read.ptr != stop) return invalid(pointer, kAdvice);
  }
  filter_.steps_.push_back(std::move(made));
  rest.remove_prefix(end + 1);
  return true;
}

void FilterCompiler::operands(const Value* value, const std::string& pointer, const Word& word,
                              Filter::Test& test) {
  if (word.op == Op::exists) {
    if (value != nullptr && !value->is_boolean()) {
      error(pointer, "WRONG_TYPE", "exists has true (also when absent) or false");
    }
    return;
  }
  if (value == nullptr) {
    return error(pointer, "REQUIRED", "this operator needs a value; null is one for eq, ne, in and contains");
  }
  test.first_operand = static_cast<std::uint32_t>(filter_.operands_.size());
  if (word.op != Op::in) {
    operand(*value, pointer, word.op);
  } else if (!value->is_array() || value->elements().empty() ||
             value->elements().size() > base::limits::kFilterValuesMax) {
    error(pointer, value->is_array() ? "OUT_OF_RANGE" : "WRONG_TYPE",
          "in has an array of 1 to " + std::to_string(base::limits::kFilterValuesMax) + " values");
  } else {
    for (std::size_t i = 0; i < value->elements().size(); ++i) {
      operand(value->elements()[i], pointer + "/" + std::to_string(i), word.op);
    }
  }
  test.operands = static_cast<std::uint32_t>(filter_.operands_.size()) - test.first_operand;
}

void FilterCompiler::operand(const Value& value, const std::string& pointer, Op op) {
  const Kind kind = value.kind();
  const bool ordered = op == Op::gt || op == Op::gte || op == Op::lt || op == Op::lte;
  if (op == Op::starts_with && kind != Kind::string) {
    return error(pointer, "WRONG_TYPE", "starts_with has a string");
  }
  if (ordered && kind != Kind::string && kind != Kind::number) {
    return error(pointer, "WRONG_TYPE", "gt, gte, lt and lte have a number or a string");
  }
  if (kind == Kind::array || kind == Kind::object) {
    return error(pointer, "WRONG_TYPE",
                 "this must be a string, number, boolean or null; compare members of objects and arrays one "
                 "by one");
  }
  if (kind == Kind::number) {
    const std::size_t most = base::limits::kFilterNumberExponentMax;
    const std::int64_t exponent = format::Decimal(value.text()).exponent();
    if (exponent > static_cast<std::int64_t>(most) || -exponent > static_cast<std::int64_t>(most)) {
      return error(pointer, "OUT_OF_RANGE", "an exponent is at most " + std::to_string(most));
    }
  }
  const auto moment = kind == Kind::string ? moment_of(value.text()) : value.integer();
  filter_.operands_.push_back({kind, value.boolean(), std::string(value.text()), moment});
}

void FilterCompiler::unknown_members(const Value& value, const std::string& pointer,
                                     std::initializer_list<std::string_view> known) {
  for (const format::Member& member : value.members()) {
    if (std::ranges::find(known, member.key) != known.end()) continue;
    error(pointer + pointer_part(member.key), "UNKNOWN_MEMBER",
          "there is no such member; remove it or correct its name");
  }
}

Result<Filter> Filter::compile(const Value& document, std::string_view pointer) {
  return FilterCompiler().compile(document, pointer);
}

}  // namespace outbound
