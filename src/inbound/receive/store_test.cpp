#include <gtest/gtest.h>

#include "inbound/endpoint/book.hpp"
#include "inbound/receive/index.hpp"
#include "tenant/tenant.hpp"
#include "testing/core_db.hpp"
#include "testing/fake_clock.hpp"
#include "testing/node.hpp"
#include "testing/run.hpp"

namespace inbound {

namespace {

using namespace std::chrono_literals;

constexpr base::Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};

base::Task<void> bring_up(IndexKeeper& keeper) { co_return co_await keeper.bring_up(); }

class ReceivedStore : public ::testing::StoreTest {
 protected:
  Incoming incoming(const std::string& id, const std::string& body, base::Time at = kNow,
                    std::chrono::seconds window = 1h) {
    Incoming one;
    one.event = std::make_shared<ReceivedEvent>();
    one.event->id = ReceivedId::make(at);
    one.event->tenant = tenant;
    one.event->endpoint = endpoint;
    one.event->external_id = id;
    one.event->method = "POST";
    one.event->target = "/webhooks/acme/shop";
    one.event->headers = "[]";
    one.event->body = body;
    one.event->verification = "{}";
    one.event->received = at;
    one.body_hash = hash_of_body(body);
    one.key = id.empty() ? body_key(one.body_hash) : id_key(id);
    one.expires = at + window;
    return one;
  }
  void SetUp() override {
    store.write([&](db::Tx& tx) -> base::Result<void> {
      XD_DO(tenant::insert_tenant(tx, {.id = tenant, .slug = "acme", .name = "Acme"}));
      for (const EndpointId id : {endpoint, other_endpoint})
        XD_DO(insert_endpoint(tx, ring, make_endpoint(id)));
      return {};
    });
  }
  Endpoint make_endpoint(EndpointId id) {
    return {.id = id, .tenant = tenant, .path = id.str(), .signature_scheme = "\"github\""};
  }
  Receipt insert(Incoming one) {
    std::vector<Arrival> arrivals(1);
    arrivals.front().events.push_back(std::move(one));
    return store.write([&](db::Tx& tx) { return insert_arrivals(tx, queue, arrivals); }).front().front();
  }
  bool put(const ReceivedResult& result) {
    const ReceivedResult* const one = &result;
    return store.write([&](db::Tx& tx) { return put_results(tx, std::span(&one, 1)); }).front();
  }
  std::vector<Arrival> batch(EndpointId at) {
    std::vector<Arrival> arrivals(1);
    Arrival& arrival = arrivals.front();
    arrival.events = {incoming("a", "1"), incoming("b", "2")};
    arrival.batch = arrival.events.front().event->id.uuid;
    arrival.batch_body = "[1,2]";
    for (Incoming& one : arrival.events) {
      one.event->endpoint = at;
      one.event->headers = R"([["X-A","1"]])";
      one.event->batch = arrival.batch;
    }
    return arrivals;
  }
  void bring_index_up() {
    if (GetParam() != db::Engine::sqlite) return;
    asio::io_context context;
    clock.advance(kNow + 24h - clock.now());  // ids of other tests may have been of a later time
    IndexKeeper keeper(context.get_executor(), *store, clock);
    ::testing::must(::testing::run(bring_up(keeper)));
  }
  std::int64_t rows() { return store.integer("SELECT count(*) FROM received_events"); }
  std::int64_t tasks() { return store.integer("SELECT count(*) FROM tasks"); }

  const TenantId tenant = TenantId::make(kNow);
  const EndpointId endpoint = EndpointId::make(kNow);
  const EndpointId other_endpoint = EndpointId::make(kNow);
  const crypto::KeyRing ring = crypto::KeyRing::parse(crypto::KeyRing::generate_entry("test")).value();
  ::testing::FakeClock clock;
  ::testing::Node node{*store, clock};  // never begins: tasks stay in the table
  queue::Queue& queue = node.queue();
  Meters meters;
  int number = 0;
};

INSTANTIATE_TEST_SUITE_P(Engines, ReceivedStore, ::testing::both_engines(), ::testing::engine_name);

TEST_P(ReceivedStore, knows_what_is_sent_again_by_its_id_and_by_its_body) {
  for (const char* id : {"evt_1", ""}) {
    const std::int64_t before = rows();
    const Receipt first = insert(incoming(id, "body"));
    const Receipt again = insert(incoming(id, "body"));
    EXPECT_FALSE(first.duplicate);
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.id, first.id);
    EXPECT_EQ(rows(), before + 1);
    EXPECT_EQ(tasks(), before + 1);
  }
}

TEST_P(ReceivedStore, knows_it_within_one_transaction_too) {
  std::vector<Arrival> arrivals(2);
  arrivals[0].events = {incoming("a", "1"), incoming("b", "2"), incoming("a", "1")};
  arrivals[1].events = {incoming("b", "2"), incoming("c", "3")};
  const auto receipts = store.write([&](db::Tx& tx) { return insert_arrivals(tx, queue, arrivals); });
  EXPECT_EQ(receipts[0][2].id, receipts[0][0].id);
  EXPECT_TRUE(receipts[0][2].duplicate);
  EXPECT_EQ(receipts[1][0].id, receipts[0][1].id);
  EXPECT_FALSE(receipts[1][1].duplicate);
  EXPECT_EQ(rows(), 3);
}

TEST_P(ReceivedStore, keeps_another_body_with_the_same_id_to_be_processed) {
  const Receipt first = insert(incoming("evt_1", "one"));
  const Receipt other = insert(incoming("evt_1", "two"));

  EXPECT_TRUE(other.conflict);
  EXPECT_NE(other.id, first.id);
  EXPECT_EQ(rows(), 2);
  EXPECT_EQ(tasks(), 2);
  const auto found = store.read([&](db::Tx& tx) { return find_received(tx, tenant, other.id); });
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->result) << "what is done with it is decided when it is processed";
  EXPECT_EQ(found->event.conflict_of, first.id);
  EXPECT_EQ(found->event.body, "two");
}

TEST_P(ReceivedStore, takes_nothing_for_a_repeat_of_what_has_no_key) {
  Incoming first = incoming("", "tap");
  Incoming second = incoming("", "tap");
  first.key.clear();
  second.key.clear();
  EXPECT_FALSE(insert(first).duplicate);
  EXPECT_FALSE(insert(second).duplicate);
  EXPECT_EQ(tasks(), 2);
  EXPECT_EQ(store.integer("SELECT count(*) FROM received_keys"), 0);
}

TEST_P(ReceivedStore, counts_repeats_by_the_key_that_was_stored) {
  const auto masked = [&] {
    Incoming one = incoming("", R"({"token":"secret"})");
    one.event->body = R"({"token":"***"})";
    one.event->dedup_key = one.key;
    return one;
  };
  const Receipt first = insert(masked());
  EXPECT_TRUE(insert(masked()).duplicate);
  EXPECT_TRUE(insert(masked()).duplicate);
  const auto count = store.read([&](db::Tx& tx) -> base::Result<std::int64_t> {
    XD_TRY(const auto found, find_received(tx, tenant, first.id));
    return count_duplicates(tx, found->event);
  });
  EXPECT_EQ(count, 2);
}

TEST_P(ReceivedStore, keeps_a_conflicting_body_once) {
  const Receipt first = insert(incoming("evt_1", "one"));
  const Receipt other = insert(incoming("evt_1", "two"));
  const Receipt again = insert(incoming("evt_1", "two"));
  const Receipt third = insert(incoming("evt_1", "three"));

  EXPECT_EQ(again.id, other.id);
  EXPECT_TRUE(again.duplicate && again.conflict);
  EXPECT_TRUE(third.conflict && !third.duplicate);
  EXPECT_EQ(rows(), 3);
  const auto duplicates = [&](ReceivedId id) {
    return store.read([&](db::Tx& tx) -> base::Result<std::int64_t> {
      XD_TRY(const auto found, find_received(tx, tenant, id));
      return count_duplicates(tx, found->event);
    });
  };
  EXPECT_EQ(duplicates(first.id), 0) << "another body is no repeat";
  EXPECT_EQ(duplicates(other.id), 1);
  EXPECT_TRUE(insert(incoming("evt_1", "one")).duplicate);
  EXPECT_EQ(duplicates(first.id), 1);
}

TEST_P(ReceivedStore, forgets_an_id_when_its_window_is_over) {
  const Receipt first = insert(incoming("evt_1", "body", kNow, 60s));
  EXPECT_TRUE(insert(incoming("evt_1", "body", kNow + 59s, 60s)).duplicate);

  const Receipt later = insert(incoming("evt_1", "body", kNow + 60s, 60s));
  EXPECT_FALSE(later.duplicate);
  EXPECT_NE(later.id, first.id);
  EXPECT_EQ(insert(incoming("evt_1", "body", kNow + 61s, 60s)).id, later.id);
  EXPECT_EQ(store.write([&](db::Tx& tx) { return forget_keys(tx, kNow + 119s, 10); }), 0);
  EXPECT_EQ(store.write([&](db::Tx& tx) { return forget_keys(tx, kNow + 120s, 10); }), 1);
}

TEST_P(ReceivedStore, takes_nothing_for_an_endpoint_that_is_gone) {
  store.write([&](db::Tx& tx) { return delete_endpoint(tx, tenant, other_endpoint); });
  std::vector<Arrival> arrivals(2);
  arrivals[0].events = {incoming("a", "1")};
  arrivals[1].events = {incoming("b", "2"), incoming("c", "3")};
  for (const Incoming& one : arrivals[1].events) one.event->endpoint = other_endpoint;
  const auto receipts = store.write([&](db::Tx& tx) { return insert_arrivals(tx, queue, arrivals); });
  EXPECT_FALSE(receipts[0][0].gone);
  ASSERT_EQ(receipts[1].size(), 2u);
  EXPECT_TRUE(receipts[1][0].gone && receipts[1][1].gone);
  EXPECT_EQ(rows(), 1);
  EXPECT_EQ(tasks(), 1);
}

TEST_P(ReceivedStore, knows_what_is_gone_by_the_deletions_that_a_receiver_knew_of) {
  Book book(meters);
  for (const EndpointId id : {endpoint, other_endpoint}) {
    Endpoint open = make_endpoint(id);
    open.signature_scheme = R"({"kind": "none"})";
    book.put(std::make_shared<const Endpoint>(std::move(open)));
  }
  ASSERT_NE(book.find(tenant, other_endpoint.str()), nullptr);
  if (GetParam() == db::Engine::sqlite) book.set_deletions(store.read(count_deletions));
  const auto arrive = [&](EndpointId by, std::int64_t deletions) {
    std::vector<Arrival> arrivals(1);
    arrivals.front().events = {incoming(std::to_string(++number), "body")};
    arrivals.front().events.front().event->endpoint = by;
    arrivals.front().deletions = deletions;
    return store.write([&](db::Tx& tx) { return insert_arrivals(tx, queue, arrivals); }).front().front();
  };
  const std::int64_t before = book.deletions();
  EXPECT_FALSE(arrive(endpoint, before).gone);
  const bool gone = store.write([&](db::Tx& tx) -> base::Result<bool> {
    XD_DO(delete_endpoint(tx, tenant, other_endpoint));
    // In the same commit, before anybody could hear of it.
    std::vector<Arrival> arrivals(1);
    arrivals.front().events = {incoming("same commit", "body")};
    arrivals.front().events.front().event->endpoint = other_endpoint;
    arrivals.front().deletions = before;
    XD_TRY(const auto receipts, insert_arrivals(tx, queue, arrivals));
    return receipts.front().front().gone;
  });
  EXPECT_TRUE(gone);
  EXPECT_TRUE(arrive(other_endpoint, before).gone) << "the receiver has not heard of it yet";
  EXPECT_FALSE(arrive(endpoint, before).gone);
  book.remove(other_endpoint);
  book.set_deletions(book.deletions() + 1);
  EXPECT_EQ(book.find(tenant, other_endpoint.str()), nullptr);
  EXPECT_FALSE(arrive(endpoint, book.deletions()).gone);
  if (GetParam() == db::Engine::sqlite) EXPECT_EQ(store.read(count_deletions), book.deletions());
}

TEST_P(ReceivedStore, keeps_what_a_deleted_endpoint_received_no_longer_than_that_would) {
  Endpoint week = make_endpoint(EndpointId::make(kNow));
  week.retention_days = 7;
  Endpoint always = make_endpoint(EndpointId::make(kNow));
  store.write([&](db::Tx& tx) -> base::Result<void> {
    XD_DO(insert_endpoint(tx, ring, week));
    return insert_endpoint(tx, ring, always);
  });
  for (const EndpointId id : {week.id, always.id}) {
    Incoming one = incoming(id.str(), "body");
    one.event->endpoint = id;
    insert(one);
    store.write([&](db::Tx& tx) { return delete_endpoint(tx, tenant, id); });
  }
  bring_index_up();
  const auto forget = [&](base::Time at) {
    return store.write([&](db::Tx& tx) { return forget_received(tx, at, 10); });
  };
  EXPECT_EQ(forget(kNow + 24h * 6), 0);
  EXPECT_EQ(forget(kNow + 24h * 8), 1) << "also what was not processed any more";
  EXPECT_EQ(forget(kNow + 24h * 8), 0);
  EXPECT_EQ(rows(), 1);
  EXPECT_EQ(store.integer("SELECT count(*) FROM retired_endpoints"), 0);
}

TEST_P(ReceivedStore, tells_endpoints_apart) {
  const Receipt first = insert(incoming("evt_1", "body"));
  Incoming other = incoming("evt_1", "body");
  other.event->endpoint = other_endpoint;
  EXPECT_FALSE(insert(std::move(other)).duplicate);
  EXPECT_EQ(store.read([&](db::Tx& tx) { return find_received(tx, TenantId::make(kNow), first.id); }),
            std::nullopt);
}

TEST_P(ReceivedStore, writes_a_result_once_for_each_time_it_is_processed) {
  const Receipt receipt = insert(incoming("evt_1", "body"));
  ReceivedResult result{.id = receipt.id, .tenant = tenant, .endpoint = endpoint, .processed = kNow};
  EXPECT_TRUE(put(result));
  EXPECT_FALSE(put(result)) << "the same, told once more";
  result.replay_no = 1;
  result.status = ReceivedStatus::failed;
  result.error = "why";
  EXPECT_TRUE(put(result));
  result.replay_no = 0;
  EXPECT_FALSE(put(result)) << "an older one that comes late";
  EXPECT_EQ(store.text("SELECT processing_error FROM received_results"), "why");
}

TEST_P(ReceivedStore, lists_by_what_was_found_and_by_what_is_not_yet) {
  std::vector<ReceivedId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(insert(incoming("evt_" + std::to_string(i), "body")).id);
  for (int i = 0; i < 4; ++i) {
    put({.id = ids[static_cast<std::size_t>(i)],
         .tenant = tenant,
         .endpoint = endpoint,
         .status = i == 3 ? ReceivedStatus::failed : ReceivedStatus::processed,
         .source = "shop",
         .event_type = i == 0 ? "INSERT" : "UPDATE",
         .table = "orders",
         .processed = kNow});
  }
  const auto list = [&](ReceivedQuery query) {
    query.tenant = tenant;
    std::vector<ReceivedId> found;
    const auto listed = store.read([&](db::Tx& tx) { return list_received(tx, query); });
    for (const ReceivedRow& row : listed.rows) found.push_back(row.event.id);
    return found;
  };
  using Ids = std::vector<ReceivedId>;
  EXPECT_EQ(list({}), (Ids{ids[5], ids[4], ids[3], ids[2], ids[1], ids[0]}));
  EXPECT_EQ(list({.statuses = {ReceivedStatus::pending}}), (Ids{ids[5], ids[4]}));
  EXPECT_EQ(list({.statuses = {ReceivedStatus::failed}}), (Ids{ids[3]}));
  EXPECT_EQ(list({.statuses = {ReceivedStatus::failed, ReceivedStatus::pending}}),
            (Ids{ids[5], ids[4], ids[3]}));
  EXPECT_EQ(list({.statuses = {ReceivedStatus::failed, ReceivedStatus::processed}}),
            (Ids{ids[3], ids[2], ids[1], ids[0]}));
  EXPECT_EQ(list({.source = "shop", .event_type = "UPDATE"}), (Ids{ids[3], ids[2], ids[1]}));
  EXPECT_EQ(list({.table = "orders", .page = {.before = ids[2].uuid}}), (Ids{ids[1], ids[0]}));
  EXPECT_EQ(list({.external_id = "evt_4"}), (Ids{ids[4]}));
  EXPECT_EQ(list({.endpoint = EndpointId::make(kNow)}), Ids{});
  EXPECT_EQ(list({.since = kNow + 1h}), Ids{});
  EXPECT_EQ(list({.until = kNow + 1h}).size(), 6u);
}

TEST_P(ReceivedStore, keeps_the_head_of_a_batch_once) {
  const std::vector<Arrival> arrivals = batch(endpoint);
  const Arrival& arrival = arrivals.front();
  store.write([&](db::Tx& tx) { return insert_arrivals(tx, queue, arrivals); });

  EXPECT_EQ(store.integer("SELECT count(*) FROM received_events WHERE headers <> '' OR target <> ''"), 0);
  for (const Incoming& one : arrival.events) {
    const auto row = store.read([&](db::Tx& tx) { return find_received(tx, tenant, one.event->id); });
    ASSERT_TRUE(row);
    EXPECT_EQ(row->event.headers, one.event->headers);
    EXPECT_EQ(row->event.target, one.event->target);
    const std::pair<TenantId, ReceivedId> wanted[] = {{tenant, one.event->id}};
    const auto several = store.read([&](db::Tx& tx) { return find_received(tx, wanted); });
    EXPECT_EQ(several.at(one.event->id)->headers, one.event->headers);
  }
  for (const ReceivedRow& row :
       store.read([&](db::Tx& tx) { return list_received(tx, {.tenant = tenant}); }).rows)
    EXPECT_EQ(row.event.target, "/webhooks/acme/shop");
}

TEST_P(ReceivedStore, keeps_the_head_of_a_batch_as_long_as_one_of_its_elements) {
  Endpoint week = make_endpoint(EndpointId::make(kNow));
  week.retention_days = 7;
  store.write([&](db::Tx& tx) { return insert_endpoint(tx, ring, week); });
  const std::vector<Arrival> arrivals = batch(week.id);
  store.write([&](db::Tx& tx) { return insert_arrivals(tx, queue, arrivals); });
  store.write([&](db::Tx& tx) { return delete_endpoint(tx, tenant, week.id); });
  bring_index_up();
  for (const int left : {1, 0}) {
    EXPECT_EQ(store.write([&](db::Tx& tx) { return forget_received(tx, kNow + 24h * 8, 1); }), 1);
    EXPECT_EQ(store.integer("SELECT count(*) FROM received_heads"), left);
    EXPECT_EQ(store.integer("SELECT count(*) FROM received_batches"), left);
  }
}

TEST_P(ReceivedStore, is_searched_piece_by_piece_for_what_has_no_index) {
  std::vector<Arrival> arrivals(1);
  for (int i = 0; i < 4500; ++i) {
    arrivals.front().events.push_back(incoming(std::to_string(i), "{}"));
  }
  const ReceivedId first = arrivals.front().events.front().event->id;
  store.write([&](db::Tx& tx) { return insert_arrivals(tx, queue, arrivals); });
  ReceivedQuery query{.tenant = tenant, .external_id = "0"};

  std::vector<ReceivedRow> rows;
  std::size_t pieces = 0;
  for (bool more = true; more; ++pieces) {
    FoundReceived found =
        store.read([&](db::Tx& tx) { return list_received(tx, query, base::steady_now()); });
    std::ranges::move(found.rows, std::back_inserter(rows));
    more = found.reached.has_value();
    query.page.before = found.reached;
  }

  EXPECT_EQ(pieces, 3u);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].event.id, first);
}

}  // namespace

}  // namespace inbound
