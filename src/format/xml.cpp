#include "format/xml.hpp"

#include <pugixml.hpp>

#include "base/text.hpp"

namespace format {

namespace {

using base::Code;
using base::fail;

constexpr int kDepthMax = 200;
constexpr std::ptrdiff_t kMarksMax = 200'000;  // an element has two, and an attribute one
constexpr std::size_t kStepsMax = 32;

std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::vector<std::string_view> steps_of(std::string_view path) {
  std::vector<std::string_view> steps;
  while (!path.empty() && steps.size() <= kStepsMax) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    steps.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return steps;
}

struct Path {
  std::vector<std::string_view> steps;
  bool from_root = true;

  bool usable() const { return !steps.empty() && steps.size() <= kStepsMax; }
};

Path path_of(std::string_view path) {
  Path read;
  read.from_root = !path.starts_with("//");
  if (!read.from_root) path.remove_prefix(2);
  if (path.starts_with('/')) path.remove_prefix(1);
  read.steps = steps_of(path);
  return read;
}

/// The node and its parents have these names, the last one being its own; and, from_root, there is none
/// above.
bool stands_at(pugi::xml_node node, const std::vector<std::string_view>& steps, bool from_root) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step, node = node.parent()) {
    if (node.type() != pugi::node_element || local_name(node) != *step) return false;
  }
  return !from_root || node.type() == pugi::node_document;
}

/// Each element in the order of the document, without recursion; false where they are too deep.
template <class F>
bool walk(const pugi::xml_node& root, const F& visit) {
  int depth = 0;
  for (pugi::xml_node node = root.first_child(); node;) {
    if (depth > kDepthMax) return false;
    if (node.type() == pugi::node_element && !visit(node)) return true;
    if (node.first_child()) {
      node = node.first_child();
      ++depth;
      continue;
    }
    while (node && !node.next_sibling()) {
      node = node.parent();
      --depth;
      if (node == root) return true;
    }
    node = node.next_sibling();
  }
  return true;
}

/// Of an element: its own text, not that of elements in it.
std::string text_of(const pugi::xml_node& element) {
  std::string text;
  for (const pugi::xml_node& child : element.children()) {
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) text += child.value();
  }
  return std::string(base::trimmed(text));
}

}  // namespace

struct Xml::Tree {
  pugi::xml_document document;
  bool is_utf8 = true;
};

base::Result<Xml> Xml::parse(std::string_view text) {
  // A node takes a hundred bytes of memory, however short it is in the text.
  if (std::ranges::count_if(text, [](char c) { return c == '<' || c == '='; }) > kMarksMax)
    return fail(Code::invalid, "this XML has more than 100,000 elements and attributes");
  auto tree = std::make_shared<Tree>();
  const auto parsed = tree->document.load_buffer(
      text.data(), text.size(), pugi::parse_default | pugi::parse_doctype, pugi::encoding_auto);
  if (!parsed) {
    return fail(Code::invalid, std::string("this is no XML: ") + parsed.description() + " at byte " +
                                   std::to_string(parsed.offset));
  }
  tree->is_utf8 = parsed.encoding == pugi::encoding_utf8;
  for (const pugi::xml_node& node : tree->document.children()) {
    if (node.type() == pugi::node_doctype)
      return fail(Code::invalid, "XML with a DOCTYPE is refused: send it without");
  }
  if (!walk(tree->document, [](const pugi::xml_node&) { return true; }))
    return fail(Code::invalid, "this XML has more than 200 elements in each other");
  return Xml(std::move(tree));
}

std::vector<std::string> Xml::texts(std::string_view path, std::size_t most) const {
  const Path wanted = path_of(path);
  std::vector<std::string> found;
  if (!wanted.usable()) return found;
  walk(tree_->document, [&](const pugi::xml_node& element) {
    if (stands_at(element, wanted.steps, wanted.from_root)) found.push_back(text_of(element));
    return found.size() < most;
  });
  return found;
}

std::optional<std::string> Xml::with_texts_replaced(std::string_view text, std::span<const std::string> paths,
                                                    std::string_view by) const {
  std::vector<Path> wanted;
  for (const std::string& path : paths) wanted.push_back(path_of(path));
  std::string out;
  std::size_t copied = 0;
  bool placed = true;
  walk(tree_->document, [&](const pugi::xml_node& element) {
    const bool named = std::ranges::any_of(wanted, [&](const Path& path) {
      return path.usable() && stands_at(element, path.steps, path.from_root);
    });
    if (!named) return true;
    for (const pugi::xml_node& child : element.children()) {
      const bool cdata = child.type() == pugi::node_cdata;
      if (!cdata && child.type() != pugi::node_pcdata) continue;
      const std::ptrdiff_t offset = child.offset_debug();
      // Of another encoding, places are those in the text as it was converted.
      placed = tree_->is_utf8 && offset >= static_cast<std::ptrdiff_t>(copied);
      if (!placed) return false;
      const auto begin = static_cast<std::size_t>(offset);
      out.append(text.substr(copied, begin - copied)).append(by);
      copied = std::min(text.find(cdata ? "]]>" : "<", begin), text.size());
    }
    return true;
  });
  if (!placed) return std::nullopt;
  out.append(text.substr(copied));
  return out;
}

}  // namespace format
