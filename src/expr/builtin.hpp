// The functions that every expression may call.
#pragma once

#include <span>
#include <string_view>

#include "expr/item.hpp"
#include "expr/signature.hpp"

namespace expr {

class Evaluation;
struct Frame;

/// What a built-in function is called with: its arguments, fitted to its signature, followed by undefined for
/// each that is missing (at least four can be read); and the context.
struct Arguments {
  std::span<const Item> all;
  Item context;
  Frame* frame;
  Item operator[](std::size_t i) const { return all[i]; }
};

struct Builtin {
  using Body = Item (*)(Evaluation&, const Arguments&);

  std::string_view name;
  std::string_view signature_text;  ///< as JSONata documents it; empty: anything
  /// How many arguments a higher-order function passes to it ($map passes a value, its index and the array):
  /// as many as the reference implementation's function declares.
  std::uint8_t arity;
  Body body;
};

/// nullptr where there is none of this name.
const Builtin* find_builtin(std::string_view name);
const Function* function_of(const Builtin& builtin);

/// Tables of the built-in functions, by what they are about.
std::span<const Builtin> text_builtins();
std::span<const Builtin> match_builtins();
std::span<const Builtin> encoding_builtins();
std::span<const Builtin> number_builtins();
std::span<const Builtin> array_builtins();
std::span<const Builtin> higher_order_builtins();
std::span<const Builtin> object_builtins();
std::span<const Builtin> time_builtins();

}  // namespace expr
