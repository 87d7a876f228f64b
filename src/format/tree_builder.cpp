#include "format/tree_builder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>

#include "base/assert.hpp"

namespace format {

namespace {

/// The arena starts with this many bytes per byte of text: a member takes 64 and is seldom written in less
/// than 32.
constexpr std::size_t kArenaPerByte = 2;
constexpr std::size_t kArenaStartMin = 512;
constexpr std::size_t kArenaStartMax = 1 << 20;
constexpr std::size_t kSlotsStartMin = 16;
constexpr std::size_t kSlotsStartMax = 64;
/// Up to so many keys are compared each with each.
constexpr std::size_t kPairwiseMax = 32;

std::size_t arena_start(std::size_t source_bytes) {
  return std::min(kArenaStartMin + source_bytes * kArenaPerByte, kArenaStartMax);
}

template <class Number>
std::uint64_t load(const char* at) {
  Number number;
  std::memcpy(&number, at, sizeof number);
  return number;
}

/// A number that equal keys share and unequal ones seldom do: of their length, first and last eight bytes. It
/// only saves comparisons, so it need not withstand anybody.
std::uint64_t fingerprint(std::string_view key) {
  const std::size_t size = key.size();
  const char* const at = key.data();
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (size >= 8) {
    first = load<std::uint64_t>(at);
    last = load<std::uint64_t>(at + size - 8);
  } else if (size >= 4) {
    first = load<std::uint32_t>(at);
    last = load<std::uint32_t>(at + size - 4);
  } else if (size > 0) {
    first = load<std::uint8_t>(at) | load<std::uint8_t>(at + size / 2) << 8;
    last = load<std::uint8_t>(at + size - 1);
  }
  return (first ^ size) * 0x9e3779b97f4a7c15 ^ last * 0xc2b2ae3d27d4eb4f;
}

}  // namespace

TreeBuilder::TreeBuilder(std::string source)
    : document_([&source] {
        const Document::Storage::ArenaStart start{arena_start(source.size())};
        return std::unique_ptr<Document::Storage>(new (start) Document::Storage(std::move(source), start));
      }()) {
  slots_.reserve(std::min(kSlotsStartMin + this->source().size() / 8, kSlotsStartMax));
}

char* TreeBuilder::allocate(std::size_t bytes) {
  return static_cast<char*>(document_.storage_->arena.allocate(bytes, 1));
}

void TreeBuilder::key(std::string_view name, const char* at) {
  XD_ASSERT(in_object());
  key_ = name;
  key_at_ = at;
}

void TreeBuilder::null(std::string_view raw) { add(Value::Kind::null, raw); }

void TreeBuilder::boolean(bool flag, std::string_view raw) { add(Value::Kind::boolean, raw).boolean_ = flag; }

void TreeBuilder::string(std::string_view text, std::string_view raw) {
  add(Value::Kind::string, raw).text_ = text;
}

void TreeBuilder::number(std::string_view text, std::string_view raw) {
  add(Value::Kind::number, raw).text_ = text;
}

void TreeBuilder::begin_object(const char* raw_begin) { begin(Value::Kind::object, raw_begin); }

void TreeBuilder::end_object(const char* raw_end) {
  end<Member>(Value::Kind::object, raw_end, &Slot::member);
}

void TreeBuilder::begin_array(const char* raw_begin) { begin(Value::Kind::array, raw_begin); }

void TreeBuilder::end_array(const char* raw_end) {
  end<Value>(Value::Kind::array, raw_end, [](const Slot& slot) { return slot.member.value; });
}

std::optional<TreeBuilder::RepeatedKey> TreeBuilder::repeated_key() const {
  XD_ASSERT(in_object());
  const std::span<const Slot> slots = children();
  const std::size_t repeated =
      slots.size() <= kPairwiseMax ? first_repeated_of_few(slots) : first_repeated_of_many(slots);
  if (repeated == kNone) return std::nullopt;
  return RepeatedKey{slots[repeated].member.key, slots[repeated].key_at};
}

Document TreeBuilder::finish() && {
  XD_ASSERT(innermost_ == kNone && slots_.size() == 1);
  document_.root_ = slots_.front().member.value;
  return std::move(document_);
}

Value& TreeBuilder::add(Value::Kind kind, std::string_view raw) {
  XD_ASSERT(innermost_ != kNone || slots_.empty());
  XD_ASSERT(key_.has_value() == in_object());
  Slot& slot = slots_.emplace_back(Member{key_.value_or(std::string_view()), {}}, key_at_, innermost_);
  key_.reset();
  key_at_ = nullptr;
  slot.member.value.kind_ = kind;
  slot.member.value.raw_ = raw;
  return slot.member.value;
}

void TreeBuilder::begin(Value::Kind kind, const char* raw_begin) {
  add(kind, {});
  innermost_ = slots_.size() - 1;
  slots_.back().raw_begin = raw_begin;
  ++depth_;
}

template <class Child, class Projection>
void TreeBuilder::end(Value::Kind kind, const char* raw_end, Projection child_of) {
  XD_ASSERT(innermost_ != kNone && !key_);
  Slot& slot = slots_[innermost_];
  Value& value = slot.member.value;
  XD_ASSERT(value.kind_ == kind && (raw_end != nullptr) == (slot.raw_begin != nullptr));
  if (raw_end != nullptr) value.raw_ = {slot.raw_begin, raw_end};

  const std::span<const Slot> slots = children();
  XD_ASSERT(slots.size() <= std::numeric_limits<decltype(value.size_)>::max());
  if (!slots.empty()) {
    void* const memory = document_.storage_->arena.allocate(slots.size() * sizeof(Child), alignof(Child));
    auto* child = static_cast<Child*>(memory);
    for (const Slot& from : slots) std::construct_at(child++, std::invoke(child_of, from));
    value.children_ = memory;
    value.size_ = static_cast<std::uint32_t>(slots.size());
  }
  slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(innermost_) + 1, slots_.end());
  innermost_ = slot.enclosing;
  --depth_;
}

std::span<const TreeBuilder::Slot> TreeBuilder::children() const {
  return std::span(slots_).subspan(innermost_ + 1);
}

std::size_t TreeBuilder::first_repeated_of_few(std::span<const Slot> slots) {
  std::array<std::uint64_t, kPairwiseMax> prints;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const std::string_view key = slots[i].member.key;
    prints[i] = fingerprint(key);
    for (std::size_t j = 0; j < i; ++j) {
      if (prints[i] == prints[j] && key == slots[j].member.key) return i;
    }
  }
  return kNone;
}

std::size_t TreeBuilder::first_repeated_of_many(std::span<const Slot> slots) {
  struct Print {
    std::uint64_t print;
    std::size_t index;
  };
  std::vector<Print> prints(slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) prints[i] = {fingerprint(slots[i].member.key), i};
  // Sorted, not hashed: a hash can be made to collide by whoever writes the keys.
  std::ranges::sort(prints, [slots](const Print& a, const Print& b) {
    if (a.print != b.print) return a.print < b.print;
    const int order = slots[a.index].member.key.compare(slots[b.index].member.key);
    return order != 0 ? order < 0 : a.index < b.index;
  });
  std::size_t first = kNone;
  for (std::size_t i = 1; i < prints.size(); ++i) {
    const Print& before = prints[i - 1];
    const Print& after = prints[i];
    if (before.print == after.print && slots[before.index].member.key == slots[after.index].member.key) {
      first = std::min(first, after.index);
    }
  }
  return first;
}

}  // namespace format
