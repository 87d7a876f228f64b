#include "outbound/fanout/fanout.hpp"

#include "base/limits.hpp"
#include "event/event_store.hpp"
#include "outbound/history/history.hpp"
#include "outbound/subscription/fixture.hpp"
#include "queue/queue_store.hpp"
#include "testing/core_db.hpp"
#include "testing/fake_clock.hpp"
#include "testing/faulty_db.hpp"
#include "testing/node.hpp"
#include "testing/run.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using base::limits::kFanoutInline;
using queue::Verdict;

const TenantId kAcme = TenantId::make(kNow);

std::vector<SubscriptionPtr> put_many(Book& book, std::size_t count, std::string pattern = "*") {
  std::vector<SubscriptionPtr> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(share(make_subscription(kAcme, {pattern})));
    book.put(all.back());
  }
  return all;
}

TEST(Publication, holds_a_delivery_for_each_match) {
  Book book;
  const auto orders = put_many(book, 2, "order.*");
  put_many(book, 1, "invoice.*");
  auto event = std::make_shared<event::Event>(*make_event(kAcme));
  event->ordering_key = "42";

  const event::Publication publication = make_publication(book, event, kNow + 1s);

  EXPECT_EQ(publication.event, event);
  EXPECT_EQ(publication.deliveries, 2);
  ASSERT_EQ(publication.tasks.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const queue::Task& task = publication.tasks[i];
    EXPECT_EQ(task.lane.uuid, orders[i]->id.uuid);
    EXPECT_EQ(task.tenant, kAcme);
    EXPECT_EQ(task.kind, "deliver");
    EXPECT_EQ(task.due, kNow + 1s);
    EXPECT_EQ(task.created, kNow + 1s);
    EXPECT_FALSE(task.timed);
    EXPECT_EQ(task.order_key, "");
    EXPECT_EQ(task.ref, event->id.uuid);
    EXPECT_EQ(task.args, "");
    EXPECT_EQ(task.payload, event);
    EXPECT_EQ(task.payload_bytes, event->bytes());
  }
  EXPECT_NE(publication.tasks[0].id, publication.tasks[1].id);
}

TEST(Publication, of_what_nobody_wants_has_no_deliveries) {
  Book book;
  put_many(book, 1, "invoice.*");

  const event::Publication publication = make_publication(book, make_event(kAcme), kNow);

  EXPECT_EQ(publication.deliveries, 0);
  EXPECT_TRUE(publication.tasks.empty());
}

TEST(Publication, holds_one_fan_out_where_very_many_match) {
  Book book;
  put_many(book, kFanoutInline);
  const event::EventPtr event = make_event(kAcme);
  EXPECT_EQ(make_publication(book, event, kNow).tasks.size(), kFanoutInline);
  put_many(book, 1);

  const event::Publication publication = make_publication(book, event, kNow);

  EXPECT_EQ(publication.deliveries, static_cast<std::int64_t>(kFanoutInline) + 1);
  ASSERT_EQ(publication.tasks.size(), 1u);
  const queue::Task& task = publication.tasks.front();
  EXPECT_EQ(task.lane.uuid, kAcme.uuid);
  EXPECT_EQ(task.tenant, kAcme);
  EXPECT_EQ(task.kind, "fanout");
  EXPECT_EQ(task.ref, event->id.uuid);
  EXPECT_EQ(task.payload, event);
  EXPECT_EQ(task.args, "");
}

constexpr const char* kNever = R"({"field":"data.n","op":"gt","value":1})";
constexpr const char* kAlways = R"({"field":"data.n","op":"eq","value":1})";

SubscriptionPtr put_one(Book& book, const char* filter, bool is_enabled = true) {
  Subscription subscription = make_subscription(kAcme);
  subscription.filter = filter;
  subscription.is_enabled = is_enabled;
  const SubscriptionPtr shared = share(std::move(subscription));
  book.put(shared);
  return shared;
}

TEST(Publication, counts_and_holds_only_what_is_delivered) {
  Book book;
  const SubscriptionPtr wanted = put_one(book, kAlways);
  put_one(book, kNever);
  put_one(book, kAlways, false);

  const event::Publication publication = make_publication(book, make_event(kAcme), kNow);

  EXPECT_EQ(publication.deliveries, 1);
  ASSERT_EQ(publication.tasks.size(), 1u);
  EXPECT_EQ(publication.tasks[0].lane, wanted->lane());
  EXPECT_NE(publication.companion, nullptr);
}

TEST(Publication, has_no_companion_where_nothing_is_skipped) {
  Book book;
  put_one(book, kAlways);
  put_one(book, "");
  EXPECT_EQ(make_publication(book, make_event(kAcme), kNow).companion, nullptr);
}

TEST(Publication, looks_at_the_data_that_was_parsed_already) {
  Book book;
  put_one(book, kNever);
  const auto data = format::parse_json(R"({"n":2})").value();
  EXPECT_EQ(make_publication(book, make_event(kAcme), kNow, {.data = &data.root()}).deliveries, 1);
}

TEST(Publication, counts_what_a_fan_out_will_deliver) {
  Book book;
  put_many(book, kFanoutInline);
  put_one(book, kNever);
  put_one(book, "", false);
  put_one(book, kAlways);

  const event::Publication publication = make_publication(book, make_event(kAcme), kNow);

  EXPECT_EQ(publication.deliveries, static_cast<std::int64_t>(kFanoutInline) + 1);
  EXPECT_EQ(publication.tasks.size(), 1u);
  EXPECT_EQ(publication.companion, nullptr);
}

TEST(Publication, leaves_filters_that_take_long_together_to_a_fan_out) {
  Book book;
  for (int i = 0; i < 40; ++i) put_one(book, any_is(i == 0 ? 7 : 100 + i).c_str());
  EXPECT_EQ(make_publication(book, make_long_event(kAcme, 100), kNow).deliveries, 1)
      << "they may take that long";

  const event::Publication publication = make_publication(book, make_long_event(kAcme, 3000), kNow);

  ASSERT_EQ(publication.tasks.size(), 1u);
  EXPECT_EQ(publication.tasks[0].kind, event::kFanoutKind);
  EXPECT_EQ(publication.companion, nullptr);
  EXPECT_GT(publication.deliveries, 30) << "those that were not asked count";
  EXPECT_LE(publication.deliveries, 40);
}

TEST(Publication, shares_its_steps_with_others_and_asks_nobody_without) {
  Book book;
  put_many(book, 30);
  std::size_t steps = 100;

  EXPECT_EQ(make_publication(book, make_event(kAcme), kNow, {}, steps).tasks.size(), 30u);
  EXPECT_EQ(steps, 40u);
  const event::Publication second = make_publication(book, make_event(kAcme), kNow, {}, steps);

  ASSERT_EQ(second.tasks.size(), 1u);
  EXPECT_EQ(second.tasks[0].kind, event::kFanoutKind);
  EXPECT_EQ(second.deliveries, 30);
  EXPECT_EQ(steps, 40u);
}

/// Three pieces.
constexpr std::size_t kPiece = FanoutHandler::kPiece;
constexpr std::size_t kMany = 2 * kPiece + 100;

base::Task<queue::Outcome> outcome_of(asio::awaitable<queue::Outcome> run) {
  co_return co_await std::move(run);
}

class Fanout : public ::testing::StoreTest {
 protected:
  Fanout() {
    store.write([&](db::Tx& tx) { return event::insert_events(tx, {{event}}, {{1}}); });
  }

  /// The task of the event's fan-out, in the table.
  queue::Task inserted() {
    const event::Publication publication = make_publication(book, event, kNow);
    store.write([&](db::Tx& tx) { return queue::insert_tasks(tx, publication.tasks); });
    return publication.tasks.front();
  }
  /// The same as it is in the table now.
  queue::Task reloaded() {
    auto loaded = store.read([](db::Tx& tx) { return queue::load(tx, event::fanout_lane(kAcme), kNow, 10); });
    return loaded.tasks.at(0);
  }
  queue::Outcome ran(const queue::Task& task) {
    return ::testing::must(::testing::run(outcome_of(handler.run(task))));
  }
  /// How many deliveries wait in lanes of subscriptions; no lane has two.
  std::int64_t deliveries() {
    EXPECT_EQ(store.integer("SELECT count(DISTINCT lane_id) FROM tasks WHERE kind = 'deliver'"),
              store.integer("SELECT count(*) FROM tasks WHERE kind = 'deliver'"));
    return store.integer("SELECT count(*) FROM tasks WHERE kind = 'deliver'");
  }
  std::int64_t deliveries_of(const SubscriptionPtr& subscription) {
    return store.integer("SELECT count(*) FROM tasks WHERE lane_id = $1", {subscription->id});
  }

  const event::EventPtr event = make_event(kAcme);
  Book book;
  ::testing::FakeClock clock;
  ::testing::FaultyDb faulty{*store};
  ::testing::Node node{faulty, clock};  // not started: nothing takes the deliveries away
  base::Offload offload;
  FanoutHandler handler{{faulty, book, node.queue(), offload, clock}};
};

INSTANTIATE_TEST_SUITE_P(Engines, Fanout, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Fanout, makes_a_delivery_for_each_match_piece_by_piece) {
  const auto all = put_many(book, kMany);
  const auto unrelated = put_many(book, 3, "invoice.*");
  const queue::Task task = inserted();

  const queue::Outcome outcome = ran(task);

  EXPECT_EQ(outcome.verdict.kind, Verdict::Kind::done);
  EXPECT_EQ(deliveries(), static_cast<std::int64_t>(kMany));
  EXPECT_EQ(deliveries_of(unrelated.front()), 0);
  EXPECT_EQ(faulty.writes(), 3u);
  EXPECT_EQ(reloaded().args, all.back()->id.str());
}

TEST_P(Fanout, makes_deliveries_of_the_event) {
  const auto all = put_many(book, kFanoutInline + 1);
  ran(inserted());

  const auto made =
      store.read([&](db::Tx& tx) { return queue::load(tx, all.front()->lane(), clock.now(), 10); });

  ASSERT_EQ(made.tasks.size(), 1u);
  EXPECT_EQ(made.tasks[0].kind, kDeliverKind);
  EXPECT_EQ(made.tasks[0].tenant, kAcme);
  EXPECT_EQ(made.tasks[0].ref, event->id.uuid);
  EXPECT_EQ(made.tasks[0].created, clock.now());
}

TEST_P(Fanout, leaves_a_row_for_each_match_that_is_skipped) {
  put_many(book, kMany);
  const SubscriptionPtr filtered = put_one(book, kNever);
  const SubscriptionPtr disabled = put_one(book, kAlways, false);

  EXPECT_EQ(ran(inserted()).verdict.kind, Verdict::Kind::done);

  EXPECT_EQ(deliveries(), static_cast<std::int64_t>(kMany));
  const auto rows = store.read([&](db::Tx& tx) { return finished_of_event(tx, kAcme, event->id); });
  std::map<SubscriptionId, std::string> reasons;
  for (const Delivery& row : rows) reasons[row.subscription] = row.status + " " + row.reason;
  EXPECT_EQ(reasons, (std::map<SubscriptionId, std::string>{{filtered->id, "SKIPPED FILTERED"},
                                                            {disabled->id, "SKIPPED DISABLED"}}));
}

TEST_P(Fanout, asks_the_filters_that_took_too_long_before_it_was_published) {
  std::vector<SubscriptionPtr> wanting;
  for (int i = 0; i < 6; ++i) wanting.push_back(put_one(book, any_is(i < 2 ? 7 : 100 + i).c_str()));
  const event::EventPtr large = make_long_event(kAcme, 99'000);
  store.write([&](db::Tx& tx) { return event::insert_events(tx, {{large}}, {{1}}); });
  queue::Task task = event::make_fanout_task(large, kNow);
  store.write([&](db::Tx& tx) { return queue::insert_tasks(tx, {{task}}); });

  EXPECT_EQ(ran(task).verdict.kind, Verdict::Kind::done);

  EXPECT_EQ(deliveries(), 2);
  for (const SubscriptionPtr& one : wanting) EXPECT_EQ(deliveries_of(one), &one - wanting.data() < 2 ? 1 : 0);
  EXPECT_EQ(store.integer("SELECT count(*) FROM webhook_deliveries WHERE reason = 'FILTERED'"), 4);
}

TEST_P(Fanout, of_an_event_that_is_gone_is_over) {
  put_one(book, any_is(7).c_str());
  const queue::Task task = event::make_fanout_task(make_long_event(kAcme, 5'000), kNow);

  EXPECT_EQ(ran(task).verdict.kind, Verdict::Kind::done);

  EXPECT_EQ(deliveries(), 0);
}

TEST_P(Fanout, is_not_overtaken_by_later_events_of_its_ordering_key) {
  Subscription ordered = make_subscription(kAcme);
  ordered.ordering = Ordering::per_key;
  ordered.filter = any_is(7);
  const SubscriptionPtr shared = share(std::move(ordered));
  book.put(shared);
  for (int i = 0; i < 6; ++i) put_one(book, any_is(100 + i).c_str());
  const auto keyed = [](event::EventPtr event, std::string key) {
    auto made = std::make_shared<event::Event>(*event);
    made->id = event::EventId::make(kNow);
    made->ordering_key = std::move(key);
    return event::EventPtr(std::move(made));
  };
  const event::EventPtr large = keyed(make_long_event(kAcme, 99'000), "k");
  const event::EventPtr small = keyed(make_long_event(kAcme, 3), "k");
  const event::EventPtr of_another_key = keyed(make_long_event(kAcme, 3), "other");
  const event::EventPtr last = keyed(make_long_event(kAcme, 3), "k");
  const auto publish = [&](const std::vector<event::EventPtr>& events) {
    std::vector<event::Publication> all;
    for (const event::EventPtr& one : events) all.push_back(make_publication(book, one, kNow));
    store.write([&](db::Tx& tx) -> base::Result<void> {
      XD_DO(event::publish(tx, node.queue(), std::move(all)));
      return {};
    });
  };

  publish({large, small, of_another_key});
  publish({last});

  EXPECT_EQ(deliveries_of(shared), 1) << "that of the other key";
  EXPECT_EQ(store.integer("SELECT count(*) FROM tasks WHERE kind = 'fanout'"), 3);
  // In their order, as the lane runs them.
  for (int i = 0; i < 3; ++i) {
    const queue::Task next = reloaded();
    EXPECT_EQ(ran(next).verdict.kind, Verdict::Kind::done);
    store.write([&](db::Tx& tx) {
      return tx.exec("DELETE FROM tasks WHERE lane_id = $1 AND id = $2", {next.lane, next.id});
    });
  }
  const auto made = store.read([&](db::Tx& tx) { return queue::pending(tx, shared->lane(), {.limit = 10}); });
  std::vector<base::Uuid> order;
  for (const queue::Task& task : made) {
    if (task.order_key == "k") order.insert(order.begin(), task.ref);  // newest first
  }
  EXPECT_EQ(order, (std::vector<base::Uuid>{large->id.uuid, small->id.uuid, last->id.uuid}));
  const event::EventPtr after = keyed(make_long_event(kAcme, 3), "k");
  publish({after});
  EXPECT_EQ(store.integer("SELECT count(*) FROM tasks WHERE kind = 'fanout'"), 0);
  EXPECT_EQ(deliveries_of(shared), 5);
}

TEST_P(Fanout, writes_what_is_skipped_once_though_it_goes_on_after_a_failure) {
  for (std::size_t i = 0; i < kMany; ++i) put_one(book, kNever);
  inserted();
  faulty.lose_answers(1);

  EXPECT_EQ(ran(reloaded()).verdict.kind, Verdict::Kind::retry_at);
  EXPECT_EQ(store.integer("SELECT count(*) FROM webhook_deliveries"), static_cast<std::int64_t>(kPiece));
  EXPECT_EQ(ran(reloaded()).verdict.kind, Verdict::Kind::done);

  EXPECT_EQ(store.integer("SELECT count(*) FROM webhook_deliveries WHERE status = 'SKIPPED'"),
            static_cast<std::int64_t>(kMany));
  EXPECT_EQ(deliveries(), 0);
}

TEST_P(Fanout, is_not_needed_for_few_whose_skipped_ones_are_written_with_the_event) {
  put_one(book, kAlways);
  const SubscriptionPtr filtered = put_one(book, kNever);
  const event::EventPtr other = make_event(kAcme);
  store.write([&](db::Tx& tx) -> base::Result<void> {
    std::vector<event::Publication> both;
    for (const event::EventPtr& one : {make_event(kAcme), other}) {
      both.push_back(make_publication(book, one, kNow));
    }
    XD_DO(event::publish(tx, node.queue(), both));
    return {};
  });

  EXPECT_EQ(store.integer("SELECT count(*) FROM webhook_deliveries"), 2);
  const auto rows = store.read([&](db::Tx& tx) { return finished_of_event(tx, kAcme, other->id); });
  ASSERT_EQ(rows.size(), 1u);
  const Delivery& row = rows[0];
  EXPECT_EQ(row.subscription, filtered->id);
  EXPECT_EQ(row.event_type, "order.created");
  EXPECT_EQ(row.status, "SKIPPED");
  EXPECT_EQ(row.reason, "FILTERED");
  EXPECT_EQ(row.created, kNow);
  EXPECT_EQ(row.completed, kNow);
  EXPECT_EQ(row.last.number, 0);
  EXPECT_EQ(row.last.outcome, "");
}

TEST_P(Fanout, tries_again_soon_when_the_store_refuses_a_piece) {
  put_many(book, kMany);
  inserted();
  faulty.refuse_writes(1);

  const queue::Outcome refused = ran(reloaded());

  EXPECT_EQ(refused.verdict.kind, Verdict::Kind::retry_at);
  EXPECT_EQ(refused.verdict.at, clock.now() + 1s);
  EXPECT_EQ(deliveries(), 0);
  EXPECT_EQ(reloaded().args, "");
  EXPECT_EQ(ran(reloaded()).verdict.kind, Verdict::Kind::done);
  EXPECT_EQ(deliveries(), static_cast<std::int64_t>(kMany));
}

TEST_P(Fanout, goes_on_after_the_last_piece_that_was_written) {
  const auto all = put_many(book, kMany);
  inserted();
  faulty.lose_answers(1);

  EXPECT_EQ(ran(reloaded()).verdict.kind, Verdict::Kind::retry_at);
  EXPECT_EQ(deliveries(), static_cast<std::int64_t>(kPiece));
  EXPECT_EQ(reloaded().args, all[kPiece - 1]->id.str());

  EXPECT_EQ(ran(reloaded()).verdict.kind, Verdict::Kind::done);
  EXPECT_EQ(deliveries(), static_cast<std::int64_t>(kMany));
}

TEST_P(Fanout, goes_on_where_it_was_though_that_subscription_is_gone) {
  const auto all = put_many(book, kMany);
  inserted();
  faulty.lose_answers(1);
  ran(reloaded());
  book.remove(all[kPiece - 1]->id);
  book.remove(all[kPiece]->id);

  EXPECT_EQ(ran(reloaded()).verdict.kind, Verdict::Kind::done);

  EXPECT_EQ(deliveries(), static_cast<std::int64_t>(kMany) - 1);
  EXPECT_EQ(deliveries_of(all[kPiece]), 0);
  EXPECT_EQ(deliveries_of(all[kPiece + 1]), 1);
}

TEST_P(Fanout, does_nothing_where_another_node_has_gone_on) {
  put_many(book, kMany);
  const queue::Task stale = inserted();
  faulty.lose_answers(1);
  ran(reloaded());

  EXPECT_EQ(ran(stale).verdict.kind, Verdict::Kind::retry_at);

  EXPECT_EQ(deliveries(), static_cast<std::int64_t>(kPiece));
}

TEST_P(Fanout, does_nothing_where_another_node_has_ended_it) {
  put_many(book, kMany);
  const queue::Task stale = inserted();
  store.write([&](db::Tx& tx) {
    return tx.exec("DELETE FROM tasks WHERE lane_id = $1 AND id = $2", {stale.lane, stale.id});
  });

  EXPECT_EQ(ran(stale).verdict.kind, Verdict::Kind::retry_at);

  EXPECT_EQ(deliveries(), 0);
}

TEST_P(Fanout, ends_where_nobody_wants_the_event_any_more) {
  const auto all = put_many(book, kFanoutInline + 1);
  const queue::Task task = inserted();
  for (const SubscriptionPtr& one : all) book.remove(one->id);

  EXPECT_EQ(ran(task).verdict.kind, Verdict::Kind::done);
  EXPECT_EQ(deliveries(), 0);
}

TEST_P(Fanout, ends_where_its_event_is_gone) {
  put_many(book, kFanoutInline + 1);
  inserted();
  store.write([](db::Tx& tx) { return tx.exec("DELETE FROM events"); });

  EXPECT_EQ(ran(reloaded()).verdict.kind, Verdict::Kind::done);
  EXPECT_EQ(deliveries(), 0);
}

}  // namespace

}  // namespace outbound
