#include "event/event_store.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/history/history.hpp"
#include "outbound/history/search.hpp"
#include "outbound/replay/replay.hpp"
#include "outbound/subscription/fixture.hpp"
#include "queue/queue_store.hpp"
#include "testing/core_db.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using base::Result;

class Recovery : public ::testing::StoreTest {
 protected:
  event::EventPtr publish(std::string type = "order.created", std::string origin = "api") {
    event::Event made = *make_event(acme, std::move(type), kNow);
    made.origin = std::move(origin);
    auto shared = std::make_shared<const event::Event>(std::move(made));
    store.write([&](db::Tx& tx) { return event::insert_events(tx, {{shared}}, {{1}}); });
    return shared;
  }
  Delivery end(const event::EventPtr& event, std::string status, int replay_no = 0, std::string url = {}) {
    Delivery made{.id = DeliveryId::make(kNow), .tenant = acme, .subscription = shop.id, .event = event->id};
    made.status = std::move(status);
    made.replay_no = replay_no;
    made.last.via = url.empty() ? "worker" : "replay";
    made.last.request_url = url.empty() ? shop.url : std::move(url);
    made.created = kNow;
    made.completed = kNow;
    store.write([&](db::Tx& tx) { return insert_deliveries(tx, {made}); });
    return made;
  }
  void wait(const event::EventPtr& event, const DeliveryArgs* args = nullptr, base::Time made = kNow) {
    insert(make_delivery_task(shop, event, made, args));
  }
  void insert(const queue::Task& task) {
    store.write([&](db::Tx& tx) { return queue::insert_tasks(tx, {{task}}); });
  }
  ReplayPage found(const base::Uuid& after = {}, std::size_t limit = 1000) {
    const ReplayFilter filter{.wanted = {.created = {.from = kNow - 1h, .before = kNow + 1h}}};
    const ReplayScope scope{acme, filter, kNow + 1h};
    return store.read([&](db::Tx& tx) { return find_missed(tx, scope, prepared, after, limit); });
  }
  std::vector<event::EventId> events(const ReplayPage& page) {
    std::vector<event::EventId> ids;
    for (const Replayable& one : page.found) ids.push_back(one.event);
    return ids;
  }

  const TenantId acme = TenantId::make(kNow);
  const Subscription shop = make_subscription(acme, {"order.*"});
  const Prepared prepared = prepare(share(shop.copy())).value();
};

INSTANTIATE_TEST_SUITE_P(Engines, Recovery, ::testing::both_engines(), ::testing::engine_name);

using Events = std::vector<event::EventId>;

TEST_P(Recovery, finds_what_never_became_a_delivery) {
  const auto missed = publish();
  publish("invoice.paid");
  publish("order.created", "test");
  publish("order.created", "system");

  const ReplayPage page = found();

  EXPECT_EQ(events(page), (Events{missed->id}));
  EXPECT_EQ(page.found.at(0).id, std::nullopt);
  EXPECT_EQ(page.found.at(0).replay_no, -1);
  EXPECT_TRUE(page.last);
}

TEST_P(Recovery, leaves_out_what_the_filter_does_not_let_through) {
  publish();  // its data is {"n":1}
  Subscription picky = shop.copy();
  for (const auto& [filter, count] : {std::pair(R"({"field":"data.n","op":"eq","value":1})", 1U),
                                      std::pair(R"({"field":"data.n","op":"eq","value":2})", 0U)}) {
    picky.filter = filter;
    const Prepared made = prepare(share(picky.copy())).value();
    const ReplayFilter period{.wanted = {.created = {.from = kNow - 1h, .before = kNow + 1h}}};
    const ReplayScope scope{acme, period, kNow + 1h};

    const ReplayPage page = store.read([&](db::Tx& tx) { return find_missed(tx, scope, made, {}, 10); });

    EXPECT_EQ(page.found.size(), count) << filter;
    EXPECT_TRUE(page.last);
  }
}

TEST_P(Recovery, cuts_a_page_where_the_filter_takes_long_and_goes_on_with_the_next) {
  for (int i = 0; i < 50; ++i) {
    event::Event made = *make_event(acme, "order.created", kNow);
    made.data = "[0";
    for (int k = 1; k < 60'000; ++k) made.data += ",0";
    made.data += "]";
    const event::EventPtr shared = std::make_shared<const event::Event>(std::move(made));
    store.write([&](db::Tx& tx) { return event::insert_events(tx, {{shared}}, {{1}}); });
  }
  Subscription picky = shop.copy();
  picky.filter = R"({"field":"data[*]","op":"eq","value":0})";
  const std::string none = R"({"field":"data[*]","op":"eq","value":1})";
  picky.filter = R"({"or":[)" + none + "," + picky.filter + "]}";
  const Prepared made = prepare(share(picky.copy())).value();
  const ReplayFilter period{.wanted = {.created = {.from = kNow - 1h, .before = kNow + 1h}}};
  const ReplayScope scope{acme, period, kNow + 1h};
  std::size_t found = 0;
  std::size_t pages = 0;
  for (base::Uuid after{};; ++pages) {
    const ReplayPage page = store.read([&](db::Tx& tx) { return find_missed(tx, scope, made, after, 100); });
    found += page.found.size();
    after = page.reached;
    if (page.last) break;
  }
  EXPECT_EQ(found, 50u);
  EXPECT_GE(pages, 1u) << "the first was cut";
}

TEST_P(Recovery, finds_what_ended_without_being_delivered_with_its_last_replay) {
  const auto failed = publish();
  end(failed, "FAILED");
  const Delivery last = end(failed, "FAILED", 1);
  const auto skipped = publish();
  end(skipped, "SKIPPED");

  const ReplayPage page = found();

  EXPECT_EQ(events(page), (Events{failed->id, skipped->id}));
  EXPECT_EQ(page.found.at(0).id, last.id);
  EXPECT_EQ(page.found.at(0).replay_no, 1);
}

TEST_P(Recovery, leaves_out_what_was_delivered_or_waits_to_be) {
  const auto delivered = publish();
  end(delivered, "FAILED");
  end(delivered, "DELIVERED", 1);
  wait(publish());
  const auto replayed = publish();
  end(replayed, "FAILED");
  const DeliveryArgs args{.replay_no = 1};
  wait(replayed, &args);

  EXPECT_EQ(events(found()), Events{});
}

TEST_P(Recovery, leaves_out_what_a_fan_out_has_made_late_or_will_make) {
  wait(publish(), nullptr, kNow + 20min);
  const auto waits = publish();
  insert(event::make_fanout_task(waits, kNow));
  const auto underway = publish();
  queue::Task before = event::make_fanout_task(underway, kNow);
  before.args = "00000000-0000-7000-8000-000000000001";
  insert(before);
  const auto passed = publish();
  queue::Task behind = event::make_fanout_task(passed, kNow);
  behind.args = "ffffffff-ffff-7fff-bfff-ffffffffffff";
  insert(behind);

  EXPECT_EQ(events(found()), Events{passed->id});
}

TEST_P(Recovery, finds_what_was_replayed_to_another_url_alone) {
  const auto elsewhere = publish();
  end(elsewhere, "FAILED");
  end(elsewhere, "DELIVERED", 1, "https://debug.example.net/");
  const auto recovered = publish();
  end(recovered, "DELIVERED", 0, "https://debug.example.net/");
  const auto replayed = publish();
  end(replayed, "DELIVERED", 1, shop.url);

  EXPECT_EQ(events(found()), (Events{elsewhere->id, recovered->id}));
}

TEST_P(Recovery, knows_deliveries_whether_they_are_indexed_or_too_new) {
  const auto indexed = publish();
  end(indexed, "DELIVERED");
  store.write([](db::Tx& tx) { return index_finished(tx, 1); });
  end(publish(), "DELIVERED");

  EXPECT_EQ(events(found()), Events{});
}

TEST_P(Recovery, goes_through_many_events_in_pages) {
  Events missed;
  for (int i = 0; i < 250; ++i) {
    const auto event = publish();
    i % 2 == 0 ? missed.push_back(event->id) : (void)end(event, "DELIVERED");
  }

  Events all;
  for (base::Uuid after{};;) {
    const ReplayPage page = found(after, 120);
    for (const event::EventId& id : events(page)) all.push_back(id);
    EXPECT_GT(page.reached, after);
    after = page.reached;
    if (page.last) break;
  }

  EXPECT_EQ(all, missed);
}

}  // namespace

}  // namespace outbound
