#include "expr/item.hpp"

#include <bit>
#include <cstring>
#include <limits>

namespace expr {

namespace {

constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15;

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t sum = (a ^ std::rotl(b, 32)) * kMultiplier;
  return sum ^ (sum >> 29);
}

bool equal_arrays(Item a, Item b, Effort& effort) {
  const Elements left(a);
  const Elements right(b);
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!equal(left[i], right[i], effort)) return false;
  }
  return true;
}

bool equal_objects(Item a, Item b, Effort& effort) {
  const Members left(a);
  if (left.size() != Members(b).size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const auto [key, value] = left[i];
    const Item other = member_of(b, key);
    if (other.is_undefined() || !equal(value, other, effort)) return false;
  }
  return true;
}

Item find_by_index(const Object& object, std::string_view key) {
  const std::uint32_t mask = object.index_size - 1;
  for (auto slot = static_cast<std::uint32_t>(hash_of(key)) & mask;; slot = (slot + 1) & mask) {
    const std::uint32_t entry = object.index[slot];
    if (entry == 0) return {};
    if (object.entries[entry - 1].key == key) return object.entries[entry - 1].value;
  }
}

}  // namespace

double Item::number_of_input() const {
  // A number beyond a double: infinite, which arithmetic then refuses (D1001).
  if (const auto real = payload_.value->real()) return *real;
  return payload_.value->text().starts_with('-') ? -std::numeric_limits<double>::infinity()
                                                 : std::numeric_limits<double>::infinity();
}

Item member_of(Item object, std::string_view key) {
  if (const Object* made = object.object()) {
    if (made->index != nullptr) return find_by_index(*made, key);
    for (std::uint32_t i = 0; i < made->size; ++i) {
      if (made->entries[i].key == key) return made->entries[i].value;
    }
    return {};
  }
  if (!object.is_object()) return {};
  const format::Value* value = object.input()->find(key);
  return value == nullptr ? Item() : Item::of(*value);
}

bool equal(Item a, Item b, Effort& effort) {
  if (a.kind() != b.kind() || !effort.spend()) return false;
  switch (a.kind()) {
    case Item::Kind::undefined:
    case Item::Kind::null: return true;
    case Item::Kind::boolean: return a.boolean() == b.boolean();
    case Item::Kind::number: return a.number() == b.number();
    case Item::Kind::string:
      return a.text().size() == b.text().size() && effort.spend(a.text().size() / 64) && a.text() == b.text();
    case Item::Kind::array: return equal_arrays(a, b, effort);
    case Item::Kind::object: return equal_objects(a, b, effort);
    case Item::Kind::function: return a.function() == b.function();
    case Item::Kind::tuple:
    case Item::Kind::tail_call:
    case Item::Kind::failure: return false;
  }
  return false;
}

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = text.size() * kMultiplier;
  while (text.size() >= 8) {
    std::uint64_t block;
    std::memcpy(&block, text.data(), sizeof block);
    hash = mixed(hash, block);
    text.remove_prefix(8);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, text.data(), text.size());
  hash = mixed(hash, rest);
  return hash ^ (hash >> 32);
}

std::uint64_t hash_of(Item item, Effort& effort) {
  if (!effort.spend()) return 0;
  auto hash = static_cast<std::uint64_t>(item.kind()) * kMultiplier;
  switch (item.kind()) {
    case Item::Kind::boolean: return mixed(hash, item.boolean() ? 1 : 2);
    case Item::Kind::number: {
      const double number = item.number();
      return mixed(hash, std::bit_cast<std::uint64_t>(number == 0 ? 0.0 : number));  // -0 equals 0
    }
    case Item::Kind::string:
      return effort.spend(item.text().size() / 64) ? mixed(hash, hash_of(item.text())) : 0;
    case Item::Kind::array: {
      const Elements elements(item);
      for (std::size_t i = 0; i < elements.size(); ++i) hash = mixed(hash, hash_of(elements[i], effort));
      return hash;
    }
    case Item::Kind::object: {
      const Members members(item);
      for (std::size_t i = 0; i < members.size(); ++i) {
        // Added, not mixed in: the order of members does not matter.
        hash += mixed(hash_of(members[i].key), hash_of(members[i].value, effort));
      }
      return hash;
    }
    default: return hash;
  }
}

}  // namespace expr
