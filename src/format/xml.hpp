// XML documents, as far as values are looked for in them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace format {

/// The text as it stands in a document: with entities for what would be markup.
std::string xml_text(std::string_view text);

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

 private:
  struct Tree;
  explicit Xml(std::shared_ptr<const Tree> tree) : tree_(std::move(tree)) {}

  std::shared_ptr<const Tree> tree_;  // kept behind the wall of the .cpp
};

}  // namespace format
