// What the tests of the store's contract share: each runs on both engines, and the list of them is the
// specification.
#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "db/db.hpp"
#include "testing/test_db.hpp"

namespace db {

/// The value of what must not fail; the test fails where it does.
template <class T>
T must(base::Result<T> result) {
  if (!result)
    throw std::runtime_error(std::string(base::name(result.error().code)) + ": " + result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class StoreTest : public testing::TestWithParam<Engine> {
 protected:
  /// Runs a script in a write of its own.
  void script(std::string_view sql) {
    must(store->write_now([&](Tx& tx) { return tx.script(sql); }));
  }
  /// Runs one statement in a write of its own; rows changed.
  base::Result<std::int64_t> exec(std::string_view sql, std::initializer_list<Arg> args = {}) {
    return store->write_now([&](Tx& tx) { return tx.exec(sql, args); });
  }
  /// The integers of the first column, in order.
  std::vector<std::int64_t> integers(std::string_view sql, std::initializer_list<Arg> args = {}) {
    std::vector<std::int64_t> found;
    must(store->read_now([&](Tx& tx) {
      return tx.query(sql, args, [&](const Row& row) { found.push_back(row.integer(0)); });
    }));
    return found;
  }
  std::int64_t integer(std::string_view sql, std::initializer_list<Arg> args = {}) {
    return integers(sql, args).at(0);
  }

  testing::TestDb store{GetParam()};
};

}  // namespace db
