#include "api/operation/replay_input.hpp"

#include "api/core/page.hpp"
#include "format/utf8.hpp"

namespace api {

namespace {

constexpr std::size_t kWordBytesMax = 500;

}  // namespace

std::vector<std::string> read_texts_or_one(Input& input, std::string_view name, std::size_t count_max) {
  std::vector<std::string> texts;
  const format::Value* value = input.any(name);
  if (value == nullptr) return texts;
  const auto elements = value->is_array() ? value->elements() : std::span(value, 1);
  if (elements.empty() || elements.size() > count_max) {
    input.error(name, "OUT_OF_RANGE", "from 1 to " + std::to_string(count_max) + " of them");
    return texts;
  }
  for (const format::Value& element : elements) {
    if (!element.is_string() || element.text().size() > kWordBytesMax ||
        !format::is_storable(element.text())) {
      input.error(name, "WRONG_TYPE", "this must be a string of at most 500 bytes, or an array of them");
      return {};
    }
    texts.emplace_back(element.text());
  }
  return texts;
}

std::optional<base::Time> read_stored_time(Input& input, std::string_view name) {
  const auto time = input.time(name);
  return time ? std::optional<base::Time>(std::chrono::floor<std::chrono::milliseconds>(*time))
              : std::nullopt;
}

Result<bool> read_dry_run(const Call& call) {
  const std::string text = query_value(call, "dry_run");
  if (text.empty() || text == "true" || text == "false") return text == "true";
  return base::fail(base::Code::invalid, "dry_run is true or false", "BAD_REQUEST");
}

}  // namespace api
