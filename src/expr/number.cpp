#include "expr/number.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace expr {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// How many digits a text begins with.
std::size_t digits_at(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  return count;
}

bool is_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::size_t whole = digits_at(text);
  if (whole == 0) return false;
  text.remove_prefix(whole);
  if (text.starts_with('.')) {
    const std::size_t fraction = digits_at(text.substr(1));
    if (fraction == 0) return false;
    text.remove_prefix(fraction + 1);
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    const std::size_t exponent = digits_at(text);
    if (exponent == 0) return false;
    text.remove_prefix(exponent);
  }
  return text.empty();
}

std::optional<double> read_in_base(std::string_view digits, int base) {
  double number = 0;
  if (digits.empty()) return std::nullopt;
  for (const char c : digits) {
    const int digit = is_digit(c) ? c - '0' : (c | 0x20) >= 'a' ? (c | 0x20) - 'a' + 10 : 99;
    if (digit >= base) return std::nullopt;
    number = number * base + digit;
  }
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

double to_double(std::string_view decimal) {
  double number = 0;
  const auto [end, error] = std::from_chars(decimal.data(), decimal.data() + decimal.size(), number);
  if (error != std::errc::result_out_of_range) return number;
  // Too large or too small: strtod knows which of the two.
  return std::strtod(std::string(decimal).c_str(), nullptr);
}

/// number × 10^places, by its decimal text: 1.005 shifted by two is 100.5, where a product would be less.
double shifted(double number, int places) {
  NumberText room;
  const std::string_view text = write_number(room, number);
  const std::size_t mark = text.find('e');
  int exponent = places;
  if (mark != std::string_view::npos) {
    int own = 0;
    std::string_view digits = text.substr(mark + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    std::from_chars(digits.data(), digits.data() + digits.size(), own);
    exponent += own;
  }
  std::array<char, 64> moved;
  char* out = std::copy_n(text.data(), std::min(mark, text.size()), moved.data());
  *out++ = 'e';
  out = std::to_chars(out, moved.data() + moved.size(), exponent).ptr;
  return to_double({moved.data(), out});
}

}  // namespace

std::string_view write_number(NumberText& room, double number) {
  char* const begin = room.data();
  char* const end = begin + room.size();
  if (number == 0) return "0";
  if (std::fabs(number) < 1e15 && number == std::trunc(number)) {
    const auto written = std::to_chars(begin, end, static_cast<std::int64_t>(number));
    return {begin, written.ptr};
  }
  // The shortest digits and their exponent; where the point goes is decided here.
  NumberText scientific;
  const auto written = std::to_chars(scientific.data(), scientific.data() + scientific.size(), number,
                                     std::chars_format::scientific);
  std::string_view text(scientific.data(), written.ptr);
  char* out = begin;
  if (text.starts_with('-')) {
    *out++ = '-';
    text.remove_prefix(1);
  }
  const std::size_t mark = text.find('e');
  int exponent = 0;
  const std::string_view power = text.substr(text[mark + 1] == '+' ? mark + 2 : mark + 1);
  std::from_chars(power.data(), power.data() + power.size(), exponent);
  NumberText digits;
  int count = 0;
  for (const char c : text.substr(0, mark)) {
    if (c != '.') digits[static_cast<std::size_t>(count++)] = c;
  }
  const auto put = [&](int from, int to) {
    for (int i = from; i < to; ++i) *out++ = i < count ? digits[static_cast<std::size_t>(i)] : '0';
  };
  if (exponent >= 21 || exponent < -6) {
    put(0, 1);
    if (count > 1) {
      *out++ = '.';
      put(1, count);
    }
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    out = std::to_chars(out, end, std::abs(exponent)).ptr;
  } else if (exponent < 0) {
    *out++ = '0';
    *out++ = '.';
    for (int i = exponent + 1; i < 0; ++i) *out++ = '0';
    put(0, count);
  } else {
    put(0, exponent + 1);
    if (count > exponent + 1) {
      *out++ = '.';
      put(exponent + 1, count);
    }
  }
  return {begin, out};
}

namespace {

/// Digits of a number in scientific notation, without its sign, point and exponent.
std::size_t count_digits(std::string_view scientific) {
  return static_cast<std::size_t>(
      std::ranges::count_if(scientific.substr(0, scientific.find('e')), is_digit));
}

/// Whether a number lies exactly halfway between two of 15 digits.
bool is_halfway(double number) {
  std::array<char, 1100> room;
  const auto written = std::to_chars(room.data(), room.data() + room.size(), std::fabs(number),
                                     std::chars_format::scientific, 60);
  const std::string_view digits = std::string_view(room.data(), written.ptr).substr(0, room.size());
  const std::string_view rest =
      digits.substr(16, digits.find('e') - 16);  // behind the point and 14 of its digits
  return rest.starts_with('5') && rest.find_first_not_of('0', 1) == std::string_view::npos;
}

}  // namespace

double to_15_digits(double number) {
  if (!std::isfinite(number) || (std::fabs(number) < 1e15 && number == std::trunc(number))) return number;
  NumberText room;
  char* const begin = room.data();
  char* const end = begin + room.size();
  const auto shortest = std::to_chars(begin, end, number, std::chars_format::scientific);
  if (count_digits({begin, shortest.ptr}) <= 15) return number;
  // Halves away from zero, as JavaScript's toPrecision has it; to_chars rounds them to even.
  if (is_halfway(number)) number = std::nextafter(number, std::copysign(INFINITY, number));
  const auto written = std::to_chars(begin, end, number, std::chars_format::scientific, 14);
  double rounded = 0;
  std::from_chars(begin, written.ptr, rounded);
  return rounded;
}

std::optional<double> read_number(std::string_view text) {
  if (is_decimal(text)) {
    const double number = to_double(text);
    return std::isfinite(number) ? std::optional(number) : std::nullopt;
  }
  if (text.size() > 2 && text[0] == '0') {
    switch (text[1] | 0x20) {
      case 'x': return read_in_base(text.substr(2), 16);
      case 'o': return read_in_base(text.substr(2), 8);
      case 'b': return read_in_base(text.substr(2), 2);
      default: break;
    }
  }
  return std::nullopt;
}

double round_half_even(double number, int places) {
  if (!std::isfinite(number)) return number;
  const double scaled = places == 0 ? number : shifted(number, places);
  if (!std::isfinite(scaled)) return number;  // beyond its own digits
  double rounded = std::floor(scaled + 0.5);
  const double difference = rounded - scaled;
  if (std::fabs(difference) == 0.5 && std::fabs(std::fmod(rounded, 2)) == 1) rounded -= 1;
  if (places != 0) rounded = shifted(rounded, -places);
  return rounded == 0 ? 0 : rounded;  // -0 is 0
}

}  // namespace expr
