// An empty store with the program's tables, for one test at a time.
#pragma once

#include <stdexcept>
#include <vector>

#include "db/migration.hpp"
#include "testing/test_db.hpp"

namespace testing {

/// The value of what must not fail; the test fails where it does.
template <class T>
T must(base::Result<T> result) {
  if (!result) {
    throw std::runtime_error(std::string(base::name(result.error().code)) + ": " + result.error().message);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Making the tables costs PostgreSQL more than most tests do, so all tests of a program that want them share
/// one store of each engine, and each begins with it emptied.
class CoreDb {
 public:
  explicit CoreDb(db::Engine engine) : store_(shared(engine)) { empty(); }
  CoreDb(const CoreDb&) = delete;
  CoreDb& operator=(const CoreDb&) = delete;

  db::Db& operator*() { return *store_; }
  db::Db* operator->() { return &*store_; }

  /// Runs a closure in a write, or a read, of its own; what it returns must not be an error.
  template <class F>
  auto write(F work) {
    return must(store_->write_now(std::move(work)));
  }
  template <class F>
  auto read(F work) {
    return must(store_->read_now(std::move(work)));
  }

  /// The first column of a query that gives integers, or texts.
  std::vector<std::int64_t> integers(std::string_view sql, std::initializer_list<db::Arg> args = {}) {
    std::vector<std::int64_t> found;
    read([&](db::Tx& tx) {
      return tx.query(sql, args, [&](const db::Row& row) { found.push_back(row.integer(0)); });
    });
    return found;
  }
  std::vector<std::string> texts(std::string_view sql, std::initializer_list<db::Arg> args = {}) {
    std::vector<std::string> found;
    read([&](db::Tx& tx) {
      return tx.query(sql, args, [&](const db::Row& row) { found.push_back(row.string(0)); });
    });
    return found;
  }
  std::int64_t integer(std::string_view sql, std::initializer_list<db::Arg> args = {}) {
    return integers(sql, args).at(0);
  }
  std::string text(std::string_view sql, std::initializer_list<db::Arg> args = {}) {
    return texts(sql, args).at(0);
  }

 private:
  struct Migrated : TestDb {
    explicit Migrated(db::Engine engine) : TestDb(engine) {
      must(db::migrate(**this, db::core_migrations()));
    }
  };

  static TestDb& shared(db::Engine engine) {
    if (engine == db::Engine::sqlite) {
      static Migrated sqlite(engine);
      return sqlite;
    }
    static Migrated postgres(engine);
    return postgres;
  }

  void empty() {
    // What others refer to comes last.
    const std::string_view list =
        store_->engine() == db::Engine::sqlite
            ? "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'schema_%' ORDER BY "
              "name = 'tenants'"
            : "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()"
              " AND tablename NOT LIKE 'schema_%' ORDER BY tablename = 'tenants'";
    std::string script;
    for (const std::string& table : texts(list)) script += "DELETE FROM " + table + ";";
    write([&](db::Tx& tx) { return tx.script(script); });
  }

  TestDb& store_;
};

/// What the store tests of a room are made of: each runs on both engines.
class StoreTest : public TestWithParam<db::Engine> {
 protected:
  CoreDb store{GetParam()};
};

}  // namespace testing
