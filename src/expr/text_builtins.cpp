// Built-in functions of texts (JSONata, "String functions").
#include <cmath>
#include <string>

#include "expr/builtin.hpp"
#include "expr/code_points.hpp"
#include "expr/letter_case.hpp"
#include "expr/text_builder.hpp"

namespace expr {

namespace {

Item string(Evaluation& run, const Arguments& arguments) {
  return run.to_text(arguments[0], arguments[1].is_boolean() && arguments[1].boolean());
}

Item length(Evaluation&, const Arguments& arguments) {
  if (arguments[0].is_undefined()) return {};
  return Item::of(static_cast<double>(count_characters(arguments[0].text())));
}

/// JavaScript's slice of the characters, with whole numbers that count from the end where negative.
std::string_view sliced(std::string_view text, double begin, double end) {
  const auto size = static_cast<double>(count_characters(text));
  const auto place = [size](double at) { return at < 0 ? std::max(size + at, 0.0) : std::min(at, size); };
  begin = place(std::trunc(begin));
  end = place(std::trunc(end));
  if (!(begin < end)) return {};
  text.remove_prefix(offset_of_character(text, static_cast<std::size_t>(begin)));
  return text.substr(0, offset_of_character(text, static_cast<std::size_t>(end - begin)));
}

Item substring(Evaluation& run, const Arguments& arguments) {
  if (arguments[0].is_undefined()) return {};
  const std::string_view text = arguments[0].text();
  if (!run.charge(text.size() / 64)) return Item::failure();
  const auto size = static_cast<double>(count_characters(text));
  double start = arguments[1].is_number() ? arguments[1].number() : 0;
  if (size + start < 0) start = 0;
  if (!arguments[2].is_number()) return Item::of(sliced(text, start, size));
  const double count = arguments[2].number();
  if (count <= 0 || !arguments[1].is_number()) return Item::of("");
  const double end = start >= 0 ? start + count : size + start + count;
  return Item::of(sliced(text, start, end));
}

Item substring_before(Evaluation&, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  if (!arguments[1].is_string()) return arguments[0];
  const std::string_view text = arguments[0].text();
  return Item::of(text.substr(0, text.find(arguments[1].text())));
}

Item substring_after(Evaluation&, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  if (!arguments[1].is_string()) return arguments[0];
  const std::string_view text = arguments[0].text();
  const std::size_t at = text.find(arguments[1].text());
  return at == std::string_view::npos ? arguments[0] : Item::of(text.substr(at + arguments[1].text().size()));
}

Item lowercase(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  TextBuilder out(run, arguments[0].text().size());
  to_lower(arguments[0].text(), out);
  return Item::of(out.text());
}

Item uppercase(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  TextBuilder out(run, arguments[0].text().size());
  to_upper(arguments[0].text(), out);
  return Item::of(out.text());
}

/// Blanks, tabs and line ends become single blanks, those at the ends nothing.
Item trim(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  constexpr std::string_view kBlank = " \t\r\n";
  std::string_view text = arguments[0].text();
  TextBuilder out(run, text.size());
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
    if (text.empty()) break;
    const std::size_t end = std::min(text.find_first_of(kBlank), text.size());
    if (out.size() > 0) out.append(' ');
    out.append(text.substr(0, end));
    text.remove_prefix(end);
  }
  return Item::of(out.text());
}

Item pad(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  const std::string_view text = arguments[0].text();
  const double width = arguments[1].is_number() ? arguments[1].number() : 0;
  std::string_view filling = arguments[2].is_string() ? arguments[2].text() : " ";
  if (filling.empty()) filling = " ";
  const double missing = std::trunc(std::fabs(width)) - static_cast<double>(count_characters(text));
  if (!(missing > 0)) return Item::of(text);
  if (missing > 1e9) return run.fail(Code::U1003, Item::of(width));
  const auto count = static_cast<std::size_t>(missing);
  if (!run.charge(count / 64)) return Item::failure();
  const std::size_t unit = count_characters(filling);
  TextBuilder out(run, text.size() + count);
  const auto fill = [&] {
    out.append_repeated(filling, count / unit);
    out.append(filling.substr(0, offset_of_character(filling, count % unit)));
  };
  if (width < 0) fill();
  out.append(text);
  if (width > 0) fill();
  return run.failed() ? Item::failure() : Item::of(out.text());
}

Item join(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_array()) return arguments[0];
  const std::string_view separator = arguments[1].is_string() ? arguments[1].text() : "";
  const Elements elements(arguments[0]);
  TextBuilder out(run);
  for (std::size_t i = 0; i < elements.size() && run.charge(1); ++i) {
    if (i > 0) out.append(separator);
    if (elements[i].is_string()) out.append(elements[i].text());
  }
  return run.failed() ? Item::failure() : Item::of(out.text());
}

constexpr Builtin kBuiltins[] = {
    {"string", "<x-b?:s>", 1, string},
    {"length", "<s-:n>", 1, length},
    {"substring", "<s-nn?:s>", 3, substring},
    {"substringBefore", "<s-s:s>", 2, substring_before},
    {"substringAfter", "<s-s:s>", 2, substring_after},
    {"lowercase", "<s-:s>", 1, lowercase},
    {"uppercase", "<s-:s>", 1, uppercase},
    {"trim", "<s-:s>", 1, trim},
    {"pad", "<s-ns?:s>", 3, pad},
    {"join", "<a<s>s?:s>", 2, join},
};

}  // namespace

std::span<const Builtin> text_builtins() { return kBuiltins; }

}  // namespace expr
