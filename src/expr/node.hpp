// The tree that an expression is compiled to: immutable, shared by all threads that evaluate it.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "expr/item.hpp"
#include "expr/signature.hpp"
#include "format/regex.hpp"

namespace expr {

struct Builtin;
struct Node;
using Nodes = std::pmr::vector<Node*>;

/// What a % refers to: so many steps back. The step that it comes to rest at binds its context to the label.
struct ParentSlot {
  std::string_view label;
  int level = 1;
};

struct Stage {
  Node* filter = nullptr;    ///< a predicate, or
  std::string_view index{};  ///< the variable of a # that stands behind predicates
  bool is_index() const { return filter == nullptr; }
};

struct Pair {
  Node* key;
  Node* value;
};

struct Group {
  std::pmr::vector<Pair> pairs;
  std::uint32_t position;
  bool fixed = false;  ///< all keys are literals, and different
};

struct Term {
  Node* value;
  bool descending;
};

enum class Operator : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  modulo,
  concat,
  equal,
  unequal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  both,
  either,
  range
};

struct Node {
  enum class Kind : std::uint8_t {
    path,      ///< children: the steps
    name,      ///< text; only as a step
    number,    ///< value
    string,    ///< text
    constant,  ///< value: true, false, null
    wildcard,
    descendants,
    parent,     ///< slot
    variable,   ///< text; empty: the context
    binary,     ///< left, right
    negation,   ///< left
    array,      ///< children
    object,     ///< group
    condition,  ///< left ? right : other
    fallback,   ///< left ?: right and left ?? right (by `exists`)
    block,      ///< children
    bind,       ///< text := right
    lambda,     ///< parameters, signature, right
    call,       ///< left: what is called; children: the arguments
    partial,    ///< the same, with placeholders
    placeholder,
    apply,   ///< left ~> right
    sort,    ///< terms; only as a step
    update,  ///< |left|right,other|
    regex
  };

  explicit Node(Kind of, std::uint32_t at, std::pmr::memory_resource* memory)
      : kind(of),
        position(at),
        children(memory),
        predicates(memory),
        stages(memory),
        terms(memory),
        seeking(memory) {}

  Kind kind;
  Operator op{};
  bool keep_array = false;      ///< [] stands behind it
  bool keep_singleton = false;  ///< of a path: [] stands behind one of its steps
  bool constructs = false;      ///< an array at the beginning or end of a path: one result, not many
  bool tuples = false;          ///< gives a stream of tuples
  bool tail = false;            ///< a call whose result is that of the function around it
  bool exists = false;
  bool plain = false;   ///< a path of nothing but names
  bool scoped = false;  ///< a block that binds variables, so it needs a frame of its own
  std::uint32_t position;
  Node* left = nullptr;
  Node* right = nullptr;
  Node* other = nullptr;
  std::string_view text{};
  Item value{};
  Nodes children;
  std::pmr::vector<Stage> predicates;  ///< of what is no step
  std::pmr::vector<Stage> stages;      ///< of a step
  std::pmr::vector<Term> terms;
  Group* group = nullptr;
  std::string_view focus{};               ///< the variable of a step's @
  std::string_view index{};               ///< the variable of a step's #
  ParentSlot* slot = nullptr;             ///< of %: what it looks for; of another: what it is bound as
  std::pmr::vector<ParentSlot*> seeking;  ///< what its parts look for and have not found
  const Signature* signature = nullptr;
  const Builtin* builtin = nullptr;  ///< of a variable: the built-in function of this name
  const format::Regex* regex = nullptr;
};

}  // namespace expr
