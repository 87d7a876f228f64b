// XML documents, as far as values are looked for in them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace format {

/// A parsed document. It has no DOCTYPE, so nothing in it stands for anything else. Immutable.
class Xml {
 public:
  /// Errors: invalid, for a text that is no XML document, one with a DOCTYPE, more than 200 elements in
  /// each other or 100,000 of them.
  static base::Result<Xml> parse(std::string_view text);

  /// The texts of the elements at a path, in their order, without the space around them: "a/b/c" from the
  /// root element on, "//b/c" from any element on. Names without the prefixes of their namespaces. At most
  /// `most` of them.
  std::vector<std::string> texts(std::string_view path, std::size_t most) const;
  /// The document's text with each of these texts, wherever it stands in the element, replaced by another,
  /// which is no markup. text is what was parsed. Nothing where it is in an encoding that is not UTF-8.
  std::optional<std::string> with_texts_replaced(std::string_view text, std::span<const std::string> paths,
                                                 std::string_view by) const;

 private:
  struct Tree;
  explicit Xml(std::shared_ptr<const Tree> tree) : tree_(std::move(tree)) {}

  std::shared_ptr<const Tree> tree_;  // kept behind the wall of the .cpp
};

}  // namespace format
