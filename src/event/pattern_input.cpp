#include "event/pattern_input.hpp"

#include "event/pattern.hpp"

namespace event {

bool read_patterns(format::ObjectReader& from, std::string_view name, const resource::Said& said,
                   std::vector<std::string>& to) {
  const format::Value* list = from.any(name);
  const auto size = list->is_array() ? static_cast<std::int64_t>(list->elements().size()) : -1;
  if (size < said.min || size > said.max) {
    from.error(name, said.required ? "REQUIRED" : "OUT_OF_RANGE",
               "this must be an array of " + std::to_string(said.min) + " to " + std::to_string(said.max) +
                   " patterns, such as [\"order.*\"]");
    return false;
  }
  bool fits = true;
  std::vector<std::string> read;
  for (std::size_t i = 0; i < list->elements().size(); ++i) {
    const format::Value& one = list->elements()[i];
    const auto shaped = one.is_string()
                            ? check_pattern(one.text())
                            : base::Result<void>(base::fail(base::Code::invalid, "this must be a string"));
    if (!shaped)
      from.error_at(std::string(name) + "/" + std::to_string(i), "INVALID", shaped.error().message);
    fits = fits && shaped;
    read.emplace_back(one.text());
  }
  if (fits) to = std::move(read);
  return fits;
}

}  // namespace event
