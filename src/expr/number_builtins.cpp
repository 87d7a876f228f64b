// Built-in functions of numbers (JSONata, "Numeric functions", "Aggregation functions", "Boolean functions").
#include <algorithm>
#include <cmath>
#include <string>

#include "expr/builtin.hpp"
#include "expr/evaluation.hpp"
#include "expr/integer_picture.hpp"
#include "expr/number_picture.hpp"

namespace expr {

namespace {

Item number(Evaluation& run, const Arguments& arguments) {
  const Item given = arguments[0];
  if (given.is_undefined() || given.is_number()) return given;
  if (given.is_boolean()) return Item::of(given.boolean() ? 1.0 : 0.0);
  if (given.is_string()) {
    if (const auto read = read_number(given.text())) return Item::of(*read);
  }
  return run.fail(Code::D3030, given);
}

Item absolute(Evaluation&, const Arguments& arguments) {
  return arguments[0].is_number() ? Item::of(std::fabs(arguments[0].number())) : Item();
}
Item floor(Evaluation&, const Arguments& arguments) {
  return arguments[0].is_number() ? Item::of(std::floor(arguments[0].number())) : Item();
}
Item ceil(Evaluation&, const Arguments& arguments) {
  return arguments[0].is_number() ? Item::of(std::ceil(arguments[0].number())) : Item();
}

Item round(Evaluation&, const Arguments& arguments) {
  if (!arguments[0].is_number()) return {};
  const double places = arguments[1].is_number() ? std::clamp(arguments[1].number(), -400.0, 400.0) : 0;
  return Item::of(round_half_even(arguments[0].number(), static_cast<int>(places)));
}

Item sqrt(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_number()) return {};
  if (arguments[0].number() < 0) return run.fail(Code::D3060, arguments[0]);
  return Item::of(std::sqrt(arguments[0].number()));
}

Item power(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_number()) return {};
  if (!arguments[1].is_number()) return run.fail(Code::D3061, arguments[0], "nothing");
  const double result = std::pow(arguments[0].number(), arguments[1].number());
  if (std::isfinite(result)) return Item::of(result);
  NumberText room;
  return run.fail(Code::D3061, arguments[0], write_number(room, arguments[1].number()));
}

Item random(Evaluation& run, const Arguments&) {
  return Item::of(static_cast<double>(run.random() >> 11) * 0x1p-53);
}

Item format_base(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_number()) return {};
  const double value = round_half_even(arguments[0].number(), 0);
  const double base = arguments[1].is_number() ? round_half_even(arguments[1].number(), 0) : 10;
  if (base < 2 || base > 36) return run.fail(Code::D3100, Item::of(base));
  if (base == 10) {
    NumberText room;
    return Item::of(run.keep(write_number(room, value)));
  }
  // Digits from the last: exact for every integer that a double can be, of up to 1,024 bits.
  std::string digits;
  double rest = std::fabs(value);
  do {
    digits.push_back("0123456789abcdefghijklmnopqrstuvwxyz"[static_cast<std::size_t>(std::fmod(rest, base))]);
    rest = std::floor(rest / base);
  } while (rest > 0);
  if (value < 0) digits.push_back('-');
  std::ranges::reverse(digits);
  return Item::of(run.keep(digits));
}

Item picture_failure(Evaluation& run, const PictureError& error) {
  return run.fail(error.code, error.value.empty() ? Item() : Item::of(std::string_view(error.value)));
}

Item format_number(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_number()) return {};
  if (!arguments[1].is_string()) return {};
  if (!run.charge(picture_steps(arguments[1].text()))) return Item::failure();
  DecimalFormat format;
  const Members options(arguments[2]);
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (options[i].value.is_string()) format.set(options[i].key, options[i].value.text());
  }
  const auto text = format_by_picture(arguments[0].number(), arguments[1].text(), format);
  return text ? Item::of(run.keep(*text)) : picture_failure(run, text.error());
}

Item format_integer(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_number() || !arguments[1].is_string()) return {};
  if (!run.charge(picture_steps(arguments[1].text()))) return Item::failure();
  const auto picture = IntegerPicture::parse(arguments[1].text());
  if (!picture) return picture_failure(run, picture.error());
  return Item::of(run.keep(picture->format(std::floor(arguments[0].number()))));
}

Item parse_integer(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string() || !arguments[1].is_string()) return {};
  if (!run.charge(picture_steps(arguments[1].text()))) return Item::failure();
  const auto picture = IntegerPicture::parse(arguments[1].text());
  if (!picture) return picture_failure(run, picture.error());
  const auto number = picture->read(arguments[0].text());
  return number ? Item::of(*number) : Item();
}

Item sum(Evaluation& run, const Arguments& arguments) {
  if (arguments[0].is_undefined()) return {};
  const Elements numbers(arguments[0]);
  if (!run.charge(numbers.size() / 8)) return Item::failure();
  double total = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) total += numbers[i].is_number() ? numbers[i].number() : 0;
  return Item::of(total);
}

Item count(Evaluation&, const Arguments& arguments) {
  if (arguments[0].is_undefined()) return Item::of(0.0);
  return Item::of(arguments[0].is_array() ? static_cast<double>(Elements(arguments[0]).size()) : 1.0);
}

/// Of numbers: the one that no other precedes.
template <class Precedes>
Item extreme(Evaluation& run, const Arguments& arguments, Precedes precedes) {
  const Elements numbers(arguments[0]);
  if (numbers.size() == 0) return {};
  if (!run.charge(numbers.size() / 8)) return Item::failure();
  Item found = numbers[0];
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    if (numbers[i].is_number() && precedes(numbers[i].number(), found.number())) found = numbers[i];
  }
  return found;
}

Item max(Evaluation& run, const Arguments& arguments) {
  return extreme(run, arguments, std::greater<double>());
}
Item min(Evaluation& run, const Arguments& arguments) { return extreme(run, arguments, std::less<double>()); }

Item average(Evaluation& run, const Arguments& arguments) {
  const std::size_t size = Elements(arguments[0]).size();
  if (size == 0) return {};
  const Item total = sum(run, arguments);
  return total.is_failure() ? total : Item::of(total.number() / static_cast<double>(size));
}

Item boolean(Evaluation& run, const Arguments& arguments) {
  return arguments[0].is_undefined() ? Item() : Item::of(run.truth(arguments[0]));
}

Item negate(Evaluation& run, const Arguments& arguments) {
  return arguments[0].is_undefined() ? Item() : Item::of(!run.truth(arguments[0]));
}

Item exists(Evaluation&, const Arguments& arguments) { return Item::of(!arguments[0].is_undefined()); }

constexpr Builtin kBuiltins[] = {
    {"number", "<(nsb)-:n>", 1, number},
    {"abs", "<n-:n>", 1, absolute},
    {"floor", "<n-:n>", 1, floor},
    {"ceil", "<n-:n>", 1, ceil},
    {"round", "<n-n?:n>", 2, round},
    {"sqrt", "<n-:n>", 1, sqrt},
    {"power", "<n-n:n>", 2, power},
    {"random", "<:n>", 0, random},
    {"formatNumber", "<n-so?:s>", 3, format_number},
    {"formatBase", "<n-n?:s>", 2, format_base},
    {"formatInteger", "<n-s:s>", 2, format_integer},
    {"parseInteger", "<s-s:n>", 2, parse_integer},
    {"sum", "<a<n>:n>", 1, sum},
    {"count", "<a:n>", 1, count},
    {"max", "<a<n>:n>", 1, max},
    {"min", "<a<n>:n>", 1, min},
    {"average", "<a<n>:n>", 1, average},
    {"boolean", "<x-:b>", 1, boolean},
    {"not", "<x-:b>", 1, negate},
    {"exists", "<x:b>", 1, exists},
};

}  // namespace

std::span<const Builtin> number_builtins() { return kBuiltins; }

}  // namespace expr
