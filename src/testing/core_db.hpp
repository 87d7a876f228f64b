// A fresh store for one test, with the program's tables.
#pragma once

#include <stdexcept>

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

class CoreDb : public TestDb {
 public:
  explicit CoreDb(db::Engine engine) : TestDb(engine) { must(db::migrate(**this, db::core_migrations())); }

  /// Runs a closure in a write, or a read, of its own; what it returns must not be an error.
  template <class F>
  auto write(F work) {
    return must((*this)->write_now(std::move(work)));
  }
  template <class F>
  auto read(F work) {
    return must((*this)->read_now(std::move(work)));
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
};

/// What the store tests of a room are made of: each runs on both engines.
class StoreTest : public TestWithParam<db::Engine> {
 protected:
  CoreDb store{GetParam()};
};

}  // namespace testing
