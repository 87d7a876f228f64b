#include "expr/error.hpp"

#include <algorithm>
#include <array>

namespace expr {

namespace {

struct Entry {
  Code code;
  std::string_view name;
  std::string_view text;  ///< {t}, {v}, {d} stand for token, value and detail
};

#define XD_CODE(code, text) \
  Entry { Code::code, #code, text }

// In the order of the enumeration, which a static_assert below holds.
constexpr std::array kEntries{
    XD_CODE(S0101, "this text has no closing quote; add it"),
    XD_CODE(S0102, "the number {t} is too large for a double"),
    XD_CODE(S0103, "\\{t} is no escape sequence; write \\\\ for a backslash"),
    XD_CODE(S0104, "\\u needs four hexadecimal digits behind it"),
    XD_CODE(S0105, "this quoted name has no closing backtick; add it"),
    XD_CODE(S0106, "this comment has no end; close it with */"),
    XD_CODE(S0201, "{t} does not belong here; join it to what stands before with an operator, or remove it"),
    XD_CODE(S0202, "{d} is missing before {t}"),
    XD_CODE(S0203, "the expression ends where {d} is missing"),
    XD_CODE(S0204, "{t} is no operator"),
    XD_CODE(S0207, "the expression ends too early; a value is missing"),
    XD_CODE(S0208, "parameter {d} of a function must be a variable, such as $x"),
    XD_CODE(S0209,
            "a predicate cannot stand behind a grouping in one step; put parentheses around the grouping"),
    XD_CODE(S0210, "a step can be grouped only once; put parentheses around the first grouping"),
    XD_CODE(S0211, "{t} cannot begin a value"),
    XD_CODE(S0212, "what stands left of := must be a variable, such as $x"),
    XD_CODE(S0213, "{v} is a literal and cannot be a step of a path; quote a name with backticks"),
    XD_CODE(S0214, "what stands right of {t} must be a variable, such as $x"),
    XD_CODE(S0215, "@ must stand before the predicates of its step"),
    XD_CODE(S0216, "@ must stand before the order-by of its step"),
    XD_CODE(S0217, "there is nothing here that % could be the parent of"),
    XD_CODE(S0301, "a regular expression cannot be empty"),
    XD_CODE(S0302, "this regular expression has no end; close it with /"),
    XD_CODE(S0303, "this regular expression cannot be used: {d}"),
    XD_CODE(S0401, "in a signature only functions (f) and arrays (a) have a type in <>"),
    XD_CODE(S0402, "a choice of types in a signature cannot hold types with <>"),
    XD_CODE(S0501, "the expression is nested too deeply; break it up with variables"),
    XD_CODE(T0410, "argument {d} of function {t} has a type that it does not take"),
    XD_CODE(
        T0411,
        "argument {d} of function {t} is missing, and the context value has a type that it does not take"),
    XD_CODE(T0412, "argument {d} of function {t} has elements of a type that it does not take"),
    XD_CODE(T1003, "a key must be a string, not {v}; convert it with $string"),
    XD_CODE(T1005, "{t} is no function; did you mean ${t}?"),
    XD_CODE(T1006, "what is called here is no function"),
    XD_CODE(T1007, "{t} is no function that could be partly applied; did you mean ${t}?"),
    XD_CODE(T1008, "what is partly applied here is no function"),
    XD_CODE(T1010, "the matcher given to {t} must return an object with match, start, end, groups and next"),
    XD_CODE(T2001, "left of {t} must be a number, not {v}"),
    XD_CODE(T2002, "right of {t} must be a number, not {v}"),
    XD_CODE(T2003, "left of .. must be an integer, not {v}"),
    XD_CODE(T2004, "right of .. must be an integer, not {v}"),
    XD_CODE(T2006, "right of ~> must be a function"),
    XD_CODE(T2007, "values to sort by must be all strings or all numbers; {v} is not like the others"),
    XD_CODE(T2008, "values to sort by must be strings or numbers, not {v}"),
    XD_CODE(T2009, "both sides of {t} must be numbers, or both strings; {v} is of another type"),
    XD_CODE(T2010, "both sides of {t} must be numbers or strings, not {v}"),
    XD_CODE(T2011, "what updates an object must be an object, not {v}"),
    XD_CODE(T2012, "what is deleted must be a name or an array of names, not {v}"),
    XD_CODE(D1001, "the number {v} is out of range"),
    XD_CODE(D1002, "{v} is not a number and cannot be negated"),
    XD_CODE(D1004, "the regular expression fits an empty text; make it ask for at least one character"),
    XD_CODE(D1009, "two different members of this object get the key {v}"),
    XD_CODE(D1010, "this object cannot be updated"),
    XD_CODE(D1012, "the evaluation took longer than its {v} ms; simplify it, or raise the limit"),
    XD_CODE(D1013, "the key {v} is reserved; choose one that does not start with _jsonata_"),
    XD_CODE(D2014, "a range has at most 10,000,000 elements, not {v}"),
    XD_CODE(D2015, "a sequence grew beyond its limit of {v} elements"),
    XD_CODE(D3001, "a number that is not finite has no text"),
    XD_CODE(D3010, "the second argument of $replace must not be empty"),
    XD_CODE(D3011, "the fourth argument of $replace must not be negative"),
    XD_CODE(D3012, "the function given to $replace must return a string"),
    XD_CODE(D3020, "the third argument of $split must not be negative"),
    XD_CODE(D3030, "{v} cannot be read as a number"),
    XD_CODE(D3040, "the third argument of $match must not be negative"),
    XD_CODE(D3050, "the second argument of $reduce must be a function of at least two parameters"),
    XD_CODE(D3060, "there is no square root of the negative number {v}"),
    XD_CODE(D3061, "{v} to the power of {d} is no number that JSON can hold"),
    XD_CODE(
        D3070,
        "only strings alone or numbers alone can be sorted without a function; give one as second argument"),
    XD_CODE(D3080, "a picture has at most two parts, one for positive and one for negative numbers"),
    XD_CODE(D3081, "a picture has at most one decimal separator"),
    XD_CODE(D3082, "a picture has at most one percent sign"),
    XD_CODE(D3083, "a picture has at most one per-mille sign"),
    XD_CODE(D3084, "a picture has a percent or a per-mille sign, not both"),
    XD_CODE(D3085, "a picture needs at least one digit, such as 0 or #"),
    XD_CODE(D3086, "text inside of the digits of a picture is not allowed; move it before or behind them"),
    XD_CODE(D3087, "a grouping separator of a picture cannot stand next to the decimal separator"),
    XD_CODE(D3088, "a grouping separator of a picture cannot stand at the end of the integer part"),
    XD_CODE(D3089, "two grouping separators of a picture cannot stand side by side"),
    XD_CODE(D3090, "in the integer part of a picture, optional digits (#) stand before the others"),
    XD_CODE(D3091, "in the fraction of a picture, optional digits (#) stand behind the others"),
    XD_CODE(D3092, "a picture has a percent sign, a per-mille sign, or an exponent, not two of them"),
    XD_CODE(D3093, "the exponent of a picture is made of digits only"),
    XD_CODE(D3100, "the base of a number is from 2 to 36, not {v}"),
    XD_CODE(D3110,
            "{v} is no ISO 8601 time, such as 2026-11-22T16:48:00Z; say what it looks like with a picture"),
    XD_CODE(D3120, "the text given to $eval is no expression: {d}"),
    XD_CODE(D3121, "$eval failed: {d}"),
    XD_CODE(D3130, "integers cannot be written as a sequence that starts with {v}"),
    XD_CODE(D3131, "all digits of a picture must be of one script"),
    XD_CODE(D3132, "{v} is no component of a date picture"),
    XD_CODE(D3133, "only months and days can be written as names, not {v}"),
    XD_CODE(D3134, "a time zone in a date picture has at most four digits"),
    XD_CODE(D3135, "a date picture has an opening bracket without its closing one"),
    XD_CODE(D3136, "the date picture does not say enough to know the time"),
    XD_CODE(D3137, "{d}"),
    XD_CODE(D3138, "$single expects exactly one match and found more"),
    XD_CODE(D3139, "$single expects exactly one match and found none"),
    XD_CODE(D3140, "Malformed URL passed to ${d}(): {v}"),
    XD_CODE(D3141, "{d}"),
    XD_CODE(U1001, "functions call each other too deeply; end the recursion, or make it a tail call"),
    XD_CODE(U1002, "the evaluation took more than its {v} steps; simplify it, or raise the limit"),
    XD_CODE(U1003,
            "the evaluation needed more than its {v} bytes of memory; simplify it, or raise the limit"),
    XD_CODE(U1004, "the result is larger than {v} bytes; make it smaller, or raise the limit"),
};

#undef XD_CODE

constexpr bool in_order() {
  for (std::size_t i = 0; i < kEntries.size(); ++i) {
    if (kEntries[i].code != static_cast<Code>(i)) return false;
  }
  return true;
}
static_assert(in_order() && kEntries.back().code == Code::U1004);

/// So much of a value is shown.
constexpr std::size_t kShownBytesMax = 200;

}  // namespace

std::string_view name(Code code) { return kEntries[static_cast<std::size_t>(code)].name; }

std::string message_of(Code code, const ErrorParts& parts) {
  std::string message;
  const std::string_view text = kEntries[static_cast<std::size_t>(code)].text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') {
      message.push_back(text[i]);
      continue;
    }
    const char which = text[i + 1];
    const std::string_view part = which == 't' ? parts.token : which == 'v' ? parts.value : parts.detail;
    message.append(part.substr(0, kShownBytesMax));
    if (part.size() > kShownBytesMax) message.append("…");
    i += 2;
  }
  return message;
}

std::uint32_t utf16_units(std::string_view text) {
  std::uint32_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) units += byte >= 0xF0 ? 2 : 1;
  }
  return units;
}

}  // namespace expr
