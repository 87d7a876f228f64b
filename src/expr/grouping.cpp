// Objects out of many values, order of many values, and updates of parts of an object.
#include <algorithm>

#include "expr/evaluation.hpp"
#include "expr/merge_sort.hpp"

namespace expr {

namespace {

/// A group: what has come under one key.
struct Collected {
  std::string_view key;
  std::size_t pair;
  Item data;
  Array* many = nullptr;  ///< of more than one: the array that data is, which is ours to grow
};

void collect(Evaluation& run, Collected& group, Item item) {
  if (item.is_undefined()) return;
  const auto add = [&](Item part) {
    if (part.is_array()) {
      run.push_all(*group.many, part);
    } else if (!part.is_undefined()) {
      run.push(*group.many, part);
    }
  };
  if (group.many == nullptr) {
    group.many = run.array(4);
    add(group.data);
    group.data = Item::of(group.many);
  }
  add(item);
}

}  // namespace

Item Evaluation::group(const Group& group, Item input, Frame* frame) {
  const bool is_stream = input.array() != nullptr && input.array()->tuples;
  const bool is_array = input.is_array();
  const Elements elements(input);
  const std::size_t count = is_array ? elements.size() : 1;
  Object* result = object(group.pairs.size());
  if (group.fixed && !is_stream && count <= 1) {
    const Item only = count == 0 ? Item() : is_array ? elements[0] : input;
    for (const Pair& pair : group.pairs) {
      XD_ITEM(const Item value, evaluate(*pair.value, only, frame));
      if (!value.is_undefined()) set(*result, pair.key->text, value);
    }
    return failed() ? Item::failure() : Item::of(result);
  }

  // Of no tuples nothing is made; of nothing else one object, without context.
  if (is_stream && count == 0) return Item::of(result);
  Object* numbers = object();  // of the group of a key
  Collected* groups = nullptr;
  std::size_t group_count = 0;
  std::size_t room = 0;
  for (std::size_t i = 0; i < std::max<std::size_t>(count, 1); ++i) {
    const Item item = count == 0 ? Item() : is_array ? elements[i] : input;
    const Item context = is_stream ? item.tuple()->item : item;
    Frame* const inner = is_stream ? frame_of(*item.tuple(), frame) : frame;
    for (std::size_t p = 0; p < group.pairs.size(); ++p) {
      const Node& key_node = *group.pairs[p].key;
      XD_ITEM(const Item key, evaluate(key_node, context, inner));
      if (key.is_undefined()) continue;
      const auto refuse = [&](Code code) {
        fail(code, key);
        failure_->position = group.position;
        return Item::failure();
      };
      if (!key.is_string()) return refuse(Code::T1003);
      if (key.text().starts_with("_jsonata_")) return refuse(Code::D1013);
      const Item known = member_of(Item::of(numbers), key.text());
      if (known.is_undefined()) {
        if (group_count == room) {
          room = std::max<std::size_t>(8, room * 2);
          auto* const grown = many<Collected>(room);
          if (grown == nullptr) return Item::failure();
          std::copy_n(groups, group_count, grown);
          groups = grown;
        }
        set(*numbers, key.text(), Item::of(static_cast<double>(group_count)));
        ::new (&groups[group_count++]) Collected{key.text(), p, item};
        if (failed()) return Item::failure();
        continue;
      }
      Collected& group_of_key = groups[static_cast<std::size_t>(known.number())];
      if (group_of_key.pair != p) return refuse(Code::D1009);
      collect(*this, group_of_key, item);
      if (failed()) return Item::failure();
    }
  }
  for (const Collected& each : std::span(groups, group_count)) {
    Item context = each.data;
    Frame* inner = frame;
    if (is_stream) {
      XD_ITEM(const Item merged, merge_tuples(each.data));
      context = merged.tuple()->item;
      inner = frame_of(*merged.tuple(), frame);
    }
    XD_ITEM(const Item value, evaluate(*group.pairs[each.pair].value, context, inner));
    if (!value.is_undefined()) set(*result, each.key, value);
  }
  return failed() ? Item::failure() : Item::of(result);
}

Item Evaluation::merge_tuples(Item tuples) {
  if (!tuples.is_array()) return tuples;
  const Elements elements(tuples);
  const Tuple& first = *elements[0].tuple();
  Tuple* merged = tuple_with(first, 0);
  if (merged == nullptr) return Item::failure();
  for (std::size_t i = 1; i < elements.size(); ++i) {
    const Tuple& each = *elements[i].tuple();
    // Tuples of one stream bind the same names in the same order.
    for (std::uint32_t b = 0; b < std::min(merged->size, each.size); ++b) {
      merged->bindings[b].value = append(merged->bindings[b].value, each.bindings[b].value);
    }
    merged->item = append(merged->item, each.item);
    if (!charge(1)) return Item::failure();
  }
  return Item::of(merged);
}

Item Evaluation::sort_key(const Node& term, Item item, Frame* frame) {
  if (item.kind() != Item::Kind::tuple) return evaluate(term, item, frame);
  return evaluate(term, item.tuple()->item, frame_of(*item.tuple(), frame));
}

namespace {

/// Order of two keys: an item without one comes last.
int order(Item a, Item b) {
  if (a.is_undefined() || b.is_undefined()) return (a.is_undefined() ? 1 : 0) - (b.is_undefined() ? 1 : 0);
  if (a.is_number()) return a.number() < b.number() ? -1 : a.number() > b.number() ? 1 : 0;
  return a.text().compare(b.text());
}

}  // namespace

Item Evaluation::sort(const Node& node, Item input, Frame* frame) {
  const Elements items(input);
  const std::size_t size = items.size();
  if (!input.is_array() || size <= 1) return input;
  const std::size_t terms = node.terms.size();
  // Keys are made when they are first asked for, so that an error in one that does not matter is none.
  const Item missing = Item::of(static_cast<Tuple*>(nullptr));
  Array* keys = array(size * terms);
  Array* sorted = array(size);
  if (failed()) return Item::failure();
  std::fill_n(keys->items, size * terms, missing);
  const auto key = [&](std::size_t item, std::size_t term) {
    Item& kept = keys->items[item * terms + term];
    if (kept.kind() == Item::Kind::tuple) kept = sort_key(*node.terms[term].value, items[item], frame);
    return kept;
  };
  const auto compare = [&](std::uint32_t left, std::uint32_t right) {
    for (std::size_t t = 0; t < terms && !failed() && charge(1); ++t) {
      const Item a = key(left, t);
      const Item b = key(right, t);
      if (a.is_failure() || b.is_failure()) return 0;
      if (!a.is_undefined() && !b.is_undefined()) {
        for (const Item each : {a, b}) {
          if (!each.is_number() && !each.is_string()) return fail_at(Code::T2008, node, "^", each), 0;
        }
        if (a.kind() != b.kind()) return fail_at(Code::T2007, node, "^", b), 0;
      }
      const int compared = order(a, b);
      if (compared == 0) continue;
      // What has no key comes last, however the others are sorted.
      const bool flips = node.terms[t].descending && !a.is_undefined() && !b.is_undefined();
      return flips ? -compared : compared;
    }
    return 0;
  };
  auto* const order_of = many<std::uint32_t>(2 * size);
  if (order_of == nullptr) return Item::failure();
  for (std::size_t i = 0; i < size; ++i) order_of[i] = static_cast<std::uint32_t>(i);
  merge_sort({order_of, size}, {order_of + size, size},
             [&](std::uint32_t left, std::uint32_t right) { return compare(left, right) > 0; });
  if (failed()) return Item::failure();
  for (std::size_t i = 0; i < size; ++i) push(*sorted, items[order_of[i]]);
  sorted->tuples = input.array() != nullptr && input.array()->tuples;
  return Item::of(sorted);
}

Item Evaluation::clone(Item item) {
  if (!charge(1)) return Item::failure();
  if (item.is_array()) {
    const Elements elements(item);
    Array* copy = array(elements.size());
    for (std::size_t i = 0; i < elements.size() && !failed(); ++i) push(*copy, clone(elements[i]));
    return Item::of(copy);
  }
  if (item.is_object()) {
    const Members members(item);
    Object* copy = object(members.size());
    for (std::size_t i = 0; i < members.size() && !failed(); ++i) {
      set(*copy, members[i].key, clone(members[i].value));
    }
    return Item::of(copy);
  }
  return item;
}

Item Evaluation::snapshot(Item item) {
  // What belongs to the input never changes.
  return item.array() != nullptr || item.object() != nullptr ? clone(item) : item;
}

Item Evaluation::update(const Function& function, Item object) {
  if (object.is_undefined()) return {};
  const Node& node = *function.node;
  Item result = clone(object);
  if (const Array* made = result.array();
      made != nullptr && made->size == 1 && object.array() != nullptr && object.array()->outer) {
    result = made->items[0];
  }
  if (failed()) return Item::failure();
  XD_ITEM(const Item matches, evaluate(*node.left, result, function.frame));
  if (matches.is_undefined()) return result;
  const bool is_array = matches.is_array();
  const Elements elements(matches);
  const std::size_t count = is_array ? elements.size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    const Item match = is_array ? elements[i] : matches;
    XD_ITEM(const Item changes, evaluate(*node.right, match, function.frame));
    if (!changes.is_undefined()) {
      if (!changes.is_object()) return fail_at(Code::T2011, *node.right, "", changes);
      const Members members(changes);
      for (std::size_t m = 0; m < members.size() && match.object() != nullptr; ++m) {
        // A copy: what is put in may hold the object itself, or one that is updated next.
        XD_ITEM(const Item value, snapshot(members[m].value));
        set(*match.object(), members[m].key, value);
      }
    }
    if (node.other == nullptr) continue;
    XD_ITEM(const Item names, evaluate(*node.other, match, function.frame));
    if (names.is_undefined()) continue;
    const Elements listed(names);
    const std::size_t name_count = names.is_array() ? listed.size() : 1;
    for (std::size_t n = 0; n < name_count; ++n) {
      const Item name = names.is_array() ? listed[n] : names;
      if (!name.is_string()) return fail_at(Code::T2012, *node.other, "", names);
      if (match.object() != nullptr) erase(*match.object(), name.text());
    }
  }
  return failed() ? Item::failure() : result;
}

}  // namespace expr
