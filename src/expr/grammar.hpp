// The grammar of JSONata: a parser by binding power (Pratt), which makes nodes as it goes.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "expr/ancestry.hpp"
#include "expr/parser.hpp"

namespace expr {

/// An operator that stands behind a value.
struct Infix {
  std::string_view text;
  int power;  ///< how tightly it binds, from JSONata's grammar
  Operator op{};
  bool is_operation = false;  ///< an Operator of two values
};

/// The name of a path of one name, as every name is at first; nullptr for other nodes.
const Node* single_name(const Node& node);
/// A variable that nothing stands behind.
bool is_bare_variable(const Node& node);

class Parser {
  using Kind = Node::Kind;
  using Parsed = std::expected<Node*, SyntaxError>;
  using Done = std::expected<bool, SyntaxError>;

 public:
  Parser(std::string_view source, Tree& tree)
      : lexer_(source, tree.memory), tree_(tree), ancestry_(tree.memory) {}
  Parsed program();

 private:
  // --- tokens

  static std::unexpected<SyntaxError> fail(Code code, const Token& token, std::string_view detail = {}) {
    return std::unexpected(SyntaxError{code, token.position, token.text, detail});
  }
  static std::unexpected<SyntaxError> fail(Code code, const Node& node) {
    return std::unexpected(SyntaxError{code, node.position, spelling(node)});
  }
  /// What is well formed and yet has no meaning is only refused when the rest is well formed too.
  void object(const SyntaxError& error) {
    if (!objection_) objection_ = error;
  }
  void object(Code code, const Token& token) { object({code, token.position, token.text}); }
  static std::string_view spelling(const Node& node) {
    if (const Node* name = single_name(node)) return name->text;
    return node.text;
  }

  Done advance(bool may_be_regex) {
    XD_TRY(token_, lexer_.next(may_be_regex));
    if (at("!") || at("~")) return fail(Code::S0204, token_);
    return true;
  }
  bool at(std::string_view op) const { return token_.kind == Token::Kind::op && token_.text == op; }
  /// Behind the operator, which must stand here. A bracket that closes ends a value.
  Done expect(std::string_view op) {
    if (!at(op)) return fail(token_.kind == Token::Kind::end ? Code::S0203 : Code::S0202, token_, op);
    return advance(op != ")" && op != "]" && op != "}");
  }

  // --- nodes

  Node* make(Kind kind, const Token& token);
  Node* make_path(Node* step) {
    Node* path = make(Kind::path, Token{.position = step->position});
    path->children.push_back(step);
    return path;
  }
  Node* make_text(Kind kind, const Token& token) {
    Node* node = make(kind, token);
    node->text = token.text;
    return node;
  }
  Group* make_group(const Token& token) {
    std::pmr::polymorphic_allocator<Group> allocator(&tree_.memory);
    return ::new (allocator.allocate(1)) Group{std::pmr::vector<Pair>(&tree_.memory), token.position};
  }

  // --- grammar
  Parsed expression(int power);

  /// An operator that is a whole value where a value is expected.
  static bool is_value(const Token& op) {
    return op.text == "*" || op.text == "**" || op.text == "%" || op.text == "and" || op.text == "or" ||
           op.text == "in";
  }
  Parsed prefix(const Token& token);

  Parsed name(const Token& token) {
    Node* step = make_text(Kind::name, token);
    return make_path(step);
  }
  Parsed prefix_operator(const Token& token);
  Parsed regex(const Token& token);
  Parsed negation(const Token& token);
  Parsed array(const Token& token);
  Parsed block(const Token& token);
  Parsed update(const Token& token);
  std::expected<Group*, SyntaxError> group(const Token& token);

  // --- what stands behind a value
  Parsed extend(Node* left, const Infix& infix, const Token& token);
  Parsed operation(Node* left, const Infix& infix, const Token& token);
  Parsed step(Node* left, const Infix& infix);

  void resolve(Node& path) {
    if (auto found = ancestry_.resolve(path); !found) object(found.error());
  }
  Parsed keep_array(Node* left);
  Parsed predicate(Node* left);
  Parsed group_by(Node* left, const Token& token);
  Parsed call(Node* left, const Token& token);
  Parsed lambda(Node* node);
  Done signature(Node& node);

  /// The variable that stands right of @ or #.
  std::expected<std::string_view, SyntaxError> variable(const Infix& infix, const Token& token);
  Parsed focus(Node* left, const Infix& infix, const Token& token);
  Parsed index(Node* left, const Infix& infix, const Token& token);
  Parsed order_by(Node* left, const Token& token);
  Parsed apply(Node* left, const Infix& infix, const Token& token);
  Parsed bind(Node* left, const Infix& infix, const Token& token);

  /// a ? b : c, a ?: b and a ?? b. All that follows belongs to the last part.
  Parsed choice(Node* left, const Infix& infix, const Token& token);

  Lexer lexer_;
  Tree& tree_;
  Ancestry ancestry_;
  Token token_;
  std::optional<SyntaxError> objection_;
  std::vector<Node*> nodes_;
  int nesting_ = 0;
  std::size_t binds_ = 0;
};

}  // namespace expr
