// What follows from the members of a resource: reading and writing it as JSON, copying it, its schemas, and
// the statements of its table in the store.
#pragma once

#include <algorithm>
#include <span>

#include "resource/member.hpp"

namespace resource {

/// Columns are those of the members in their order. Statements are made once, so a Table lives as long as the
/// program.
template <class T>
class Table {
 public:
  /// table: in the store; empty for what is part of another resource.
  Table(std::string_view table, std::span<const Member<T>> members);

  std::span<const Member<T>> members() const { return members_; }

  /// What is absent gets the value that defaults has; in a patch it stays, and null gets that value. What
  /// does not fit is noted in the reader. Members that the table does not read are left to the caller. only:
  /// the others are not looked at; empty: all are.
  void read(format::ObjectReader& from, format::Reading reading, const T& defaults, T& to,
            std::initializer_list<std::string_view> only = {}) const {
    format::Members touched(from, reading);
    for (const Member<T>& member : members_) {
      if (member.use > Use::secret || member.read == nullptr) continue;
      if (only.size() > 0 && std::ranges::find(only, member.name) == only.end()) continue;
      if (!touched.touches(member.name)) continue;
      if (from.has(member.name)) {
        member.read(from, member.name, member.said, to);
      } else if (member.said.required) {
        from.error(member.name, "REQUIRED", "this member is needed");
      } else if (member.copy != nullptr) {
        member.copy(to, defaults);
      }
    }
  }

  /// Into an object that is begun: what may be seen.
  void write(format::JsonWriter& json, const T& from) const {
    for (const Member<T>& member : members_) {
      if (member.use == Use::stored) continue;
      json.key(member.name);
      member.write(json, from);
    }
  }

  T copy(const T& from) const {
    T to;
    for (const Member<T>& member : members_) {
      if (member.copy != nullptr) member.copy(to, from);
    }
    return to;
  }

  /// The properties of its schema, into an object that is begun: as callers send it, or see it.
  void write_properties(format::JsonWriter& json, bool input) const {
    for (const Member<T>& member : members_) {
      if (member.use == Use::stored || (input && member.use == Use::shown)) continue;
      json.key(member.name);
      const bool whole = input || member.use == Use::shown;
      member.schema(json, whole ? member.said : member.said.as_seen(), input);
    }
  }

  /// "SELECT …, … FROM …".
  const std::string& select() const { return select_; }
  /// A row of select(). What can be read is, where something is damaged: the first such error is returned.
  base::Result<void> load(const db::Row& row, const crypto::KeyRing* ring, T& to) const {
    base::Result<void> result;
    Stored stored{.row = row, .ring = ring};
    for (const Member<T>& member : members_) {
      if (member.column.empty()) continue;
      stored.name = member.column;
      if (auto loaded = member.load(stored, to); !loaded && result) result = std::move(loaded);
      ++stored.column;
    }
    return result;
  }

  /// What some of its columns hold, in the order of the members.
  void bind(Values& values, const T& resource, std::initializer_list<std::string_view> columns) const {
    for (const Member<T>& member : members_) {
      if (std::ranges::find(columns, member.column) != columns.end())
        member.bind(values, resource, member.column);
    }
  }

  base::Result<void> insert(db::Tx& tx, const crypto::KeyRing* ring, const T& resource) const {
    Values values(ring);
    for (const Member<T>& member : members_) {
      if (!member.column.empty()) member.bind(values, resource, member.column);
    }
    XD_DO(tx.exec(insert_, values.args()));
    return {};
  }

  /// Where the stored version is one less; false when it is not.
  base::Result<bool> update(db::Tx& tx, const crypto::KeyRing* ring, const T& resource) const {
    Values values(ring);
    for (const Member<T>& member : members_) {
      if (!member.column.empty() && member.role != Role::fixed) member.bind(values, resource, member.column);
    }
    XD_TRY(const auto changed, tx.exec(update_, values.args()));
    return changed == 1;
  }

 private:
  std::span<const Member<T>> members_;
  std::string select_;
  std::string insert_;
  std::string update_;
};

/// A column, as the builders of statements look at it.
struct Column {
  std::string_view name;
  Role role;
};
std::string select_statement(std::string_view table, std::span<const Column> columns);
std::string insert_statement(std::string_view table, std::span<const Column> columns);
std::string update_statement(std::string_view table, std::span<const Column> columns);

template <class T>
Table<T>::Table(std::string_view table, std::span<const Member<T>> members) : members_(members) {
  std::vector<Column> columns;
  for (const Member<T>& member : members) {
    if (!member.column.empty()) columns.push_back({member.column, member.role});
  }
  select_ = select_statement(table, columns);
  insert_ = insert_statement(table, columns);
  update_ = update_statement(table, columns);
}

}  // namespace resource
