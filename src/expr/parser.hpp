// Makes the tree of an expression from its text.
#pragma once

#include <deque>
#include <memory_resource>
#include <string_view>

#include "expr/lexer.hpp"
#include "expr/node.hpp"

namespace expr {

/// Where the nodes of one program lie, with what they refer to.
struct Tree {
  std::pmr::monotonic_buffer_resource memory{1024};
  std::deque<format::Regex> regexes;
};

/// source outlives the tree. Error: S…, with a position in bytes.
std::expected<Node*, SyntaxError> parse(std::string_view source, Tree& tree);

}  // namespace expr
