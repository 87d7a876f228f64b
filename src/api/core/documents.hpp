// Documents that are compiled into the program.
#pragma once

#include <span>

#include "base/embedded.hpp"

namespace api {

/// api/openapi.json of the source tree.
std::span<const base::EmbeddedFile> embedded_documents();
inline std::string_view openapi_document() { return embedded_documents().front().content; }

}  // namespace api
