// $eval: expressions in texts.
#include "expr/evaluation.hpp"
#include "expr/parser.hpp"

namespace expr {

Item Evaluation::evaluate_text(std::string_view source, Item input, bool has_input, Frame* outer) {
  if (!environment_.eval) return fail(Code::D3121, Item::of(source), "it is off here");
  if (!charge(source.size())) return Item::failure();
  // Functions that it makes may outlive this call, so its tree lives as long as the evaluation.
  nested_.push_back(std::make_unique<Tree>());
  const auto root = parse(keep(source), *nested_.back());
  if (!root) {
    const SyntaxError& error = root.error();
    return fail(
        Code::D3120, Item::of(source),
        message_of(error.code, {.token = error.token, .value = error.detail, .detail = error.detail}));
  }
  if (has_input && input.is_array() && (input.array() == nullptr || !input.array()->sequence)) {
    Array* whole = sequence_of(input);
    whole->outer = true;
    input = Item::of(whole);
  }
  Item result = evaluate(**root, input, frame(outer, 2));
  if (failed() && failure_->code < Code::U1001) {
    const std::string reason =
        message_of(failure_->code, {failure_->token, failure_->value, failure_->detail});
    failure_.reset();
    return fail(Code::D3121, Item::of(source), reason);
  }
  return result;
}

}  // namespace expr
