#include "inbound/process/replay.hpp"

#include <gtest/gtest.h>

#include "testing/core_db.hpp"

namespace inbound {

namespace {

using namespace std::chrono_literals;

constexpr base::Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};

/// An id of that moment; those that are made for use never go back.
ReceivedId id_at(base::Time at) {
  static std::uint16_t number = 0;
  base::Uuid uuid = base::first_uuid_of(at);
  ++number;
  uuid.bytes[8] = static_cast<std::uint8_t>(0x80 | (number >> 8));
  uuid.bytes[9] = static_cast<std::uint8_t>(number);
  return ReceivedId{uuid};
}

class Replayables : public ::testing::StoreTest {
 protected:
  ReceivedId add(ReceivedStatus status, base::Time at, std::string source = "shop") {
    ReceivedResult result{.id = id_at(at),
                          .tenant = tenant,
                          .endpoint = endpoint,
                          .status = status,
                          .source = std::move(source),
                          .event_type = "order",
                          .table = "orders",
                          .processed = at};
    const ReceivedResult* const one = &result;
    store.write([&](db::Tx& tx) { return put_results(tx, std::span(&one, 1)); });
    return result.id;
  }
  ReplayPage page(const ReplayFilter& filter, const base::Uuid& after = {}, std::size_t limit = 100) {
    return store.read(
        [&](db::Tx& tx) { return find_replayable(tx, {tenant, filter, kNow + 1h}, after, limit); });
  }
  /// All pages of that size, one after the other.
  std::vector<ReceivedId> all(const ReplayFilter& filter, std::size_t limit = 100) {
    std::vector<ReceivedId> ids;
    base::Uuid after{};
    for (int i = 0; i < 1000; ++i) {
      const ReplayPage found = page(filter, after, limit);
      for (const Replayable& one : found.found) ids.push_back(one.id);
      if (found.last) return ids;
      EXPECT_LT(after, found.reached);
      after = found.reached;
    }
    ADD_FAILURE() << "there is no end";
    return ids;
  }

  const TenantId tenant = TenantId::make(kNow);
  const EndpointId endpoint = EndpointId::make(kNow);
};

INSTANTIATE_TEST_SUITE_P(Engines, Replayables, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Replayables, come_in_their_order_whatever_their_states_and_the_size_of_pages) {
  std::vector<ReceivedId> wanted;
  std::vector<ReceivedId> failed;
  constexpr ReceivedStatus kStates[] = {ReceivedStatus::processed, ReceivedStatus::failed,
                                        ReceivedStatus::ignored, ReceivedStatus::conflict};
  for (int i = 0; i < 40; ++i) {
    const ReceivedStatus status = kStates[i % 7 % 4];
    const ReceivedId id = add(status, kNow + i * 1ms);
    if (status == ReceivedStatus::failed) failed.push_back(id);
    if (status == ReceivedStatus::failed || status == ReceivedStatus::ignored) wanted.push_back(id);
  }
  for (const std::size_t limit : {1u, 3u, 100u}) {
    EXPECT_EQ(all({.statuses = {ReceivedStatus::failed}}, limit), failed);
    EXPECT_EQ(all({.statuses = {ReceivedStatus::ignored, ReceivedStatus::failed}}, limit), wanted);
    EXPECT_EQ(all({}, limit).size(), 40u);
    EXPECT_EQ(all({.ids = wanted}, limit), wanted);
  }
  EXPECT_EQ(all({.statuses = {ReceivedStatus::failed}, .ids = wanted}), failed);
}

TEST_P(Replayables, are_those_that_have_all_that_is_asked_for) {
  const ReceivedId early = add(ReceivedStatus::failed, kNow);
  const ReceivedId later = add(ReceivedStatus::failed, kNow + 10s);
  const ReceivedId other = add(ReceivedStatus::failed, kNow + 20s, "crm");
  add(ReceivedStatus::failed, kNow + 2h);  // after the operation began
  using Ids = std::vector<ReceivedId>;
  EXPECT_EQ(all({}), (Ids{early, later, other}));
  EXPECT_EQ(all({.source = "crm"}), Ids{other});
  EXPECT_EQ(all({.since = kNow + 10s}), (Ids{later, other}));
  EXPECT_EQ(all({.until = kNow + 10s}), Ids{early});
  EXPECT_EQ(all({.since = kNow + 10s, .ids = {early, other}}), Ids{other});
  EXPECT_EQ(all({.table = "orders", .event_type = "order"}), (Ids{early, later, other}));
  EXPECT_EQ(all({.table = "customers"}), Ids{});
  EXPECT_EQ(all({.endpoint = EndpointId::make(kNow)}), Ids{});
}

TEST_P(Replayables, are_counted_by_endpoint) {
  for (int i = 0; i < 8; ++i) add(ReceivedStatus::failed, kNow + i * 1ms);
  add(ReceivedStatus::processed, kNow);
  const ReplayFilter filter{.statuses = {ReceivedStatus::failed}};
  const auto count = [&](std::int64_t most, base::Deadline until) {
    return store.read(
        [&](db::Tx& tx) { return count_replayable(tx, {tenant, filter, kNow + 1h}, most, until); });
  };
  const ReplayCount counted = count(100, base::steady_now() + 1h);
  EXPECT_EQ(counted.count, 8);
  EXPECT_TRUE(counted.exact);
  EXPECT_EQ(counted.by_endpoint.at(endpoint), 8);
  EXPECT_EQ(counted.first.size(), 5u);
  EXPECT_FALSE(count(100, base::steady_now() - 1s).exact) << "there was no time to count";
}

TEST_P(Replayables, are_found_among_many_that_were_processed_well) {
  store.write([&](db::Tx& tx) -> base::Result<void> {
    std::vector<ReceivedResult> rows;
    for (int i = 0; i < 12'000; ++i) {
      rows.push_back({.id = id_at(kNow + i * 1ms),
                      .tenant = tenant,
                      .endpoint = endpoint,
                      .status = ReceivedStatus::processed,
                      .source = i == 11'000 ? "rare" : "shop"});
    }
    std::vector<const ReceivedResult*> all_rows;
    for (const ReceivedResult& row : rows) all_rows.push_back(&row);
    XD_DO(put_results(tx, all_rows));
    return {};
  });
  const ReplayPage first = page({.source = "rare"});
  EXPECT_TRUE(first.found.empty());
  EXPECT_FALSE(first.last) << "a page ends before it takes long";
  EXPECT_EQ(all({.source = "rare"}).size(), 1u);
  EXPECT_EQ(all({}, 1000).size(), 12'000u);
}

TEST(ReplayOrder, is_read_as_it_was_written) {
  ReplayOrder order{.filter = {.statuses = {ReceivedStatus::failed, ReceivedStatus::conflict},
                               .endpoint = EndpointId::make(kNow),
                               .source = "s",
                               .table = "t",
                               .event_type = "e",
                               .since = kNow,
                               .until = kNow + 1h,
                               .ids = {id_at(kNow)}},
                    .rate = 5};
  const auto read = read_order(write_order(order));
  ASSERT_TRUE(read);
  EXPECT_EQ(write_order(*read), write_order(order));
  EXPECT_EQ(read->filter.ids, order.filter.ids);
  EXPECT_EQ(read->filter.until, order.filter.until);
  EXPECT_FALSE(read_order("["));
}

TEST(ReplayOrder, that_is_not_understood_does_not_mean_everything) {
  for (const char* filter :
       {R"({"status": ["PROCESSED", "GONE"]})", R"({"endpoint_id": "x"})", R"({"since": "yesterday"})",
        R"({"colour": "red"})", R"({"received_ids": ["x"]})"}) {
    const auto read = read_order(R"({"filter": )" + std::string(filter) + "}");
    ASSERT_FALSE(read) << filter;
    EXPECT_EQ(read.error().code, base::Code::corrupt) << filter;
  }
  EXPECT_TRUE(read_order(R"({"filter": {"status": ["FAILED"], "source": "shop"}})"));
}

}  // namespace

}  // namespace inbound
