// What an evaluation makes on its way: arrays, objects, texts, and its one failure.
#include <cmath>
#include <cstring>
#include <string>

#include "expr/evaluation.hpp"
#include "expr/text_builder.hpp"
#include "format/json.hpp"

namespace expr {

namespace {

/// An object of more members than this is searched by hash.
constexpr std::uint32_t kSearchedOneByOne = 12;
/// Levels of arrays and objects in what is made. Everything that walks through values relies on it.
constexpr std::uint16_t kHeightMax = 500;
constexpr std::size_t kShownBytesMax = 200;

/// A value as an error shows it: JSON, cut short.
std::string shown(Item item) {
  NumberText room;
  switch (item.kind()) {
    case Item::Kind::null: return "null";
    case Item::Kind::boolean: return item.boolean() ? "true" : "false";
    case Item::Kind::number:
      if (const format::Value* input = item.input())
        return std::string(input->text().substr(0, kShownBytesMax));
      if (!std::isfinite(item.number())) return item.number() < 0 ? "-Infinity" : "Infinity";
      return std::string(write_number(room, item.number()));
    case Item::Kind::string: return format::json_string(item.text().substr(0, kShownBytesMax));
    case Item::Kind::array: return "an array";
    case Item::Kind::object: return "an object";
    case Item::Kind::function: return "a function";
    default: return "nothing";
  }
}

}  // namespace

Item Evaluation::fail(Code code, Item value, std::string_view detail) {
  if (!failure_) {
    failure_ = Failure{.code = code, .value = shown(value), .detail = std::string(detail)};
    steps_left_ = -1;  // the next step ends it
  }
  return Item::failure();
}

Item Evaluation::fail_at(Code code, const Node& node, std::string_view token, Item value,
                         std::string_view detail) {
  const bool first = !failure_;
  fail(code, value, detail);
  if (first) {
    failure_->position = node.position;
    failure_->token = token;
    failure_->has_token = true;
  }
  return Item::failure();
}

void Evaluation::out_of_memory() {
  fail(Code::U1003, Item::of(static_cast<double>(environment_.limits.memory_bytes_max)));
}

void Evaluation::raise(std::uint16_t& height, Item part) {
  const std::uint16_t inner = height_of(part);
  if (inner < height) return;
  height = static_cast<std::uint16_t>(inner + 1);
  if (height > kHeightMax) fail(Code::U1001);
}

void Evaluation::reserve(Array& array, std::size_t capacity) {
  auto* const grown = many<Item>(capacity);
  if (grown == nullptr) return;
  std::copy_n(array.items, array.size, grown);
  array.items = grown;
  array.capacity = static_cast<std::uint32_t>(capacity);
}

Array* Evaluation::array(std::size_t capacity) {
  auto* const made = arena_.make<Array>();
  if (capacity > 0) reserve(*made, capacity);
  return made;
}

void Evaluation::push(Array& to, Item item) {
  if (to.size == to.capacity) {
    if (to.size >= environment_.limits.sequence_max) {
      fail(Code::D2015, Item::of(static_cast<double>(environment_.limits.sequence_max)));
      return;
    }
    reserve(to, std::max<std::size_t>(4, std::size_t{to.capacity} * 2));
    if (to.size == to.capacity) return;
  }
  raise(to.height, item);
  to.items[to.size++] = item;
}

void Evaluation::push_all(Array& to, Item array) {
  const Elements elements(array);
  const std::size_t size = to.size + elements.size();
  if (size > environment_.limits.sequence_max) {
    fail(Code::D2015, Item::of(static_cast<double>(environment_.limits.sequence_max)));
    return;
  }
  if (!charge(elements.size() / 8)) return;
  if (size > to.capacity) reserve(to, std::max<std::size_t>(size, std::size_t{to.capacity} * 2));
  if (size > to.capacity) return;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    raise(to.height, elements[i]);
    to.items[to.size++] = elements[i];
  }
}

Item Evaluation::append(Item left, Item right) {
  if (left.is_undefined()) return right;
  if (right.is_undefined()) return left;
  Array* both = array();
  for (const Item each : {left, right}) {
    if (each.is_array()) {
      push_all(*both, each);
    } else {
      push(*both, each);
    }
  }
  return failed() ? Item::failure() : Item::of(both);
}

Object* Evaluation::object(std::size_t capacity) {
  auto* const made = arena_.make<Object>();
  if (capacity > 0) {
    made->entries = many<Entry>(capacity);
    made->capacity = made->entries == nullptr ? 0 : static_cast<std::uint32_t>(capacity);
  }
  return made;
}

namespace {

void enter_into_index(Object& object, std::uint32_t entry) {
  const std::uint32_t mask = object.index_size - 1;
  auto slot = static_cast<std::uint32_t>(hash_of(object.entries[entry].key)) & mask;
  while (object.index[slot] != 0) slot = (slot + 1) & mask;
  object.index[slot] = entry + 1;
}

Entry* find_entry(Object& object, std::string_view key) {
  if (object.index != nullptr) {
    const std::uint32_t mask = object.index_size - 1;
    for (auto slot = static_cast<std::uint32_t>(hash_of(key)) & mask; object.index[slot] != 0;
         slot = (slot + 1) & mask) {
      Entry& entry = object.entries[object.index[slot] - 1];
      if (entry.key == key) return &entry;
    }
    return nullptr;
  }
  for (std::uint32_t i = 0; i < object.size; ++i) {
    if (object.entries[i].key == key) return &object.entries[i];
  }
  return nullptr;
}

}  // namespace

void Evaluation::set(Object& object, std::string_view key, Item value) {
  raise(object.height, value);
  if (Entry* known = find_entry(object, key)) {
    known->value = value;
    return;
  }
  if (object.size == object.capacity) {
    const std::size_t capacity = std::max<std::size_t>(4, std::size_t{object.capacity} * 2);
    auto* const grown = many<Entry>(capacity);
    if (grown == nullptr) return;
    std::copy_n(object.entries, object.size, grown);
    object.entries = grown;
    object.capacity = static_cast<std::uint32_t>(capacity);
  }
  ::new (&object.entries[object.size++]) Entry{key, value};
  if (object.size <= kSearchedOneByOne) return;
  if (object.size * 2 > object.index_size) {
    const std::uint32_t size = std::max(64U, object.index_size * 2);
    object.index = many<std::uint32_t>(size);
    object.index_size = object.index == nullptr ? 0 : size;
    if (object.index == nullptr) return;
    std::fill_n(object.index, size, 0U);
    for (std::uint32_t i = 0; i + 1 < object.size; ++i) enter_into_index(object, i);
  }
  enter_into_index(object, object.size - 1);
}

void Evaluation::erase(Object& object, std::string_view key) {
  Entry* const found = find_entry(object, key);
  if (found == nullptr) return;
  std::copy(found + 1, object.entries + object.size, found);
  --object.size;
  if (object.index == nullptr) return;
  std::fill_n(object.index, object.index_size, 0U);
  for (std::uint32_t i = 0; i < object.size; ++i) enter_into_index(object, i);
}

std::string_view Evaluation::keep(std::string_view text) {
  if (text.empty()) return {};
  char* const copy = bytes(text.size());
  if (copy == nullptr) return {};
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

std::string_view Evaluation::joined(std::string_view a, std::string_view b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  char* const both = bytes(a.size() + b.size());
  if (both == nullptr) return {};
  std::memcpy(both, a.data(), a.size());
  std::memcpy(both + a.size(), b.data(), b.size());
  return {both, a.size() + b.size()};
}

}  // namespace expr
