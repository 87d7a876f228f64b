#include "base/clock.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace base {

namespace {

/// Takes exactly `digits` decimal digits from the front of text; -1 where there are none.
int take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

/// The fraction after the seconds, in microseconds; -1 where the point has no digits or too many.
std::int64_t take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  std::int64_t micros = 0;
  int digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits) {
    if (digits < 6) micros = micros * 10 + (text.front() - '0');
  }
  if (digits == 0 || digits > 9) return -1;
  for (int i = digits; i < 6; ++i) micros *= 10;
  return micros;
}

/// The offset from UTC in minutes; nothing where it is malformed.
bool take_offset(std::string_view& text, int& minutes) {
  minutes = 0;
  if (take(text, 'Z') || take(text, 'z')) return true;
  const bool negative = !text.empty() && text.front() == '-';
  if (!take(text, '+') && !take(text, '-')) return false;
  const int hour = take_digits(text, 2);
  if (!take(text, ':')) return false;
  const int minute = take_digits(text, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return false;
  minutes = (hour * 60 + minute) * (negative ? -1 : 1);
  return true;
}

}  // namespace

std::chrono::microseconds Clock::until(Time moment) const {
  return std::max(moment - now(), std::chrono::microseconds{0});
}

Time SystemClock::now() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

Steady SystemClock::steady() const { return std::chrono::steady_clock::now(); }

ScaledClock::ScaledClock(std::int64_t rate)
    : rate_(rate), begun_(SystemClock{}.now()), steady_begun_(steady_now()) {}

Time ScaledClock::now() const {
  return begun_ + rate_ * std::chrono::floor<std::chrono::microseconds>(steady_now() - steady_begun_);
}

Steady ScaledClock::steady() const { return steady_now(); }

std::chrono::microseconds ScaledClock::until(Time moment) const {
  const auto left = Clock::until(moment);
  // Rounded up: who waits so long does not wake before the moment.
  return (left + std::chrono::microseconds{rate_ - 1}) / rate_;
}

Steady steady_now() { return std::chrono::steady_clock::now(); }

std::string to_rfc3339(Time time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<milliseconds>(time - day)};
  std::array<char, 40> buffer;
  const int length = std::snprintf(
      buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {buffer.data(), static_cast<std::size_t>(length)};
}

Result<Time> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  const auto refuse = [&] {
    return fail(Code::invalid, "not an RFC 3339 time; write it like 2026-01-31T08:15:00.000Z");
  };
  const int y = take_digits(text, 4);
  if (y < 0 || !take(text, '-')) return refuse();
  const int m = take_digits(text, 2);
  if (m < 0 || !take(text, '-')) return refuse();
  const int d = take_digits(text, 2);
  if (d < 0 || (!take(text, 'T') && !take(text, 't') && !take(text, ' '))) return refuse();
  const int hour = take_digits(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ':')) return refuse();
  const int minute = take_digits(text, 2);
  if (minute < 0 || minute > 59 || !take(text, ':')) return refuse();
  const int second = take_digits(text, 2);
  if (second < 0 || second > 60) return refuse();
  const std::int64_t fraction = take_fraction(text);
  int offset_minutes = 0;
  if (fraction < 0 || !take_offset(text, offset_minutes) || !text.empty()) return refuse();
  const year_month_day date{year{y}, month{static_cast<unsigned>(m)}, day{static_cast<unsigned>(d)}};
  if (!date.ok()) return refuse();
  return Time{sys_days{date}.time_since_epoch() + hours{hour} + minutes{minute - offset_minutes} +
              seconds{second} + microseconds{fraction}};
}

}  // namespace base
