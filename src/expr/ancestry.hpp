// Finds what the % of an expression refer to: each is bound to a step of the path that it stands in, or of a
// path around that (JSONata, "Parent operator").
#pragma once

#include <memory_resource>

#include "expr/lexer.hpp"
#include "expr/node.hpp"

namespace expr {

class Ancestry {
 public:
  using Outcome = std::expected<bool, SyntaxError>;

  explicit Ancestry(std::pmr::memory_resource& memory) : memory_(memory) {}

  /// A slot of its own for a % that has just been read. False where there are too many: each is known to all
  /// nodes around it.
  bool add(Node& parent);
  /// What `part` looks for, `whole` looks for too.
  static void inherit(Node& whole, Node& part);
  /// The same for a predicate of a step: what lies one level up is the step itself.
  Outcome inherit_from_predicate(Node& step, Node& predicate);
  /// Looks along a path, from its last step, for what that step seeks.
  Outcome resolve(Node& path);

 private:
  Outcome seek(Node& node, ParentSlot& slot);

  std::pmr::memory_resource& memory_;
  std::size_t count_ = 0;
};

}  // namespace expr
