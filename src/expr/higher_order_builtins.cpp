// Built-in functions that take functions (JSONata, "Higher-order functions").
#include "expr/builtin.hpp"
#include "expr/evaluation.hpp"

namespace expr {

namespace {

Item index_of(std::size_t i) { return Item::of(static_cast<double>(i)); }

Item map(Evaluation& run, const Arguments& arguments) {
  if (arguments[0].is_undefined()) return {};
  const Elements elements(arguments[0]);
  Array* results = run.sequence();
  for (std::size_t i = 0; i < elements.size() && run.charge(1); ++i) {
    XD_ITEM(const Item result,
            run.call_with(arguments[1], elements[i], index_of(i), arguments[0], arguments));
    if (!result.is_undefined()) run.push(*results, result);
  }
  return Item::of(results);
}

Item filter(Evaluation& run, const Arguments& arguments) {
  if (arguments[0].is_undefined()) return {};
  const Elements elements(arguments[0]);
  Array* results = run.sequence();
  for (std::size_t i = 0; i < elements.size() && run.charge(1); ++i) {
    XD_ITEM(const Item result,
            run.call_with(arguments[1], elements[i], index_of(i), arguments[0], arguments));
    if (run.truth(result)) run.push(*results, elements[i]);
  }
  return Item::of(results);
}

Item single(Evaluation& run, const Arguments& arguments) {
  if (arguments[0].is_undefined()) return {};
  const Elements elements(arguments[0]);
  Item found;
  bool any = false;
  for (std::size_t i = 0; i < elements.size() && run.charge(1); ++i) {
    if (arguments[1].is_function()) {
      XD_ITEM(const Item result,
              run.call_with(arguments[1], elements[i], index_of(i), arguments[0], arguments));
      if (!run.truth(result)) continue;
    }
    if (any) return run.fail(Code::D3138);
    any = true;
    found = elements[i];
  }
  return any ? found : run.fail(Code::D3139);
}

Item reduce(Evaluation& run, const Arguments& arguments) {
  if (arguments[0].is_undefined()) return {};
  const Item function = arguments[1];
  const std::size_t arity = function.is_function() ? arity_of(*function.function()) : 0;
  if (arity < 2) return run.fail(Code::D3050);
  const Elements elements(arguments[0]);
  std::size_t i = 0;
  Item result = arguments[2];
  if (result.is_undefined() && elements.size() > 0) result = elements[i++];
  for (; i < elements.size() && run.charge(1); ++i) {
    const std::array<Item, 4> given{result, elements[i], index_of(i), arguments[0]};
    result = run.call(function, std::span(given).first(std::min<std::size_t>(arity, 4)), Item::null(),
                      arguments.frame);
    if (result.is_failure()) return result;
  }
  return result;
}

Item sift(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_object()) return {};
  const Members members(arguments[0]);
  Object* kept = run.object();
  for (std::size_t i = 0; i < members.size() && run.charge(1); ++i) {
    const auto [key, value] = members[i];
    XD_ITEM(const Item result, run.call_with(arguments[1], value, Item::of(key), arguments[0], arguments));
    if (run.truth(result)) run.set(*kept, key, value);
  }
  return kept->size == 0 ? Item() : Item::of(kept);
}

Item each(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_object()) return {};
  const Members members(arguments[0]);
  Array* results = run.sequence();
  for (std::size_t i = 0; i < members.size() && run.charge(1); ++i) {
    const auto [key, value] = members[i];
    XD_ITEM(const Item result, run.call_with(arguments[1], value, Item::of(key), arguments[0], arguments));
    if (!result.is_undefined()) run.push(*results, result);
  }
  return Item::of(results);
}

constexpr Builtin kBuiltins[] = {
    {"map", "<af>", 2, map},           {"filter", "<af>", 2, filter}, {"single", "<af?>", 2, single},
    {"reduce", "<afj?:j>", 3, reduce}, {"sift", "<o-f?:o>", 2, sift}, {"each", "<o-f:a>", 2, each},
};

}  // namespace

std::span<const Builtin> higher_order_builtins() { return kBuiltins; }

}  // namespace expr
