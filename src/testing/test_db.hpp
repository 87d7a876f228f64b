// A fresh store for one test, on the engine that the test is run for.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "db/db.hpp"

namespace testing {

/// An empty store of its own: a database file in a temporary directory, or a schema on the shared PostgreSQL.
/// Gone at the end. A store that cannot be had throws, so that the test fails.
///
///   class Lanes : public testing::TestWithParam<db::Engine> { protected: testing::TestDb store{GetParam()};
///   }; INSTANTIATE_TEST_SUITE_P(Engines, Lanes, testing::both_engines(), testing::engine_name);
class TestDb {
 public:
  explicit TestDb(db::Engine engine);
  ~TestDb();
  TestDb(const TestDb&) = delete;
  TestDb& operator=(const TestDb&) = delete;

  db::Db& operator*() { return *store_; }
  db::Db* operator->() { return store_.get(); }

  /// Ends the store and opens it again with what it holds, as a restart of the program does.
  void reopen();

 private:
  void open();

  db::Engine engine_;
  std::string place_;  // the directory, or the schema
  std::unique_ptr<db::Db> store_;
};

inline auto both_engines() { return Values(db::Engine::sqlite, db::Engine::postgres); }

/// "sqlite" or "postgres": the tests' suffix.
std::string engine_name(const TestParamInfo<db::Engine>& info);

}  // namespace testing
