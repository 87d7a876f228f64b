// Texts as times: by a picture, and ISO 8601.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "expr/calendar.hpp"
#include "expr/time_names.hpp"
#include "expr/time_picture.hpp"

namespace expr {

namespace {

/// Ways to divide a text among the parts of a picture that are tried before it counts as not fitting.
constexpr int kAttemptsMax = 2'000;

bool begins_with(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::ranges::equal(text.substr(0, word.size()), word,
                            [](char a, char b) { return base::lower_ascii(a) == base::lower_ascii(b); });
}

/// So many digits at the beginning of a text, as a number.
std::optional<double> digits(std::string_view text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  double number = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

struct Found {
  std::size_t bytes = 0;
  double value = 0;
};

/// The longest of some names that a text begins with, cut to a width where there is one; values count from
/// first.
Found find_name(std::string_view text, std::span<const std::string_view> names, std::size_t width,
                double first) {
  Found found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string_view name = width > 0 ? names[i].substr(0, width) : names[i];
    if (name.size() > found.bytes && begins_with(text, name))
      found = {name.size(), first + static_cast<double>(i)};
  }
  return found;
}

/// A zone as pictures write it: a sign, hours, and minutes with or without a colon.
std::optional<Found> find_zone(std::string_view text, bool with_gmt, bool zulu) {
  Found found;
  if (with_gmt) {
    if (!text.starts_with("GMT")) return std::nullopt;
    found.bytes = 3;
    text.remove_prefix(3);
  }
  if (zulu && text.starts_with('Z')) return Found{found.bytes + 1, 0};
  if (!text.starts_with('+') && !text.starts_with('-')) return std::nullopt;
  const double sign = text[0] == '-' ? -1 : 1;
  const std::size_t hour_digits = digits(text.substr(1), 2) ? 2 : 1;
  const auto hours = digits(text.substr(1), hour_digits);
  if (!hours) return std::nullopt;
  std::size_t at = 1 + hour_digits;
  const std::size_t colon = text.substr(at).starts_with(':') ? 1 : 0;
  double minutes = 0;
  if (const auto read = digits(text.substr(std::min(at + colon, text.size())), 2)) {
    minutes = *read;
    at += colon + 2;
  }
  return Found{found.bytes + at, sign * (*hours * 60 + minutes)};
}

}  // namespace

/// Values of components, and attempts that are left.
struct TimePicture::Reading {
  std::array<std::optional<double>, 128> values{};
  int attempts = kAttemptsMax;

  std::optional<double>& operator[](char component) { return values[static_cast<std::size_t>(component)]; }
};

bool TimePicture::read_from(std::size_t index, std::string_view rest, Reading& reading) const {
  if (index == parts_.size()) return rest.empty();
  if (--reading.attempts < 0) return false;
  const Part& part = parts_[index];
  if (part.component == 0) {
    return begins_with(rest, part.literal) && read_from(index + 1, rest.substr(part.literal.size()), reading);
  }
  Found found;
  if (part.component == 'Z' || part.component == 'z') {
    const auto zone = find_zone(rest, part.component == 'z', part.zulu);
    if (!zone) return false;
    found = *zone;
  } else if (part.component == 'P') {
    constexpr std::array<std::string_view, 2> kHalves{"am", "pm"};
    found = find_name(rest, kHalves, 0, 0);
  } else if (part.component == 'C' || part.component == 'E') {
    found.bytes = rest.starts_with("ISO") ? 3 : 0;
  } else if (part.names != Names::none) {
    found = part.component == 'F' ? find_name(rest, kDayNames, part.width_max, 1)
                                  : find_name(rest, kMonthNames, part.width_max, 1);
  } else {
    // The longest text that the picture could have written, or a shorter one where what follows does not fit.
    for (std::size_t length = part.integer.extent(rest, part.read_width); length > 0; --length) {
      if (part.integer.extent(rest.substr(0, length), part.read_width) != length) continue;
      auto value = part.integer.read(rest.substr(0, length));
      // Digits behind the point of a second, however many: what counts is where they stand.
      if (value && part.component == 'f')
        value = std::floor(*value * 1'000 / std::pow(10, static_cast<double>(length)) + 1e-6);
      if (value && read_from(index + 1, rest.substr(length), reading)) {
        reading[part.component] = *value;
        return true;
      }
      if (--reading.attempts < 0) return false;
    }
    return false;
  }
  if (found.bytes == 0 || !read_from(index + 1, rest.substr(found.bytes), reading)) return false;
  reading[part.component] = found.value;
  return true;
}

std::expected<std::optional<double>, PictureError> TimePicture::read(std::string_view text,
                                                                     double now_millis) const {
  Reading reading;
  if (!read_from(0, text, reading)) return std::nullopt;
  // Which way of saying a date the picture has chosen: all that it says must belong to it.
  const auto only = [&reading](std::string_view all, std::string_view allowed) {
    return std::ranges::all_of(all, [&](char c) { return !reading[c] || allowed.contains(c); }) &&
           std::ranges::any_of(allowed, [&](char c) { return reading[c].has_value(); });
  };
  constexpr std::string_view kDates = "YXMxWwdD";
  constexpr std::string_view kTimes = "PHhmsf";
  const bool day_of_year = !only(kDates, "YMD") && only(kDates, "Yd");
  const bool by_week = only(kDates, "Xxw") || only(kDates, "XW");
  const bool half_days = !only(kTimes, "Hmsf") && only(kTimes, "Phmsf");
  if (std::ranges::none_of(reading.values, [](const auto& value) { return value.has_value(); }))
    return std::nullopt;
  if (by_week) return std::unexpected(PictureError{Code::D3136});
  std::string components(day_of_year ? "Yd" : "YMD");
  components += half_days ? "Phmsf" : "Hmsf";
  bool begun = false;
  bool ended = false;
  for (const char c : components) {
    if (reading[c]) {
      begun = true;
      if (ended) return std::unexpected(PictureError{Code::D3136});
    } else if (begun) {
      reading[c] = c == 'M' || c == 'D' || c == 'd' ? 1 : 0;
      ended = true;
    } else {
      reading[c] = time_component(c, now_millis);
    }
  }
  const auto value = [&reading](char c) { return reading[c].value_or(0); };
  for (const char c : components) {
    if (std::fabs(value(c)) > 1e9) return std::nullopt;
  }
  const auto year = static_cast<std::int64_t>(value('Y'));
  const std::int64_t days = day_of_year ? days_of(year, 1, 1) + static_cast<std::int64_t>(value('d')) - 1
                                        : days_of(year, static_cast<std::int64_t>(value('M')),
                                                  static_cast<std::int64_t>(value('D')));
  double hour = value('H');
  if (half_days) hour = (value('h') == 12 ? 0 : value('h')) + (value('P') == 1 ? 12 : 0);
  double millis = static_cast<double>(days) * kDayMillis + hour * 3'600'000 + value('m') * 60'000 +
                  value('s') * 1'000 + value('f');
  millis -= reading['Z'].value_or(value('z')) * 60'000;
  return std::fabs(millis) <= kTimeMax ? std::optional(millis) : std::nullopt;
}

std::optional<int> read_zone(std::string_view text) {
  if (text == "Z") return 0;
  const auto zone = find_zone(text, false, false);
  if (zone && zone->bytes == text.size()) return static_cast<int>(zone->value);
  if (text.find_first_not_of('0') == std::string_view::npos && !text.empty()) return 0;  // "0000"
  const auto unsigned_zone = digits(text, 4);
  if (unsigned_zone && text.size() == 4) {
    const int number = static_cast<int>(*unsigned_zone);
    return number / 100 * 60 + number % 100;
  }
  return std::nullopt;
}

std::optional<double> read_iso_time(std::string_view text) {
  const auto take = [&text](char before, std::size_t count) -> std::optional<double> {
    if (before != 0 && !text.starts_with(before)) return std::nullopt;
    const auto number = digits(text.substr(before != 0 ? 1 : 0), count);
    if (number) text.remove_prefix(count + (before != 0 ? 1 : 0));
    return number;
  };
  const auto year = take(0, 4);
  if (!year) return std::nullopt;
  const auto month = take('-', 2);
  const auto day = month ? take('-', 2) : std::nullopt;
  const auto hour = take('T', 2);
  const auto minute = hour ? take(':', 2) : std::nullopt;
  const auto second = minute ? take(':', 2) : std::nullopt;
  if (hour && !second) return std::nullopt;
  double millis = 0;
  if (second && text.starts_with('.')) {
    std::size_t count = 1;
    for (double unit = 100; count < text.size() && text[count] >= '0' && text[count] <= '9';
         ++count, unit /= 10) {
      millis += (text[count] - '0') * unit;
    }
    if (count == 1) return std::nullopt;
    text.remove_prefix(count);
    millis = std::floor(millis + 1e-6);
  }
  double zone = 0;
  if (!text.empty()) {
    const auto found = second ? find_zone(text, false, true) : std::nullopt;
    if (!found || found->bytes != text.size()) return std::nullopt;
    zone = found->value;
  }
  const double month_number = month.value_or(1);
  const double day_number = day.value_or(1);
  const double hours = hour.value_or(0);
  if (month_number < 1 || month_number > 12 || day_number < 1 || day_number > 31 || hours > 24 ||
      minute.value_or(0) > 59 || second.value_or(0) > 59) {
    return std::nullopt;
  }
  const auto days = days_of(static_cast<std::int64_t>(*year), static_cast<std::int64_t>(month_number),
                            static_cast<std::int64_t>(day_number));
  return static_cast<double>(days) * kDayMillis + hours * 3'600'000 + minute.value_or(0) * 60'000 +
         second.value_or(0) * 1'000 + millis - zone * 60'000;
}

}  // namespace expr
