// Splits the text of an expression into tokens.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>

#include "expr/error.hpp"

namespace expr {

struct Token {
  enum class Kind : std::uint8_t { end, name, variable, op, string, number, constant, regex };

  Kind kind = Kind::end;
  /// A name without its backticks, a variable without its $, an operator, a string unescaped, a constant's
  /// word, a regular expression between its slashes.
  std::string_view text{};
  std::string_view flags{};  ///< of a regular expression
  double number = 0;
  std::uint32_t position = 0;  ///< the byte behind it
};

/// What went wrong, with a position in bytes; whoever knows the whole source makes an Error of it.
struct SyntaxError {
  Code code;
  std::uint32_t position;
  std::string_view token;
  std::string_view detail{};  ///< a literal, or text in the arena
};

class Lexer {
 public:
  /// Both outlive the tokens.
  Lexer(std::string_view source, std::pmr::memory_resource& memory) : source_(source), memory_(memory) {}

  /// may_be_regex: a value may begin here, so that / opens a regular expression.
  std::expected<Token, SyntaxError> next(bool may_be_regex);

 private:
  std::unexpected<SyntaxError> fail(Code code, std::string_view token) const;
  std::expected<bool, SyntaxError> skip_blanks();
  std::expected<Token, SyntaxError> string(char quote);
  std::expected<Token, SyntaxError> regex();
  std::expected<Token, SyntaxError> number();
  std::expected<Token, SyntaxError> quoted_name();
  Token name();
  Token made(Token::Kind kind, std::string_view text) const;
  std::expected<std::uint32_t, SyntaxError> hex_unit();
  std::string_view keep(std::string_view text);

  std::string_view source_;
  std::pmr::memory_resource& memory_;
  std::size_t at_ = 0;
};

}  // namespace expr
