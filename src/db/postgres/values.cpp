#include "db/postgres/values.hpp"

#include <libpq-fe.h>

#include <bit>
#include <limits>

#include "base/assert.hpp"

namespace db {

namespace {

// From pg_type.dat; these numbers are part of the protocol and never change.
constexpr PgType kBool = 16;
constexpr PgType kBytea = 17;
constexpr PgType kName = 19;
constexpr PgType kInt8 = 20;
constexpr PgType kInt2 = 21;
constexpr PgType kInt4 = 23;
constexpr PgType kText = 25;
constexpr PgType kFloat4 = 700;
constexpr PgType kFloat8 = 701;
constexpr PgType kBpchar = 1042;
constexpr PgType kVarchar = 1043;
constexpr PgType kUuid = 2950;

constexpr int kBinary = 1;
/// The server ends the connection when a message reaches 1 GiB; this leaves room for the rest of it.
constexpr std::size_t kBytesMax = 1'000'000'000;

bool is_text(PgType type) { return type == kText || type == kVarchar || type == kBpchar || type == kName; }

std::string_view name_of(Arg::Kind kind) {
  switch (kind) {
    case Arg::Kind::null: return "null";
    case Arg::Kind::integer: return "integer";
    case Arg::Kind::real: return "real";
    case Arg::Kind::text: return "text";
    case Arg::Kind::blob: return "blob";
    case Arg::Kind::uuid: return "uuid";
  }
  return "unknown";
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

base::Result<void> PostgresParams::assign(std::span<const Arg> args, std::span<const PgType> types) {
  if (args.size() != types.size()) {
    return base::fail(base::Code::invalid, "the statement takes " + std::to_string(types.size()) +
                                               " parameters, " + std::to_string(args.size()) + " were given");
  }
  numbers_.resize(args.size());
  values_.resize(args.size());
  lengths_.resize(args.size());
  formats_.assign(args.size(), kBinary);
  bytes_ = 64;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (!encode(args[i], types[i], i)) {
      return base::fail(base::Code::invalid, "parameter $" + std::to_string(i + 1) + " of kind " +
                                                 std::string(name_of(args[i].kind())) +
                                                 " does not fit the PostgreSQL type with oid " +
                                                 std::to_string(types[i]));
    }
    bytes_ += 4 + static_cast<std::size_t>(lengths_[i]);
    if (bytes_ > kBytesMax) return base::fail(base::Code::invalid, "the statement's parameters exceed 1 GB");
  }
  return {};
}

bool PostgresParams::encode(const Arg& arg, PgType type, std::size_t position) {
  switch (arg.kind()) {
    case Arg::Kind::null:
      values_[position] = nullptr;
      lengths_[position] = 0;
      return true;
    case Arg::Kind::integer: return encode_integer(arg.integer(), type, position);
    case Arg::Kind::real:
      put_number(std::bit_cast<std::uint64_t>(arg.real()), 8, position);
      return type == kFloat8;
    case Arg::Kind::text:
      put_bytes(arg.bytes(), position);
      return is_text(type) && arg.bytes().size() <= kBytesMax;
    case Arg::Kind::blob:
      put_bytes(arg.bytes(), position);
      return type == kBytea && arg.bytes().size() <= kBytesMax;
    case Arg::Kind::uuid: put_bytes(arg.bytes(), position); return type == kUuid;
  }
  return false;
}

bool PostgresParams::encode_integer(std::int64_t value, PgType type, std::size_t position) {
  const auto bits = static_cast<std::uint64_t>(value);
  switch (type) {
    case kInt8: put_number(bits, 8, position); return true;
    // The server asks for these in places that are not columns, as in substr(text, $1).
    case kInt4: put_number(bits, 4, position); return std::in_range<std::int32_t>(value);
    case kInt2: put_number(bits, 2, position); return std::in_range<std::int16_t>(value);
    case kFloat8:
      put_number(std::bit_cast<std::uint64_t>(static_cast<double>(value)), 8, position);
      return true;
    default: return false;
  }
}

/// Puts the low `size` bytes of value in network order.
void PostgresParams::put_number(std::uint64_t value, std::size_t size, std::size_t position) {
  std::array<char, 8>& number = numbers_[position];
  for (std::size_t i = 0; i < size; ++i) number[i] = static_cast<char>(value >> (8 * (size - 1 - i)));
  values_[position] = number.data();
  lengths_[position] = static_cast<int>(size);
}

void PostgresParams::put_bytes(std::string_view bytes, std::size_t position) {
  // An empty view may point nowhere, which to libpq would be a null.
  values_[position] = bytes.empty() ? "" : bytes.data();
  lengths_[position] = static_cast<int>(bytes.size());
}

bool PostgresRow::is_null(int column) const {
  XD_ASSERT(column >= 0 && column < PQnfields(result_));
  return PQgetisnull(result_, row_, column) != 0;
}

std::int64_t PostgresRow::integer(int column) const {
  if (is_null(column)) return 0;
  const std::uint64_t value = big_endian(bytes(column));
  switch (PQftype(result_, column)) {
    case kInt8: return static_cast<std::int64_t>(value);
    case kInt4: return static_cast<std::int32_t>(value);
    case kInt2: return static_cast<std::int16_t>(value);
    case kBool: return static_cast<std::int64_t>(value);
    default: XD_ASSERT(!"an integer column"); return 0;
  }
}

double PostgresRow::real(int column) const {
  if (is_null(column)) return 0;
  const std::uint64_t value = big_endian(bytes(column));
  switch (PQftype(result_, column)) {
    case kFloat8: return std::bit_cast<double>(value);
    case kFloat4: return std::bit_cast<float>(static_cast<std::uint32_t>(value));
    default: XD_ASSERT(!"a real column"); return 0;
  }
}

std::string_view PostgresRow::text(int column) const {
  if (is_null(column)) return {};
  XD_ASSERT(is_text(PQftype(result_, column)));
  return bytes(column);
}

std::string_view PostgresRow::blob(int column) const {
  if (is_null(column)) return {};
  XD_ASSERT(PQftype(result_, column) == kBytea);
  return bytes(column);
}

base::Uuid PostgresRow::uuid(int column) const {
  base::Uuid uuid;
  if (is_null(column)) return uuid;
  XD_ASSERT(PQftype(result_, column) == kUuid);
  std::memcpy(uuid.bytes.data(), bytes(column).data(), uuid.bytes.size());
  return uuid;
}

std::string_view PostgresRow::bytes(int column) const {
  return {PQgetvalue(result_, row_, column), static_cast<std::size_t>(PQgetlength(result_, row_, column))};
}

}  // namespace db
