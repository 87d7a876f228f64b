#include "scenarios/inbound/store.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>

#include "hub/process.hpp"
#include "scenarios/inbound/request.hpp"

namespace bench {

namespace {

/// A store with the columns that are read, as the server would have left it.
class InboundStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((work_.path() / "core.db").c_str(), &database), SQLITE_OK);
    database_.reset(database);
    run("CREATE TABLE webhook_endpoints (id BLOB, endpoint_path TEXT);"
        "CREATE TABLE received_events (id BLOB, endpoint_id BLOB, external_id TEXT);"
        "CREATE TABLE received_results (tenant_id BLOB, status TEXT, event_id BLOB);"
        "CREATE TABLE events (tenant_id BLOB, id BLOB, origin TEXT);"
        "CREATE TABLE endpoint_stats (total_processed INTEGER, total_failed INTEGER);"
        "CREATE TABLE endpoint_counts (counts BLOB);"
        "INSERT INTO webhook_endpoints VALUES (x'aa', 'shop-00000'), (x'bb', 'shop-00001');");
  }
  ~InboundStoreTest() override { work_.drop_logs(); }

  void run(const std::string& sql) {
    ASSERT_EQ(sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql;
  }
  /// Number `seq`, whose id is made of its own digit, at the endpoint with this id.
  void store(std::uint32_t seq, char digit, const char* endpoint) {
    run("INSERT INTO received_events VALUES (x'" + std::string(32, digit) + "', x'" + endpoint + "', '" +
        delivery_id(seq, Ids::scattered) + "')");
  }

  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
  };
  WorkDirectory work_{std::filesystem::temp_directory_path()};
  std::unique_ptr<sqlite3, Close> database_;
};

Uuid make_id(std::uint8_t byte) {
  Uuid id;
  id.bytes.fill(byte);
  return id;
}

TEST_F(InboundStoreTest, tells_the_ledger_what_is_stored_and_with_which_endpoint) {
  Ledger ledger(4, 2);
  for (std::uint32_t seq = 0; seq < 4; ++seq) ledger.issue(1, 1);
  for (std::uint32_t seq = 0; seq < 3; ++seq)
    ledger.accept(seq, make_id(static_cast<std::uint8_t>(0x11 * (seq + 1))), 2);
  store(0, '1', "aa");
  store(1, '7', "aa");  // under another id, and with the wrong endpoint
  store(3, '4', "bb");  // nobody was told
  run("INSERT INTO received_events VALUES (x'" + std::string(32, '9') + "', x'aa', 'of another sender')");
  InboundStore(work_.path()).enter_received(ledger);
  const Verdict verdict = ledger.verdict();
  EXPECT_EQ(verdict.lost, 1u);
  EXPECT_EQ(verdict.wrong_id, 1u);
  EXPECT_EQ(verdict.misrouted, 1u);
  EXPECT_EQ(verdict.unacknowledged_received, 1u);
  EXPECT_EQ(verdict.foreign, 1u);
}

TEST_F(InboundStoreTest, counts_what_became_of_it) {
  run("INSERT INTO received_results VALUES (x'01', 'PROCESSED', x'11'), (x'01', 'PROCESSED', x'12'),"
      " (x'01', 'FAILED', NULL);"
      "INSERT INTO events VALUES (x'01', x'11', 'inbound'), (x'01', x'13', 'inbound'), (x'01', x'14', 'api');"
      "INSERT INTO endpoint_stats VALUES (2, 1), (4, 0);");
  const InboundStore store(work_.path());
  EXPECT_EQ(store.processed_so_far(), 7u);
  const std::string id(32, 'a');
  const std::string last(16, '0');
  run("INSERT INTO endpoint_counts VALUES (x'" + id + "050000000300000000000000" + last + "'), (x'" + id +
      "090000000100000002000000" + last + id + "000000000000000000000000" + last + "');");
  EXPECT_EQ(store.processed_so_far(), 13u);
  const Processed found = store.processed();
  EXPECT_EQ(found.stored, 0u);
  EXPECT_EQ(found.processed, 2u);
  EXPECT_EQ(found.other, 1u);
  EXPECT_EQ(found.published, 1u);
  EXPECT_EQ(found.events, 2u);
}

}  // namespace

}  // namespace bench
