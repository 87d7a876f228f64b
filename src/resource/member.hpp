// A member of a resource: one row of the table beside the noun, from which follow how it is read and written,
// copied, described in the API's document and stored.
#pragma once

#include "resource/value.hpp"

namespace resource {

/// Who sets it and who sees it in the API.
enum class Use : std::uint8_t {
  settable,  ///< callers set it and see it
  secret,    ///< callers set it and see that it is there
  shown,     ///< Crossdock sets it, callers see it
  stored     ///< a column alone
};

/// What a change of the resource does with a member's column.
enum class Role : std::uint8_t {
  plain,   ///< writes it
  key,     ///< finds the row by it
  fixed,   ///< leaves it: it is written once
  version  ///< finds the row by the one before, and writes it
};

/// Type-erased, so that tables of all resources are gone through by the same few functions. A null function:
/// not done by the table.
template <class T>
struct Member {
  std::string_view name{};
  Use use = Use::settable;
  Said said{};
  /// Of a member that is there; what does not fit is noted. False: nothing was taken.
  bool (*read)(format::ObjectReader&, std::string_view name, const Said&, T&) = nullptr;
  void (*copy)(T& to, const T& from) = nullptr;
  void (*write)(format::JsonWriter&, const T&) = nullptr;
  /// input: as callers may send it, where null resets to a default.
  void (*schema)(format::JsonWriter&, const Said&, bool input) = nullptr;
  std::string_view column{};  ///< empty: it has none
  Role role = Role::plain;
  void (*bind)(Values&, const T&, std::string_view column) = nullptr;
  base::Result<void> (*load)(const Stored&, T&) = nullptr;

  constexpr Member shown() const { return with(&Member::use, Use::shown); }
  constexpr Member stored() const { return with(&Member::use, Use::stored); }
  constexpr Member key() const { return with(&Member::role, Role::key); }
  constexpr Member fixed() const { return with(&Member::role, Role::fixed); }
  constexpr Member version() const { return with(&Member::role, Role::version); }
  constexpr Member in_column(std::string_view other) const { return with(&Member::column, other); }
  constexpr Member in_no_column() const { return in_column({}); }
  constexpr Member read_by(decltype(read) how) const { return with(&Member::read, how); }
  constexpr Member copied_by(decltype(copy) how) const { return with(&Member::copy, how); }
  constexpr Member written_by(decltype(write) how) const { return with(&Member::write, how); }
  constexpr Member described_by(decltype(schema) how) const { return with(&Member::schema, how); }
  constexpr Member stored_by(decltype(bind) how, decltype(load) and_back) const {
    return with(&Member::bind, how).with(&Member::load, and_back);
  }

 private:
  template <class Part>
  constexpr Member with(Part Member::* part, Part value) const {
    Member changed = *this;
    changed.*part = value;
    return changed;
  }
};

namespace detail {

template <class>
struct OfPointer;
template <class T, class V>
struct OfPointer<V T::*> {
  using Class = T;
  using Type = V;
};

template <class V>
void assign(V& to, const V& from) {
  if constexpr (std::same_as<V, base::Secret>) {
    to = from.clone();
  } else {
    to = from;
  }
}

}  // namespace detail

/// The member that a field of the struct is. It has a column of its name.
template <auto field>
constexpr auto member(std::string_view name, const Said& said = {}) {
  using T = typename detail::OfPointer<decltype(field)>::Class;
  using V = typename detail::OfPointer<decltype(field)>::Type;
  Member<T> row;
  row.name = name;
  row.said = said;
  row.column = name;
  row.copy = [](T& to, const T& from) { detail::assign(to.*field, from.*field); };
  if constexpr (requires { sizeof(Value<V>); }) {
    row.read = [](format::ObjectReader& from, std::string_view member, const Said& of, T& to) {
      return Value<V>::read(from, member, of, to.*field);
    };
    row.write = [](format::JsonWriter& json, const T& from) { Value<V>::write(json, from.*field); };
    row.schema = [](format::JsonWriter& json, const Said& of, bool input) {
      Value<V>::schema(json, of, input && !of.required);
    };
    if constexpr (Storable<V>) {
      row.bind = [](Values& to, const T& from, std::string_view) { Value<V>::bind(to, from.*field); };
      row.load = [](const Stored& from, T& to) { return Value<V>::load(from, to.*field); };
    }
  }
  return row;
}

/// A secret: shown as {"set": true}, or null for none; encrypted in its column for the place that
/// secret_place(T, column), found beside T, names. How callers give it is the noun's business.
void write_secret(format::JsonWriter& json, const base::Secret& secret);
void write_secret_schema(format::JsonWriter& json);
template <auto field>
constexpr auto secret_member(std::string_view name, const Said& said = {}) {
  using T = typename detail::OfPointer<decltype(field)>::Class;
  Member<T> row = member<field>(name, said);
  row.use = Use::secret;
  row.write = [](format::JsonWriter& json, const T& from) { write_secret(json, from.*field); };
  row.schema = [](format::JsonWriter& json, const Said& of, bool input) {
    input ? write_reference(json, of.schema, true, of) : write_secret_schema(json);
  };
  row.read = nullptr;
  row.bind = [](Values& to, const T& from, std::string_view column) {
    to.add_secret(from.*field, secret_place(from, column));
  };
  row.load = [](const Stored& from, T& to) -> base::Result<void> {
    XD_TRY(to.*field, stored_secret(from, secret_place(to, from.name)));
    return {};
  };
  return row;
}

/// JSON that is kept as the text that was given; empty: none.
template <auto field>
constexpr auto json_member(std::string_view name, const Said& said = {}) {
  using T = typename detail::OfPointer<decltype(field)>::Class;
  Member<T> row = member<field>(name, said);
  row.read = nullptr;
  row.write = [](format::JsonWriter& json, const T& from) {
    (from.*field).empty() ? json.null() : json.raw(from.*field);
  };
  row.schema = [](format::JsonWriter& json, const Said& of, bool) {
    write_reference(json, of.schema, true, of);
  };
  row.bind = [](Values& to, const T& from, std::string_view) {
    (from.*field).empty() ? to.add(nullptr) : to.add(from.*field);
  };
  row.load = [](const Stored& from, T& to) -> base::Result<void> {
    (to.*field).clear();
    if (from.is_null()) return {};
    XD_DO(stored_json(from));
    to.*field = from.row.string(from.column);
    return {};
  };
  return row;
}

/// A text that an empty one, null in its column and in the API, says is not there.
template <auto field>
constexpr auto optional_text(std::string_view name, const Said& said = {}) {
  using T = typename detail::OfPointer<decltype(field)>::Class;
  Member<T> row = member<field>(name, said);
  row.write = [](format::JsonWriter& json, const T& from) {
    (from.*field).empty() ? json.null() : json.value(from.*field);
  };
  row.schema = [](format::JsonWriter& json, const Said& of, bool) {
    Value<std::string>::schema(json, of, true);
  };
  row.bind = [](Values& to, const T& from, std::string_view) {
    (from.*field).empty() ? to.add(nullptr) : to.add(from.*field);
  };
  row.load = [](const Stored& from, T& to) -> base::Result<void> {
    to.*field = from.row.maybe_string(from.column).value_or("");
    return {};
  };
  return row;
}

/// A member that is no field: what T has of it is written, read and stored by what it is given.
template <class T>
constexpr Member<T> derived(std::string_view name, const Said& said = {}) {
  return {.name = name, .said = said};
}

/// A column that is no member: part of one, or for the store alone.
template <class T>
constexpr Member<T> column(std::string_view name, decltype(Member<T>::bind) bind,
                           decltype(Member<T>::load) load) {
  return Member<T>{.name = name, .use = Use::stored, .column = name, .bind = bind, .load = load};
}

/// The two columns of an optional rate, in this order.
template <auto field>
constexpr auto rate_requests(std::string_view name) {
  using T = typename detail::OfPointer<decltype(field)>::Class;
  return column<T>(
      name,
      [](Values& to, const T& from, std::string_view) {
        from.*field ? to.add((from.*field)->requests) : to.add(nullptr);
      },
      [](const Stored& from, T& to) -> base::Result<void> {
        (to.*field).reset();
        if (!from.is_null()) to.*field = {static_cast<std::size_t>(from.row.integer(from.column)), {}};
        return {};
      });
}
template <auto field>
constexpr auto rate_window(std::string_view name) {
  using T = typename detail::OfPointer<decltype(field)>::Class;
  return column<T>(
      name,
      [](Values& to, const T& from, std::string_view) {
        using std::chrono::seconds;
        from.*field ? to.add(std::chrono::duration_cast<seconds>((from.*field)->window).count())
                    : to.add(nullptr);
      },
      [](const Stored& from, T& to) -> base::Result<void> {
        if (to.*field) (to.*field)->window = std::chrono::seconds{from.row.integer(from.column)};
        return {};
      });
}

}  // namespace resource
