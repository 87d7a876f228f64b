// Arguments and rows in PostgreSQL's binary formats.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "db/arg.hpp"

struct pg_result;

namespace db {

/// A type's object id, as in pg_type.
using PgType = unsigned int;

/// The parameters of one execution, in the arrays that libpq wants. Kept and filled again, so that many
/// executions allocate once.
class PostgresParams {
 public:
  /// Encodes args as the types that the server inferred. Points into args' bytes until the execution was
  /// sent. Error: invalid when the number differs or an argument is not of its type.
  base::Result<void> assign(std::span<const Arg> args, std::span<const PgType> types);

  int count() const { return static_cast<int>(values_.size()); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }
  /// Roughly what the execution takes on the wire.
  std::size_t bytes() const { return bytes_; }

 private:
  /// Returns whether the argument can be of the type.
  bool encode(const Arg& arg, PgType type, std::size_t position);
  bool encode_integer(std::int64_t value, PgType type, std::size_t position);
  void put_number(std::uint64_t value, std::size_t size, std::size_t position);
  void put_bytes(std::string_view bytes, std::size_t position);

  std::vector<std::array<char, 8>> numbers_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::size_t bytes_ = 0;
};

/// One row of a result in binary format. Truth values read as 0/1; sums and averages are NUMERIC, which no
/// accessor reads, so that they are written CAST(SUM(x) AS BIGINT).
class PostgresRow final : public Row {
 public:
  PostgresRow(const pg_result* result, int row) : result_(result), row_(row) {}

  bool is_null(int column) const override;
  std::int64_t integer(int column) const override;
  double real(int column) const override;
  std::string_view text(int column) const override;
  std::string_view blob(int column) const override;
  base::Uuid uuid(int column) const override;

 private:
  std::string_view bytes(int column) const;

  const pg_result* result_;
  int row_;
};

}  // namespace db
