#include "expr/lexer.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "format/utf8.hpp"

namespace expr {

namespace {

constexpr std::string_view kOperators = ".[]{}(),@#;:?+-*/%|=<>^&!~";
constexpr std::string_view kTwice[] = {"..", ":=", "!=", ">=", "<=", "**", "~>", "?:", "??"};

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\v') || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_high_surrogate(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low_surrogate(std::uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

void append(std::string& out, std::uint32_t code_point) {
  char bytes[4];
  out.append(bytes, format::write_utf8(bytes, code_point));
}

/// A pair of \u escapes is one character. A lone half stays what it is, in three bytes: it is no text, but an
/// expression may hold it, and what is done with it decides ($encodeUrl refuses it).
void append_unit(std::string& out, std::uint32_t unit) {
  if (is_low_surrogate(unit) && out.size() >= 3) {
    const auto byte = [&](std::size_t from_end) {
      return static_cast<std::uint8_t>(out[out.size() - from_end]);
    };
    const std::uint32_t before = (byte(3) & 0x0FU) << 12 | (byte(2) & 0x3FU) << 6 | (byte(1) & 0x3FU);
    if (byte(3) == 0xED && is_high_surrogate(before)) {
      out.resize(out.size() - 3);
      append(out, 0x10000 + ((before - 0xD800) << 10) + (unit - 0xDC00));
      return;
    }
  }
  append(out, unit);
}

}  // namespace

std::unexpected<SyntaxError> Lexer::fail(Code code, std::string_view token) const {
  return std::unexpected(SyntaxError{code, static_cast<std::uint32_t>(at_), token});
}

Token Lexer::made(Token::Kind kind, std::string_view text) const {
  return {.kind = kind, .text = text, .position = static_cast<std::uint32_t>(at_)};
}

std::string_view Lexer::keep(std::string_view text) {
  if (text.empty()) return {};
  auto* const bytes = static_cast<char*>(memory_.allocate(text.size(), 1));
  std::ranges::copy(text, bytes);
  return {bytes, text.size()};
}

std::expected<bool, SyntaxError> Lexer::skip_blanks() {
  for (;;) {
    while (at_ < source_.size() && is_blank(source_[at_])) ++at_;
    if (!source_.substr(at_).starts_with("/*")) return true;
    const std::size_t end = source_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return fail(Code::S0106, "");
    at_ = end + 2;
  }
}

std::expected<Token, SyntaxError> Lexer::next(bool may_be_regex) {
  if (auto skipped = skip_blanks(); !skipped) return std::unexpected(skipped.error());
  if (at_ == source_.size()) return made(Token::Kind::end, "(end)");
  const char first = source_[at_];
  if (first == '/' && may_be_regex) return regex();
  for (const std::string_view op : kTwice) {
    if (source_.substr(at_).starts_with(op)) {
      at_ += 2;
      return made(Token::Kind::op, op);
    }
  }
  if (kOperators.contains(first)) {
    ++at_;
    return made(Token::Kind::op, source_.substr(at_ - 1, 1));
  }
  if (first == '"' || first == '\'') return string(first);
  if (is_digit(first)) return number();
  if (first == '`') return quoted_name();
  return name();
}

std::expected<Token, SyntaxError> Lexer::string(char quote) {
  ++at_;
  std::string text;
  while (at_ < source_.size()) {
    const char c = source_[at_];
    if (c == quote) {
      ++at_;
      return made(Token::Kind::string, keep(text));
    }
    ++at_;
    if (c != '\\') {
      text.push_back(c);
      continue;
    }
    if (at_ == source_.size()) break;
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    const char escape = source_[at_];
    if (const std::size_t which = kEscapes.find(escape); which != std::string_view::npos) {
      text.push_back(kMeant[which]);
      ++at_;
    } else if (escape == 'u') {
      ++at_;
      const auto unit = hex_unit();
      if (!unit) return std::unexpected(unit.error());
      append_unit(text, *unit);
    } else {
      const std::size_t length = format::utf8_length(source_.data() + at_, source_.data() + source_.size());
      return fail(Code::S0103, source_.substr(at_, std::max<std::size_t>(length, 1)));
    }
  }
  return fail(Code::S0101, "");
}

std::expected<std::uint32_t, SyntaxError> Lexer::hex_unit() {
  std::uint32_t unit = 0;
  const char* const begin = source_.data() + at_;
  const char* const end = source_.data() + std::min(at_ + 4, source_.size());
  const auto read = std::from_chars(begin, end, unit, 16);
  if (read.ec != std::errc{} || read.ptr != begin + 4) return fail(Code::S0104, "");
  at_ += 4;
  return unit;
}

std::expected<Token, SyntaxError> Lexer::regex() {
  const std::size_t begin = ++at_;
  int depth = 0;
  for (; at_ < source_.size(); ++at_) {
    const char c = source_[at_];
    // A slash inside of brackets does not end it, as the reference has it; an escaped one neither.
    if (c == '/' && depth == 0) {
      const std::string_view pattern = source_.substr(begin, at_ - begin);
      if (pattern.empty()) return fail(Code::S0301, "");
      const std::size_t flags = ++at_;
      while (at_ < source_.size() && (source_[at_] == 'i' || source_[at_] == 'm')) ++at_;
      Token token = made(Token::Kind::regex, pattern);
      token.flags = source_.substr(flags, at_ - flags);
      return token;
    }
    if (c == '\\') {
      ++at_;
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if (c == ')' || c == ']' || c == '}') {
      --depth;
    }
  }
  at_ = source_.size();
  return fail(Code::S0302, "");
}

std::expected<Token, SyntaxError> Lexer::number() {
  const std::size_t begin = at_;
  const auto digits = [this] {
    const std::size_t from = at_;
    while (at_ < source_.size() && is_digit(source_[at_])) ++at_;
    return at_ > from;
  };
  if (source_[at_] == '0') {
    ++at_;
  } else {
    digits();
  }
  if (const std::size_t before = at_; source_.substr(at_).starts_with('.')) {
    ++at_;
    if (!digits()) at_ = before;  // 1..3 is a range
  }
  if (const std::size_t before = at_; at_ < source_.size() && (source_[at_] | 0x20) == 'e') {
    ++at_;
    if (at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+')) ++at_;
    if (!digits()) at_ = before;
  }
  const std::string_view text = source_.substr(begin, at_ - begin);
  Token token = made(Token::Kind::number, text);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), token.number);
  if (read.ec == std::errc::result_out_of_range) {
    token.number = std::strtod(std::string(text).c_str(), nullptr);
    if (!std::isfinite(token.number)) return fail(Code::S0102, text);
  }
  return token;
}

std::expected<Token, SyntaxError> Lexer::quoted_name() {
  const std::size_t begin = at_ + 1;
  const std::size_t end = source_.find('`', begin);
  if (end == std::string_view::npos) {
    at_ = source_.size();
    return fail(Code::S0105, "");
  }
  at_ = end + 1;
  return made(Token::Kind::name, source_.substr(begin, end - begin));
}

Token Lexer::name() {
  const std::size_t begin = at_;
  while (at_ < source_.size() && !is_blank(source_[at_]) && !kOperators.contains(source_[at_])) ++at_;
  const std::string_view text = source_.substr(begin, at_ - begin);
  if (text.starts_with('$')) return made(Token::Kind::variable, text.substr(1));
  if (text == "and" || text == "or" || text == "in") return made(Token::Kind::op, text);
  if (text == "true" || text == "false" || text == "null") return made(Token::Kind::constant, text);
  return made(Token::Kind::name, text);
}

}  // namespace expr
