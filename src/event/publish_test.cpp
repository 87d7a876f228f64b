#include "event/publish.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "event/event_store.hpp"
#include "testing/core_db.hpp"
#include "testing/eventually.hpp"
#include "testing/faulty_db.hpp"
#include "testing/node.hpp"
#include "testing/run.hpp"
#include "testing/scripted_handler.hpp"
#include "testing/tasks.hpp"

namespace event {

namespace {

using namespace std::chrono_literals;
using base::TenantId;
using ::testing::eventually;
using ::testing::must;
using ::testing::ScriptedHandler;

constexpr base::Time kNow{std::chrono::microseconds{1'800'000'000'000'000}};

class Publishing : public ::testing::StoreTest {
 protected:
  Publishing() {
    store.write(ScriptedHandler::make_table);
    store.write([&](db::Tx& tx) {
      return queue::insert_lane(tx, lane, tenant, ::testing::kTestKind, queue::LaneState::active);
    });
    node.add_handler(::testing::kTestKind, handler);
  }

  struct Wanted {
    std::string key{};
    std::string body_hash{};
    std::size_t tasks = 0;
    base::Time now = kNow;
  };
  Publication make(const Wanted& wanted) const {
    Publication publication;
    publication.event = std::make_shared<const Event>(Event{.id = EventId::make(wanted.now),
                                                            .tenant = tenant,
                                                            .type = "order.created",
                                                            .data = "{}",
                                                            .occurred = wanted.now,
                                                            .created = wanted.now,
                                                            .idempotency_key = wanted.key});
    publication.tasks =
        ::testing::make_tasks({.lane = lane, .tenant = tenant, .now = wanted.now}, wanted.tasks);
    publication.deliveries = static_cast<std::int64_t>(wanted.tasks);
    publication.body_hash = wanted.body_hash;
    return publication;
  }
  std::vector<Publication> make_all(std::initializer_list<Wanted> wanted) const {
    std::vector<Publication> publications;
    for (const Wanted& one : wanted) publications.push_back(make(one));
    return publications;
  }
  std::vector<Published> published(std::vector<Publication> publications) {
    return store.write([&](db::Tx& tx) { return publish(tx, node.queue(), publications); });
  }
  Published published(const Wanted& wanted) { return published(make_all({wanted})).at(0); }

  std::int64_t events() { return store.integer("SELECT count(*) FROM events"); }
  std::int64_t tasks() { return store.integer("SELECT count(*) FROM tasks"); }

  const TenantId tenant = ::testing::make_tenant_id();
  const queue::LaneId lane = ::testing::make_lane_id();
  base::SystemClock clock;
  ScriptedHandler handler{clock};
  ::testing::FaultyDb faulty{*store};
  ::testing::Node node{faulty, clock};
};

INSTANTIATE_TEST_SUITE_P(Engines, Publishing, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Publishing, writes_events_with_their_tasks_and_answers_in_order) {
  std::vector<Publication> publications = make_all({{.tasks = 2}, {.tasks = 0}, {.tasks = 1}});
  std::vector<EventId> ids;
  for (const Publication& publication : publications) ids.push_back(publication.event->id);

  const std::vector<Published> answers = published(std::move(publications));

  ASSERT_EQ(answers.size(), 3u);
  const std::int64_t deliveries[] = {2, 0, 1};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(answers[i].id, ids[i]);
    EXPECT_EQ(answers[i].created, kNow);
    EXPECT_EQ(answers[i].deliveries, deliveries[i]);
    EXPECT_FALSE(answers[i].replayed);
    EXPECT_FALSE(answers[i].key_reused);
    const auto stored = store.read([&](db::Tx& tx) { return find_event(tx, tenant, ids[i]); });
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->deliveries, deliveries[i]);
  }
  EXPECT_EQ(tasks(), 3);
}

/// Counts its writes, and what it wrote, in the sequence of the test.
class Note final : public Companion {
 public:
  Note(std::vector<std::string>& written, std::string text) : written_(written), text_(std::move(text)) {}
  bool absorb(const Companion& other) override {
    const auto* const same = dynamic_cast<const Note*>(&other);
    if (same == nullptr || text_.front() != same->text_.front()) return false;
    text_ += same->text_;
    return true;
  }
  base::Result<void> write(db::Tx& tx) override {
    // The event is there already.
    std::int64_t events = 0;
    XD_DO(tx.query("SELECT count(*) FROM events", {}, [&](const db::Row& row) { events = row.integer(0); }));
    written_.push_back(text_ + std::to_string(events));
    return {};
  }
  std::unique_ptr<Companion> clone() const override { return std::make_unique<Note>(*this); }

 private:
  std::vector<std::string>& written_;
  std::string text_;
};

TEST_P(Publishing, writes_the_companions_of_one_kind_at_once) {
  std::vector<std::string> written;
  std::vector<Publication> publications = make_all({{}, {}, {}, {}});
  publications[0].companion = std::make_unique<Note>(written, "a1");
  publications[1].companion = std::make_unique<Note>(written, "b2");
  publications[3].companion = std::make_unique<Note>(written, "a3");

  published(std::move(publications));

  EXPECT_EQ(written, (std::vector<std::string>{"a1a34", "b24"}));
}

TEST_P(Publishing, writes_no_companion_of_an_event_that_was_published_before) {
  std::vector<std::string> written;
  const auto publish_once_more = [&] {
    std::vector<Publication> publications = make_all({{.key = "k", .body_hash = "h"}});
    publications[0].companion = std::make_unique<Note>(written, "a");
    return published(std::move(publications)).at(0);
  };
  EXPECT_FALSE(publish_once_more().replayed);
  EXPECT_TRUE(publish_once_more().replayed);

  EXPECT_EQ(written, std::vector<std::string>{"a1"});
}

TEST_P(Publishing, of_nothing_writes_nothing) {
  EXPECT_TRUE(published(std::vector<Publication>{}).empty());
  EXPECT_EQ(events(), 0);
}

TEST_P(Publishing, brings_the_tasks_to_their_handler_after_the_commit) {
  node.start();

  published({.tasks = 3});

  EXPECT_TRUE(eventually([&] { return handler.count() == 3 && tasks() == 0; }));
}

TEST_P(Publishing, leaves_nothing_when_the_transaction_is_rolled_back) {
  node.start();

  const auto refused = store->write_now([&](db::Tx& tx) -> base::Result<void> {
    XD_DO(publish(tx, node.queue(), make_all({{.key = "key", .body_hash = "body", .tasks = 3}})));
    return base::fail(base::Code::invalid, "something else in it did not work");
  });
  node.settle();

  EXPECT_FALSE(refused);
  EXPECT_EQ(events(), 0);
  EXPECT_EQ(tasks(), 0);
  EXPECT_EQ(store.integer("SELECT count(*) FROM idempotency_keys"), 0);
  EXPECT_EQ(handler.count(), 0u);
}

TEST_P(Publishing, answers_a_repeated_key_as_the_first_time) {
  const Published first = published({.key = "key", .body_hash = "body", .tasks = 2});
  const Published again = published({.key = "key", .body_hash = "body", .tasks = 5, .now = kNow + 1h});

  EXPECT_FALSE(first.replayed);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.created, kNow);
  EXPECT_EQ(again.deliveries, 2);
  EXPECT_EQ(events(), 1);
  EXPECT_EQ(tasks(), 2);
}

TEST_P(Publishing, refuses_a_key_that_was_used_with_another_body_and_writes_the_others) {
  published({.key = "key", .body_hash = "body"});

  const auto answers = published(make_all({{.key = "other", .body_hash = "other body"},
                                           {.key = "key", .body_hash = "other body", .tasks = 1},
                                           {}}));

  EXPECT_FALSE(answers[0].key_reused);
  EXPECT_TRUE(answers[1].key_reused);
  EXPECT_FALSE(answers[2].key_reused);
  EXPECT_EQ(events(), 3);
  EXPECT_EQ(tasks(), 0);
}

TEST_P(Publishing, knows_a_key_for_a_day) {
  const Published first = published({.key = "key", .body_hash = "body"});

  EXPECT_TRUE(published({.key = "key", .body_hash = "body", .now = kNow + 24h}).replayed);
  const Published later = published({.key = "key", .body_hash = "another", .now = kNow + 24h + 1us});

  EXPECT_FALSE(later.replayed);
  EXPECT_FALSE(later.key_reused);
  EXPECT_NE(later.id, first.id);
  EXPECT_EQ(events(), 2);
}

TEST_P(Publishing, writes_an_event_without_a_key_as_often_as_it_is_asked_to) {
  EXPECT_FALSE(published(Wanted{}).replayed);
  EXPECT_FALSE(published(Wanted{}).replayed);
  EXPECT_EQ(events(), 2);
}

TEST_P(Publishing, sees_the_same_key_twice_in_one_batch) {
  const auto answers = published(make_all({{.key = "key", .body_hash = "body", .tasks = 1},
                                           {.key = "key", .body_hash = "body", .tasks = 1},
                                           {.key = "key", .body_hash = "another", .tasks = 1}}));

  EXPECT_FALSE(answers[0].replayed);
  EXPECT_TRUE(answers[1].replayed);
  EXPECT_EQ(answers[1].id, answers[0].id);
  EXPECT_TRUE(answers[2].key_reused);
  EXPECT_EQ(events(), 1);
  EXPECT_EQ(tasks(), 1);
}

TEST_P(Publishing, makes_one_event_of_a_key_that_many_use_at_once) {
  constexpr std::size_t kCallers = 8;
  std::vector<Published> answers(kCallers);
  {
    std::vector<std::jthread> callers;
    for (Published& answer : answers) {
      callers.emplace_back([&] { answer = published({.key = "key", .body_hash = "body", .tasks = 1}); });
    }
  }

  EXPECT_EQ(std::ranges::count(answers, false, &Published::replayed), 1);
  for (const Published& answer : answers) EXPECT_EQ(answer.id, answers[0].id);
  EXPECT_EQ(events(), 1);
  EXPECT_EQ(tasks(), 1);
}

/// What many requests at once get from one intake.
struct Answers {
  std::vector<Published> published;
  std::vector<base::Error> errors;
};

base::Task<void> request(Intake& intake, Publication publication, Answers& answers) {
  auto answer = co_await intake.publish(std::move(publication));
  if (answer) {
    answers.published.push_back(*answer);
  } else {
    answers.errors.push_back(answer.error());
  }
  co_return base::Result<void>{};
}

base::Task<void> request_all(db::Db& store, queue::Queue& queue, std::vector<Publication> publications,
                             Answers& answers) {
  base::Gate gate(co_await asio::this_coro::executor);
  Intake intake(gate, store, queue);
  base::Gate requests(co_await asio::this_coro::executor);
  for (Publication& publication : publications) {
    requests.spawn("request", request(intake, std::move(publication), answers));
  }
  co_await requests.close();
  EXPECT_EQ(intake.waiting(), 0u);
  co_await gate.close();
  Answers late;
  co_await request(intake, std::move(publications[0]), late);
  EXPECT_EQ(late.errors.size(), 1u);
  co_return base::Result<void>{};
}

TEST_P(Publishing, gathers_the_requests_of_a_moment_into_few_transactions) {
  std::vector<Publication> publications;
  std::vector<EventId> ids;
  for (int i = 0; i < 500; ++i) {
    publications.push_back(make({.tasks = 1}));
    ids.push_back(publications.back().event->id);
  }

  Answers answers;
  must(::testing::run(request_all(faulty, node.queue(), std::move(publications), answers)));

  EXPECT_TRUE(answers.errors.empty());
  std::vector<EventId> answered;
  for (const Published& one : answers.published) answered.push_back(one.id);
  std::ranges::sort(answered);
  EXPECT_EQ(answered, ids);
  EXPECT_EQ(events(), 500);
  EXPECT_EQ(tasks(), 500);
  EXPECT_LE(faulty.writes(), 5u);
}

TEST_P(Publishing, tells_everybody_of_a_transaction_that_it_failed) {
  const auto make_ten = [&] {
    std::vector<Publication> publications;
    for (int i = 0; i < 10; ++i) publications.push_back(make({.key = std::to_string(i), .tasks = 1}));
    return publications;
  };
  faulty.refuse_writes(1);

  Answers answers;
  must(::testing::run(request_all(faulty, node.queue(), make_ten(), answers)));
  ASSERT_EQ(answers.errors.size(), 10u);
  for (const base::Error& error : answers.errors) EXPECT_EQ(error.code, base::Code::unavailable);
  EXPECT_EQ(events(), 0);

  Answers again;
  must(::testing::run(request_all(faulty, node.queue(), make_ten(), again)));
  EXPECT_EQ(again.published.size(), 10u);
  EXPECT_EQ(events(), 10);
  EXPECT_EQ(tasks(), 10);
}

}  // namespace

}  // namespace event
