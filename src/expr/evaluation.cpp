#include "expr/evaluation.hpp"

#include <cmath>
#include <string>

#include "expr/parser.hpp"

namespace expr {

namespace {

/// Steps between two looks at the clock.
constexpr std::int64_t kStepsPerLook = 1024;
constexpr std::uint32_t kDepthMax = 2000;

}  // namespace

Evaluation::Evaluation(const Environment& environment, format::Arena& arena)
    : environment_(environment),
      arena_(arena),
      steps_left_(
          std::min<std::int64_t>(kStepsPerLook, static_cast<std::int64_t>(environment.limits.steps_max))),
      steps_granted_(steps_left_),
      depth_left_(std::min(environment.limits.depth_max, kDepthMax)),
      begun_(base::steady_now()),
      random_state_(environment.seed) {}

Evaluation::~Evaluation() = default;

Item Evaluation::run(const Node& root, Item input) {
  bind(globals_, "$", input);
  if (input.is_array()) {
    // An array as input is one value, not many (JSONata, "Sequences"): $ is all of it.
    Array* outer = sequence_of(input);
    outer->outer = true;
    input = Item::of(outer);
  }
  for (const Variable& variable : environment_.variables)
    bind(globals_, variable.name, Item::of(variable.value));
  Item result = evaluate(root, input, &globals_);
  if (!failed() && arena_.exhausted()) refill();
  return failed() ? Item::failure() : result;
}

Item Evaluation::evaluate(const Node& node, Item input, Frame* frame) {
  if (!charge(1)) return Item::failure();
  if (node.plain) return plain_path(node, input, frame);
  if (depth_left_ == 0) return fail_at(Code::U1001, node, node.text);
  --depth_left_;
  Item result = dispatch(node, input, frame);
  if (!node.predicates.empty() || node.group != nullptr || result.is_array())
    result = finish(node, result, frame);
  ++depth_left_;
  return result;
}

Item Evaluation::finish(const Node& node, Item result, Frame* frame) {
  if (result.is_failure()) return result;
  for (const Stage& predicate : node.predicates) {
    result = filter(*predicate.filter, result, frame);
    if (result.is_failure()) return result;
  }
  if (node.group != nullptr && node.kind != Node::Kind::path && node.kind != Node::Kind::object) {
    result = group(*node.group, result, frame);
  }
  Array* made = result.array();
  if (made == nullptr || !made->sequence || made->tuples) return result;
  if (node.keep_array) made->keep_singleton = true;
  if (made->size == 0) return {};
  if (made->size == 1 && !made->keep_singleton) return made->items[0];
  return result;
}

Item Evaluation::dispatch(const Node& node, Item input, Frame* frame) {
  switch (node.kind) {
    case Node::Kind::path: return path(node, input, frame);
    case Node::Kind::name: return lookup(input, node.text);
    case Node::Kind::number:
    case Node::Kind::constant: return node.value;
    case Node::Kind::string: return Item::of(node.text);
    case Node::Kind::wildcard: return wildcard(input);
    case Node::Kind::descendants: return descendants(input);
    case Node::Kind::parent: return find_variable(node.slot->label, frame);
    case Node::Kind::variable: return variable(node, input, frame);
    case Node::Kind::binary: return binary(node, input, frame);
    case Node::Kind::negation: return negation(node, input, frame);
    case Node::Kind::array: return array_of(node, input, frame);
    case Node::Kind::object: return group(*node.group, input, frame);
    case Node::Kind::condition: {
      XD_ITEM(const Item condition, evaluate(*node.left, input, frame));
      if (truth(condition)) return evaluate(*node.right, input, frame);
      return node.other == nullptr ? Item() : evaluate(*node.other, input, frame);
    }
    case Node::Kind::fallback: {
      XD_ITEM(const Item value, evaluate(*node.left, input, frame));
      const bool good = node.exists ? !value.is_undefined() : truth(value);
      return good ? value : evaluate(*node.right, input, frame);
    }
    case Node::Kind::block: return block(node, input, frame);
    case Node::Kind::bind: {
      XD_ITEM(const Item value, evaluate(*node.right, input, frame));
      bind(*frame, node.text, value);
      return value;
    }
    case Node::Kind::lambda:
    case Node::Kind::update:
    case Node::Kind::regex: return function(node, input, frame);
    case Node::Kind::call:
      if (node.tail) return Item::of(arena_.make<TailCall>(&node, input, frame));
      return called(node, input, frame, nullptr);
    case Node::Kind::partial: return partial(node, input, frame);
    case Node::Kind::apply: return apply(node, input, frame);
    case Node::Kind::sort: return sort(node, input, frame);
    case Node::Kind::placeholder: break;
  }
  return {};
}

Item Evaluation::block(const Node& node, Item input, Frame* frame) {
  Frame* const inner = node.scoped ? this->frame(frame, 2) : frame;
  Item result;
  for (const Node* each : node.children) {
    result = evaluate(*each, input, inner);
    if (result.is_failure()) break;
  }
  return result;
}

Item Evaluation::function(const Node& node, Item input, Frame* frame) {
  auto* const made = arena_.make<Function>();
  made->kind = node.kind == Node::Kind::lambda   ? Function::Kind::lambda
               : node.kind == Node::Kind::update ? Function::Kind::update
                                                 : Function::Kind::regex;
  made->node = &node;
  made->signature = node.signature;
  made->frame = frame;
  made->input = input;
  return Item::of(made);
}

Item Evaluation::variable(const Node& node, Item input, Frame* frame) {
  if (node.text.empty()) {
    const Array* outer = input.array();
    return outer != nullptr && outer->outer ? outer->items[0] : input;
  }
  for (const Frame* each = frame; each != nullptr; each = each->outer) {
    for (std::uint32_t i = 0; i < each->size; ++i) {
      if (each->bindings[i].name == node.text) return each->bindings[i].value;
    }
  }
  return node.builtin == nullptr ? Item() : Item::of(function_of(*node.builtin));
}

Item Evaluation::find_variable(std::string_view name, const Frame* frame) const {
  for (const Frame* each = frame; each != nullptr; each = each->outer) {
    for (std::uint32_t i = 0; i < each->size; ++i) {
      if (each->bindings[i].name == name) return each->bindings[i].value;
    }
  }
  const Builtin* builtin = find_builtin(name);
  return builtin == nullptr ? Item() : Item::of(function_of(*builtin));
}

bool Evaluation::refill() {
  if (failed()) return false;
  const Limits& limits = environment_.limits;
  steps_used_ += static_cast<std::uint64_t>(steps_granted_ - steps_left_);
  const auto too_much = [this](Code code, std::uint64_t limit) {
    fail(code, Item::of(static_cast<double>(limit)));
    return false;
  };
  if (steps_used_ > limits.steps_max) return too_much(Code::U1002, limits.steps_max);
  if (arena_.exhausted()) return too_much(Code::U1003, limits.memory_bytes_max);
  if (base::steady_now() - begun_ > limits.time_max) {
    return too_much(Code::D1012, static_cast<std::uint64_t>(limits.time_max.count()));
  }
  const auto rest =
      static_cast<std::int64_t>(std::min<std::uint64_t>(limits.steps_max - steps_used_, 1U << 30));
  steps_granted_ = steps_left_ = std::min(rest, kStepsPerLook);
  return true;
}

std::uint64_t Evaluation::random() {
  // SplitMix64 (Steele, Lea, Flood 2014): even a seed of zero gives a good sequence.
  random_state_ += 0x9e3779b97f4a7c15;
  std::uint64_t mixed = random_state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

Frame* Evaluation::frame(Frame* outer, std::size_t capacity) {
  auto* const made = arena_.make<Frame>();
  made->outer = outer;
  made->bindings = static_cast<Binding*>(arena_.allocate(capacity * sizeof(Binding), alignof(Binding)));
  made->capacity = made->bindings == nullptr ? 0 : static_cast<std::uint32_t>(capacity);
  return made;
}

void Evaluation::bind(Frame& frame, std::string_view name, Item value) {
  for (std::uint32_t i = 0; i < frame.size; ++i) {
    if (frame.bindings[i].name == name) {
      frame.bindings[i].value = value;
      return;
    }
  }
  if (frame.size == frame.capacity) {
    const std::uint32_t capacity = std::max(4U, frame.capacity * 2);
    auto* const grown = static_cast<Binding*>(arena_.allocate(capacity * sizeof(Binding), alignof(Binding)));
    if (grown == nullptr) {
      fail(Code::U1003, Item::of(static_cast<double>(environment_.limits.memory_bytes_max)));
      return;
    }
    std::copy_n(frame.bindings, frame.size, grown);
    frame.bindings = grown;
    frame.capacity = capacity;
  }
  ::new (&frame.bindings[frame.size++]) Binding{name, value};
}

std::size_t Evaluation::spent(const Effort& effort) const {
  // All that there was counts as more than all: then the result has no meaning.
  return effort.left == 0 ? environment_.limits.steps_max + 1 : environment_.limits.steps_max - effort.left;
}

bool Evaluation::same(Item a, Item b) {
  Effort effort{environment_.limits.steps_max};
  const bool result = equal(a, b, effort);
  return charge(spent(effort)) && result;
}

std::uint64_t Evaluation::hash(Item item) {
  Effort effort{environment_.limits.steps_max};
  const std::uint64_t result = hash_of(item, effort);
  charge(spent(effort));
  return result;
}

bool Evaluation::truth(Item item) {
  switch (item.kind()) {
    case Item::Kind::boolean: return item.boolean();
    case Item::Kind::number: return !std::isnan(item.number()) && item.number() != 0 && usable(item);
    case Item::Kind::string: return !item.text().empty();
    case Item::Kind::object: return Members(item).size() > 0;
    case Item::Kind::array: {
      const Elements elements(item);
      for (std::size_t i = 0; i < elements.size(); ++i) {
        if (!charge(1)) return false;
        if (truth(elements[i])) return true;
      }
      return false;
    }
    default: return false;
  }
}

bool Evaluation::usable(Item item) {
  if (std::isfinite(item.number())) return true;
  fail(Code::D1001, item);
  return false;
}

}  // namespace expr
