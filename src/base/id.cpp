#include "base/id.hpp"

#include <sys/random.h>

#include <limits>

#include "base/assert.hpp"

namespace base {

namespace {

constexpr std::string_view kHex = "0123456789abcdef";

/// splitmix64: ids need to be distinct, not secret. Seeded by the kernel, once per thread.
class Random {
 public:
  Random() { XD_ASSERT(getrandom(&state_, sizeof state_, 0) == sizeof state_); }
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_ = 0;
};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool dash_follows(std::size_t byte) { return byte == 3 || byte == 5 || byte == 7 || byte == 9; }

}  // namespace

std::string Uuid::str() const {
  std::string text(36, '-');
  write(text.data());
  return text;
}

void Uuid::write(char* out) const {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    *out++ = kHex[bytes[i] >> 4];
    *out++ = kHex[bytes[i] & 15];
    if (dash_follows(i)) *out++ = '-';
  }
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid uuid;
  const char* in = text.data();
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    const int high = hex_value(*in++);
    const int low = hex_value(*in++);
    if (high < 0 || low < 0) return std::nullopt;
    uuid.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    if (dash_follows(i) && *in++ != '-') return std::nullopt;
  }
  return uuid;
}

Uuid make_uuid(Time now) {
  thread_local Random random;
  thread_local std::uint64_t last_tick = 0;
  // One tick is 1/4096 ms; 48 bits of milliseconds and 12 bits of fraction fill 60 bits.
  const auto micros = static_cast<std::uint64_t>(to_micros(now));
  std::uint64_t tick = (micros / 1000) * 4096 + (micros % 1000) * 4096 / 1000;
  if (tick <= last_tick) tick = last_tick + 1;
  last_tick = tick;
  const std::uint64_t millis = tick / 4096;
  const std::uint64_t fraction = tick % 4096;
  const std::uint64_t tail = random.next();

  Uuid uuid;
  for (int i = 0; i < 6; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
  uuid.bytes[6] = static_cast<std::uint8_t>(0x70 | (fraction >> 8));
  uuid.bytes[7] = static_cast<std::uint8_t>(fraction);
  for (int i = 0; i < 8; ++i) uuid.bytes[8 + i] = static_cast<std::uint8_t>(tail >> (56 - 8 * i));
  uuid.bytes[8] = static_cast<std::uint8_t>(0x80 | (uuid.bytes[8] & 0x3f));
  return uuid;
}

Uuid first_uuid_of(Time moment) {
  const auto micros = static_cast<std::uint64_t>(to_micros(moment));
  const std::uint64_t millis = micros / 1000;
  const std::uint64_t fraction = (micros % 1000) * 4096 / 1000;
  Uuid uuid;
  for (std::size_t i = 0; i < 6; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
  uuid.bytes[6] = static_cast<std::uint8_t>(0x70 | (fraction >> 8));
  uuid.bytes[7] = static_cast<std::uint8_t>(fraction);
  return uuid;
}

Time time_of(const Uuid& uuid) {
  std::int64_t millis = 0;
  for (std::size_t i = 0; i < 6; ++i) millis = millis << 8 | uuid.bytes[i];
  return Time{std::chrono::milliseconds{millis}};
}

}  // namespace base
