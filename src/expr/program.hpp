// An expression of JSONata, compiled once and evaluated many times.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "expr/environment.hpp"
#include "expr/error.hpp"
#include "format/arena.hpp"
#include "format/value.hpp"

namespace expr {

struct Node;

/// Immutable; copies share what was compiled, also between threads.
class Program {
 public:
  /// How much of an evaluator an expression needs: a walk along a path, operators and functions over single
  /// values, or all of the language.
  enum class Tier : std::uint8_t { path, scalar, full };

  /// Error: S…, where the text is no expression.
  static Result<Program> compile(std::string source);

  std::string_view source() const;
  Tier tier() const;

 private:
  friend Result<std::optional<format::Value>> evaluate(const Program& program, const format::Value* input,
                                                       const Environment& environment, format::Arena& arena);
  struct Compiled;

  explicit Program(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

  std::shared_ptr<const Compiled> compiled_;
};

/// The result, or nothing where the expression selects nothing. input may be nullptr: then there is none. The
/// result refers to the input, the program, the environment's variables and the arena, which is reset at the
/// beginning; what is only moved from the input is not copied, and its numbers keep their text. Blocks for as
/// long as the limits allow; allocates nothing but from the arena, save regular expressions and failures.
/// Error: T…, D…, U….
Result<std::optional<format::Value>> evaluate(const Program& program, const format::Value* input,
                                              const Environment& environment, format::Arena& arena);

}  // namespace expr
