// Built-in functions of times (JSONata, "Date/Time functions"). The present is that of the environment, so
// that a replay gives the same bytes.
#include <cmath>

#include "expr/builtin.hpp"
#include "expr/calendar.hpp"
#include "expr/evaluation.hpp"
#include "expr/time_picture.hpp"

namespace expr {

namespace {

constexpr std::size_t kTimeBytesMax = 500;

double now_millis(Evaluation& run) {
  return std::floor(static_cast<double>(base::to_micros(run.environment().now)) / 1000);
}

Item picture_failure(Evaluation& run, const PictureError& error) {
  return run.fail(error.code, error.value.empty() ? Item() : Item::of(std::string_view(error.value)));
}

Item format_time(Evaluation& run, double millis, Item picture, Item zone) {
  if (!(std::fabs(millis) <= kTimeMax)) return run.fail(Code::D3110, Item::of(millis));
  int minutes = 0;
  if (zone.is_string()) {
    const auto read = read_zone(zone.text());
    if (!read) return run.fail(Code::D3134, zone);
    minutes = *read;
  }
  if (picture.is_string() && !run.charge(picture_steps(picture.text()))) return Item::failure();
  const auto text = [&]() -> std::expected<std::string, PictureError> {
    if (!picture.is_string()) return TimePicture::iso().format(millis, minutes);
    const auto parsed = TimePicture::parse(picture.text());
    if (!parsed) return std::unexpected(parsed.error());
    return parsed->format(millis, minutes);
  }();
  return text ? Item::of(run.keep(*text)) : picture_failure(run, text.error());
}

Item now(Evaluation& run, const Arguments& arguments) {
  return format_time(run, now_millis(run), arguments[0], arguments[1]);
}

Item millis(Evaluation& run, const Arguments&) { return Item::of(now_millis(run)); }

Item from_millis(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_number()) return {};
  return format_time(run, std::trunc(arguments[0].number()), arguments[1], arguments[2]);
}

Item to_millis(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  if (!arguments[1].is_string()) {
    const auto read = read_iso_time(arguments[0].text());
    return read ? Item::of(*read) : run.fail(Code::D3110, arguments[0]);
  }
  if (arguments[0].text().size() > kTimeBytesMax) return {};  // no picture writes so much
  if (!run.charge(picture_steps(arguments[1].text()))) return Item::failure();
  const auto picture = TimePicture::parse(arguments[1].text());
  if (!picture) return picture_failure(run, picture.error());
  const auto read = picture->read(arguments[0].text(), now_millis(run));
  if (!read) return picture_failure(run, read.error());
  return *read ? Item::of(**read) : Item();
}

constexpr Builtin kBuiltins[] = {
    {"now", "<s?s?:s>", 2, now},
    {"millis", "<:n>", 0, millis},
    {"fromMillis", "<n-s?s?:s>", 3, from_millis},
    {"toMillis", "<s-s?:n>", 2, to_millis},
};

}  // namespace

std::span<const Builtin> time_builtins() { return kBuiltins; }

}  // namespace expr
