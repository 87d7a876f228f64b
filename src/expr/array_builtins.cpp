// Built-in functions of arrays (JSONata, "Array functions").
#include "expr/builtin.hpp"
#include "expr/evaluation.hpp"
#include "expr/merge_sort.hpp"

namespace expr {

namespace {

Item append(Evaluation& run, const Arguments& arguments) { return run.append(arguments[0], arguments[1]); }

Item reverse(Evaluation& run, const Arguments& arguments) {
  const Elements elements(arguments[0]);
  if (elements.size() <= 1) return arguments[0];
  if (!run.charge(elements.size() / 8)) return Item::failure();
  Array* reversed = run.array(elements.size());
  for (std::size_t i = elements.size(); i > 0; --i) run.push(*reversed, elements[i - 1]);
  return Item::of(reversed);
}

/// Fisher and Yates's, with the environment's seed.
Item shuffle(Evaluation& run, const Arguments& arguments) {
  const Elements elements(arguments[0]);
  if (elements.size() <= 1) return arguments[0];
  if (!run.charge(elements.size())) return Item::failure();
  Array* shuffled = run.array(elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) {
    run.push(*shuffled, elements[i]);
    if (run.failed()) return Item::failure();
    std::swap(shuffled->items[i], shuffled->items[run.random() % (i + 1)]);
  }
  return Item::of(shuffled);
}

Item zip(Evaluation& run, const Arguments& arguments) {
  std::size_t size = arguments.all.empty() ? 0 : Elements(arguments[0]).size();
  for (const Item each : arguments.all) size = std::min(size, Elements(each).size());
  Array* zipped = run.array(size);
  for (std::size_t i = 0; i < size && run.charge(arguments.all.size()); ++i) {
    Array* tuple = run.array(arguments.all.size());
    for (const Item each : arguments.all) run.push(*tuple, Elements(each)[i]);
    run.push(*zipped, Item::of(tuple));
  }
  return Item::of(zipped);
}

Item distinct(Evaluation& run, const Arguments& arguments) {
  const Elements elements(arguments[0]);
  if (!arguments[0].is_array() || elements.size() <= 1) return arguments[0];
  Array* found = is_sequence(arguments[0]) ? run.sequence() : run.array();
  // By hash, so that many values take no time that grows with their square.
  std::size_t slots = 16;
  while (slots < elements.size() * 2) slots *= 2;
  auto* const index = run.many<std::uint32_t>(slots);
  if (index == nullptr) return Item::failure();
  std::fill_n(index, slots, 0U);
  for (std::size_t i = 0; i < elements.size() && run.charge(1); ++i) {
    const Item element = elements[i];
    std::size_t slot = run.hash(element) & (slots - 1);
    while (index[slot] != 0 && !run.same(found->items[index[slot] - 1], element)) {
      if (run.failed()) return Item::failure();
      slot = (slot + 1) & (slots - 1);
    }
    if (index[slot] != 0) continue;
    run.push(*found, element);
    index[slot] = found->size;
  }
  return Item::of(found);
}

bool are_all(const Elements& elements, Item::Kind kind) {
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (elements[i].kind() != kind) return false;
  }
  return true;
}

Item sort(Evaluation& run, const Arguments& arguments) {
  const Elements elements(arguments[0]);
  if (elements.size() <= 1) return arguments[0];
  const Item order = arguments[1];
  const bool by_function = order.is_function();
  const bool numbers = are_all(elements, Item::Kind::number);
  if (!by_function && !numbers && !are_all(elements, Item::Kind::string)) return run.fail(Code::D3070);
  const std::size_t size = elements.size();
  auto* const positions = run.many<std::uint32_t>(2 * size);
  if (positions == nullptr) return Item::failure();
  for (std::size_t i = 0; i < size; ++i) positions[i] = static_cast<std::uint32_t>(i);
  merge_sort({positions, size}, {positions + size, size}, [&](std::uint32_t left, std::uint32_t right) {
    if (!run.charge(1)) return false;
    const std::array<Item, 2> pair{elements[left], elements[right]};
    if (by_function) return run.truth(run.call(order, pair, Item::null(), arguments.frame));
    return numbers ? pair[0].number() > pair[1].number() : pair[0].text() > pair[1].text();
  });
  Array* sorted = run.array(size);
  for (std::size_t i = 0; i < size && !run.failed(); ++i) run.push(*sorted, elements[positions[i]]);
  return Item::of(sorted);
}

constexpr Builtin kBuiltins[] = {
    {"append", "<xx:a>", 2, append}, {"reverse", "<a:a>", 1, reverse},   {"shuffle", "<a:a>", 1, shuffle},
    {"zip", "<a+>", 0, zip},         {"distinct", "<x:x>", 1, distinct}, {"sort", "<af?:a>", 2, sort},
};

}  // namespace

std::span<const Builtin> array_builtins() { return kBuiltins; }

}  // namespace expr
