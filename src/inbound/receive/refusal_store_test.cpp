#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "inbound/receive/refusal_log.hpp"
#include "tenant/tenant.hpp"
#include "testing/core_db.hpp"

namespace inbound {

namespace {

constexpr base::Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};

class RefusalStore : public ::testing::StoreTest {
 protected:
  void SetUp() override {
    store.write([&](db::Tx& tx) -> base::Result<void> {
      XD_DO(tenant::insert_tenant(tx, {.id = tenant, .slug = "acme", .name = "Acme"}));
      for (const EndpointId id : {endpoint, other})
        XD_DO(insert_endpoint(
            tx, ring, {.id = id, .tenant = tenant, .path = id.str(), .signature_scheme = "\"github\""}));
      return {};
    });
  }
  Refusal refusal(EndpointId of, int number, base::Time at = kNow) const {
    return {.id = RefusalId::make(at),
            .tenant = tenant,
            .endpoint = of,
            .reason = "signature_differs",
            .method = "POST",
            .target = "/in",
            .headers = "[]",
            .body = std::to_string(number),
            .refused = at};
  }
  void add(EndpointId of, int count, base::Time at = kNow) {
    RefusedRound round;
    Refused& refused = round[of];
    refused.tenant = tenant;
    refused.counts["signature_differs"] = count;
    for (int i = 0; i < count; ++i) refused.kept.push_back(refusal(of, i, at));
    store.write([&](db::Tx& tx) { return add_refusals(tx, round); });
  }
  std::vector<Refusal> list(EndpointId of) {
    const db::Page page{.limit = 250};
    return store.read([&](db::Tx& tx) { return list_refusals(tx, tenant, of, page); });
  }
  std::map<std::string, std::int64_t> counts(EndpointId of) {
    return store.read([&](db::Tx& tx) { return find_endpoint_stats(tx, of); }).refused;
  }

  TenantId tenant = TenantId::make(kNow);
  EndpointId endpoint = EndpointId::make(kNow);
  EndpointId other = EndpointId::make(kNow);
  const crypto::KeyRing ring = crypto::KeyRing::parse(crypto::KeyRing::generate_entry("test")).value();
};

TEST_P(RefusalStore, counts_all_and_keeps_the_last_ones_of_each_endpoint) {
  add(endpoint, 45);
  add(other, 3);
  add(endpoint, 10);
  EXPECT_EQ(list(endpoint).size(), kRefusalsKept);
  EXPECT_EQ(list(endpoint).front().body, "9") << "newest first";
  EXPECT_EQ(list(endpoint).back().body, "5");
  EXPECT_EQ(list(other).size(), 3U);
  EXPECT_EQ(counts(endpoint), (std::map<std::string, std::int64_t>{{"signature_differs", 55}}));
  const Refusal one = list(other).front();
  const auto find = [&](TenantId of, EndpointId at) {
    return store.read([&](db::Tx& tx) { return find_refusal(tx, of, at, one.id); });
  };
  EXPECT_TRUE(find(tenant, other));
  EXPECT_FALSE(find(tenant, endpoint));
  EXPECT_FALSE(find(TenantId::make(kNow), other));
}

TEST_P(RefusalStore, forgets_with_the_endpoint_and_after_a_week) {
  add(endpoint, 3, kNow - std::chrono::days{8});
  add(endpoint, 2);
  EXPECT_EQ(store.write([&](db::Tx& tx) { return forget_refusals(tx, kNow, 2); }), 2);
  EXPECT_EQ(store.write([&](db::Tx& tx) { return forget_refusals(tx, kNow, 2); }), 1);
  EXPECT_EQ(list(endpoint).size(), 2U);
  store.write([&](db::Tx& tx) { return delete_endpoint(tx, tenant, endpoint); });
  EXPECT_TRUE(list(endpoint).empty());
  add(endpoint, 1);
  EXPECT_TRUE(list(endpoint).empty()) << "it is gone";
  EXPECT_TRUE(counts(endpoint).empty());
}

TEST_P(RefusalStore, of_a_flood_counts_all_and_keeps_a_few) {
  asio::io_context context(1);
  base::Gate gate(context.get_executor());
  RefusalLog log(gate, context.get_executor(), *store);
  int made = 0;
  for (const EndpointId id : {endpoint, other}) {
    const Endpoint config{.id = id, .tenant = tenant};
    for (int i = 0; i < 1000; ++i) log.add(config, reason::kRate, [&] { return refusal(id, ++made); });
  }
  log.stop();
  context.run();

  EXPECT_EQ(made, 2 * static_cast<int>(RefusalLog::kKeptPerEndpoint)) << "no more than these cost anything";
  EXPECT_EQ(list(endpoint).size(), RefusalLog::kKeptPerEndpoint);
  EXPECT_EQ(counts(endpoint), (std::map<std::string, std::int64_t>{{"rate_limited", 1000}}));
  EXPECT_EQ(counts(other), counts(endpoint));
}

TEST_P(RefusalStore, keeps_the_first_ones_of_an_endpoint_however_many_others_refuse) {
  asio::io_context context(1);
  base::Gate gate(context.get_executor());
  RefusalLog log(gate, context.get_executor(), *store);
  std::map<EndpointId, int> made;
  std::vector<EndpointId> flooded(20);
  for (EndpointId& id : flooded) id = EndpointId::make(kNow);
  for (int i = 0; i < 20; ++i) {
    for (const EndpointId id : flooded)
      log.add({.id = id, .tenant = TenantId::make(kNow)}, reason::kRate,
              [&] { return refusal(id, ++made[id]); });
  }
  for (int i = 0; i < 5; ++i)
    log.add({.id = endpoint, .tenant = tenant}, reason::kRate,
            [&] { return refusal(endpoint, ++made[endpoint]); });
  log.stop();
  context.run();

  EXPECT_EQ(made[endpoint], static_cast<int>(RefusalLog::kKeptAlways));
  EXPECT_EQ(list(endpoint).size(), RefusalLog::kKeptAlways);
}

INSTANTIATE_TEST_SUITE_P(Engines, RefusalStore, ::testing::both_engines(), ::testing::engine_name);

}  // namespace

}  // namespace inbound
