// Bodies of multipart/form-data (RFC 7578): fields and files.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace format {

/// One part. Its content refers to the body.
struct Part {
  std::string name{};
  std::optional<std::string> file_name{};  ///< of a file; empty where it has none
  std::string type{};                      ///< its Content-Type as it stands; empty: not said
  std::string_view content{};
};

/// The parts in their order. boundary is what the Content-Type says. What stands before the first part and
/// behind the last is left out. Error: invalid, saying at which byte, for a body that has no parts or is cut
/// off, a part without a name, one with more than 8 KiB of headers, or more than 1,000 parts.
base::Result<std::vector<Part>> parse_multipart(std::string_view body, std::string_view boundary);

}  // namespace format
