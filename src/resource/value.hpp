// How values of each type stand in JSON, in the document's schemas, and in columns.
#pragma once

#include <deque>
#include <set>

#include "base/rate.hpp"
#include "base/words.hpp"
#include "crypto/key_ring.hpp"
#include "db/db.hpp"
#include "format/object_reader.hpp"

namespace resource {

/// What is said of a member beside its type.
struct Said {
  std::string_view sentence{};  ///< for those who read the document
  /// Of numbers; of texts in characters, of lists in elements.
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  /// Of numbers in a list.
  std::int64_t each_min = std::numeric_limits<std::int64_t>::min();
  std::int64_t each_max = std::numeric_limits<std::int64_t>::max();
  bool required = false;       ///< a whole resource has it
  std::string_view format{};   ///< of the schema: "uri"
  std::string_view pattern{};  ///< of the schema, for texts
  std::string_view schema{};   ///< the schema in the document that the value, or each element, has

  /// Of a value as callers see it: what may be sent is not said again.
  constexpr Said as_seen() const { return {.format = format, .schema = schema}; }
};

/// The arguments of one row. Owns the texts that they point to.
class Values {
 public:
  explicit Values(const crypto::KeyRing* ring) : ring_(ring) {}

  void add(const db::Arg& value) { args_.push_back(value); }
  void add_text(std::string text) { args_.emplace_back(texts_.emplace_back(std::move(text))); }
  /// Encrypted for that place; null where it is empty.
  void add_secret(const base::Secret& secret, std::string_view place) {
    secret.empty() ? add(nullptr) : add_text(ring_->seal(secret.reveal(), place));
  }

  const std::vector<db::Arg>& args() const { return args_; }

 private:
  const crypto::KeyRing* ring_;
  std::deque<std::string> texts_;
  std::vector<db::Arg> args_;
};

/// One column of a row on its way back.
struct Stored {
  const db::Row& row;
  int column = 0;
  std::string_view name{};  ///< of the column
  const crypto::KeyRing* ring = nullptr;

  bool is_null() const { return row.is_null(column); }
};

/// What was written by Values::add_secret(); empty for null.
base::Result<base::Secret> stored_secret(const Stored& stored, std::string_view place);
/// Error: corrupt.
base::Error damaged(const Stored& stored, std::string_view why);
/// A column of JSON that we wrote ourselves. Error: corrupt.
base::Result<format::Document> stored_json(const Stored& stored);

/// The members that begin a schema of one type; nullable: null is a value as well.
void begin_schema(format::JsonWriter& json, std::string_view type, bool nullable, const Said& said);
void write_reference(format::JsonWriter& json, std::string_view schema, bool nullable, const Said& said);

template <class V>
struct Value;

/// One column holds it.
template <class V>
concept Storable = requires(Values& to, const V& value) { Value<V>::bind(to, value); };

template <>
struct Value<std::string> {
  static bool read(format::ObjectReader& from, std::string_view name, const Said& said, std::string& to);
  static void write(format::JsonWriter& json, const std::string& value) { json.value(value); }
  static void schema(format::JsonWriter& json, const Said& said, bool nullable);
  static void bind(Values& to, const std::string& value) { to.add(value); }
  static base::Result<void> load(const Stored& from, std::string& to) {
    to = from.row.string(from.column);
    return {};
  }
};

template <>
struct Value<bool> {
  static bool read(format::ObjectReader& from, std::string_view name, const Said&, bool& to);
  static void write(format::JsonWriter& json, bool value) { json.value(value); }
  static void schema(format::JsonWriter& json, const Said& said, bool nullable);
  static void bind(Values& to, bool value) { to.add(value); }
  static base::Result<void> load(const Stored& from, bool& to) {
    to = from.row.flag(from.column);
    return {};
  }
};

void write_integer_schema(format::JsonWriter& json, const Said& said, bool nullable);

template <std::integral V>
struct Value<V> {
  static bool read(format::ObjectReader& from, std::string_view name, const Said& said, V& to) {
    const auto number = from.integer(name, said.min, said.max);
    if (number) to = static_cast<V>(*number);
    return number.has_value();
  }
  static void write(format::JsonWriter& json, V value) { json.value(value); }
  static void schema(format::JsonWriter& json, const Said& said, bool nullable) {
    write_integer_schema(json, said, nullable);
  }
  static void bind(Values& to, V value) { to.add(value); }
  static base::Result<void> load(const Stored& from, V& to) {
    to = static_cast<V>(from.row.integer(from.column));
    return {};
  }
};

template <>
struct Value<std::chrono::seconds> {
  static bool read(format::ObjectReader& from, std::string_view name, const Said& said,
                   std::chrono::seconds& to) {
    const auto number = from.integer(name, said.min, said.max);
    if (number) to = std::chrono::seconds{*number};
    return number.has_value();
  }
  static void write(format::JsonWriter& json, std::chrono::seconds value) { json.value(value.count()); }
  static void schema(format::JsonWriter& json, const Said& said, bool nullable) {
    write_integer_schema(json, said, nullable);
  }
  static void bind(Values& to, std::chrono::seconds value) { to.add(value.count()); }
  static base::Result<void> load(const Stored& from, std::chrono::seconds& to) {
    to = std::chrono::seconds{from.row.integer(from.column)};
    return {};
  }
};

template <>
struct Value<base::Time> {
  static bool read(format::ObjectReader& from, std::string_view name, const Said&, base::Time& to);
  static void write(format::JsonWriter& json, base::Time value) { json.value(value); }
  static void schema(format::JsonWriter& json, const Said& said, bool nullable);
  static void bind(Values& to, base::Time value) { to.add(value); }
  static base::Result<void> load(const Stored& from, base::Time& to) {
    to = from.row.time(from.column);
    return {};
  }
};

template <>
struct Value<base::Uuid> {
  static bool read(format::ObjectReader& from, std::string_view name, const Said&, base::Uuid& to);
  static void write(format::JsonWriter& json, const base::Uuid& value) { json.value(value); }
  static void schema(format::JsonWriter& json, const Said& said, bool nullable);
  static void bind(Values& to, const base::Uuid& value) { to.add(value); }
  static base::Result<void> load(const Stored& from, base::Uuid& to) {
    to = from.row.uuid(from.column);
    return {};
  }
};

template <class Tag>
struct Value<base::Id<Tag>> {
  using Id = base::Id<Tag>;
  static bool read(format::ObjectReader& from, std::string_view name, const Said& said, Id& to) {
    return Value<base::Uuid>::read(from, name, said, to.uuid);
  }
  static void write(format::JsonWriter& json, const Id& value) { json.value(value); }
  static void schema(format::JsonWriter& json, const Said& said, bool nullable) {
    Value<base::Uuid>::schema(json, said, nullable);
  }
  static void bind(Values& to, const Id& value) { to.add(value); }
  static base::Result<void> load(const Stored& from, Id& to) {
    return Value<base::Uuid>::load(from, to.uuid);
  }
};

void write_words_schema(format::JsonWriter& json, const Said& said, bool nullable,
                        const std::vector<std::string_view>& words);

template <base::Worded V>
struct Value<V> {
  static bool read(format::ObjectReader& from, std::string_view name, const Said&, V& to) {
    const auto text = from.text(name, 50);
    const auto word = text ? base::parse_word<V>(*text) : std::nullopt;
    if (word) to = *word;
    if (text && !word) from.error(name, "INVALID", base::all_words<V>());
    return word.has_value();
  }
  static void write(format::JsonWriter& json, V value) { json.value(base::name(value)); }
  static void schema(format::JsonWriter& json, const Said& said, bool nullable) {
    std::vector<std::string_view> words;
    for (const auto& word : words_of(V{})) words.push_back(word.text);
    write_words_schema(json, said, nullable, words);
  }
  static void bind(Values& to, V value) { to.add(base::name(value)); }
  static base::Result<void> load(const Stored& from, V& to) {
    const auto word = base::parse_word<V>(from.row.text(from.column));
    if (!word) {
      return std::unexpected(damaged(from, "this version of Crossdock does not know '" +
                                               from.row.string(from.column) +
                                               "'; run the version that wrote it, or delete it"));
    }
    to = *word;
    return {};
  }
};

/// A list of texts; a column holds it as JSON.
template <>
struct Value<std::vector<std::string>> {
  using List = std::vector<std::string>;
  static bool read(format::ObjectReader& from, std::string_view name, const Said& said, List& to);
  static void write(format::JsonWriter& json, const List& value);
  static void schema(format::JsonWriter& json, const Said& said, bool nullable);
  static void bind(Values& to, const List& value);
  static base::Result<void> load(const Stored& from, List& to);
};

/// A list of whole seconds; a column holds it as JSON.
template <>
struct Value<std::vector<std::chrono::seconds>> {
  using List = std::vector<std::chrono::seconds>;
  static bool read(format::ObjectReader& from, std::string_view name, const Said& said, List& to);
  static void write(format::JsonWriter& json, const List& value);
  static void schema(format::JsonWriter& json, const Said& said, bool nullable);
  static void bind(Values& to, const List& value);
  static base::Result<void> load(const Stored& from, List& to);
};

/// {"requests": 100, "window_seconds": 60}; two columns hold it (rate_requests, rate_window).
template <>
struct Value<base::Rate> {
  static bool read(format::ObjectReader& from, std::string_view name, const Said& said, base::Rate& to);
  static void write(format::JsonWriter& json, const base::Rate& value);
  static void schema(format::JsonWriter& json, const Said& said, bool nullable) {
    write_reference(json, said.schema, nullable, said);
  }
  static void bind(Values&, const base::Rate&) = delete;
  static base::Result<void> load(const Stored&, base::Rate&) = delete;
};

template <class V>
struct Value<std::optional<V>> {
  static bool read(format::ObjectReader& from, std::string_view name, const Said& said,
                   std::optional<V>& to) {
    V value{};
    const bool fits = Value<V>::read(from, name, said, value);
    if (fits) to = std::move(value);
    return fits;
  }
  static void write(format::JsonWriter& json, const std::optional<V>& value) {
    value ? Value<V>::write(json, *value) : void(json.null());
  }
  static void schema(format::JsonWriter& json, const Said& said, bool) { Value<V>::schema(json, said, true); }
  static void bind(Values& to, const std::optional<V>& value)
    requires Storable<V>
  {
    value ? Value<V>::bind(to, *value) : to.add(nullptr);
  }
  static base::Result<void> load(const Stored& from, std::optional<V>& to)
    requires Storable<V>
  {
    to.reset();
    if (from.is_null()) return {};
    return Value<V>::load(from, to.emplace());
  }
};

}  // namespace resource
