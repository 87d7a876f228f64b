// What the pictures of numbers, integers and times have in common (XPath and XQuery Functions 3.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expr/code_points.hpp"
#include "expr/error.hpp"

namespace expr {

struct PictureError {
  Code code;
  std::string value{};  ///< the part of the picture at fault
};

/// What a picture costs to follow: parts of it are looked at once for each other part.
inline std::size_t picture_steps(std::string_view picture) {
  return picture.size() / 4 + picture.size() * picture.size() / 256;
}

using Characters = std::u32string;

inline Characters to_characters(std::string_view text) {
  Characters out;
  while (!text.empty()) {
    out.push_back(code_point_at(text));
    text.remove_prefix(character_bytes(text));
  }
  return out;
}

inline std::string to_utf8(const Characters& characters) {
  std::string out;
  for (const char32_t c : characters) {
    char bytes[4];
    out.append(bytes, format::write_utf8(bytes, c));
  }
  return out;
}

/// The zero of the script that a decimal digit belongs to; nothing for other characters.
std::optional<char32_t> zero_of(char32_t digit);

/// The distance of grouping separators that stand at regular distances, all multiples up to the largest; 0
/// where they do not.
std::size_t regular_distance(const std::vector<std::size_t>& positions);

}  // namespace expr
