// Times by a picture such as "[D1o] [MNn] [Y0001]": $fromMillis, $toMillis, $now.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expr/integer_picture.hpp"

namespace expr {

/// A picture of fn:format-dateTime (XPath and XQuery Functions 3.1, 9.8.4), in English.
class TimePicture {
 public:
  /// Error: D3130 to D3135.
  static std::expected<TimePicture, PictureError> parse(std::string_view picture);
  /// What is meant where no picture is given: ISO 8601 with milliseconds.
  static const TimePicture& iso();

  /// millis since 1970, shown in a zone so many minutes east of UTC.
  std::expected<std::string, PictureError> format(double millis, int zone_minutes) const;

  /// Reads a time by the picture. What the picture leaves out before its first part is taken from `now`, what
  /// it leaves out behind its last part is the first moment of what is given. Nothing where the text does not
  /// fit. Error: D3136 where the picture leaves out something in between.
  std::expected<std::optional<double>, PictureError> read(std::string_view text, double now_millis) const;

 private:
  enum class Names : std::uint8_t { none, lower, upper, title };

  /// A literal (component 0) or a marker between brackets.
  struct Part {
    char component = 0;
    std::string literal{};
    Names names = Names::none;
    IntegerPicture integer{};
    bool zulu = false;            ///< of a zone: Z for UTC
    std::size_t width_max = 0;    ///< 0: any
    std::size_t year_digits = 0;  ///< of a year: only so many of its last digits; 0: all
    std::size_t read_width = 0;   ///< digits to read, because another number follows at once; 0: any
  };

  struct Reading;

  static std::expected<Part, PictureError> parse_marker(std::string_view marker);
  static std::string shown_name(std::string name, const Part& part);
  static std::expected<std::string, PictureError> format_zone(const Part& part, int zone_minutes);
  static std::expected<std::string, PictureError> format_part(const Part& part, double local_millis,
                                                              int zone_minutes);
  bool read_from(std::size_t part, std::string_view rest, Reading& reading) const;

  std::vector<Part> parts_;
};

/// A number of the calendar, by its letter in pictures, of a local time.
double time_component(char component, double local_millis);

/// "+0130", "-05:00", "Z": minutes east of UTC.
std::optional<int> read_zone(std::string_view text);

/// ISO 8601 as JSONata's $toMillis takes it without a picture.
std::optional<double> read_iso_time(std::string_view text);

}  // namespace expr
