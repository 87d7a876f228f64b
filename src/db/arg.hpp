// Values on their way into a statement, and rows on their way out.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/id.hpp"

namespace db {

/// One parameter of a statement. Owns numbers, times and ids; text and bytes must live until the call
/// returns.
class Arg {
 public:
  enum class Kind : std::uint8_t { null, integer, real, text, blob, uuid };

  Arg(std::nullptr_t) {}         // NOLINT(google-explicit-constructor): arguments are written as plain values
  Arg(std::nullopt_t) {}         // NOLINT(google-explicit-constructor)
  Arg(std::integral auto value)  // NOLINT(google-explicit-constructor)
      : kind_(Kind::integer), integer_(static_cast<std::int64_t>(value)) {}
  Arg(double value) : kind_(Kind::real), real_(value) {}                             // NOLINT
  Arg(std::string_view value) : kind_(Kind::text), text_(value) {}                   // NOLINT
  Arg(const std::string& value) : kind_(Kind::text), text_(value) {}                 // NOLINT
  Arg(const char* value) : kind_(Kind::text), text_(value) {}                        // NOLINT
  Arg(base::Time value) : kind_(Kind::integer), integer_(base::to_micros(value)) {}  // NOLINT
  Arg(const base::Uuid& value) : kind_(Kind::uuid), uuid_(value) {}                  // NOLINT
  template <class Tag>
  Arg(const base::Id<Tag>& value) : Arg(value.uuid) {}  // NOLINT
  template <class T>
  Arg(const std::optional<T>& value) : Arg(value ? Arg(*value) : Arg(nullptr)) {}  // NOLINT

  static Arg blob(std::string_view bytes) {
    Arg arg(bytes);
    arg.kind_ = Kind::blob;
    return arg;
  }

  Kind kind() const { return kind_; }
  std::int64_t integer() const { return integer_; }
  double real() const { return real_; }
  /// Of text, blob and uuid; a uuid's lie in the parameter itself.
  std::string_view bytes() const {
    if (kind_ != Kind::uuid) return text_;
    return {reinterpret_cast<const char*>(uuid_.bytes.data()), uuid_.bytes.size()};
  }

 private:
  Kind kind_ = Kind::null;
  union {
    std::int64_t integer_ = 0;
    double real_;
    std::string_view text_;
    base::Uuid uuid_;
  };
};

/// One row of an answer, valid inside the callback that gets it. Columns count from 0. Asking for another
/// type than the column has is a bug; a null reads as 0, "" or the nil id.
class Row {
 public:
  virtual ~Row() = default;
  virtual bool is_null(int column) const = 0;
  virtual std::int64_t integer(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual std::string_view text(int column) const = 0;
  virtual std::string_view blob(int column) const = 0;
  virtual base::Uuid uuid(int column) const = 0;

  bool flag(int column) const { return integer(column) != 0; }
  base::Time time(int column) const { return base::from_micros(integer(column)); }
  std::string string(int column) const { return std::string(text(column)); }
  template <class IdType>
  IdType id(int column) const {
    return IdType{uuid(column)};
  }
  std::optional<std::int64_t> maybe_integer(int column) const {
    return is_null(column) ? std::nullopt : std::optional(integer(column));
  }
  std::optional<base::Time> maybe_time(int column) const {
    return is_null(column) ? std::nullopt : std::optional(time(column));
  }
  std::optional<std::string> maybe_string(int column) const {
    return is_null(column) ? std::nullopt : std::optional(string(column));
  }
};

}  // namespace db
