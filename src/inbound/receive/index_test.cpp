#include "inbound/receive/index.hpp"

#include <gtest/gtest.h>

#include "tenant/tenant.hpp"
#include "testing/core_db.hpp"
#include "testing/fake_clock.hpp"
#include "testing/node.hpp"
#include "testing/run.hpp"

namespace inbound {

namespace {

using namespace std::chrono_literals;
using Ids = std::vector<ReceivedId>;

base::Task<void> run_once(IndexKeeper& keeper) { co_return co_await keeper.bring_up(); }

class ReceivedIndex : public ::testing::StoreTest {
 protected:
  void SetUp() override {
    store.write([&](db::Tx& tx) -> base::Result<void> {
      for (const TenantId id : {tenant, other_tenant})
        XD_DO(tenant::insert_tenant(tx, {.id = id, .slug = id.str(), .name = "Acme"}));
      for (const auto& [id, owner] : owners) {
        Endpoint made{.id = id, .tenant = owner, .path = id.str(), .signature_scheme = "\"github\""};
        made.retention_days = 7;
        XD_DO(insert_endpoint(tx, ring, made));
      }
      return {};
    });
  }
  /// What came in now, or with an id of that time.
  ReceivedId receive(EndpointId by, std::optional<base::Time> at = {}) {
    std::vector<Arrival> arrivals(1);
    Incoming& one = arrivals.front().events.emplace_back();
    one.event = std::make_shared<ReceivedEvent>();
    // Id::make never goes back in one process.
    one.event->id = {base::first_uuid_of(at.value_or(clock.now()))};
    one.event->id.uuid.bytes.back() = ++number;
    one.event->tenant = owners.at(by);
    one.event->endpoint = by;
    one.event->headers = "[]";
    one.event->received = clock.now();
    one.key = one.event->id.str();
    one.body_hash = hash_of_body("");
    one.expires = clock.now() + 1h;
    return store.write([&](db::Tx& tx) { return insert_arrivals(tx, node.queue(), arrivals); })
        .front()
        .front()
        .id;
  }
  void bring_up() { ::testing::must(::testing::run(run_once(keeper))); }
  /// It is broken off before the first piece is written.
  void begin_to_bring_up() {
    IndexKeeper broken_off(context.get_executor(), *store, clock);
    asio::co_spawn(context, broken_off.stop(), asio::detached);
    context.restart();
    context.run();
    ::testing::must(::testing::run(run_once(broken_off)));
  }
  Ids list(ReceivedQuery query) {
    query.tenant = owners.at(query.endpoint.value_or(endpoint));
    Ids found;
    const auto listed = store.read([&](db::Tx& tx) { return list_received(tx, query); });
    for (const ReceivedRow& row : listed.rows) found.push_back(row.event.id);
    return found;
  }
  Ids list(EndpointId of) { return list(ReceivedQuery{.endpoint = of}); }
  std::int64_t entries() {
    return is_sqlite() ? store.integer("SELECT count(*) FROM received_index")
                       : store.integer("SELECT count(*) FROM received_events");
  }
  bool is_sqlite() const { return GetParam() == db::Engine::sqlite; }

  ::testing::FakeClock clock;
  const TenantId tenant = TenantId::make(clock.now());
  const TenantId other_tenant = TenantId::make(clock.now());
  const EndpointId endpoint = EndpointId::make(clock.now());
  const EndpointId sibling = EndpointId::make(clock.now());
  const EndpointId stranger = EndpointId::make(clock.now());
  const std::map<EndpointId, TenantId> owners = {
      {endpoint, tenant}, {sibling, tenant}, {stranger, other_tenant}};
  const crypto::KeyRing ring = crypto::KeyRing::parse(crypto::KeyRing::generate_entry("test")).value();
  ::testing::Node node{*store, clock};  // never begins: tasks stay in the table
  asio::io_context context;
  IndexKeeper keeper{context.get_executor(), *store, clock};
  std::uint8_t number = 0;
};

INSTANTIATE_TEST_SUITE_P(Engines, ReceivedIndex, ::testing::both_engines(), ::testing::engine_name);

TEST_P(ReceivedIndex, lists_what_is_in_it_and_what_is_newer) {
  Ids own;
  for (int i = 0; i < 6; ++i) {
    own.push_back(receive(endpoint));
    receive(sibling);
    receive(stranger);
    if (is_sqlite() && i == 2) bring_up();
    clock.advance(1s);
  }
  EXPECT_EQ(entries(), is_sqlite() ? 9 : 18);
  EXPECT_EQ(list(endpoint), Ids(own.rbegin(), own.rend()));
  const auto page = [&](db::Page page) { return list({.endpoint = endpoint, .page = page}); };
  EXPECT_EQ(page({.limit = 4}), (Ids{own[5], own[4], own[3], own[2]}));
  EXPECT_EQ(page({.before = own[4].uuid, .limit = 3}), (Ids{own[3], own[2], own[1]}));
  EXPECT_EQ(page({.after = own[0].uuid, .limit = 3}), (Ids{own[3], own[2], own[1]}));
  EXPECT_EQ(page({.after = own[2].uuid, .limit = 9}), (Ids{own[5], own[4], own[3]}));
  EXPECT_EQ(page({.before = own[2].uuid, .limit = 9}), (Ids{own[1], own[0]}));
  EXPECT_EQ(list({.endpoint = endpoint, .since = clock.now() - 5s, .until = clock.now() - 2s}),
            (Ids{own[3], own[2], own[1]}));
  EXPECT_EQ(list({.endpoint = endpoint, .statuses = {ReceivedStatus::pending}}).size(), 6u);
  EXPECT_EQ(list({.endpoint = endpoint, .external_id = "no"}), Ids{});
}

TEST_P(ReceivedIndex, misses_nothing_that_comes_late_or_while_it_is_brought_up) {
  if (!is_sqlite()) GTEST_SKIP() << "PostgreSQL has an ordinary index";
  const ReceivedId first = receive(endpoint);
  const ReceivedId second = receive(endpoint);
  begin_to_bring_up();
  EXPECT_EQ(entries(), 0);
  const ReceivedId late = receive(endpoint, clock.now() - 1h);
  const ReceivedId third = receive(endpoint);
  EXPECT_EQ(entries(), 2) << "those with an id before the goal, at once";
  EXPECT_EQ(list(endpoint), (Ids{third, second, first, late}));
  bring_up();
  EXPECT_EQ(entries(), 4);
  const ReceivedId later = receive(endpoint, clock.now() - 2h);
  EXPECT_EQ(list(endpoint), (Ids{third, second, first, late, later}));
  bring_up();
  bring_up();
  EXPECT_EQ(entries(), 5);
  EXPECT_EQ(list(endpoint), (Ids{third, second, first, late, later}));
}

TEST_P(ReceivedIndex, forgets_with_the_events) {
  receive(endpoint);
  receive(sibling);
  clock.advance(24h);
  const ReceivedId young = receive(endpoint);
  const auto result = [&](EndpointId of, ReceivedId id) {
    const ReceivedResult one{.id = id, .tenant = tenant, .endpoint = of, .processed = clock.now()};
    const ReceivedResult* const all = &one;
    store.write([&](db::Tx& tx) { return put_results(tx, std::span(&all, 1)); });
  };
  for (const EndpointId of : {endpoint, sibling}) {
    for (const ReceivedId id : list(of)) result(of, id);
  }
  const auto forget = [&] {
    return store.write([&](db::Tx& tx) { return forget_received(tx, clock.now(), 10); });
  };
  clock.advance(24h * 6 + 1s);
  if (is_sqlite()) {
    EXPECT_EQ(forget(), 0) << "they are not in the index";
    bring_up();
  }
  EXPECT_EQ(forget(), 2);
  EXPECT_EQ(entries(), 1);
  EXPECT_EQ(list(endpoint), Ids{young});
}

TEST_P(ReceivedIndex, takes_nothing_of_a_tenant_that_is_removed) {
  if (!is_sqlite()) GTEST_SKIP() << "PostgreSQL has an ordinary index";
  receive(stranger);
  const ReceivedId own = receive(endpoint);
  store.write([&](db::Tx& tx) -> base::Result<void> {
    XD_TRY(auto going, tenant::find_tenant(tx, other_tenant));
    going->status = tenant::TenantStatus::deleting;
    ++going->version;
    XD_DO(tenant::update_tenant(tx, *going));
    return {};
  });
  bring_up();
  EXPECT_EQ(entries(), 1);
  EXPECT_EQ(list(endpoint), Ids{own});
}

TEST_P(ReceivedIndex, adds_up_what_was_counted) {
  const base::Time last = clock.now() + 1h;
  for (int i = 0; i < 2700; ++i) {
    store.write([&](db::Tx& tx) {
      return add_to_stats(tx, {{endpoint, {.received = 1, .processed = 1, .last_received = last - 1s * i}},
                               {sibling, {.received = 2}},
                               {stranger, {.failed = 1}}});
    });
    if (i == 10) store.write([&](db::Tx& tx) { return delete_endpoint(tx, other_tenant, stranger); });
  }
  const auto all = store.read([&](db::Tx& tx) {
    const std::vector<EndpointId> ids = {sibling, stranger, endpoint};
    return find_endpoint_stats(tx, ids);
  });
  EXPECT_EQ(all.size(), 2u) << "one was deleted";
  EXPECT_EQ(all.at(sibling).received, 5400);
  EXPECT_EQ(all.at(sibling).last_received, std::nullopt);
  store.write([&](db::Tx& tx) { return add_to_stats(tx, {{endpoint, {.failed = 3}}}); });
  const EndpointStats stats = store.read([&](db::Tx& tx) { return find_endpoint_stats(tx, endpoint); });
  EXPECT_EQ(stats.received, 2700);
  EXPECT_EQ(stats.processed, 2700);
  EXPECT_EQ(stats.failed, 3);
  EXPECT_EQ(stats.last_received, last);
  if (is_sqlite()) {
    EXPECT_LT(store.integer("SELECT count(*) FROM endpoint_counts"), 1000);
    EXPECT_GT(store.integer("SELECT sum(total_received) FROM endpoint_stats"), 1700);
  }
  store.write([&](db::Tx& tx) { return delete_endpoint(tx, tenant, endpoint); });
  EXPECT_EQ(store.read([&](db::Tx& tx) { return find_endpoint_stats(tx, endpoint); }).received, 0);
}

}  // namespace

}  // namespace inbound
