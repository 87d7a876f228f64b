// The calendar in milliseconds since 1970, over as many years as a time of JavaScript can be.
#pragma once

#include <cmath>
#include <cstdint>

namespace expr {

inline constexpr double kDayMillis = 86'400'000;
/// ECMA-262, "Time Values and Time Range": 100,000,000 days on both sides of 1970.
inline constexpr double kTimeMax = 8.64e15;

struct Date {
  std::int64_t year;
  int month;  ///< 1 to 12
  int day;
};

/// Days since 1970-01-01 of a date whose month may lie beyond its year (Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms").
inline std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day) {
  year += (month - 1) / 12;
  month = (month - 1) % 12;
  if (month < 0) {
    month += 12;
    --year;
  }
  ++month;
  if (month <= 2) --year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year + day - 1 -
         719'468;
}

inline Date date_of(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;
  const int month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
          static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

/// Monday is 1, Sunday 7.
inline int weekday_of(std::int64_t days) { return static_cast<int>(((days + 3) % 7 + 7) % 7 + 1); }

/// The Monday that the first week of a month or year begins with: the week that has most of its days in it
/// (ISO 8601).
inline std::int64_t first_week_of(std::int64_t year, std::int64_t month) {
  const std::int64_t first = days_of(year, month, 1);
  const int weekday = weekday_of(first);
  return weekday > 4 ? first + (8 - weekday) : first - (weekday - 1);
}

}  // namespace expr
