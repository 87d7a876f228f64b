#include "inbound.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <set>

#include "inbound_request.hpp"
#include "process.hpp"
#include "wire.hpp"

namespace bench {

namespace {

InboundRun make_run(InboundLoad load, std::size_t endpoints, std::uint64_t received,
                    std::int64_t latency_ms) {
  InboundRun run{.plan = {.name = "run", .load = load, .endpoints = endpoints}, .seconds = 10};
  run.received = received;
  run.latency.record(latency_ms * kNsPerMs);
  run.server_end = "exit code 0";
  return run;
}

WebhookRequests make_requests(std::size_t endpoints) {
  return WebhookRequests(
      {.slug = "bench-0", .port = 80, .endpoints = endpoints, .body_bytes = 1024, .webhooks = 10});
}

TEST(WebhookRequests, are_signed_with_the_secret_of_the_endpoint_whose_turn_it_is) {
  WebhookRequests requests = make_requests(3);
  const std::string text(requests.stamp(7));
  Message message;
  ASSERT_EQ(read_message(text, message), Framing::complete);
  EXPECT_EQ(path_of(message.start_line), "/webhooks/bench-0/shop-00001");
  EXPECT_EQ(message.body.size(), 1024u);
  EXPECT_EQ(message.bytes, text.size());
  EXPECT_EQ(seq_of(message.body), 7u);
  EXPECT_NE(text.find("X-GitHub-Delivery: " + delivery_id(7, Ids::timed) + "\r\n"), std::string::npos);
  std::string hex;
  for (const unsigned char byte : hmac_sha256(endpoint_secret(1), message.body)) {
    constexpr const char* kDigits = "0123456789abcdef";
    hex += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  EXPECT_NE(text.find("X-Hub-Signature-256: sha256=" + hex + "\r\n"), std::string::npos);
}

TEST(WebhookRequests, do_not_depend_on_which_was_made_before) {
  WebhookRequests requests = make_requests(2);
  const std::string fresh(requests.stamp(9));
  (void)requests.stamp(4);
  EXPECT_EQ(requests.stamp(9), fresh);
}

TEST(DeliveryId, is_distinct_and_tells_its_number) {
  std::set<std::string> ids;
  for (const std::uint32_t seq : {0u, 1u, 2u, 999'999u, 1'000'000u, UINT32_MAX}) {
    for (const Ids order : {Ids::timed, Ids::scattered})
      EXPECT_EQ(seq_of_delivery(delivery_id(seq, order)), seq);
    const std::string id = delivery_id(seq, Ids::scattered);
    EXPECT_TRUE(parse_uuid(id)) << id;
    EXPECT_EQ(seq_of_delivery(id), seq);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 6u);
  EXPECT_FALSE(seq_of_delivery("72d3162e-cc78-11e3-81ab-000000000001")) << "of nobody here";
  EXPECT_FALSE(seq_of_delivery(""));
}

TEST(EndpointPath, tells_its_number) {
  EXPECT_EQ(endpoint_path(42), "shop-00042");
  EXPECT_EQ(endpoint_number("shop-00042"), 42u);
  EXPECT_FALSE(endpoint_number("shop-0004x"));
  EXPECT_FALSE(endpoint_number("other"));
}

TEST(InboundBars, take_the_best_run_of_each_kind_and_the_median_of_the_rounds) {
  const InboundResult result{
      {make_run(InboundLoad::peak, 5, 160'000, 1), make_run(InboundLoad::peak, 5'000, 140'000, 1),
       make_run(InboundLoad::peak, 5, 150'000, 1), make_run(InboundLoad::peak, 5'000, 152'000, 1),
       make_run(InboundLoad::peak, 5, 100'000, 1), make_run(InboundLoad::peak, 5'000, 96'000, 1),
       make_run(InboundLoad::half, 5, 80'000, 6), make_run(InboundLoad::half, 5'000, 80'000, 6),
       make_run(InboundLoad::half, 5, 80'000, 4), make_run(InboundLoad::half, 5'000, 80'000, 10)}};
  const auto bars = result.bars();
  ASSERT_EQ(bars.size(), 4u);
  EXPECT_EQ(bars[0].name, "received_per_s");
  EXPECT_DOUBLE_EQ(bars[0].value, 16'000);
  EXPECT_TRUE(bars[0].met());
  EXPECT_NEAR(bars[1].value, 4, 0.05);
  EXPECT_TRUE(bars[1].met());
  EXPECT_DOUBLE_EQ(bars[2].value, 0.96) << "of 0.875, 1.013 and 0.96";
  EXPECT_TRUE(bars[2].met());
  EXPECT_NEAR(bars[3].value, 1.75, 0.03) << "of 1 and 2.5";
}

TEST(InboundBars, miss_what_is_slower) {
  const auto bars =
      InboundResult{{make_run(InboundLoad::peak, 5, 149'999, 1), make_run(InboundLoad::half, 5, 80'000, 11)}}
          .bars();
  ASSERT_EQ(bars.size(), 2u) << "nothing is said of many endpoints where there is no such run";
  EXPECT_FALSE(bars[0].met());
  EXPECT_FALSE(bars[1].met());
}

TEST(InboundProblems, name_what_was_lost_left_or_answered_otherwise) {
  InboundRun run = make_run(InboundLoad::peak, 5, 10, 1);
  run.stored = {.stored = 10, .processed = 10, .published = 10, .events = 10};
  run.answers.by_status[200] = 10;
  run.answers.by_status[503] = 3;
  EXPECT_TRUE(problems_of(run).empty());
  run.verdict.lost = 1;
  run.stored.processed = 9;
  run.answers.by_status[401] = 2;
  const auto problems = problems_of(run);
  ASSERT_EQ(problems.size(), 4u);
  EXPECT_EQ(problems[0], "1 acknowledged webhooks were lost: they are not in the store");
  EXPECT_EQ(problems[1], "1 stored webhooks were not processed in time");
  EXPECT_EQ(problems[2], "1 events too many were published");
  EXPECT_EQ(problems[3], "2 webhooks were answered 401");
}

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
