// Built-in functions of objects, and those about values as such (JSONata, "Object functions").
#include <string>

#include "expr/builtin.hpp"
#include "expr/evaluation.hpp"

namespace expr {

namespace {

void collect_keys(Evaluation& run, Item item, Object& keys) {
  if (item.is_array()) {
    const Elements elements(item);
    for (std::size_t i = 0; i < elements.size() && run.charge(1); ++i) collect_keys(run, elements[i], keys);
    return;
  }
  const Members members(item);
  for (std::size_t i = 0; i < members.size() && run.charge(1); ++i)
    run.set(keys, members[i].key, Item::of(true));
}

Item keys(Evaluation& run, const Arguments& arguments) {
  Object* unique = run.object();
  collect_keys(run, arguments[0], *unique);
  Array* names = run.sequence(unique->size);
  for (std::uint32_t i = 0; i < unique->size; ++i) run.push(*names, Item::of(unique->entries[i].key));
  return Item::of(names);
}

void lookup_each(Evaluation& run, Item item, std::string_view key, Array& found) {
  const Elements elements(item);
  for (std::size_t i = 0; i < elements.size() && run.charge(1); ++i) {
    if (elements[i].is_array()) {
      lookup_each(run, elements[i], key, found);
      continue;
    }
    const Item value = member_of(elements[i], key);
    if (value.is_array()) {
      run.push_all(found, value);
    } else if (!value.is_undefined()) {
      run.push(found, value);
    }
  }
}

/// Of an object as JSONata has it. A text as first argument names one of the environment's tables.
Item lookup(Evaluation& run, const Arguments& arguments) {
  if (!arguments[1].is_string()) return {};
  const std::string_view key = arguments[1].text();
  if (arguments[0].is_string() && run.environment().tables != nullptr) {
    const format::Value* found = run.environment().tables->find(arguments[0].text(), key);
    return found == nullptr ? Item() : Item::of(*found);
  }
  if (!arguments[0].is_array()) return member_of(arguments[0], key);
  Array* found = run.sequence();
  lookup_each(run, arguments[0], key, *found);
  return Item::of(found);
}

void spread_into(Evaluation& run, Item item, Array& parts) {
  if (item.is_array()) {
    const Elements elements(item);
    for (std::size_t i = 0; i < elements.size() && run.charge(1); ++i) spread_into(run, elements[i], parts);
  } else if (item.is_object()) {
    const Members members(item);
    for (std::size_t i = 0; i < members.size() && run.charge(1); ++i) {
      Object* part = run.object(1);
      run.set(*part, members[i].key, members[i].value);
      run.push(parts, Item::of(part));
    }
  } else {
    run.push(parts, item);
  }
}

Item spread(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_array() && !arguments[0].is_object()) return arguments[0];
  Array* parts = run.sequence();
  spread_into(run, arguments[0], *parts);
  // What is appended to is an array from then on, be it of one element.
  if (arguments[0].is_array() && Elements(arguments[0]).size() > 0) parts->sequence = false;
  return Item::of(parts);
}

Item merge(Evaluation& run, const Arguments& arguments) {
  if (arguments[0].is_undefined()) return {};
  const Elements elements(arguments[0]);
  Object* merged = run.object();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const Members members(elements[i]);
    for (std::size_t m = 0; m < members.size() && run.charge(1); ++m) {
      run.set(*merged, members[m].key, members[m].value);
    }
  }
  return Item::of(merged);
}

Item error(Evaluation& run, const Arguments& arguments) {
  return run.fail(Code::D3137, {},
                  arguments[0].is_string() ? arguments[0].text() : "$error() function evaluated");
}

Item check(Evaluation& run, const Arguments& arguments) {
  if (run.truth(arguments[0])) return {};
  return run.fail(Code::D3141, {},
                  arguments[1].is_string() ? arguments[1].text() : "$assert() statement failed");
}

Item type(Evaluation&, const Arguments& arguments) {
  switch (arguments[0].kind()) {
    case Item::Kind::null: return Item::of("null");
    case Item::Kind::boolean: return Item::of("boolean");
    case Item::Kind::number: return Item::of("number");
    case Item::Kind::string: return Item::of("string");
    case Item::Kind::array: return Item::of("array");
    case Item::Kind::object: return Item::of("object");
    case Item::Kind::function: return Item::of("function");
    default: return {};
  }
}

Item clone(Evaluation& run, const Arguments& arguments) { return run.clone(arguments[0]); }

Item evaluate(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  const bool has_input = !arguments[1].is_undefined();
  return run.evaluate_text(arguments[0].text(), has_input ? arguments[1] : arguments.context, has_input,
                           arguments.frame);
}

constexpr Builtin kBuiltins[] = {
    {"keys", "<x-:a<s>>", 1, keys},  {"lookup", "<x-s:x>", 2, lookup}, {"spread", "<x-:a<o>>", 1, spread},
    {"merge", "<a<o>:o>", 1, merge}, {"error", "<s?:x>", 1, error},    {"assert", "<bs?:x>", 2, check},
    {"type", "<x:s>", 1, type},      {"clone", "<(oa)-:o>", 1, clone}, {"eval", "<sx?:x>", 2, evaluate},
};

}  // namespace

std::span<const Builtin> object_builtins() { return kBuiltins; }

}  // namespace expr
