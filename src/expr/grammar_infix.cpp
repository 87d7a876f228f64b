// What stands behind a value: operators, steps, predicates, calls.
#include <algorithm>
#include <string>

#include "expr/grammar.hpp"

namespace expr {

namespace {

using Kind = Node::Kind;

/// Calls in tail position are left to the caller of the function, so that recursion need not be deep
/// (JSONata, "Tail call optimization").
void mark_tail_calls(Node& node) {
  if (!node.predicates.empty() || node.group != nullptr || node.keep_array) return;
  if (node.kind == Kind::call) node.tail = true;
  if (node.kind == Kind::condition || node.kind == Kind::fallback) {
    mark_tail_calls(*node.right);
    if (node.other != nullptr) mark_tail_calls(*node.other);
  }
  if (node.kind == Kind::block && !node.children.empty()) mark_tail_calls(*node.children.back());
}

/// Whether # stands behind it: then [] is meant for all of the path, as far as it goes alone.
bool is_indexed(const Node& step) {
  return !step.index.empty() || std::ranges::any_of(step.stages, &Stage::is_index);
}

}  // namespace

Parser::Parsed Parser::extend(Node* left, const Infix& infix, const Token& token) {
  if (infix.is_operation) return operation(left, infix, token);
  switch (infix.text[0]) {
    case '.': return step(left, infix);
    case '[': return at("]") ? keep_array(left) : predicate(left);
    case '{': return group_by(left, token);
    case '(': return call(left, token);
    case '@': return focus(left, infix, token);
    case '#': return index(left, infix, token);
    case '^': return order_by(left, token);
    case '~': return apply(left, infix, token);
    case ':': return bind(left, infix, token);
    default: return choice(left, infix, token);
  }
}

Parser::Parsed Parser::operation(Node* left, const Infix& infix, const Token& token) {
  Node* node = make_text(Kind::binary, token);
  node->op = infix.op;
  node->left = left;
  XD_TRY(node->right, expression(infix.power));
  Ancestry::inherit(*node, *node->left);
  Ancestry::inherit(*node, *node->right);
  return node;
}

Parser::Parsed Parser::step(Node* left, const Infix& infix) {
  XD_TRY(Node * right, expression(infix.power));
  Node* path = left;
  if (left->kind != Kind::path) {
    path = make_path(left);
    if (left->kind == Kind::parent) path->seeking.push_back(left->slot);
  }
  // Steps that have been joined before have been looked at.
  const std::size_t known = path->children.size() == 1 ? 0 : path->children.size();
  if (right->kind == Kind::path) {
    path->children.insert(path->children.end(), right->children.begin(), right->children.end());
  } else {
    // Predicates of a step are asked of each of its results, not of all of them together.
    right->stages.swap(right->predicates);
    path->children.push_back(right);
  }
  for (Node* each : std::span(path->children).subspan(known)) {
    if (each->kind == Kind::number || each->kind == Kind::constant) {
      object({Code::S0213, each->position, each->text, each->text});
    }
    if (each->kind == Kind::string) each->kind = Kind::name;
    path->keep_singleton |= each->keep_array;
  }
  for (Node* end : {path->children.front(), path->children.back()}) {
    if (end->kind == Kind::array) end->constructs = true;
  }
  resolve(*path);
  return path;
}

Parser::Parsed Parser::keep_array(Node* left) {
  XD_DO(advance(false));
  const Node* name = single_name(*left);
  if (name != nullptr && name->focus.empty() && !is_indexed(*name)) {
    left->children.front()->keep_array = true;
    left->keep_singleton = true;
  } else if (left->kind == Kind::path && !left->children.back()->focus.empty()) {
    left->children.back()->keep_array = true;
    left->keep_array = true;
  } else {
    left->keep_array = true;
  }
  return left;
}

Parser::Parsed Parser::predicate(Node* left) {
  XD_TRY(Node * filter, expression(0));
  if (!at("]")) return fail(token_.kind == Token::Kind::end ? Code::S0203 : Code::S0202, token_, "]");
  if (left->group != nullptr && left->kind != Kind::object) object(Code::S0209, token_);
  XD_DO(advance(false));
  const bool is_path = left->kind == Kind::path;
  Node* owner = is_path ? left->children.back() : left;
  if (auto found = ancestry_.inherit_from_predicate(*owner, *filter); !found) object(found.error());
  (is_path ? owner->stages : owner->predicates).push_back({.filter = filter});
  return left;
}

Parser::Parsed Parser::group_by(Node* left, const Token& token) {
  XD_TRY(Group * made, group(token));
  if (left->group != nullptr && left->kind != Kind::object) object(Code::S0210, token);
  if (left->kind == Kind::object) {
    // An object's own members stand in its group already: a block keeps the two apart.
    Node* whole = make(Kind::block, token);
    whole->children.push_back(left);
    left = whole;
  }
  left->group = made;
  return left;
}

Parser::Parsed Parser::call(Node* left, const Token& token) {
  Node* node = make_text(Kind::call, token);
  node->left = left;
  while (!at(")")) {
    Node* argument = nullptr;
    if (at("?")) {
      argument = make_text(Kind::placeholder, token_);
      node->kind = Kind::partial;
      XD_DO(advance(true));
    } else {
      XD_TRY(argument, expression(0));
    }
    node->children.push_back(argument);
    if (!at(",")) break;
    XD_DO(expect(","));
  }
  XD_DO(expect(")"));
  const Node* name = single_name(*left);
  if (name != nullptr && (name->text == "function" || name->text == "λ")) return lambda(node);
  for (Node* argument : node->children) Ancestry::inherit(*node, *argument);
  return node;
}

Parser::Parsed Parser::lambda(Node* node) {
  node->kind = Kind::lambda;
  for (std::size_t i = 0; i < node->children.size(); ++i) {
    const Node& parameter = *node->children[i];
    if (is_bare_variable(parameter)) continue;
    const std::string number = std::to_string(i + 1);
    auto* const kept = static_cast<char*>(tree_.memory.allocate(number.size(), 1));
    std::ranges::copy(number, kept);
    return std::unexpected(
        SyntaxError{Code::S0208, parameter.position, spelling(parameter), {kept, number.size()}});
  }
  if (at("<")) XD_DO(signature(*node));
  XD_DO(expect("{"));
  XD_TRY(node->right, expression(0));
  XD_DO(expect("}"));
  mark_tail_calls(*node->right);
  return node;
}

Parser::Done Parser::signature(Node& node) {
  const Token begin = token_;
  std::string text = "<";
  int depth = 1;
  while (depth > 0 && !at("{") && token_.kind != Token::Kind::end) {
    XD_DO(advance(false));
    if (at(">")) --depth;
    if (at("<")) ++depth;
    text += token_.text;
  }
  XD_DO(expect(">"));
  auto* const kept = static_cast<char*>(tree_.memory.allocate(text.size(), 1));
  std::ranges::copy(text, kept);
  const auto parsed = Signature::parse({kept, text.size()}, tree_.memory);
  if (!parsed) return fail(parsed.error(), begin);
  node.signature = ::new (tree_.memory.allocate(sizeof(Signature), alignof(Signature))) Signature(*parsed);
  return true;
}

std::expected<std::string_view, SyntaxError> Parser::variable(const Infix& infix, const Token& token) {
  XD_TRY(Node * right, expression(infix.power));
  if (!is_bare_variable(*right)) {
    return std::unexpected(SyntaxError{Code::S0214, right->position, token.text});
  }
  return right->text;
}

Parser::Parsed Parser::focus(Node* left, const Infix& infix, const Token& token) {
  XD_TRY(const std::string_view variable, this->variable(infix, token));
  Node* step = left->kind == Kind::path ? left->children.back() : left;
  if (!step->stages.empty() || !step->predicates.empty()) object(Code::S0215, token);
  if (step->kind == Kind::sort) object(Code::S0216, token);
  step->focus = variable;
  step->tuples = true;
  return left;
}

Parser::Parsed Parser::index(Node* left, const Infix& infix, const Token& token) {
  XD_TRY(const std::string_view variable, this->variable(infix, token));
  Node* path = left->kind == Kind::path ? left : make_path(left);
  Node* step = path->children.back();
  if (!step->predicates.empty()) step->stages.swap(step->predicates);
  if (step->stages.empty()) {
    step->index = variable;
  } else {
    step->stages.push_back({.index = variable});
  }
  step->tuples = true;
  return path;
}

Parser::Parsed Parser::order_by(Node* left, const Token& token) {
  XD_DO(expect("("));
  Node* step = make_text(Kind::sort, token);
  for (;;) {
    const bool descending = at(">");
    if (descending || at("<")) XD_DO(advance(true));
    XD_TRY(Node * value, expression(0));
    step->terms.push_back({value, descending});
    Ancestry::inherit(*step, *value);
    if (!at(",")) break;
    XD_DO(expect(","));
  }
  XD_DO(expect(")"));
  Node* path = left->kind == Kind::path && left->group == nullptr ? left : make_path(left);
  path->children.push_back(step);
  resolve(*path);
  return path;
}

Parser::Parsed Parser::apply(Node* left, const Infix& infix, const Token& token) {
  Node* node = make_text(Kind::apply, token);
  node->left = left;
  XD_TRY(node->right, expression(infix.power));
  node->keep_array = left->keep_array || node->right->keep_array;
  return node;
}

Parser::Parsed Parser::bind(Node* left, const Infix& infix, const Token& token) {
  if (!is_bare_variable(*left)) return fail(Code::S0212, *left);
  Node* node = make_text(Kind::bind, token);
  node->text = left->text;
  XD_TRY(node->right, expression(infix.power - 1));
  Ancestry::inherit(*node, *node->right);
  ++binds_;
  return node;
}

Parser::Parsed Parser::choice(Node* left, const Infix& infix, const Token& token) {
  const bool is_condition = infix.text == "?";
  Node* node = make_text(is_condition ? Kind::condition : Kind::fallback, token);
  node->exists = infix.text == "??";
  node->left = left;
  XD_TRY(node->right, expression(0));
  if (is_condition && at(":")) {
    XD_DO(expect(":"));
    XD_TRY(node->other, expression(0));
  }
  for (Node* part : {node->left, node->right, node->other}) {
    if (part != nullptr) Ancestry::inherit(*node, *part);
  }
  return node;
}

}  // namespace expr
