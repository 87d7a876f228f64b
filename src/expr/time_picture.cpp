#include "expr/time_picture.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "expr/calendar.hpp"
#include "expr/time_names.hpp"

namespace expr {

namespace {

constexpr std::string_view kComponents = "YMDdFWwXxHhPmsfZzCE";
constexpr std::string_view kNamedComponents = "MxFPCE";

/// What a marker without presentation means.
std::string_view usual_presentation(char component) {
  switch (component) {
    case 'F':
    case 'P':
    case 'C':
    case 'E': return "n";
    case 'm':
    case 's': return "01";
    case 'Z':
    case 'z': return "01:01";
    default: return "1";
  }
}

std::size_t read_width(std::string_view text) {
  std::size_t width = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), width);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size() ? std::min<std::size_t>(width, 100)
                                                                         : 0;
}

/// The year or month that a day's week belongs to, and which of its weeks it is.
struct Week {
  std::int64_t year;
  std::int64_t month;
  std::int64_t number;
};
Week week_of(std::int64_t days, const Date& date, bool of_month) {
  const std::int64_t step = of_month ? 1 : 12;
  Week week{date.year, of_month ? date.month : 1, 0};
  const std::int64_t next = first_week_of(week.year, week.month + step);
  if (days >= next) {
    week.month += step;
  } else if (days < first_week_of(week.year, week.month)) {
    week.month -= step;
  }
  week.number = (days - first_week_of(week.year, week.month)) / 7 + 1;
  week.year += week.month > 12 ? 1 : week.month < 1 ? -1 : 0;
  week.month = (week.month + 11) % 12 + 1;
  return week;
}

}  // namespace

double time_component(char component, double local_millis) {
  const auto days = static_cast<std::int64_t>(std::floor(local_millis / kDayMillis));
  const double of_day = local_millis - static_cast<double>(days) * kDayMillis;
  const auto unit = [of_day](double millis, double count) {
    return std::fmod(std::floor(of_day / millis), count);
  };
  const Date date = date_of(days);
  switch (component) {
    case 'Y': return static_cast<double>(date.year);
    case 'M': return date.month;
    case 'D': return date.day;
    case 'd': return static_cast<double>(days - days_of(date.year, 1, 1) + 1);
    case 'F': return weekday_of(days);
    case 'W': return static_cast<double>(week_of(days, date, false).number);
    case 'w': return static_cast<double>(week_of(days, date, true).number);
    case 'X': return static_cast<double>(week_of(days, date, false).year);
    case 'x': return static_cast<double>(week_of(days, date, true).month);
    case 'H': return unit(3'600'000, 24);
    case 'h': return std::fmod(unit(3'600'000, 24) + 11, 12) + 1;
    case 'P': return unit(3'600'000, 24) >= 12 ? 1 : 0;
    case 'm': return unit(60'000, 60);
    case 's': return unit(1'000, 60);
    case 'f': return unit(1, 1'000);
    default: return 0;
  }
}

std::expected<TimePicture, PictureError> TimePicture::parse(std::string_view picture) {
  TimePicture made;
  const auto add_literal = [&made](std::string_view text) {
    if (text.empty()) return;
    if (made.parts_.empty() || made.parts_.back().component != 0) made.parts_.emplace_back();
    made.parts_.back().literal += text;
  };
  while (!picture.empty()) {
    const std::size_t at = std::min(picture.find_first_of("[]"), picture.size());
    add_literal(picture.substr(0, at));
    picture.remove_prefix(at);
    if (picture.empty()) break;
    if (picture[0] == ']') {
      add_literal("]");
      picture.remove_prefix(picture.starts_with("]]") ? 2 : 1);
      continue;
    }
    if (picture.starts_with("[[")) {
      add_literal("[");
      picture.remove_prefix(2);
      continue;
    }
    const std::size_t end = picture.find(']');
    if (end == std::string_view::npos) return std::unexpected(PictureError{Code::D3135});
    auto part = parse_marker(picture.substr(1, end - 1));
    if (!part) return std::unexpected(std::move(part).error());
    // Numbers side by side are told apart by their widths.
    if (!made.parts_.empty() && part->names == Names::none) {
      Part& before = made.parts_.back();
      const bool number = before.component != 0 && before.names == Names::none && before.component != 'Z' &&
                          before.component != 'z' && before.integer.kind == IntegerPicture::Kind::decimal;
      if (number && part->integer.kind == IntegerPicture::Kind::decimal) {
        before.read_width = before.integer.mandatory_digits;
      }
    }
    made.parts_.push_back(std::move(*part));
    picture.remove_prefix(end + 1);
  }
  return made;
}

std::expected<TimePicture::Part, PictureError> TimePicture::parse_marker(std::string_view marker) {
  std::string text;
  for (const char c : marker) {
    if (c != ' ' && (c < '\t' || c > '\r')) text.push_back(c);  // blanks in markers mean nothing
  }
  Part part;
  part.component = text.empty() ? '?' : text[0];
  if (!kComponents.contains(part.component)) {
    return std::unexpected(PictureError{Code::D3132, text.substr(0, 1)});
  }
  std::string presentation = text.substr(1);
  std::size_t width_min = 0;
  if (const std::size_t comma = presentation.rfind(','); comma != std::string::npos) {
    const std::string widths = presentation.substr(comma + 1);
    presentation.resize(comma);
    const std::size_t dash = widths.find('-');
    width_min = read_width(std::string_view(widths).substr(0, dash));
    if (dash != std::string::npos) part.width_max = read_width(std::string_view(widths).substr(dash + 1));
  }
  bool ordinal = false;
  if (presentation.size() > 1 && std::string_view("atco").contains(presentation.back())) {
    ordinal = presentation.back() == 'o';
    part.zulu = presentation.back() == 't';
    presentation.pop_back();
  }
  if (presentation.empty()) presentation = usual_presentation(part.component);
  if (presentation[0] == 'n' || presentation[0] == 'N') {
    part.names = presentation[0] == 'n'                              ? Names::lower
                 : presentation.size() > 1 && presentation[1] == 'n' ? Names::title
                                                                     : Names::upper;
    if (!kNamedComponents.contains(part.component)) {
      return std::unexpected(PictureError{Code::D3133, std::string(1, part.component)});
    }
    return part;
  }
  auto integer = IntegerPicture::parse(presentation);
  if (!integer) return std::unexpected(std::move(integer).error());
  part.integer = std::move(*integer);
  part.integer.ordinal = ordinal;
  part.integer.mandatory_digits = std::max(part.integer.mandatory_digits, width_min);
  if (part.component == 'Y') {
    const std::size_t digits = part.integer.mandatory_digits + part.integer.optional_digits;
    if (part.width_max > 0) {
      part.year_digits = part.integer.mandatory_digits = part.width_max;
    } else if (part.integer.kind == IntegerPicture::Kind::decimal && digits >= 2) {
      part.year_digits = digits;
    }
  }
  return part;
}

const TimePicture& TimePicture::iso() {
  static const TimePicture picture = *parse("[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]");
  return picture;
}

std::string TimePicture::shown_name(std::string name, const Part& part) {
  for (char& c : name) {
    if (part.names == Names::upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (part.names == Names::lower && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  if (part.width_max > 0 && name.size() > part.width_max) name.resize(part.width_max);
  return name;
}

std::expected<std::string, PictureError> TimePicture::format_zone(const Part& part, int zone_minutes) {
  if (zone_minutes == 0 && part.zulu) return "Z";
  const int hours = zone_minutes / 60;
  const int minutes = zone_minutes % 60;
  const int together = hours * 100 + minutes;
  std::string text;
  if (part.integer.is_regular()) {
    text = part.integer.format(together);
  } else if (part.integer.mandatory_digits <= 2) {
    text = part.integer.format(hours);
    if (minutes != 0)
      text.append(":").append(std::abs(minutes) < 10 ? "0" : "").append(std::to_string(std::abs(minutes)));
  } else if (part.integer.mandatory_digits <= 4) {
    text = part.integer.format(together);
  } else {
    return std::unexpected(PictureError{Code::D3134});
  }
  if (zone_minutes >= 0) text.insert(0, "+");
  if (part.component == 'z') text.insert(0, "GMT");
  return text;
}

std::expected<std::string, PictureError> TimePicture::format_part(const Part& part, double local_millis,
                                                                  int zone_minutes) {
  double value = time_component(part.component, local_millis);
  switch (part.component) {
    case 'Z':
    case 'z': return format_zone(part, zone_minutes);
    case 'C':
    case 'E': return "ISO";
    case 'P': return shown_name(value == 0 ? "am" : "pm", part);
    case 'M':
    case 'x':
      if (part.names != Names::none) {
        return shown_name(std::string(kMonthNames[static_cast<std::size_t>(value) - 1]), part);
      }
      break;
    case 'F':
      if (part.names != Names::none) {
        return shown_name(std::string(kDayNames[static_cast<std::size_t>(value) - 1]), part);
      }
      break;
    case 'Y':
      if (part.year_digits > 0) value = std::fmod(value, std::pow(10, static_cast<double>(part.year_digits)));
      break;
    default: break;
  }
  return part.integer.format(value);
}

std::expected<std::string, PictureError> TimePicture::format(double millis, int zone_minutes) const {
  const double local = millis + zone_minutes * 60'000.0;
  std::string out;
  for (const Part& part : parts_) {
    if (part.component == 0) {
      out += part.literal;
      continue;
    }
    auto text = format_part(part, local, zone_minutes);
    if (!text) return text;
    out += *text;
  }
  return out;
}

}  // namespace expr
