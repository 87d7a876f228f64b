// Setting a member of a JSON document in its text, so that all else of it stays as it was written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "format/json.hpp"

namespace cli {

/// A value to be set: path names members from `object` on ("a.b"), text is JSON. What is missing of the path
/// is made.
struct JsonMember {
  format::Value object{};  ///< the root, or one within it
  std::string path{};
  std::string text{};
};

/// The text of the root with the members set. They are of different objects, or of different branches of one.
/// Error: invalid, where something on a path is no object.
base::Result<std::string> set_members(const format::Value& root, const std::vector<JsonMember>& members);

}  // namespace cli
