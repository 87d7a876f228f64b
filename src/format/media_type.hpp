// What a Content-Type or a Content-Disposition says (RFC 9110, 8.3; RFC 6266).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace format {

/// "Application/JSON; Charset=utf-8": {"application/json", {{"charset", "utf-8"}}}. The type and the names
/// are in lower case; what cannot be read is left out.
struct MediaType {
  std::string type{};
  std::vector<std::pair<std::string, std::string>> parameters{};

  static MediaType parse(std::string_view header);

  /// The first one of that name; "" where there is none.
  std::string_view parameter(std::string_view name) const;
  /// application/json, text/json, and all that ends with +json.
  bool is_json() const;
};

}  // namespace format
