#include "inbound/process/processing.hpp"

#include <gtest/gtest.h>

#include "tenant/tenant.hpp"
#include "testing/core_db.hpp"
#include "testing/fake_clock.hpp"
#include "testing/node.hpp"
#include "testing/run.hpp"

namespace inbound {

namespace {

constexpr base::Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};

base::Task<queue::Outcome> run_once(ProcessHandler& handler, const queue::Task& task) {
  co_return co_await handler.run(task);
}

/// Events cause nothing; of the hub's own types one is wanted.
class Alone final : public event::Matcher {
 public:
  explicit Alone(const std::string& wanted) : wanted_(wanted) {}

  event::Publication match(event::EventPtr event) override { return {.event = std::move(event)}; }
  std::optional<event::Publication> match_only(event::EventPtr event, const base::Uuid&) override {
    return event::Publication{.event = std::move(event)};
  }
  bool wants_system(TenantId, std::string_view type) override { return type == wanted_; }

 private:
  const std::string& wanted_;
};

class Processing : public ::testing::StoreTest {
 protected:
  Processing() {
    endpoint->id = event->endpoint;
    endpoint->tenant = event->tenant;
    endpoint->path = "shop";
    endpoint->source = "shop";
    endpoint->signature_scheme = R"({"kind": "none"})";
    store.write([&](db::Tx& tx) -> base::Result<void> {
      XD_DO(tenant::insert_tenant(tx, {.id = endpoint->tenant, .slug = "acme", .name = "Acme"}));
      XD_DO(insert_endpoint(tx, ring, *endpoint));
      return {};
    });
    book.put(endpoint);
  }
  static std::shared_ptr<ReceivedEvent> make_received() {
    auto made = std::make_shared<ReceivedEvent>();
    made->id = ReceivedId::make(kNow);
    made->tenant = TenantId::make(kNow);
    made->endpoint = EndpointId::make(kNow);
    made->headers = "[]";
    made->body = R"({"n": 1})";
    made->received = kNow;
    return made;
  }
  queue::Outcome run(const queue::Task& of) { return ::testing::must(::testing::run(run_once(handler, of))); }
  void record(const queue::Task& of, const queue::Outcome& outcome, bool stale = false) {
    const queue::Finished finished{.task = &of, .outcome = &outcome, .stale = stale};
    store.write([&](db::Tx& tx) { return handler.record(tx, std::span(&finished, 1)); });
  }
  std::int64_t events() { return store.integer("SELECT count(*) FROM events"); }
  EndpointStats stats() {
    return store.read([&](db::Tx& tx) { return find_endpoint_stats(tx, event->endpoint); });
  }
  std::string status() { return store.text("SELECT status FROM received_results"); }

  const std::shared_ptr<ReceivedEvent> event = make_received();
  const std::shared_ptr<Endpoint> endpoint = std::make_shared<Endpoint>();
  const crypto::KeyRing ring = crypto::KeyRing::parse(crypto::KeyRing::generate_entry("test")).value();
  ::testing::FakeClock clock;
  ::testing::Node node{*store, clock};
  Meters meters;
  Book book{meters};
  std::string wanted{};
  Alone matcher{wanted};
  ProcessHandler handler{{.book = book, .matcher = matcher, .queue = node.queue(), .clock = clock}};
  queue::Task task = make_replay_task(event, 0, kNow);
};

INSTANTIATE_TEST_SUITE_P(Engines, Processing, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Processing, publishes_once_however_often_it_is_told) {
  const queue::Outcome outcome = run(task);
  record(task, outcome);
  record(task, outcome);  // the store's answer to the first was lost
  EXPECT_EQ(events(), 1);
  EXPECT_EQ(status(), "PROCESSED");
  EXPECT_EQ(stats().processed, 1);

  const queue::Task again = make_replay_task(event, 1, kNow);
  record(again, run(again));
  EXPECT_EQ(events(), 2) << "a replay publishes a further one";
  EXPECT_EQ(stats().received, 1);
}

TEST_P(Processing, writes_nothing_for_a_task_that_is_another_nodes) {
  record(task, run(task), true);
  EXPECT_EQ(events(), 0);
  EXPECT_EQ(store.integer("SELECT count(*) FROM received_results"), 0);
}

TEST_P(Processing, gives_up_what_has_ended_the_process_three_times) {
  task.unknown_attempts = 2;
  record(task, run(task));
  EXPECT_EQ(status(), "PROCESSED");

  queue::Task poison = make_replay_task(event, 1, kNow);
  poison.unknown_attempts = 3;
  record(poison, run(poison));
  EXPECT_EQ(status(), "FAILED");
  EXPECT_EQ(events(), 1);
  EXPECT_NE(store.text("SELECT processing_error FROM received_results").find("three times"),
            std::string::npos);
}

TEST_P(Processing, of_a_conflict_makes_an_event_counts_it_and_tells_of_it) {
  event->conflict_of = ReceivedId::make(kNow);
  event->external_id = "evt_1";
  wanted = "webhook.conflict";
  record(task, run(task));
  EXPECT_EQ(status(), "PROCESSED");
  EXPECT_EQ(events(), 2);
  EXPECT_EQ(store.integer("SELECT count(*) FROM events WHERE type = 'webhook.conflict'"), 1);
  EXPECT_EQ((std::array{stats().received, stats().processed, stats().conflicts}),
            (std::array<std::int64_t, 3>{1, 1, 1}));

  const queue::Task again = make_replay_task(event, 1, kNow);
  record(again, run(again));
  EXPECT_EQ(events(), 3) << "a replay is no further conflict";
  EXPECT_EQ(stats().conflicts, 1);
}

TEST_P(Processing, holds_a_conflict_where_the_endpoint_says_so_until_it_is_replayed) {
  auto changed = std::make_shared<Endpoint>(endpoint->copy());
  changed->on_conflict = OnConflict::hold;
  ++changed->version;
  book.put(changed);
  event->conflict_of = ReceivedId::make(kNow);
  wanted = "webhook.conflict";
  record(task, run(task));
  EXPECT_EQ(status(), "CONFLICT");
  EXPECT_EQ(store.text("SELECT type FROM events"), "webhook.conflict");
  EXPECT_EQ((std::array{stats().received, stats().processed, stats().conflicts}),
            (std::array<std::int64_t, 3>{1, 0, 1}));

  const queue::Task again = make_replay_task(event, 1, kNow);
  record(again, run(again));
  EXPECT_EQ(status(), "PROCESSED");
}

TEST_P(Processing, is_read_back_as_it_was_received) {
  store.write([&](db::Tx& tx) -> base::Result<void> {
    Arrival arrival;
    arrival.events.push_back({.event = event, .key = "k", .body_hash = "h", .expires = kNow});
    XD_DO(insert_arrivals(tx, node.queue(), std::span(&arrival, 1)));
    return {};
  });
  task.payload = nullptr;
  store.read([&](db::Tx& tx) { return handler.hydrate(tx, std::span(&task, 1)); });
  ASSERT_NE(task.payload, nullptr);
  const auto read = std::static_pointer_cast<const ReceivedEvent>(task.payload);
  EXPECT_EQ(read->body, event->body);
  EXPECT_EQ(read->endpoint, event->endpoint);
  record(task, run(task));
  EXPECT_EQ(events(), 1);
}

}  // namespace

}  // namespace inbound
