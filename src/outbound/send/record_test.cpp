// What the handler of deliveries writes in the transaction that closes attempts.
#include <boost/asio/io_context.hpp>

#include "outbound/fanout/fanout.hpp"
#include "outbound/history/error_group.hpp"
#include "outbound/history/history.hpp"
#include "outbound/send/deliver.hpp"
#include "outbound/subscription/fixture.hpp"
#include "outbound/subscription/statistics.hpp"
#include "queue/queue_store.hpp"
#include "tenant/audit.hpp"
#include "testing/core_db.hpp"
#include "testing/fake_clock.hpp"
#include "testing/node.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using queue::LaneState;
using queue::Verdict;

class Recording : public ::testing::StoreTest {
 protected:
  Recording() {
    books.add(context.get_executor(), book);
    store.write([&](db::Tx& tx) { return insert_tenant_of(tx, acme); });
    insert(subscription);
  }

  void insert(const Subscription& made) {
    store.write([&](db::Tx& tx) -> base::Result<void> {
      XD_DO(insert_subscription(tx, ring, made));
      return queue::insert_lane(tx, made.lane(), acme, kDeliverKind, LaneState::active);
    });
    book.put(share(made.copy()));
  }

  /// A run of a fresh delivery of the subscription, which took ten milliseconds.
  struct Run {
    queue::Task task;
    queue::Outcome outcome;
    bool stale = false;
    bool again = false;
  };
  Run make(const Subscription& of, std::string outcome, Verdict verdict) const {
    auto report = std::make_shared<AttemptReport>();
    report->event_type = "order.created";
    report->attempt = {.number = 1,
                       .outcome = std::move(outcome),
                       .started = clock.now(),
                       .request_url = of.url,
                       .response_time_ms = 10,
                       .timings = {.total_us = 10'000}};
    Run run{make_delivery_task(of, event, kNow), {verdict}};
    run.outcome.report = std::move(report);
    return run;
  }
  Run delivered() const { return make(subscription, "DELIVERED", Verdict::done()); }
  Run failed() const { return make(subscription, "FAILED", Verdict::done()); }
  Run failed_once() const { return make(subscription, "FAILED", Verdict::retry_at(clock.now() + 60s)); }
  std::vector<Run> several(std::size_t failures) const {
    std::vector<Run> runs;
    for (std::size_t i = 0; i < failures; ++i) runs.push_back(failed());
    return runs;
  }
  static AttemptReport& report_of(const Run& run) {
    return const_cast<AttemptReport&>(*static_cast<const AttemptReport*>(run.outcome.report.get()));
  }

  void record(const std::vector<Run>& runs) {
    std::vector<queue::Finished> finished;
    for (const Run& run : runs) finished.push_back({&run.task, &run.outcome, run.stale, run.again});
    store.write([&](db::Tx& tx) { return handler.record(tx, finished); });
    context.poll();  // what the books were told
    context.restart();
  }
  std::optional<Delivery> history(const Run& run) {
    return store.read([&](db::Tx& tx) { return find_finished(tx, acme, DeliveryId{run.task.id.uuid}); });
  }
  std::vector<Attempt> attempts(const Run& run) {
    return store.read([&](db::Tx& tx) { return earlier_attempts(tx, DeliveryId{run.task.id.uuid}); });
  }
  SubscriptionStats stats() {
    return store.read([&](db::Tx& tx) { return find_stats(tx, subscription.id); });
  }
  SubscriptionPtr stored() {
    return store.read([&](db::Tx& tx) { return find_subscription(tx, ring, acme, subscription.id); });
  }
  std::string lane_state() { return store.text("SELECT state FROM lanes WHERE id = $1", {subscription.id}); }
  std::vector<tenant::AuditEntry> audit() {
    return store.read([&](db::Tx& tx) { return tenant::list_audit(tx, acme, {}); });
  }
  void expect_enabled() {
    EXPECT_TRUE(stored()->delivers());
    EXPECT_EQ(stored()->version, 1);
    EXPECT_EQ(lane_state(), "ACTIVE");
    EXPECT_TRUE(audit().empty());
  }
  void expect_disabled(const std::string& reason) {
    const SubscriptionPtr read = stored();
    EXPECT_EQ(read->status, SubscriptionStatus::failed);
    EXPECT_FALSE(read->is_enabled);
    EXPECT_EQ(read->disabled_reason, reason);
    EXPECT_EQ(read->disabled, clock.now());
    EXPECT_EQ(read->updated, clock.now());
    EXPECT_EQ(read->version, 2);
    EXPECT_EQ(lane_state(), "PAUSED");
    EXPECT_EQ(book.find(subscription.id)->config->status, SubscriptionStatus::failed);
    const auto entries = audit();
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].action, "subscription.disabled");
    EXPECT_EQ(entries[0].target, subscription.id.uuid);
    EXPECT_EQ(entries[0].at, clock.now());
    EXPECT_EQ(entries[0].after, R"({"status":"FAILED","disabled_reason":")" + reason + R"("})");
  }

  const TenantId acme = TenantId::make(kNow);
  const Subscription subscription = make_subscription(acme);
  const event::EventPtr event = make_event(acme);
  const crypto::KeyRing ring = make_key_ring();
  ::testing::FakeClock clock;
  ::testing::Node node{*store, clock};  // not started
  asio::io_context context{1};
  http::EgressGuard guard;
  http::Client client{context.get_executor(), guard, {}};
  base::Gate gate{context.get_executor()};
  TestLog logs;
  ExchangeLog exchanges{gate, *logs};
  Book book;
  tenant::TenantBook tenants;
  base::Everywhere<Book> books;
  DeliveryHandler handler{{client, book, tenants, exchanges, clock, node.queue(), books, ring}};
};

INSTANTIATE_TEST_SUITE_P(Engines, Recording, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Recording, counts_attempts_and_groups_failures_by_their_cause) {
  std::vector<Run> runs = {delivered(), failed(), failed_once()};
  for (std::size_t i = 1; i < runs.size(); ++i) {
    report_of(runs[i]).attempt.error_class = "DNS";
    report_of(runs[i]).attempt.error_message = "no such host";
  }

  record(runs);

  const auto counts = store.read([&](db::Tx& tx) {
    const base::Time minute = std::chrono::floor<std::chrono::minutes>(clock.now());
    return read_series(tx, {acme, subscription.id, minute, minute + 1min, 60s}, clock.now());
  });
  EXPECT_EQ(counts.at(0).delivered, 1);
  EXPECT_EQ(counts.at(0).failed, 1);
  EXPECT_EQ(counts.at(0).retried, 1);
  EXPECT_EQ(counts.at(0).latency_ms, 30);
  const std::string signature = error_signature(report_of(runs[1]).attempt);
  EXPECT_EQ(history(runs[0])->error_signature, "");
  EXPECT_EQ(history(runs[1])->error_signature, signature);
  const auto groups =
      store.read([&](db::Tx& tx) { return find_error_groups(tx, {.tenant = acme}, clock.now(), 10); }).groups;
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].signature, signature);
  EXPECT_EQ(groups[0].deliveries, 1);
  EXPECT_EQ(groups[0].attempts, 2);
  EXPECT_EQ(groups[0].host, "example.com");
}

TEST_P(Recording, says_what_came_of_an_attempt_also_where_the_store_does_not_take_the_rest) {
  Run well = delivered();
  Run badly = failed();
  for (Run* run : {&well, &badly}) {
    AttemptReport& report = report_of(*run);
    report.attempt.response_status = run == &well ? 200 : 500;
    report.attempt.remote_ip = "\xFF";
    report.news.push_back({make_circuit_event(acme, subscription.id, std::nullopt, clock.now()), true});
  }
  report_of(badly).attempt.error_class = "SERVER_ERROR";
  report_of(badly).attempt.error_message = "\xFF";

  EXPECT_TRUE(handler.shorten(well.outcome));
  EXPECT_TRUE(handler.shorten(badly.outcome));
  record({well, badly});

  EXPECT_EQ(history(well)->status, "DELIVERED");
  EXPECT_EQ(history(well)->last.response_status, 200);
  EXPECT_EQ(history(well)->last.error_message, "");
  EXPECT_EQ(history(badly)->status, "FAILED");
  EXPECT_EQ(history(badly)->last.response_status, 500);
  EXPECT_EQ(history(badly)->last.error_class, "SERVER_ERROR");
  EXPECT_EQ(history(badly)->last.error_message, "what it said could not be stored");
  EXPECT_EQ(store.integer("SELECT count(*) FROM events"), 0) << "what is told of it may be what is wrong";
}

TEST_P(Recording, of_a_delivered_event_is_a_row_of_history) {
  Run run = delivered();
  const DeliveryArgs args{.replay_no = 2, .replay_of = DeliveryId::make(kNow)};
  run.task.args = write_args(args);
  report_of(run).attempt.number = 3;
  report_of(run).attempt.response_status = 200;

  record({run});

  const auto row = history(run);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->subscription, subscription.id);
  EXPECT_EQ(row->event, event->id);
  EXPECT_EQ(row->event_type, "order.created");
  EXPECT_EQ(row->status, "DELIVERED");
  EXPECT_EQ(row->replay_no, 2);
  EXPECT_EQ(row->replay_of, args.replay_of);
  EXPECT_EQ(row->created, kNow);
  EXPECT_EQ(row->completed, clock.now() + 10ms);
  EXPECT_EQ(row->last.number, 3);
  EXPECT_EQ(row->last.outcome, "DELIVERED");
  EXPECT_EQ(row->last.response_status, 200);
  EXPECT_EQ(row->last.response_time_ms, 10);
  EXPECT_TRUE(attempts(run).empty());
  EXPECT_EQ(stats().delivered, 1);
  EXPECT_EQ(stats().sent, 1);
  EXPECT_EQ(stats().last_success, clock.now() + 10ms);
}

TEST_P(Recording, of_what_the_filter_did_not_want_when_it_could_be_asked_is_skipped) {
  Run run = delivered();
  report_of(run).filtered = true;
  report_of(run).attempt = {.number = 2, .started = clock.now()};

  record({run});

  EXPECT_EQ(history(run)->status, "SKIPPED");
  EXPECT_EQ(history(run)->reason, "FILTERED");
  EXPECT_EQ(history(run)->last.number, 2);
  EXPECT_EQ(stats().sent, 0);
  expect_enabled();
}

TEST_P(Recording, of_an_attempt_at_another_url_leaves_the_subscriptions_health_as_it_is) {
  Run elsewhere = failed();
  report_of(elsewhere).elsewhere = true;

  record({elsewhere});

  EXPECT_TRUE(history(elsewhere));
  EXPECT_EQ(stats().sent, 0);
  EXPECT_EQ(stats().consecutive_failures, 0);
}

TEST_P(Recording, of_an_attempt_that_will_be_repeated_is_a_row_of_attempts) {
  const Run run = failed_once();

  record({run});

  EXPECT_FALSE(history(run));
  const auto rows = attempts(run);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].number, 1);
  EXPECT_EQ(rows[0].outcome, "FAILED");
  EXPECT_EQ(rows[0].request_url, subscription.url);
  EXPECT_EQ(stats().failed, 1);
  EXPECT_EQ(stats().consecutive_failures, 1);
  EXPECT_EQ(stats().last_failure, clock.now() + 10ms);
}

TEST_P(Recording, of_the_last_failure_is_a_row_of_history) {
  const Run run = failed();

  record({run});

  ASSERT_TRUE(history(run));
  EXPECT_EQ(history(run)->status, "FAILED");
  EXPECT_TRUE(attempts(run).empty());
}

TEST_P(Recording, of_an_attempt_that_a_crash_cut_off_counts_nothing) {
  Run run = failed_once();
  run.task.attempt = 1;
  run.task.unknown_attempts = 1;
  run.outcome = {.verdict = {Verdict::Kind::unknown, clock.now()}};

  record({run});

  EXPECT_FALSE(history(run));
  const auto rows = attempts(run);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].number, 3);
  EXPECT_EQ(rows[0].outcome, "UNKNOWN");
  EXPECT_EQ(rows[0].error_class, "INTERNAL");
  EXPECT_EQ(stats().sent, 0);
}

TEST_P(Recording, of_a_delivery_that_was_cut_off_too_often_is_a_failure) {
  Run run = failed();
  run.outcome = {.verdict = Verdict::done()};
  Run without_event = run;
  without_event.task.id = queue::TaskId::make(kNow);
  without_event.task.payload.reset();

  record({run, without_event});

  const auto row = history(run);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->status, "FAILED");
  EXPECT_EQ(row->event_type, "order.created");
  EXPECT_EQ(row->last.outcome, "UNKNOWN");
  ASSERT_TRUE(history(without_event));
  EXPECT_EQ(history(without_event)->event_type, "");
  EXPECT_EQ(stats().sent, 0);
}

TEST_P(Recording, of_a_cancelled_delivery_counts_nothing) {
  Run run = make(subscription, "CANCELLED", Verdict::done());
  report_of(run).cancelled = true;

  record({run});

  ASSERT_TRUE(history(run));
  EXPECT_EQ(history(run)->status, "CANCELLED");
  EXPECT_TRUE(attempts(run).empty());
  EXPECT_EQ(stats().sent, 0);
}

TEST_P(Recording, of_a_stale_run_is_only_what_happened) {
  Run sent = delivered();
  sent.stale = true;
  Run unsent = make(subscription, "CANCELLED", Verdict::done());
  report_of(unsent).cancelled = true;
  unsent.stale = true;

  record({sent, unsent});

  EXPECT_FALSE(history(sent));
  EXPECT_EQ(attempts(sent).size(), 1u);
  EXPECT_EQ(stats().delivered, 1);
  EXPECT_FALSE(history(unsent));
  EXPECT_TRUE(attempts(unsent).empty());
}

TEST_P(Recording, counts_a_batch_in_the_order_of_its_ends) {
  const Subscription neighbour = make_subscription(acme);
  insert(neighbour);
  record({failed(), failed_once(), make(neighbour, "FAILED", Verdict::done()), delivered(), failed_once()});

  EXPECT_EQ(stats().sent, 4);
  EXPECT_EQ(stats().delivered, 1);
  EXPECT_EQ(stats().failed, 3);
  EXPECT_EQ(stats().consecutive_failures, 1);
  const auto theirs = store.read([&](db::Tx& tx) { return find_stats(tx, neighbour.id); });
  EXPECT_EQ(theirs.failed, 1);
  EXPECT_EQ(theirs.sent, 1);
}

// A commit may have succeeded though its answer was lost: the shard then records the same runs again.
TEST_P(Recording, counts_an_attempt_once_though_it_is_recorded_twice) {
  Run retried = failed_once();
  Run ended = failed();
  record({retried, ended});
  retried.again = ended.again = true;
  ended.stale = true;  // its task was deleted by the first time

  record({retried, ended});

  EXPECT_EQ(attempts(retried).size(), 1u);
  EXPECT_TRUE(history(ended));
  EXPECT_TRUE(attempts(ended).empty());
  EXPECT_EQ(stats().sent, 2);
  EXPECT_EQ(stats().consecutive_failures, 2);
}

TEST_P(Recording, of_a_deleted_subscription_keeps_its_history) {
  store.write([&](db::Tx& tx) { return delete_subscription(tx, acme, subscription.id); });
  const Run run = failed();
  Run gone = failed();
  report_of(gone).gone = true;

  record({run, gone});

  EXPECT_TRUE(history(run));
  EXPECT_TRUE(history(gone));
  EXPECT_TRUE(audit().empty());
}

TEST_P(Recording, disables_after_ten_failures_over_fifteen_minutes) {
  record(several(9));
  clock.advance(15min + 10ms);  // an attempt fails at its end
  expect_enabled();

  record({failed_once()});

  expect_disabled("CONSECUTIVE_FAILURES");
}

TEST_P(Recording, does_not_disable_for_many_failures_within_a_short_time) {
  record(several(10));
  clock.advance(15min - 1s);
  record({failed()});
  EXPECT_EQ(stats().consecutive_failures, 11);
  expect_enabled();

  clock.advance(2s);
  record({failed()});

  expect_disabled("CONSECUTIVE_FAILURES");
}

TEST_P(Recording, does_not_disable_when_a_success_lies_between) {
  record(several(9));
  clock.advance(1h);

  record({delivered(), failed()});

  expect_enabled();
}

TEST_P(Recording, disables_at_once_where_the_receiver_is_gone) {
  Run gone = failed();
  report_of(gone).gone = true;

  record({gone, failed()});

  expect_disabled("GONE");
}

TEST_P(Recording, leaves_a_subscription_alone_that_does_not_deliver_anyway) {
  Subscription paused = subscription.copy();
  paused.status = SubscriptionStatus::paused;
  paused.version = 2;
  ASSERT_TRUE(store.write([&](db::Tx& tx) { return update_subscription(tx, ring, paused); }));
  Run gone = failed();
  report_of(gone).gone = true;

  record({gone});

  EXPECT_EQ(stored()->status, SubscriptionStatus::paused);
  EXPECT_EQ(stored()->version, 2);
  EXPECT_TRUE(audit().empty());
}

TEST_P(Recording, leaves_nothing_when_the_transaction_is_rolled_back) {
  Run gone = failed();
  report_of(gone).gone = true;
  const std::vector<queue::Finished> finished = {{&gone.task, &gone.outcome}};

  const auto refused = store->write_now([&](db::Tx& tx) -> base::Result<void> {
    XD_DO(handler.record(tx, finished));
    return base::fail(base::Code::invalid, "something else in it did not work");
  });
  context.poll();

  EXPECT_FALSE(refused);
  EXPECT_FALSE(history(gone));
  EXPECT_EQ(stats().sent, 0);
  expect_enabled();
  EXPECT_EQ(book.find(subscription.id)->config->status, SubscriptionStatus::active);
}

}  // namespace

}  // namespace outbound
