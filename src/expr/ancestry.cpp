#include "expr/ancestry.hpp"

#include <cstdio>

namespace expr {

bool Ancestry::add(Node& parent) {
  constexpr std::size_t kParentsMax = 100;
  if (count_ == kParentsMax) return false;
  // No variable can have this name.
  char text[24];
  const int size = std::snprintf(text, sizeof text, "!%zu", count_);
  auto* const label = static_cast<char*>(memory_.allocate(static_cast<std::size_t>(size), 1));
  std::copy_n(text, size, label);
  std::pmr::polymorphic_allocator<ParentSlot> allocator(&memory_);
  parent.slot = allocator.new_object<ParentSlot>(ParentSlot{{label, static_cast<std::size_t>(size)}, 1});
  ++count_;
  return true;
}

void Ancestry::inherit(Node& whole, Node& part) {
  whole.seeking.insert(whole.seeking.end(), part.seeking.begin(), part.seeking.end());
  if (part.kind == Node::Kind::parent) whole.seeking.push_back(part.slot);
}

Ancestry::Outcome Ancestry::inherit_from_predicate(Node& step, Node& predicate) {
  for (ParentSlot* slot : predicate.seeking) {
    if (slot->level == 1) {
      if (auto found = seek(step, *slot); !found) return found;
    } else {
      --slot->level;
    }
  }
  if (!predicate.seeking.empty()) inherit(step, predicate);
  return true;
}

Ancestry::Outcome Ancestry::resolve(Node& path) {
  Node& last = *path.children.back();
  std::vector<ParentSlot*> slots(last.seeking.begin(), last.seeking.end());
  if (last.kind == Node::Kind::parent) slots.push_back(last.slot);
  for (ParentSlot* slot : slots) {
    auto at = static_cast<std::ptrdiff_t>(path.children.size()) - 2;
    while (slot->level > 0) {
      if (at < 0) {
        path.seeking.push_back(slot);
        break;
      }
      Node* step = path.children[static_cast<std::size_t>(at--)];
      // Steps side by side that all bind their context count as one.
      while (at >= 0 && !step->focus.empty() && !path.children[static_cast<std::size_t>(at)]->focus.empty()) {
        step = path.children[static_cast<std::size_t>(at--)];
      }
      if (auto found = seek(*step, *slot); !found) return found;
    }
  }
  return true;
}

Ancestry::Outcome Ancestry::seek(Node& node, ParentSlot& slot) {
  switch (node.kind) {
    case Node::Kind::name:
    case Node::Kind::wildcard:
      if (--slot.level > 0) return true;
      // Where another % has bound this step already, both go by the same name.
      if (node.slot != nullptr) slot.label = node.slot->label;
      node.slot = &slot;
      node.tuples = true;
      return true;
    case Node::Kind::parent: ++slot.level; return true;
    case Node::Kind::block:
      if (node.children.empty()) return true;
      node.tuples = true;
      return seek(*node.children.back(), slot);
    case Node::Kind::path: {
      node.tuples = true;
      auto at = node.children.size();
      do {
        if (auto found = seek(*node.children[--at], slot); !found) return found;
      } while (slot.level > 0 && at > 0);
      return true;
    }
    default: return std::unexpected(SyntaxError{Code::S0217, node.position, node.text});
  }
}

}  // namespace expr
