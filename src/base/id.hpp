// Identity of everything stored: UUIDs of version 7, 16 bytes, in the order in which they were made.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace base {

/// Sixteen bytes in network order; the order of the bytes is the order of the ids.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const { return *this == Uuid{}; }
  /// "0193…-…": 36 characters, lower case.
  std::string str() const;
  /// Writes the same 36 characters to out, without an end mark.
  void write(char* out) const;
  /// Reads the 36-character form in either case; nothing for anything else.
  static std::optional<Uuid> parse(std::string_view text);
};

/// A new UUIDv7 (RFC 9562 §5.7, method 3: the 12 bits after the milliseconds hold their fraction). Within a
/// thread each is greater than the one before, also when the clock stands or steps back.
Uuid make_uuid(Time now);

/// The least UUIDv7 of a moment: those made before it are less, those made at it or later are not.
Uuid first_uuid_of(Time moment);

/// The moment a UUIDv7 was made at, to the millisecond.
Time time_of(const Uuid& uuid);

/// An Id of one kind of thing, so that ids of different kinds cannot be mixed up.
template <class Tag>
struct Id {
  Uuid uuid{};

  auto operator<=>(const Id&) const = default;
  bool is_nil() const { return uuid.is_nil(); }
  std::string str() const { return uuid.str(); }
  static Id make(Time now) { return Id{make_uuid(now)}; }
  static std::optional<Id> parse(std::string_view text) {
    const auto uuid = Uuid::parse(text);
    return uuid ? std::optional<Id>(Id{*uuid}) : std::nullopt;
  }
};

/// Every row that belongs to a tenant carries this; it is named on the ground floor because all rooms need
/// it.
using TenantId = Id<struct TenantTag>;

}  // namespace base

template <>
struct std::hash<base::Uuid> {
  std::size_t operator()(const base::Uuid& uuid) const noexcept {
    // The random tail is the part that differs.
    std::size_t tail;
    std::memcpy(&tail, uuid.bytes.data() + 8, sizeof tail);
    std::size_t head;
    std::memcpy(&head, uuid.bytes.data(), sizeof head);
    return tail ^ (head * 0x9e3779b97f4a7c15ULL);
  }
};

template <class Tag>
struct std::hash<base::Id<Tag>> {
  std::size_t operator()(const base::Id<Tag>& id) const noexcept { return std::hash<base::Uuid>{}(id.uuid); }
};
