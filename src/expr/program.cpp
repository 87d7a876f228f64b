#include "expr/program.hpp"

#include "expr/evaluation.hpp"
#include "expr/parser.hpp"

namespace expr {

struct Program::Compiled {
  std::string source;
  Tree tree;
  const Node* root = nullptr;
  Tier tier = Tier::full;
};

namespace {

/// Values that are one value wherever they stand, so that nothing is collected and no variable is bound.
bool is_scalar(const Node& node) {
  if (!node.predicates.empty() || node.group != nullptr || node.keep_array) return false;
  switch (node.kind) {
    case Node::Kind::number:
    case Node::Kind::string:
    case Node::Kind::constant: return true;
    case Node::Kind::path: return node.plain;
    case Node::Kind::negation: return is_scalar(*node.left);
    case Node::Kind::binary:
      return node.op != Operator::range && is_scalar(*node.left) && is_scalar(*node.right);
    case Node::Kind::condition:
    case Node::Kind::fallback:
      return is_scalar(*node.left) && is_scalar(*node.right) &&
             (node.other == nullptr || is_scalar(*node.other));
    case Node::Kind::call:
      return node.left->kind == Node::Kind::variable && node.left->builtin != nullptr &&
             std::ranges::all_of(node.children, [](const Node* each) { return is_scalar(*each); });
    case Node::Kind::block: return node.children.size() == 1 && is_scalar(*node.children.front());
    default: return false;
  }
}

Program::Tier tier_of(const Node& root) {
  if (root.plain || root.kind == Node::Kind::number || root.kind == Node::Kind::string ||
      root.kind == Node::Kind::constant) {
    return Program::Tier::path;
  }
  return is_scalar(root) ? Program::Tier::scalar : Program::Tier::full;
}

/// The value at the end of a path of names, where no array lies on the way: then there is nothing to
/// evaluate. Nothing where the evaluator must see to it.
std::optional<const format::Value*> walk(const Node& path, const format::Value& input) {
  const format::Value* at = &input;
  for (const Node* step : path.children) {
    if (at->is_array()) return std::nullopt;
    at = at->find(step->text);
    if (at == nullptr) return nullptr;
  }
  return at;
}

Error error_of(Code code, std::string_view source, std::size_t position, const ErrorParts& parts) {
  return {.code = code,
          .position = utf16_units(source.substr(0, position)),
          .token = std::string(parts.token),
          .value = std::string(parts.value),
          .message = message_of(code, parts)};
}

}  // namespace

Result<Program> Program::compile(std::string source) {
  auto compiled = std::make_shared<Compiled>();
  compiled->source = std::move(source);
  const auto root = parse(compiled->source, compiled->tree);
  if (!root) {
    const SyntaxError& error = root.error();
    return std::unexpected(error_of(error.code, compiled->source, error.position,
                                    {.token = error.token, .value = error.detail, .detail = error.detail}));
  }
  compiled->root = *root;
  compiled->tier = tier_of(**root);
  return Program(std::move(compiled));
}

std::string_view Program::source() const { return compiled_->source; }
Program::Tier Program::tier() const { return compiled_->tier; }

Result<std::optional<format::Value>> evaluate(const Program& program, const format::Value* input,
                                              const Environment& environment, format::Arena& arena) {
  const Node& root = *program.compiled_->root;
  if (root.plain && input != nullptr) {
    const auto found = walk(root, *input);
    if (found && *found == nullptr) return std::nullopt;
    if (found && (*found)->raw().size() <= environment.limits.output_bytes_max) return **found;
  }
  arena.reset(environment.limits.memory_bytes_max);
  Evaluation evaluation(environment, arena);
  const Item result = evaluation.run(root, input == nullptr ? Item() : Item::of(*input));
  std::optional<format::Value> value;
  if (!evaluation.failed()) value = evaluation.to_value(result);
  if (!evaluation.failed()) return value;
  const Failure& failure = evaluation.failure();
  const auto position = static_cast<std::size_t>(std::max<std::int64_t>(failure.position, 0));
  return std::unexpected(
      error_of(failure.code, program.source(), position,
               {.token = failure.token, .value = failure.value, .detail = failure.detail}));
}

}  // namespace expr
