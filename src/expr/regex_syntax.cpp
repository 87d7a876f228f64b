#include "expr/regex_syntax.hpp"

namespace expr {

namespace {

/// What \s is in JavaScript (WhiteSpace and LineTerminator of ECMA-262), without the brackets.
constexpr std::string_view kSpaces =
    R"(\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff})";
/// All that it is not.
constexpr std::string_view kNoSpaces =
    R"(\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027})"
    R"(\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff})";

class Translation {
 public:
  explicit Translation(std::string_view pattern) : pattern_(pattern) {}

  std::expected<std::string, std::string> run() {
    while (at_ < pattern_.size() && error_.empty()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        escape(/*in_class=*/false);
      } else if (c == '[') {
        character_class();
      } else if (c == '(') {
        group();
      } else if (c == '.') {
        out_ += R"([^\n\r\x{2028}\x{2029}])";
        ++at_;
      } else {
        out_ += c;
        ++at_;
      }
    }
    if (!error_.empty()) return std::unexpected(error_);
    return out_;
  }

 private:
  void group() {
    const std::string_view rest = pattern_.substr(at_);
    if (rest.starts_with("(?=") || rest.starts_with("(?!")) {
      error_ = "it looks ahead (?= or ?!)";
    } else if (rest.starts_with("(?<=") || rest.starts_with("(?<!")) {
      error_ = "it looks behind (?<= or ?<!)";
    } else if (rest.starts_with("(?<")) {
      out_ += "(?P<";
      at_ += 3;
      return;
    }
    out_ += '(';
    ++at_;
  }

  void character_class() {
    ++at_;
    const bool negated = at_ < pattern_.size() && pattern_[at_] == '^';
    if (negated) ++at_;
    if (at_ < pattern_.size() && pattern_[at_] == ']') {
      // In JavaScript [] fits nothing and [^] anything.
      out_ += negated ? R"([\x{0}-\x{10ffff}])" : R"([^\x{0}-\x{10ffff}])";
      ++at_;
      return;
    }
    out_ += negated ? "[^" : "[";
    while (at_ < pattern_.size() && pattern_[at_] != ']') {
      const char c = pattern_[at_];
      if (c == '\\') {
        escape(/*in_class=*/true);
        continue;
      }
      if (c == '[') out_ += '\\';  // else it could open a class of POSIX
      out_ += c;
      ++at_;
    }
    if (at_ < pattern_.size()) {
      out_ += ']';
      ++at_;
    } else {
      error_ = "a class of characters has no closing ]";
    }
  }

  void escape(bool in_class) {
    if (++at_ == pattern_.size()) {
      error_ = "it ends in a backslash";
      return;
    }
    const char c = pattern_[at_++];
    switch (c) {
      case 's': spaces(kSpaces, in_class); return;
      case 'S': spaces(kNoSpaces, in_class); return;
      case 'b': out_ += in_class ? R"(\x08)" : R"(\b)"; return;
      case 'u': code_point(4, "u"); return;
      case 'x': code_point(2, "x"); return;
      case 'c': control(); return;
      case 'k': error_ = R"(it refers back to a group (\k))"; return;
      case '0': out_ += R"(\x{0})"; return;
      case 'd':
      case 'D':
      case 'w':
      case 'W':
      case 'B':
      case 'n':
      case 'r':
      case 't':
      case 'f':
      case 'v':
        out_ += '\\';
        out_ += c;
        return;
      default: break;
    }
    if (c >= '1' && c <= '9') {
      error_ = std::string(R"(it refers back to a group (\)") + c + ")";
      return;
    }
    // Another letter, or a character beyond ASCII, stands for itself; RE2 takes no backslash before it.
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_') out_ += '\\';
    out_ += c;
  }

  void spaces(std::string_view ranges, bool in_class) {
    if (!in_class) out_ += '[';
    out_ += ranges;
    if (!in_class) out_ += ']';
  }

  void code_point(std::size_t digits, std::string_view letter) {
    const std::string_view text = pattern_.substr(at_, digits);
    if (text.size() == digits && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos) {
      out_.append(R"(\x{)").append(text).append("}");
      at_ += digits;
    } else {
      out_ += letter;  // without its digits it stands for itself
    }
  }

  void control() {
    const char letter = at_ < pattern_.size() ? pattern_[at_] : '\0';
    if ((letter | 0x20) < 'a' || (letter | 0x20) > 'z') {
      error_ = R"(\c needs a letter behind it)";
      return;
    }
    ++at_;
    constexpr std::string_view kHex = "0123456789abcdef";
    const int code = letter & 0x1F;
    out_.append(R"(\x)").append(1, kHex[code >> 4]).append(1, kHex[code & 15]);
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::string out_;
  std::string error_;
};

}  // namespace

std::expected<format::Regex, std::string> compile_regex(std::string_view pattern, std::string_view flags) {
  auto translated = Translation(pattern).run();
  if (!translated) return std::unexpected(translated.error());
  auto compiled =
      format::Regex::compile(*translated, {.ignore_case = flags.contains('i'), .lines = flags.contains('m')});
  if (!compiled) return std::unexpected(std::move(compiled.error().message));
  return std::move(*compiled);
}

}  // namespace expr
