#include "testing/test_db.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "base/id.hpp"
#include "testing/postgres_server.hpp"

namespace testing {

namespace {

template <class T>
T must(base::Result<T> result) {
  if (!result) throw std::runtime_error("test store: " + result.error().message);
  return std::move(*result);
}

std::string make_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "crossdock-db-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr)
    throw std::runtime_error("test store: cannot make a directory like " + path);
  return path;
}

void drop_schema(const std::string& schema) {
  const auto store =
      must(db::open_postgres({.url = PostgresServer::shared_url(), .writers = 1, .readers = 1}));
  const auto dropped =
      store->write_now([&](db::Tx& tx) { return tx.script("DROP SCHEMA \"" + schema + "\" CASCADE"); });
  if (!dropped) throw std::runtime_error("test store: " + dropped.error().message);
}

}  // namespace

TestDb::TestDb(db::Engine engine)
    : engine_(engine),
      place_(engine == db::Engine::sqlite ? make_directory()
                                          : "test_" + base::make_uuid(base::SystemClock{}.now()).str()) {
  open();
}

TestDb::~TestDb() {
  store_.reset();
  try {
    if (engine_ == db::Engine::sqlite) {
      std::filesystem::remove_all(place_);
    } else {
      drop_schema(place_);
    }
  } catch (const std::exception& e) {
    ADD_FAILURE() << e.what();
  }
}

void TestDb::reopen() {
  store_.reset();
  open();
}

void TestDb::open() {
  store_ = engine_ == db::Engine::sqlite
               ? must(db::open_sqlite({.path = place_ + "/test.db"}))
               : must(db::open_postgres({.url = PostgresServer::shared_url(), .schema = place_}));
}

std::string engine_name(const TestParamInfo<db::Engine>& info) {
  return info.param == db::Engine::sqlite ? "sqlite" : "postgres";
}

}  // namespace testing
