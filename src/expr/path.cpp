// Paths: how results of one step become the input of the next.
#include <cmath>

#include "expr/code_points.hpp"
#include "expr/evaluation.hpp"

namespace expr {

namespace {

Item with_flag(Array* array, bool tuples) {
  array->tuples = tuples;
  return Item::of(array);
}

std::size_t size_of(Item item) { return item.is_array() ? Elements(item).size() : 1; }

/// Nothing that a next step could start from; an empty text has no characters.
bool is_end(Item result) {
  return result.is_undefined() || size_of(result) == 0 || (result.is_string() && result.text().empty());
}

}  // namespace

Item Evaluation::lookup(Item item, std::string_view name) {
  if (!item.is_array()) return member_of(item, name);
  Array* found = sequence();
  lookup_into(*found, item, name);
  return Item::of(found);
}

void Evaluation::lookup_into(Array& found, Item item, std::string_view name) {
  const Elements elements(item);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (!charge(1)) return;
    const Item element = elements[i];
    if (element.is_array()) {
      lookup_into(found, element, name);
      continue;
    }
    const Item value = member_of(element, name);
    if (value.is_array()) {
      push_all(found, value);
    } else if (!value.is_undefined()) {
      push(found, value);
    }
  }
}

Item Evaluation::plain_path(const Node& node, Item input, Frame* frame) {
  // As long as no array comes, a path is a walk from member to member and makes nothing.
  std::size_t i = 0;
  Item at = input;
  for (; !at.is_array() && i < node.children.size(); ++i) {
    at = member_of(at, node.children[i]->text);
    if (at.is_undefined()) return at;
  }
  if (i == node.children.size()) return at;
  if (i == 0) return finish(node, steps_from(node, 0, at, frame), frame);
  return finish(node, steps_from(node, i, at, frame), frame);
}

Item Evaluation::path(const Node& node, Item input, Frame* frame) {
  if (!input.is_array() || node.children.front()->kind == Node::Kind::variable)
    input = Item::of(sequence_of(input));
  return steps_from(node, 0, input, frame);
}

/// Of an array of one text that a predicate has taken out, the reference goes on with its characters.
Item Evaluation::characters_of(Item item) {
  if (!item.is_string() || item.text().empty()) return item;
  Array* characters = array();
  for (std::string_view text = item.text(); !text.empty() && charge(1);) {
    const std::size_t length = character_bytes(text);
    push(*characters, Item::of(text.substr(0, length)));
    text.remove_prefix(length);
  }
  return failed() ? Item::failure() : Item::of(characters);
}

Item Evaluation::steps_from(const Node& node, std::size_t first, Item input, Frame* frame) {
  Item result;
  Item tuples;
  bool is_stream = false;
  for (std::size_t i = first; i < node.children.size(); ++i) {
    const Node& step = *node.children[i];
    is_stream |= step.tuples;
    if (i == 0 && step.constructs) {
      result = characters_of(evaluate(step, input, frame));
    } else if (is_stream) {
      tuples = tuple_step(step, input, tuples, frame);
    } else {
      result = this->step(step, input, frame, i + 1 == node.children.size());
    }
    if (result.is_failure() || tuples.is_failure()) return Item::failure();
    if (!is_stream && is_end(result)) break;
    if (step.focus.empty()) input = result;
  }
  if (is_stream) {
    if (node.tuples) {
      result = tuples;
    } else {
      const Elements stream(tuples);
      Array* items = sequence(stream.size());
      for (std::size_t i = 0; i < stream.size(); ++i) push(*items, stream[i].tuple()->item);
      result = Item::of(items);
    }
  }
  if (node.keep_singleton && result.is_array()) {
    const Array* made = result.array();
    if (made == nullptr) {
      // A part of the input cannot be marked; a copy can.
      Array* copy = array(size_of(result));
      push_all(*copy, result);
      result = Item::of(copy);
    } else if (made->constructed && !made->sequence) {
      result = Item::of(sequence_of(result));
    }
    result.array()->keep_singleton = true;
  }
  if (node.group != nullptr) result = group(*node.group, is_stream ? tuples : result, frame);
  return result;
}

Item Evaluation::step(const Node& node, Item input, Frame* frame, bool is_last) {
  if (node.kind == Node::Kind::sort) {
    XD_ITEM(const Item sorted, sort(node, input, frame));
    return apply_stages(node, sorted, frame);
  }
  const Elements items(input);
  Array* results = sequence();
  Item only;
  std::size_t count = 0;
  const auto add = [&](Item item) {
    const Array* made = item.array();
    if (item.is_array() && (made == nullptr || !made->constructed)) {
      push_all(*results, item);
    } else {
      push(*results, item);
    }
  };
  for (std::size_t i = 0; i < items.size(); ++i) {
    Item result;
    if (node.kind == Node::Kind::name) {
      if (!charge(1)) return Item::failure();
      result = lookup(items[i], node.text);
      if (result.array() != nullptr) result = finish(node, result, frame);
    } else {
      result = evaluate(node, items[i], frame);
    }
    for (const Stage& stage : node.stages) {
      if (result.is_failure()) break;
      result = filter(*stage.filter, result, frame);
    }
    if (result.is_failure()) return result;
    if (result.is_undefined()) continue;
    // The first is held back: an array that is the only result of the last step stays the array that it is.
    if (++count == 1) {
      only = result;
      continue;
    }
    if (count == 2) add(only);
    add(result);
  }
  if (count == 1) {
    if (is_last && only.is_array() && !is_sequence(only)) return only;
    add(only);
  }
  return failed() ? Item::failure() : Item::of(results);
}

Item Evaluation::apply_stages(const Node& node, Item result, Frame* frame) {
  for (const Stage& stage : node.stages) {
    if (!stage.is_index()) {
      result = filter(*stage.filter, result, frame);
      if (result.is_failure()) return result;
      continue;
    }
    const Elements stream(result);
    for (std::size_t i = 0; i < stream.size(); ++i) {
      if (stream[i].kind() != Item::Kind::tuple) continue;
      Tuple* tuple = stream[i].tuple();
      Tuple* numbered = tuple_with(*tuple, 1);
      if (numbered == nullptr) return Item::failure();
      numbered->bindings[numbered->size++] = {stage.index, Item::of(static_cast<double>(i))};
      *tuple = *numbered;
    }
  }
  return result;
}

Tuple* Evaluation::tuple_with(const Tuple& from, std::size_t more) {
  auto* const made = arena_.make<Tuple>();
  made->item = from.item;
  made->size = from.size;
  made->bindings =
      static_cast<Binding*>(arena_.allocate((from.size + more) * sizeof(Binding), alignof(Binding)));
  if (made->bindings == nullptr) {
    fail(Code::U1003, Item::of(static_cast<double>(environment_.limits.memory_bytes_max)));
    return nullptr;
  }
  std::copy_n(from.bindings, from.size, made->bindings);
  return made;
}

Frame* Evaluation::frame_of(const Tuple& tuple, Frame* outer) {
  auto* const made = arena_.make<Frame>();
  made->outer = outer;
  made->bindings = tuple.bindings;
  made->size = tuple.size;
  made->capacity = tuple.size;  // what is bound inside goes into a copy
  return made;
}

Item Evaluation::tuple_step(const Node& node, Item input, Item tuples, Frame* frame) {
  if (node.kind == Node::Kind::sort) {
    XD_ITEM(Item sorted, sort(node, tuples.is_undefined() ? input : tuples, frame));
    if (tuples.is_undefined()) {
      const Elements items(sorted);
      Array* stream = sequence(items.size());
      for (std::size_t i = 0; i < items.size(); ++i) {
        Tuple* tuple = tuple_with(Tuple{.item = items[i]}, 1);
        if (tuple == nullptr) return Item::failure();
        if (!node.index.empty())
          tuple->bindings[tuple->size++] = {node.index, Item::of(static_cast<double>(i))};
        push(*stream, Item::of(tuple));
      }
      sorted = with_flag(stream, true);
    }
    return apply_stages(node, sorted, frame);
  }
  const bool begins = tuples.is_undefined();
  const Elements from(begins ? input : tuples);
  Array* stream = sequence(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Tuple tuple = begins ? Tuple{.item = from[i]} : *from[i].tuple();
    XD_ITEM(const Item result, evaluate(node, tuple.item, frame_of(tuple, frame)));
    if (!result.is_undefined()) add_tuples(node, tuple, result, *stream);
  }
  if (failed()) return Item::failure();
  return apply_stages(node, with_flag(stream, true), frame);
}

void Evaluation::add_tuples(const Node& node, const Tuple& from, Item results, Array& to) {
  const bool is_array = results.is_array();
  const bool is_stream = results.array() != nullptr && results.array()->tuples;
  const Elements elements(results);
  const std::size_t count = is_array ? elements.size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    if (!charge(1)) return;
    const Item result = is_array ? elements[i] : results;
    if (is_stream) {
      // A path inside of this step has bound more; its own bindings win.
      const Tuple& inner = *result.tuple();
      Tuple* tuple = tuple_with(inner, from.size);
      if (tuple == nullptr) return;
      for (std::uint32_t b = 0; b < from.size; ++b) {
        const auto known = std::span(inner.bindings, inner.size);
        const bool bound = std::ranges::any_of(
            known, [&](const Binding& each) { return each.name == from.bindings[b].name; });
        if (!bound) tuple->bindings[tuple->size++] = from.bindings[b];
      }
      push(to, Item::of(tuple));
      continue;
    }
    Tuple* tuple = tuple_with(from, 3);
    if (tuple == nullptr) return;
    const auto add = [tuple](std::string_view name, Item value) {
      for (std::uint32_t b = 0; b < tuple->size; ++b) {
        if (tuple->bindings[b].name == name) {
          tuple->bindings[b].value = value;
          return;
        }
      }
      tuple->bindings[tuple->size++] = {name, value};
    };
    if (node.focus.empty()) {
      tuple->item = result;
    } else {
      add(node.focus, result);
    }
    if (!node.index.empty()) add(node.index, Item::of(static_cast<double>(i)));
    if (node.slot != nullptr && node.kind != Node::Kind::parent) add(node.slot->label, from.item);
    push(to, Item::of(tuple));
  }
}

Item Evaluation::filter_by_index(const Node& predicate, Item input) {
  const std::size_t size = size_of(input);
  double index = std::floor(predicate.value.number());
  if (index < 0) index += static_cast<double>(size);
  Array* results = sequence();
  results->tuples = input.array() != nullptr && input.array()->tuples;
  if (index < 0 || index >= static_cast<double>(size)) return Item::of(results);
  const Item item = input.is_array() ? Elements(input)[static_cast<std::size_t>(index)] : input;
  if (item.is_array()) return item;
  if (!item.is_undefined()) push(*results, item);
  return Item::of(results);
}

Item Evaluation::filter(const Node& predicate, Item input, Frame* frame) {
  if (!charge(1)) return Item::failure();
  if (predicate.kind == Node::Kind::number && predicate.predicates.empty())
    return filter_by_index(predicate, input);
  const bool is_stream = input.array() != nullptr && input.array()->tuples;
  Array* results = sequence();
  results->tuples = is_stream;
  const bool is_array = input.is_array();
  const Elements elements(input);
  const std::size_t size = is_array ? elements.size() : 1;
  for (std::size_t i = 0; i < size; ++i) {
    const Item item = is_array ? elements[i] : input;
    const Item context = is_stream ? item.tuple()->item : item;
    XD_ITEM(const Item result,
            evaluate(predicate, context, is_stream ? frame_of(*item.tuple(), frame) : frame));
    const auto selects = [&](Item number) {
      double index = std::floor(number.number());
      if (index < 0) index += static_cast<double>(size);
      return index == static_cast<double>(i);
    };
    if (result.is_number()) {
      if (selects(result)) push(*results, item);
    } else if (is_number_array(result)) {
      const Elements numbers(result);
      if (!charge(numbers.size())) return Item::failure();
      for (std::size_t n = 0; n < numbers.size(); ++n) {
        if (selects(numbers[n])) push(*results, item);
      }
    } else if (truth(result)) {
      push(*results, item);
    }
  }
  return failed() ? Item::failure() : Item::of(results);
}

Item Evaluation::wildcard(Item input) {
  if (const Array* made = input.array(); made != nullptr && made->outer) input = made->items[0];
  Array* results = sequence();
  const auto add = [&](Item value) {
    if (value.is_array()) {
      // Appended like by $append, so that what comes of it is an array, be it of one element.
      results->sequence = false;
      flatten(value, *results);
    } else {
      push(*results, value);
    }
  };
  if (input.is_array()) {
    const Elements elements(input);
    for (std::size_t i = 0; i < elements.size() && charge(1); ++i) add(elements[i]);
  } else if (input.is_object()) {
    const Members members(input);
    for (std::size_t i = 0; i < members.size() && charge(1); ++i) add(members[i].value);
  }
  return failed() ? Item::failure() : Item::of(results);
}

void Evaluation::flatten(Item array, Array& to) {
  const Elements elements(array);
  for (std::size_t i = 0; i < elements.size() && charge(1); ++i) {
    if (elements[i].is_array()) {
      flatten(elements[i], to);
    } else {
      push(to, elements[i]);
    }
  }
}

Item Evaluation::descendants(Item input) {
  if (input.is_undefined()) return {};
  Array* results = sequence();
  descend(input, *results);
  if (failed()) return Item::failure();
  return results->size == 1 ? results->items[0] : Item::of(results);
}

void Evaluation::descend(Item input, Array& to) {
  if (!charge(1)) return;
  if (!input.is_array()) push(to, input);
  if (input.is_array()) {
    const Elements elements(input);
    for (std::size_t i = 0; i < elements.size(); ++i) descend(elements[i], to);
  } else if (input.is_object()) {
    const Members members(input);
    for (std::size_t i = 0; i < members.size(); ++i) descend(members[i].value, to);
  }
}

}  // namespace expr
