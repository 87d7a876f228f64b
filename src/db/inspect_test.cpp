// SQLite files that are looked at without a change, and files of logs that are broken.
#include "db/inspect.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "db/log_store.hpp"
#include "testing/run.hpp"

namespace db {

namespace {

namespace fs = std::filesystem;
using base::Code;
using base::Result;

class Directory {
 public:
  Directory() {
    std::string name = fs::temp_directory_path() / "crossdock-test-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory");
    path_ = name;
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const fs::path& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ / name; }
  /// All that is in it, to the byte.
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(path_)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      found[entry.path()] = {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
    return found;
  }

 private:
  fs::path path_;
};

Result<void> make_items(Tx& tx) {
  XD_DO(tx.exec("CREATE TABLE IF NOT EXISTS item (content TEXT NOT NULL)"));
  for (int i = 0; i < 500; ++i)
    XD_DO(tx.exec("INSERT INTO item (content) VALUES ($1)", {std::string(1000, 'x')}));
  return {};
}

Result<std::int64_t> count_items(Tx& tx) {
  std::int64_t count = 0;
  XD_DO(tx.query("SELECT COUNT(*), CAST(SUM(LENGTH(content)) AS BIGINT) FROM item", {},
                 [&](const Row& row) { count = row.integer(0); }));
  return count;
}

TEST(UnchangedStore, is_read_without_a_trace_whether_its_log_was_copied_or_not) {
  const Directory made;
  {
    const auto store = open_sqlite({.path = made.file("core.db")});
    ASSERT_TRUE((*store)->write_now(make_items));
    // As a crash leaves it: what was committed is in the log alone.
    fs::create_directory(made.file("crashed"));
    for (const char* name : {"core.db", "core.db-wal"})
      fs::copy(made.file(name), made.file("crashed/") + name);
  }
  fs::create_directory(made.file("odd?#%25"));
  fs::copy(made.file("core.db"), made.file("odd?#%25/core.db"));
  ASSERT_GT(fs::file_size(made.file("crashed/core.db-wal")), 0u);
  for (const char* place : {"", "crashed/", "odd?#%25/"}) {
    SCOPED_TRACE(place);
    const auto before = made.contents();
    {
      const auto store = open_sqlite_unchanged(made.file(place) + "core.db");
      ASSERT_TRUE(store) << store.error().message;
      EXPECT_EQ((*store)->read_now(count_items), 500);
      EXPECT_EQ((*store)->write_now(make_items).error().code, Code::unavailable);
      EXPECT_EQ((*store)
                    ->read_now([](Tx& tx) -> Result<void> {
                      XD_DO(tx.exec("DELETE FROM item"));
                      return {};
                    })
                    .error()
                    .code,
                Code::invalid);
    }
    EXPECT_EQ(made.contents(), before);
  }
}

TEST(UnchangedStore, is_refused_and_ends_nothing_where_it_is_no_store) {
  const Directory made;
  std::ofstream(made.file("core.db")) << std::string(5000, 'x');

  const auto store = open_sqlite_unchanged(made.file("core.db"));
  const auto read =
      store ? (*store)->read_now(count_items) : Result<std::int64_t>(std::unexpected(store.error()));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::corrupt);
}

class BrokenLog : public ::testing::Test {
 protected:
  BrokenLog() {
    const auto logs = *LogStore::open_sqlite(directory.path());
    EXPECT_TRUE(::testing::run(write(*logs)));
    logs->stop();
  }
  base::Task<void> write(LogStore& logs) { co_return co_await logs.write(now, make_items); }
  base::Task<std::int64_t> count(LogStore& logs) { co_return co_await logs.read(now, count_items); }
  std::string file() const { return directory.file(base::to_rfc3339(now).substr(0, 10) + ".db"); }
  /// Its head and what it has of tables stay as they are.
  void spoil_the_rest() const {
    std::fstream out(file(), std::ios::binary | std::ios::in | std::ios::out);
    const auto size = static_cast<std::streamoff>(fs::file_size(file()));
    out.seekp(size / 4);
    out << std::string(static_cast<std::size_t>(size - size / 4), '\xff');
  }
  std::size_t set_aside() const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(directory.path())) {
      const std::string name = entry.path().filename();
      const bool part = name.ends_with("-wal") || name.ends_with("-shm");
      if (name.find(".db.corrupt-") != std::string::npos && !part) ++count;
    }
    return count;
  }

  const Directory directory;
  const base::Time now = base::SystemClock{}.now();
};

TEST_F(BrokenLog, that_is_no_store_is_set_aside_when_it_is_opened) {
  std::ofstream(file()) << std::string(5000, 'x');

  const auto logs = LogStore::open_sqlite(directory.path());

  ASSERT_TRUE(logs) << logs.error().message;
  EXPECT_EQ(set_aside(), 1u);
  ASSERT_TRUE(::testing::run(write(**logs)));
  EXPECT_EQ(::testing::run(count(**logs)), 500);
}

TEST_F(BrokenLog, that_turns_out_so_later_ends_nothing_and_is_begun_anew) {
  spoil_the_rest();
  const auto logs = LogStore::open_sqlite(directory.path());
  ASSERT_TRUE(logs) << logs.error().message;
  ASSERT_EQ(set_aside(), 0u);

  EXPECT_EQ(::testing::run(count(**logs)).error().code, Code::corrupt);
  EXPECT_TRUE(::testing::run(write(**logs)));

  EXPECT_EQ(set_aside(), 1u);
  EXPECT_EQ(::testing::run(count(**logs)), 500) << "of the new file";
  EXPECT_GT(fs::file_size(file() + "-wal"), 0u) << "whose log the old one, when it was closed, has let be";
}

TEST_F(BrokenLog, is_set_aside_once_a_minute_at_most) {
  const base::Time yesterday = now - std::chrono::days{1};
  const std::string older = directory.file(base::to_rfc3339(yesterday).substr(0, 10) + ".db");
  for (const std::string& each : {file(), older}) std::ofstream(each) << std::string(5000, 'x');
  const auto logs = LogStore::open_sqlite(directory.path());
  ASSERT_TRUE(logs);
  const auto look_back = [](LogStore& store, base::Time at) -> base::Task<std::int64_t> {
    co_return co_await store.read(at, count_items);
  };

  EXPECT_EQ(::testing::run(look_back(**logs, yesterday)).error().code, Code::unavailable);
  EXPECT_EQ(set_aside(), 1u);
  EXPECT_EQ(fs::file_size(older), 5000u);
}

}  // namespace

}  // namespace db
