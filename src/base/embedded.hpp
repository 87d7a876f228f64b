// A file that was compiled into the program (migrations, the OpenAPI document).
#pragma once

#include <span>
#include <string_view>

namespace base {

struct EmbeddedFile {
  std::string_view name;  ///< base name, "0001_core.sql"
  std::string_view content;
};

}  // namespace base
