// The schemas of the document that follow from the tables of the resources.
#pragma once

#include <string>

namespace api {

/// {"Subscription": {"id": {"type": "string", …}, …}, …}: the properties of each such schema. What the API
/// adds to a resource (its counters, its secrets) is not among them.
std::string table_schemas();

}  // namespace api
