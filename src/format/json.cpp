#include "format/json.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <ranges>
#include <set>
#include <vector>

#include "format/json_text.hpp"
#include "format/tree_builder.hpp"
#include "format/utf8.hpp"

// Not RapidJSON: its 1.1.0 refuses numbers beyond a double even where it is told to leave them as text, takes
// a lone low surrogate for a character and a NUL for the end of the text, and reads a kilobyte, without
// making a tree of it, in more time than reader and tree need here. The fuzz target holds the two against
// each other.

namespace format {

namespace {

/// What the reader looks for next.
///   value ──scalar──▶ after_value ──','──▶ key (in an object) or value (in an array)
///     │                  ▲    └──'}' or ']'──▶ after_value        outermost: ──▶ done
///     ├──'{'──▶ first_key ──'}'──┘    first_key, key ──"name":──▶ value
///     └──'['──▶ first_element ──']'──▶ after_value, or as value
///   any ──▶ failed
enum class Step { value, first_element, first_key, key, after_value, done, failed };

/// The text is followed by a NUL, which no rule of the grammar accepts, so looking one byte ahead needs no
/// test for the end.
class JsonReader {
 public:
  enum class Manner { strict, loose };

  JsonReader(std::string text, JsonLimits limits, Manner manner)
      : builder_(std::move(text)),
        limits_(limits),
        loose_(manner == Manner::loose),
        begin_(builder_.source().data()),
        end_(begin_ + builder_.source().size()),
        at_(begin_) {
    // A Value counts its children in 32 bits.
    limits_.members_max =
        std::min<std::size_t>(limits_.members_max, std::numeric_limits<std::uint32_t>::max());
  }

  base::Result<Document> read();
  /// Whether something was read that strict JSON is not, but for a mark at the beginning.
  bool was_loose() const { return was_loose_; }

 private:
  Step read_value();
  Step read_first_element();
  Step read_first_key();
  Step read_key();
  Step read_after_value();
  Step read_literal();
  Step read_number();
  Step open(char brace);
  Step close_object();
  Step close_array();

  bool read_string(std::string_view& text);
  bool skip_escape();
  bool skip_digits(const char* where);
  void skip_space();

  /// Refuses the text because of what stands at `at`. Each says false, or Step::failed, so that it can be
  /// returned.
  bool refuse(const char* at, std::string message, const char* reason = "MALFORMED_JSON");
  Step fail(const char* at, std::string message, const char* reason = "MALFORMED_JSON");
  /// "expected …, found 'x'; advice" for what stands where the reader is.
  Step fail_expected(std::string_view expected, std::string_view advice);

  TreeBuilder builder_;
  JsonLimits limits_;
  bool loose_;
  bool was_loose_ = false;
  const char* begin_;
  const char* end_;
  const char* at_;
  std::size_t members_ = 0;
  base::Error error_;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr std::string_view kMark = "\xEF\xBB\xBF";

/// Why a text is refused before it is read: it is in another encoding. Empty for all others.
std::string_view foreign_encoding(std::string_view text) {
  if (text.starts_with(kMark)) {
    return "the text begins with a byte order mark; send UTF-8 without it";
  }
  const bool marked = text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE");
  // JSON begins with an ASCII character, of which UTF-16 and UTF-32 make one byte and at least one NUL.
  const bool has_nul = text.size() >= 2 && (text[0] == '\0' || text[1] == '\0');
  if (marked || has_nul) return "the text is not in UTF-8 but seems to be in UTF-16 or UTF-32; send UTF-8";
  return {};
}

/// The code unit of the four hex digits at `at`, -1 where there are not four.
int hex4(const char* at) {
  int unit = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = at[i];
    const char lower = static_cast<char>(c | 0x20);
    if (is_digit(c)) {
      unit = unit << 4 | (c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      unit = unit << 4 | (lower - 'a' + 10);
    } else {
      return -1;
    }
  }
  return unit;
}

bool is_high_surrogate(int unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low_surrogate(int unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }
/// Of a unit, and the text behind its escape.
bool begins_pair(int unit, const char* behind) {
  return is_high_surrogate(unit) && behind[0] == '\\' && behind[1] == 'u' &&
         is_low_surrogate(hex4(behind + 2));
}

constexpr int kReplacement = 0xFFFD;

/// Writes what the characters of a string mean, whose escapes have been checked; half of a surrogate pair is
/// U+FFFD. Never more bytes than they are. A quote stands at the end.
char* unescape(const char* at, const char* end, char* out) {
  while (at != end) {
    const char* const escape = std::find(at, end, '\\');
    out = std::copy(at, escape, out);
    if (escape == end) break;
    at = escape + 2;
    switch (escape[1]) {
      case 'b': *out++ = '\b'; break;
      case 'f': *out++ = '\f'; break;
      case 'n': *out++ = '\n'; break;
      case 'r': *out++ = '\r'; break;
      case 't': *out++ = '\t'; break;
      case 'u': {
        int code_point = hex4(at);
        at += 4;
        if (begins_pair(code_point, at)) {
          code_point = 0x10000 + ((code_point - 0xD800) << 10) + (hex4(at + 2) - 0xDC00);
          at += 6;
        } else if (is_high_surrogate(code_point) || is_low_surrogate(code_point)) {
          code_point = kReplacement;
        }
        out = write_utf8(out, static_cast<std::uint32_t>(code_point));
        break;
      }
      default: *out++ = escape[1];  // '"', '\\' and '/' stand for themselves
    }
  }
  return out;
}

/// What was probably meant by a character where a value should begin.
std::string_view value_advice(char c, bool in_container) {
  switch (c) {
    case '\'': return "strings stand in double quotes";
    case '/': return "JSON has no comments";
    case ']':
    case '}':
    case ',': return in_container ? "remove the comma before it, or add the value" : "send one JSON value";
    case '+':
    case '.': return "a number begins with a digit or '-'";
    default: break;
  }
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'z') {
    return "the only words are true, false and null; strings stand in double quotes";
  }
  return "a value is an object, array, string, number, true, false or null";
}

/// The key in quotes, its end left out where it is long.
std::string excerpt(std::string_view key) {
  constexpr std::size_t kBytesMax = 20;
  if (key.size() <= kBytesMax) return json_string(key);
  std::size_t size = kBytesMax;
  while (size > 0 && (static_cast<std::uint8_t>(key[size]) & 0xC0) == 0x80) --size;
  return json_string(key.substr(0, size)) + "…";
}

/// Of members with one key the last, in its place.
std::vector<const Member*> last_of_each(const Value& object) {
  std::vector<const Member*> kept;
  std::set<std::string_view> seen;
  for (const Member& member : std::views::reverse(object.members())) {
    if (seen.insert(member.key).second) kept.push_back(&member);
  }
  std::ranges::reverse(kept);
  return kept;
}

/// As strict JSON, whatever it was read from. The depth is bounded by what it was read with.
void write_anew(const Value& value, JsonWriter& json) {
  switch (value.kind()) {
    case Value::Kind::null: json.null(); break;
    case Value::Kind::boolean: json.value(value.boolean()); break;
    case Value::Kind::number: json.raw(value.text()); break;
    case Value::Kind::string: json.value(value.text()); break;
    case Value::Kind::array:
      json.begin_array();
      for (const Value& element : value.elements()) write_anew(element, json);
      json.end_array();
      break;
    case Value::Kind::object:
      json.begin_object();
      for (const Member* member : last_of_each(value)) {
        json.key(member->key);
        write_anew(member->value, json);
      }
      json.end_object();
      break;
  }
}

base::Result<Document> JsonReader::read() {
  if (loose_ && builder_.source().starts_with(kMark)) at_ += kMark.size();
  if (const auto foreign = foreign_encoding({at_, end_}); !foreign.empty()) {
    fail(begin_, std::string(foreign));
    return std::unexpected(std::move(error_));
  }
  for (Step step = Step::value; step != Step::done;) {
    skip_space();
    switch (step) {
      case Step::value: step = read_value(); break;
      case Step::first_element: step = read_first_element(); break;
      case Step::first_key: step = read_first_key(); break;
      case Step::key: step = read_key(); break;
      case Step::after_value: step = read_after_value(); break;
      case Step::failed: return std::unexpected(std::move(error_));
      case Step::done: break;
    }
  }
  return std::move(builder_).finish();
}

Step JsonReader::read_value() {
  if (builder_.depth() > 0 && ++members_ > limits_.members_max) {
    return fail(at_,
                "more than " + std::to_string(limits_.members_max) +
                    " members and elements; split it into several texts",
                "TOO_MANY_MEMBERS");
  }
  const char* const begin = at_;
  switch (*at_) {
    case '{':
    case '[': return open(*at_);
    case '"': {
      std::string_view text;
      if (!read_string(text)) return Step::failed;
      builder_.string(text, {begin, at_});
      return Step::after_value;
    }
    case 't':
    case 'f':
    case 'n': return read_literal();
    default: break;
  }
  if (*at_ == '-' || is_digit(*at_)) return read_number();
  if (begin_ == end_) return fail(at_, "the text is empty; send one JSON value");
  return fail_expected("a value", value_advice(*at_, builder_.depth() > 0));
}

Step JsonReader::read_first_element() { return *at_ == ']' ? close_array() : read_value(); }

Step JsonReader::read_first_key() { return *at_ == '}' ? close_object() : read_key(); }

Step JsonReader::read_key() {
  if (*at_ == '}') return fail_expected("a key", "remove the comma before it");
  if (*at_ != '"') return fail_expected("a key", "keys stand in double quotes");
  const char* const begin = at_;
  std::string_view text;
  if (!read_string(text)) return Step::failed;
  builder_.key(text, begin);
  skip_space();
  if (*at_ != ':') return fail_expected("':' after a key", "each member is written \"key\": value");
  ++at_;
  return Step::value;
}

Step JsonReader::read_after_value() {
  if (builder_.depth() == 0) {
    return at_ == end_ ? Step::done
                       : fail_expected("the end of the text", "send one JSON value and nothing after it");
  }
  const bool in_object = builder_.in_object();
  if (*at_ == ',') {
    ++at_;
    return in_object ? Step::key : Step::value;
  }
  if (*at_ == (in_object ? '}' : ']')) return in_object ? close_object() : close_array();
  return in_object ? fail_expected("',' or '}' after a member", "separate members by commas")
                   : fail_expected("',' or ']' after an element", "separate elements by commas");
}

Step JsonReader::read_literal() {
  const std::string_view rest(at_, end_);
  const std::string_view word = *at_ == 't' ? "true" : *at_ == 'f' ? "false" : "null";
  if (!rest.starts_with(word)) return fail_expected("a value", value_advice(*at_, true));
  const std::string_view raw = rest.substr(0, word.size());
  at_ += word.size();
  if (word == "null") {
    builder_.null(raw);
  } else {
    builder_.boolean(word == "true", raw);
  }
  return Step::after_value;
}

Step JsonReader::read_number() {
  const char* const begin = at_;
  if (*at_ == '-') ++at_;
  if (*at_ == '0' && is_digit(at_[1])) return fail(at_, "a number begins with a needless 0; remove it");
  if (!skip_digits("in a number")) return Step::failed;
  if (*at_ == '.') {
    ++at_;
    if (!skip_digits("after the decimal point")) return Step::failed;
  }
  if (*at_ == 'e' || *at_ == 'E') {
    ++at_;
    if (*at_ == '+' || *at_ == '-') ++at_;
    if (!skip_digits("in the exponent of a number")) return Step::failed;
  }
  const std::string_view text(begin, at_);
  builder_.number(text, text);
  return Step::after_value;
}

Step JsonReader::open(char brace) {
  if (builder_.depth() >= limits_.depth_max) {
    return fail(at_, "nested deeper than " + std::to_string(limits_.depth_max) + " levels; make it flatter",
                "TOO_DEEP");
  }
  const bool object = brace == '{';
  if (object) {
    builder_.begin_object(at_);
  } else {
    builder_.begin_array(at_);
  }
  ++at_;
  return object ? Step::first_key : Step::first_element;
}

Step JsonReader::close_object() {
  if (const auto repeated = builder_.repeated_key()) {
    was_loose_ = true;
    if (!loose_) {
      return fail(repeated->at,
                  "the key " + excerpt(repeated->key) + " stands twice in one object; keep one of them");
    }
  }
  builder_.end_object(++at_);
  return Step::after_value;
}

Step JsonReader::close_array() {
  builder_.end_array(++at_);
  return Step::after_value;
}

/// From the opening quote to behind the closing one. text is what the string means: its bytes in the source
/// where it has no escapes, a copy in the arena where it has.
bool JsonReader::read_string(std::string_view& text) {
  const char* const quote = at_++;
  bool escaped = false;
  for (;;) {
    at_ = skip_plain(at_, end_);
    if (at_ == end_) return refuse(quote, "this string has no end; close it with a double quote");
    if (*at_ == '"') break;
    if (*at_ == '\\') {
      if (!skip_escape()) return false;
      escaped = true;
    } else if (const auto byte = static_cast<std::uint8_t>(*at_); byte < 0x20) {
      std::array<char, 96> message;
      std::snprintf(message.data(), message.size(), "a control character in a string; write it as \\u%04x",
                    byte);
      return refuse(at_, message.data());
    } else {
      const std::size_t length = utf8_length(at_, end_);
      if (length == 0) return refuse(at_, "a byte that is not UTF-8 in a string; send the text as UTF-8");
      at_ += length;
    }
  }
  const std::string_view written(quote + 1, at_++);
  text = written;
  if (escaped) {
    char* const meant = builder_.allocate(written.size());
    text = {meant, unescape(written.data(), written.data() + written.size(), meant)};
  }
  return true;
}

/// From a backslash to behind the escape, or behind both of a surrogate pair.
bool JsonReader::skip_escape() {
  constexpr std::string_view kSimple = "\"\\/bfnrt";
  const char* const escape = at_++;
  if (at_ == end_) return refuse(escape, "the text ends inside an escape; was it cut off?");
  if (*at_ != 'u') {
    if (kSimple.find(*at_) == std::string_view::npos) {
      return refuse(escape, R"(an unknown escape; there are \" \\ \/ \b \f \n \r \t and \uXXXX)");
    }
    ++at_;
    return true;
  }
  const int unit = hex4(++at_);
  if (unit < 0) return refuse(escape, R"(expected four hex digits after \u)");
  at_ += 4;
  if (begins_pair(unit, at_)) {
    at_ += 6;
  } else if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
    was_loose_ = true;
    if (loose_) return true;
    return refuse(escape, R"(half of a surrogate pair; write both, the high one (\uD800 to \uDBFF) first)");
  }
  return true;
}

bool JsonReader::skip_digits(const char* where) {
  if (!is_digit(*at_)) {
    fail_expected("a digit " + std::string(where), "write numbers like -1.5e3");
    return false;
  }
  while (is_digit(*at_)) ++at_;
  return true;
}

void JsonReader::skip_space() {
  while (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t') ++at_;
}

bool JsonReader::refuse(const char* at, std::string message, const char* reason) {
  const auto line = 1 + std::count(begin_, at, '\n');
  const char* line_begin = at;
  while (line_begin != begin_ && line_begin[-1] != '\n') --line_begin;
  // Columns are counted in characters, of which each has one byte that is not a continuation.
  const auto column =
      1 + std::count_if(line_begin, at, [](char c) { return (static_cast<std::uint8_t>(c) & 0xC0) != 0x80; });
  error_ = {
      base::Code::invalid,
      "JSON, line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + std::move(message),
      reason};
  return false;
}

Step JsonReader::fail(const char* at, std::string message, const char* reason) {
  refuse(at, std::move(message), reason);
  return Step::failed;
}

Step JsonReader::fail_expected(std::string_view expected, std::string_view advice) {
  std::string message = "expected ";
  message += expected;
  if (at_ == end_) return fail(at_, message + ", but the text ends; was it cut off?");
  std::array<char, 32> found;
  const auto byte = static_cast<std::uint8_t>(*at_);
  std::snprintf(found.data(), found.size(),
                byte > 0x20 && byte < 0x7F ? ", found '%c'; " : ", found byte 0x%02X; ", byte);
  message += found.data();
  message += advice;
  return fail(at_, std::move(message));
}

}  // namespace

base::Result<Document> parse_json(std::string text, JsonLimits limits) {
  return JsonReader(std::move(text), limits, JsonReader::Manner::strict).read();
}

base::Result<Document> parse_loose_json(std::string text, JsonLimits limits) {
  JsonReader reader(std::move(text), limits, JsonReader::Manner::loose);
  auto document = reader.read();
  if (!document || !reader.was_loose()) return document;
  std::string anew;
  JsonWriter json(anew);
  write_anew(document->root(), json);
  return parse_json(std::move(anew), limits);
}

}  // namespace format
