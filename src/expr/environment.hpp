// What an evaluation may use besides the expression and the input, and how much of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/clock.hpp"
#include "format/value.hpp"

namespace expr {

/// Exceeding one is an error of its own code, never a crash.
struct Limits {
  std::uint64_t steps_max = 100'000;                     ///< U1002: nodes evaluated, elements looked at
  std::uint32_t depth_max = 1'000;                       ///< U1001: nested evaluations, at most 2,000
  std::size_t sequence_max = 100'000;                    ///< D2015: elements of one array
  std::size_t memory_bytes_max = std::size_t{16} << 20;  ///< U1003: made on the way and in the result
  std::size_t output_bytes_max = std::size_t{10} << 20;  ///< U1004: of the result, as JSON
  std::chrono::milliseconds time_max{50};                ///< D1012: checked every 1,024 steps
};

/// Tables of codes that an expression can ask by $lookup("name", key).
class LookupTables {
 public:
  virtual ~LookupTables() = default;
  /// nullptr where the table has no such key, or where there is no such table.
  virtual const format::Value* find(std::string_view table, std::string_view key) const = 0;
};

/// A variable that the host gives: $name. The value outlives the evaluation and its result.
struct Variable {
  std::string_view name;
  format::Value value;
};

/// Nothing in it changes while an expression is evaluated, and the same environment gives the same result:
/// the moment and the seed are those of the event, not of the machine, so that a replay gives the same bytes.
struct Environment {
  std::span<const Variable> variables{};
  base::Time now{};        ///< $now(), $millis()
  std::uint64_t seed = 0;  ///< $random(), $shuffle()
  const LookupTables* tables = nullptr;
  Limits limits{};
  /// $eval compiles text that may come from outside, so it is off unless asked for.
  bool eval = false;
};

}  // namespace expr
