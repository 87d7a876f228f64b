#include "crypto/location.hpp"

#include <algorithm>
#include <array>

namespace crypto {

namespace {

constexpr std::size_t kNameBytesMax = 200;

struct Kind {
  std::string_view word;
  Location::In in;
};
constexpr std::array kKinds = {
    Kind{"header", Location::In::header},  Kind{"query", Location::In::query},
    Kind{"json", Location::In::json},      Kind{"form", Location::In::form},
    Kind{"item", Location::In::item},      Kind{"jwt", Location::In::jwt},
    Kind{"const", Location::In::constant}, Kind{"jwt_head", Location::In::jwt_head},
    Kind{"xml", Location::In::xml}};

}  // namespace

base::Result<Location> Location::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto kind = std::ranges::find(kKinds, text.substr(0, colon), &Kind::word);
  if (colon == std::string_view::npos || kind == kKinds.end()) {
    return base::fail(base::Code::invalid,
                      "'" + std::string(text.substr(0, 40)) +
                          "' is no place: write header:, query:, json:, form:, xml:, item:, jwt:, "
                          "jwt_head: or const: and a name");
  }
  const std::string_view name = text.substr(colon + 1);
  if (name.empty() || name.size() > kNameBytesMax) {
    return base::fail(base::Code::invalid, "the name of a place has 1 to 200 bytes");
  }
  return Location{kind->in, std::string(name)};
}

std::string to_string(const Location& location) {
  const auto kind = std::ranges::find(kKinds, location.in, &Kind::in);
  return std::string(kind->word) + ":" + location.name;
}

}  // namespace crypto
