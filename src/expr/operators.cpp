// Operators, and the arrays that [ ] makes.
#include <algorithm>
#include <cmath>

#include "expr/evaluation.hpp"
#include "expr/text_builder.hpp"

namespace expr {

namespace {

constexpr double kRangeMax = 1e7;

bool is_comparable(Item item) { return item.is_undefined() || item.is_number() || item.is_string(); }

template <class T>
bool holds(Operator op, const T& left, const T& right) {
  switch (op) {
    case Operator::less: return left < right;
    case Operator::less_equal: return left <= right;
    case Operator::greater: return left > right;
    default: return left >= right;
  }
}

/// As `in` compares: arrays and objects are only in what holds the very same one, unlike with =.
bool identical(Item a, Item b) {
  if (a.kind() != b.kind()) return false;
  if (a.is_array() || a.is_object()) {
    return a.input() == b.input() && a.array() == b.array() && a.object() == b.object();
  }
  Effort effort{1};
  return equal(a, b, effort);
}

bool is_integer(Item item) {
  return item.is_number() && std::isfinite(item.number()) && item.number() == std::trunc(item.number());
}

}  // namespace

Item Evaluation::binary(const Node& node, Item input, Frame* frame) {
  XD_ITEM(const Item left, evaluate(*node.left, input, frame));
  if (node.op == Operator::both || node.op == Operator::either) {
    // The right side is not even looked at where the left one decides.
    if (truth(left) == (node.op == Operator::either)) return Item::of(node.op == Operator::either);
    XD_ITEM(const Item right, evaluate(*node.right, input, frame));
    return Item::of(truth(right));
  }
  XD_ITEM(const Item right, evaluate(*node.right, input, frame));
  switch (node.op) {
    case Operator::equal:
    case Operator::unequal:
      // What is missing is neither equal nor unequal to anything.
      if (left.is_undefined() || right.is_undefined()) return Item::of(false);
      return Item::of(same(left, right) == (node.op == Operator::equal));
    case Operator::less:
    case Operator::less_equal:
    case Operator::greater:
    case Operator::greater_equal: return comparison(node, left, right);
    case Operator::in: return contained(left, right);
    case Operator::concat: {
      Item result = concat(left, right);
      if (result.is_failure() && !failed()) fail_at(Code::D3001, node, node.text);
      return result;
    }
    case Operator::range: return range(node, left, right);
    default: return arithmetic(node, left, right);
  }
}

Item Evaluation::arithmetic(const Node& node, Item left, Item right) {
  if (!left.is_undefined() && !left.is_number()) return fail_at(Code::T2001, node, node.text, left);
  if (!right.is_undefined() && !right.is_number()) return fail_at(Code::T2002, node, node.text, right);
  if (left.is_undefined() || right.is_undefined()) return {};
  for (const Item operand : {left, right}) {
    if (!std::isfinite(operand.number())) return fail_at(Code::D1001, node, node.text, operand);
  }
  const double a = left.number();
  const double b = right.number();
  switch (node.op) {
    case Operator::add: return Item::of(a + b);
    case Operator::subtract: return Item::of(a - b);
    case Operator::multiply: return Item::of(a * b);
    case Operator::divide: return Item::of(a / b);
    default: return Item::of(std::fmod(a, b));
  }
}

Item Evaluation::comparison(const Node& node, Item left, Item right) {
  if (!is_comparable(left)) return fail_at(Code::T2010, node, node.text, left);
  if (!is_comparable(right)) return fail_at(Code::T2010, node, node.text, right);
  if (left.is_undefined() || right.is_undefined()) return {};
  if (left.kind() != right.kind()) return fail_at(Code::T2009, node, node.text, right);
  if (left.is_string() && !charge(std::min(left.text().size(), right.text().size()) / 64))
    return Item::failure();
  if (left.is_number()) return Item::of(holds(node.op, left.number(), right.number()));
  // By code points: JavaScript's order differs only between U+E000…U+FFFF and characters beyond U+FFFF.
  return Item::of(holds(node.op, left.text(), right.text()));
}

Item Evaluation::contained(Item left, Item right) {
  if (left.is_undefined() || right.is_undefined()) return Item::of(false);
  if (!right.is_array()) return Item::of(identical(left, right));
  const Elements elements(right);
  if (!charge(elements.size() / 8)) return Item::failure();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (identical(left, elements[i])) return Item::of(true);
  }
  return Item::of(false);
}

Item Evaluation::range(const Node& node, Item left, Item right) {
  if (!left.is_undefined() && !is_integer(left)) return fail_at(Code::T2003, node, node.text, left);
  if (!right.is_undefined() && !is_integer(right)) return fail_at(Code::T2004, node, node.text, right);
  if (left.is_undefined() || right.is_undefined() || left.number() > right.number()) return {};
  const double first = left.number();
  const double size = right.number() - first + 1;
  if (size > kRangeMax) return fail_at(Code::D2014, node, node.text, Item::of(size));
  const auto count = static_cast<std::size_t>(size);
  if (count > environment_.limits.sequence_max) {
    return fail_at(Code::D2015, node, node.text,
                   Item::of(static_cast<double>(environment_.limits.sequence_max)));
  }
  if (!charge(count / 8)) return Item::failure();
  Array* numbers = sequence(count);
  for (std::size_t i = 0; i < count && i < numbers->capacity; ++i) {
    numbers->items[numbers->size++] = Item::of(first + static_cast<double>(i));
  }
  return failed() ? Item::failure() : Item::of(numbers);
}

Item Evaluation::negation(const Node& node, Item input, Frame* frame) {
  XD_ITEM(const Item operand, evaluate(*node.left, input, frame));
  if (operand.is_undefined()) return {};
  if (!operand.is_number()) return fail_at(Code::D1002, node, node.text, operand);
  if (!std::isfinite(operand.number())) return fail_at(Code::D1001, node, node.text, operand);
  return Item::of(-operand.number());
}

Item Evaluation::concat(Item left, Item right) {
  const Item a = left.is_undefined() ? Item::of("") : to_text(left);
  if (a.is_failure()) return a;
  const Item b = right.is_undefined() ? Item::of("") : to_text(right);
  if (b.is_failure()) return b;
  if (!charge((a.text().size() + b.text().size()) / 64)) return Item::failure();
  return Item::of(joined(a.text(), b.text()));
}

Item Evaluation::array_of(const Node& node, Item input, Frame* frame) {
  Array* made = array(node.children.size());
  for (const Node* each : node.children) {
    XD_ITEM(const Item value, evaluate(*each, input, frame));
    if (value.is_undefined()) continue;
    if (each->kind != Node::Kind::array && value.is_array()) {
      if (made->size == 0 && node.children.size() == 1 && value.array() != nullptr) {
        // Its only element is an array that was made here: its items can be shared, not its flags.
        *made = *value.array();
        made->sequence = made->keep_singleton = made->constructed = made->outer = false;
        made->capacity = made->size;
        continue;
      }
      push_all(*made, value);
    } else {
      push(*made, value);
    }
  }
  made->constructed = node.constructs;
  return failed() ? Item::failure() : Item::of(made);
}

}  // namespace expr
