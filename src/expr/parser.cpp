#include "expr/parser.hpp"

#include <algorithm>
#include <string>

#include "expr/builtin.hpp"
#include "expr/grammar.hpp"
#include "expr/regex_syntax.hpp"

namespace expr {

namespace {

using Kind = Node::Kind;

/// Nested values, each of which takes a few hundred bytes of the stack here and again when it is evaluated.
constexpr int kNestingMax = 200;
constexpr int kSignPower = 70;

constexpr Infix kInfixes[] = {
    {".", 75},
    {"[", 80},
    {"{", 70},
    {"(", 80},
    {"@", 80},
    {"#", 80},
    {"?", 20},
    {"?:", 40},
    {"??", 40},
    {"^", 40},
    {"~>", 40},
    {":=", 10},
    {"+", 50, Operator::add, true},
    {"-", 50, Operator::subtract, true},
    {"&", 50, Operator::concat, true},
    {"*", 60, Operator::multiply, true},
    {"/", 60, Operator::divide, true},
    {"%", 60, Operator::modulo, true},
    {"=", 40, Operator::equal, true},
    {"!=", 40, Operator::unequal, true},
    {"<", 40, Operator::less, true},
    {"<=", 40, Operator::less_equal, true},
    {">", 40, Operator::greater, true},
    {">=", 40, Operator::greater_equal, true},
    {"in", 40, Operator::in, true},
    {"and", 30, Operator::both, true},
    {"or", 25, Operator::either, true},
};

const Infix* find_infix(const Token& token) {
  if (token.kind != Token::Kind::op) return nullptr;
  for (const Infix& infix : kInfixes) {
    if (infix.text == token.text) return &infix;
  }
  return nullptr;
}

bool is_plain(const Node& path) {
  if (path.group != nullptr || path.keep_singleton || path.keep_array || path.tuples) return false;
  return std::ranges::all_of(path.children, [](const Node* step) {
    return step->kind == Kind::name && step->stages.empty() && !step->tuples && !step->keep_array;
  });
}

/// Left operands nest without any bracket: a node that lies deeper than evaluation could go, if there is one.
/// Found without recursion, and before anything walks through the tree with it.
const Node* too_deep(const Node& root) {
  constexpr std::size_t kDepthMax = 2'000;
  struct Place {
    const Node* node;
    std::size_t depth;
  };
  std::vector<Place> open{{&root, 1}};
  while (!open.empty()) {
    const auto [node, depth] = open.back();
    open.pop_back();
    if (depth > kDepthMax) return node;
    const auto add = [&open, inner = depth + 1](const Node* part) {
      if (part != nullptr) open.push_back({part, inner});
    };
    for (const Node* part : {node->left, node->right, node->other}) add(part);
    for (const Node* child : node->children) add(child);
    for (const Stage& stage : node->predicates) add(stage.filter);
    for (const Stage& stage : node->stages) add(stage.filter);
    for (const Term& term : node->terms) add(term.value);
    if (node->group == nullptr) continue;
    for (const Pair& pair : node->group->pairs) {
      add(pair.key);
      add(pair.value);
    }
  }
  return nullptr;
}

bool has_fixed_keys(const Group& group) {
  std::vector<std::string_view> keys;
  for (const Pair& pair : group.pairs) {
    if (pair.key->kind != Kind::string || !pair.key->predicates.empty() || pair.key->group != nullptr)
      return false;
    if (pair.key->text.starts_with("_jsonata_")) return false;
    keys.push_back(pair.key->text);
  }
  std::ranges::sort(keys);
  return std::ranges::adjacent_find(keys) == keys.end();
}

}  // namespace

const Node* single_name(const Node& node) {
  if (node.kind != Kind::path || node.children.size() != 1 || node.group != nullptr) return nullptr;
  const Node* step = node.children.front();
  return step->kind == Kind::name ? step : nullptr;
}

bool is_bare_variable(const Node& node) {
  return node.kind == Kind::variable && node.predicates.empty() && node.group == nullptr && !node.keep_array;
}

Parser::Parsed Parser::program() {
  XD_DO(advance(true));
  XD_TRY(Node * root, expression(0));
  if (token_.kind != Token::Kind::end) return fail(Code::S0201, token_);
  if (const Node* deep = too_deep(*root)) return fail(Code::S0501, *deep);
  if (root->kind == Kind::parent || !root->seeking.empty()) {
    object({Code::S0217, root->position, root->text});
  }
  if (objection_) return std::unexpected(*objection_);
  for (Node* node : nodes_) node->plain = node->kind == Kind::path && is_plain(*node);
  return root;
}

Node* Parser::make(Kind kind, const Token& token) {
  std::pmr::polymorphic_allocator<Node> allocator(&tree_.memory);
  // Nodes are never destroyed: all that they hold lies in the same memory.
  auto* const node = ::new (allocator.allocate(1)) Node(kind, token.position, &tree_.memory);
  nodes_.push_back(node);
  return node;
}

Parser::Parsed Parser::expression(int power) {
  if (++nesting_ > kNestingMax) return fail(Code::S0501, token_);
  const Token first = token_;
  XD_DO(advance(first.kind == Token::Kind::op && !is_value(first)));
  XD_TRY(Node * left, prefix(first));
  for (const Infix* infix = find_infix(token_); infix != nullptr && infix->power > power;
       infix = find_infix(token_)) {
    const Token token = token_;
    XD_DO(advance(true));
    XD_TRY(left, extend(left, *infix, token));
  }
  --nesting_;
  return left;
}

Parser::Parsed Parser::prefix(const Token& token) {
  switch (token.kind) {
    case Token::Kind::end: return fail(Code::S0207, token);
    case Token::Kind::name: return name(token);
    case Token::Kind::variable: {
      Node* node = make_text(Kind::variable, token);
      node->builtin = find_builtin(token.text);
      return node;
    }
    case Token::Kind::string: return make_text(Kind::string, token);
    case Token::Kind::number: {
      Node* node = make_text(Kind::number, token);
      node->value = Item::of(token.number);
      return node;
    }
    case Token::Kind::constant: {
      Node* node = make_text(Kind::constant, token);
      node->value = token.text == "null" ? Item::null() : Item::of(token.text == "true");
      return node;
    }
    case Token::Kind::regex: return regex(token);
    case Token::Kind::op: return prefix_operator(token);
  }
  return fail(Code::S0211, token);
}

Parser::Parsed Parser::prefix_operator(const Token& token) {
  if (token.text == "and" || token.text == "or" || token.text == "in") return name(token);
  if (token.text == "*") return make_text(Kind::wildcard, token);
  if (token.text == "**") return make_text(Kind::descendants, token);
  if (token.text == "%") {
    Node* node = make_text(Kind::parent, token);
    if (!ancestry_.add(*node)) return fail(Code::S0501, token);
    return node;
  }
  if (token.text == "-") return negation(token);
  if (token.text == "[") return array(token);
  if (token.text == "(") return block(token);
  if (token.text == "|") return update(token);
  if (token.text == "{") {
    Node* node = make_text(Kind::object, token);
    XD_TRY(node->group, group(token));
    for (const Pair& pair : node->group->pairs) {
      Ancestry::inherit(*node, *pair.key);
      Ancestry::inherit(*node, *pair.value);
    }
    return node;
  }
  return fail(Code::S0211, token);
}

Parser::Parsed Parser::regex(const Token& token) {
  Node* node = make_text(Kind::regex, token);
  auto compiled = compile_regex(token.text, token.flags);
  if (!compiled) {
    const std::string& reason = compiled.error();
    auto* const kept = static_cast<char*>(tree_.memory.allocate(reason.size(), 1));
    std::ranges::copy(reason, kept);
    return fail(Code::S0303, token, {kept, reason.size()});
  }
  node->regex = &tree_.regexes.emplace_back(std::move(*compiled));
  return node;
}

Parser::Parsed Parser::negation(const Token& token) {
  XD_TRY(Node * operand, expression(kSignPower));
  if (operand->kind == Kind::number && operand->predicates.empty()) {
    operand->value = Item::of(-operand->value.number());
    return operand;
  }
  Node* node = make_text(Kind::negation, token);
  node->left = operand;
  Ancestry::inherit(*node, *operand);
  return node;
}

Parser::Parsed Parser::array(const Token& token) {
  Node* node = make_text(Kind::array, token);
  while (!at("]")) {
    XD_TRY(Node * item, expression(0));
    if (at("..")) {
      Node* range = make_text(Kind::binary, token_);
      range->op = Operator::range;
      XD_DO(expect(".."));
      range->left = item;
      XD_TRY(range->right, expression(0));
      Ancestry::inherit(*range, *range->left);
      Ancestry::inherit(*range, *range->right);
      item = range;
    }
    node->children.push_back(item);
    Ancestry::inherit(*node, *item);
    if (!at(",")) break;
    XD_DO(expect(","));
  }
  XD_DO(expect("]"));
  return node;
}

Parser::Parsed Parser::block(const Token& token) {
  Node* node = make_text(Kind::block, token);
  const std::size_t binds = binds_;
  while (!at(")")) {
    XD_TRY(Node * item, expression(0));
    node->children.push_back(item);
    Ancestry::inherit(*node, *item);
    node->constructs |= item->constructs || (item->kind == Kind::path && item->children.front()->constructs);
    if (!at(";")) break;
    XD_DO(expect(";"));
  }
  XD_DO(expect(")"));
  node->scoped = binds != binds_;
  return node;
}

Parser::Parsed Parser::update(const Token& token) {
  Node* node = make_text(Kind::update, token);
  XD_TRY(node->left, expression(0));
  XD_DO(expect("|"));
  XD_TRY(node->right, expression(0));
  if (at(",")) {
    XD_DO(expect(","));
    XD_TRY(node->other, expression(0));
  }
  if (!at("|")) return fail(token_.kind == Token::Kind::end ? Code::S0203 : Code::S0202, token_, "|");
  XD_DO(advance(false));
  return node;
}

std::expected<Group*, SyntaxError> Parser::group(const Token& token) {
  Group* made = make_group(token);
  while (!at("}")) {
    XD_TRY(Node * key, expression(0));
    XD_DO(expect(":"));
    XD_TRY(Node * value, expression(0));
    made->pairs.push_back({key, value});
    if (!at(",")) break;
    XD_DO(expect(","));
    if (at("}")) break;
  }
  XD_DO(expect("}"));
  made->fixed = has_fixed_keys(*made);
  return made;
}

std::expected<Node*, SyntaxError> parse(std::string_view source, Tree& tree) {
  return Parser(source, tree).program();
}

}  // namespace expr
