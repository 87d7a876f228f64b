// A subscription's filter: conditions on an event, compiled from JSON once and evaluated for each event.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/event.hpp"
#include "format/json.hpp"

namespace outbound {

/// An event as filters see it. Its JSON is parsed where a filter asks for it, once however many ask; whoever
/// has it parsed already gives it. Refers to the event and to what it is given; lives on one thread.
class EventView {
 public:
  /// The parsed data and changes of an event; nullptr where they are not at hand.
  struct Parsed {
    const format::Value* data = nullptr;
    const format::Value* changes = nullptr;
  };

  explicit EventView(const event::Event& event) : event_(event) {}
  EventView(const event::Event& event, Parsed parsed)
      : event_(event), data_(event.data, parsed.data), changes_(event.changes, parsed.changes) {}

  EventView(const EventView&) = delete;
  EventView& operator=(const EventView&) = delete;

  const event::Event& event() const { return event_; }
  /// nullptr where the event has none.
  const format::Value* data() { return data_.value(event_.data); }
  const format::Value* changes() { return changes_.value(event_.changes); }

 private:
  class Json {
   public:
    Json() = default;
    Json(const std::string& text, const format::Value* value)
        : value_(value), known_(value || text.empty()) {}
    const format::Value* value(const std::string& text);

   private:
    const format::Value* value_ = nullptr;
    bool known_ = false;
    std::optional<format::Document> document_{};
  };

  const event::Event& event_;
  Json data_{};
  Json changes_{};
};

/// The moment that a text is the RFC 3339 form of, in microseconds; nothing for other texts.
std::optional<std::int64_t> moment_of(std::string_view text);

/// What users write, and what each operator means, is told to them in api/openapi.json (Filter):
///   {"and": [{"field": "data.order.total", "op": "gte", "value": 100},
///            {"not": {"field": "data.items[*].sku", "op": "starts_with", "value": "TEST-"}}]}
/// It becomes a list of tests, each with the test that comes next if it holds and if it does not, so that
/// and, or and not cost nothing when it is evaluated. Immutable; any thread may evaluate it.
class Filter {
 public:
  /// pointer is where the document stands in the request: errors begin with it. Error: invalid, with a field
  /// for each thing that is wrong; a document of more than kFilterBytesMax or kFilterDepthMax is.
  static base::Result<Filter> compile(const format::Value& document, std::string_view pointer = "#/filter");

  /// Whether the event is wanted. Yes as well where telling would take more than kFilterStepsMax steps: an
  /// event too many is better than one too few, and no filter holds up a thread.
  bool matches(EventView& event) const;

  enum class Answer : std::uint8_t { no, yes, undecided };
  /// The same with no more than so many steps, from which it takes those it used. undecided: they did not
  /// suffice, and kFilterStepsMax were not used up.
  Answer ask(EventView& event, std::size_t& steps) const;

  /// The memory that it takes.
  std::size_t bytes() const;

 private:
  friend class FilterCompiler;
  friend class FilterRun;

  enum class Op : std::uint8_t { eq, in, gt, gte, lt, lte, exists, starts_with, contains };
  enum class Root : std::uint8_t { type, subject, subject_type, ordering_key, origin, data, changes };
  /// One part of a path.
  struct Step {
    enum class Kind : std::uint8_t { name, index, any } kind = Kind::name;
    std::string name{};
    std::size_t index = 0;
  };
  /// What is compared with: a string, number, boolean or null.
  struct Operand {
    format::Value::Kind kind = format::Value::Kind::null;
    bool boolean = false;
    std::string text{};
    /// Of a number that is one, for a quick comparison; of a string that is a time, its microseconds.
    std::optional<std::int64_t> integer{};
  };
  /// Ranges are of steps_ and operands_. The next test has a lower number; kYes and kNo are the end.
  struct Test {
    Root root = Root::data;
    Op op = Op::eq;
    std::uint32_t first_step = 0;
    std::uint32_t steps = 0;
    std::uint32_t first_operand = 0;
    std::uint32_t operands = 0;
    std::int32_t if_true = kYes;
    std::int32_t if_false = kNo;
  };
  static constexpr std::int32_t kYes = -1;
  static constexpr std::int32_t kNo = -2;

  std::vector<Test> tests_;  ///< the last one is the first to be evaluated
  std::vector<Step> steps_;
  std::vector<Operand> operands_;
};

}  // namespace outbound
