// Attempts as the handler of deliveries makes them, against a scripted receiver.
#include "outbound/send/deliver.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "event/event_store.hpp"
#include "format/json.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/subscription/fixture.hpp"
#include "testing/core_db.hpp"
#include "testing/fake_clock.hpp"
#include "testing/imposter.hpp"
#include "testing/node.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using queue::Verdict;
using ::testing::must;

class Delivering : public ::testing::Test {
 protected:
  Delivering() {
    tenants.put(std::make_shared<const tenant::Tenant>(
        tenant::Tenant{.id = acme, .slug = "acme", .name = "Acme Corp"}));
    subscription.url = receiver.url("/hook");
    subscription.secrets.push_back(make_secret('A'));
    book.put(share(subscription.copy()));
  }
  ~Delivering() override {
    client.cancel_all();
    end_log();
  }

  /// Runs the event loop until the work is done.
  template <class T>
  T await(asio::awaitable<T> work) {
    auto result = asio::co_spawn(context, std::move(work), asio::use_future);
    while (result.wait_for(0s) != std::future_status::ready) {
      context.restart();
      context.run_one();
    }
    return result.get();
  }
  /// Waits until what was logged is in the log store. Nothing more is logged after that.
  void end_log() {
    if (!gate.closing()) await(gate.close());
  }

  void change(const std::function<void(Subscription&)>& how) {
    how(subscription);
    ++subscription.version;
    book.put(share(subscription.copy()));
  }
  void use_oauth2(const std::string& token_url) {
    change([&](Subscription& one) {
      one.auth_type = AuthType::oauth2;
      one.auth_config = base::Secret(R"({"token_url":")" + token_url +
                                     R"(","client_id":"crossdock","client_secret":"s3cret"})");
    });
  }
  queue::Task task(const DeliveryArgs* args = nullptr) const {
    return make_delivery_task(subscription, event, clock.now(), args);
  }
  queue::Outcome ran(const queue::Task& task) { return await(handler.run(task)); }
  static const AttemptReport& report_of(const queue::Outcome& outcome) {
    return *static_cast<const AttemptReport*>(outcome.report.get());
  }
  std::optional<Exchange> logged(const queue::Task& task, int attempt) {
    end_log();
    return must(await(logs->read(clock.now(), [&](db::Tx& tx) {
      return find_exchange(tx, acme, DeliveryId{task.id.uuid}, attempt);
    })));
  }
  /// Within a tenth of the interval, from now.
  void expect_retry_after(const Verdict& verdict, std::chrono::microseconds interval) const {
    EXPECT_EQ(verdict.kind, Verdict::Kind::retry_at);
    EXPECT_GE(verdict.at, clock.now() + interval * 9 / 10);
    EXPECT_LE(verdict.at, clock.now() + interval * 11 / 10);
  }
  void expect_cancelled(const queue::Outcome& outcome, std::string_view message) const {
    EXPECT_EQ(outcome.verdict.kind, Verdict::Kind::done);
    EXPECT_EQ(outcome.signal, queue::Signal::neutral);
    EXPECT_TRUE(report_of(outcome).cancelled);
    EXPECT_EQ(report_of(outcome).attempt.outcome, "CANCELLED");
    EXPECT_EQ(report_of(outcome).attempt.error_message, message);
    EXPECT_TRUE(receiver.requests().empty());
  }

  ::testing::Imposter receiver;
  const TenantId acme = TenantId::make(kNow);
  Subscription subscription = make_subscription(acme);
  const event::EventPtr event = make_event(acme);

  ::testing::CoreDb store{db::Engine::sqlite};
  ::testing::FakeClock clock;
  ::testing::Node node{*store, clock};  // not started
  asio::io_context context{1};
  http::EgressGuard guard{http::EgressGuard::parse_allow("127.0.0.1").value()};
  http::Client client{context.get_executor(), guard, {}};
  base::Gate gate{context.get_executor()};
  TestLog logs;
  ExchangeLog exchanges{gate, *logs};
  Book book;
  tenant::TenantBook tenants;
  base::Everywhere<Book> books;
  const crypto::KeyRing ring = make_key_ring();
  DeliveryHandler::Parts parts{client, book, tenants, exchanges, clock, node.queue(), books, ring};
  DeliveryHandler handler{parts};
};

TEST_F(Delivering, sends_the_signed_event_and_reports_that_it_was_delivered) {
  receiver.on("/hook").answer(204);

  const queue::Outcome outcome = ran(task());

  EXPECT_EQ(outcome.verdict.kind, Verdict::Kind::done);
  EXPECT_EQ(outcome.signal, queue::Signal::success);
  const AttemptReport& report = report_of(outcome);
  EXPECT_FALSE(report.cancelled);
  EXPECT_FALSE(report.gone);
  EXPECT_EQ(report.event_type, "order.created");
  EXPECT_EQ(report.attempt.number, 1);
  EXPECT_EQ(report.attempt.outcome, "DELIVERED");
  EXPECT_EQ(report.attempt.started, clock.now());
  EXPECT_EQ(report.attempt.request_url, subscription.url);
  EXPECT_EQ(report.attempt.remote_ip, "127.0.0.1");
  EXPECT_EQ(report.attempt.response_status, 204);
  EXPECT_EQ(report.attempt.error_class, "");
  EXPECT_EQ(report.attempt.error_message, "");
  const auto requests = receiver.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].header("content-type"), "application/json");
  std::vector<crypto::WebhookSecret> known;
  known.push_back(crypto::WebhookSecret::parse(secret_text('A')).value());
  EXPECT_TRUE(
      crypto::verify_webhook(known,
                             {requests[0].header("webhook-id"), requests[0].header("webhook-timestamp"),
                              requests[0].header("webhook-signature")},
                             requests[0].body, clock.now()));
  EXPECT_EQ(requests[0].header("webhook-id"), event->id.str());
}

TEST_F(Delivering, names_the_tenant_in_an_entity_payload) {
  change([](Subscription& one) { one.payload_format = PayloadFormat::entity; });

  ran(task());

  const auto requests = receiver.requests();
  ASSERT_EQ(requests.size(), 1u);
  const auto document = format::parse_json(requests[0].body);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().find("tenant")->find("name")->text(), "Acme Corp");
}

TEST_F(Delivering, tries_again_by_the_schedule_what_was_refused) {
  receiver.on("/hook").answer(500);

  const queue::Outcome outcome = ran(task());

  expect_retry_after(outcome.verdict, 60s);
  EXPECT_EQ(outcome.signal, queue::Signal::failure);
  const AttemptReport& report = report_of(outcome);
  EXPECT_EQ(report.attempt.outcome, "FAILED");
  EXPECT_EQ(report.attempt.response_status, 500);
  EXPECT_EQ(report.attempt.error_class, "HTTP_5XX");
  EXPECT_EQ(report.attempt.error_message, "the receiver answered 500");
}

TEST_F(Delivering, counts_unknown_attempts_in_the_number_but_not_in_the_schedule) {
  receiver.on("/hook").answer(503);
  queue::Task tried = task();
  tried.attempt = 1;
  tried.unknown_attempts = 2;

  const queue::Outcome outcome = ran(tried);

  EXPECT_EQ(report_of(outcome).attempt.number, 4);
  expect_retry_after(outcome.verdict, 300s);
  EXPECT_EQ(outcome.signal, queue::Signal::overload);
}

TEST_F(Delivering, ends_after_the_last_attempt) {
  receiver.on("/hook").answer(500);
  queue::Task last = task();
  last.attempt = 5;

  const queue::Outcome outcome = ran(last);

  EXPECT_EQ(outcome.verdict.kind, Verdict::Kind::done);
  EXPECT_EQ(report_of(outcome).attempt.number, 6);
  EXPECT_EQ(report_of(outcome).attempt.outcome, "FAILED");
}

TEST_F(Delivering, ends_and_says_so_where_the_receiver_is_gone) {
  receiver.on("/hook").answer(410);

  const queue::Outcome outcome = ran(task());

  EXPECT_EQ(outcome.verdict.kind, Verdict::Kind::done);
  EXPECT_TRUE(report_of(outcome).gone);
  EXPECT_EQ(report_of(outcome).attempt.outcome, "FAILED");
}

TEST_F(Delivering, reports_an_exchange_that_failed_without_a_status) {
  receiver.on("/hook").end(::testing::Ending::reset);

  const queue::Outcome outcome = ran(task());

  expect_retry_after(outcome.verdict, 60s);
  EXPECT_EQ(report_of(outcome).attempt.response_status, std::nullopt);
  EXPECT_EQ(report_of(outcome).attempt.error_class, "READ");
  EXPECT_EQ(outcome.signal, queue::Signal::overload);
}

TEST_F(Delivering, reports_how_often_the_request_went_out) {
  receiver.on("/hook").answer(200).end(::testing::Ending::close).answer(200);

  const queue::Outcome once = ran(task());
  const queue::Outcome twice = ran(task());

  EXPECT_EQ(report_of(once).attempt.sendings, 1);
  EXPECT_EQ(report_of(twice).attempt.sendings, 2);
  EXPECT_EQ(receiver.requests().size(), 3u);
}

TEST_F(Delivering, sends_a_replay_to_the_url_it_was_given) {
  const DeliveryArgs args{.replay_no = 1, .url = receiver.url("/elsewhere")};

  const queue::Outcome outcome = ran(task(&args));

  EXPECT_EQ(report_of(outcome).attempt.request_url, args.url);
  ASSERT_EQ(receiver.requests().size(), 1u);
  EXPECT_EQ(receiver.requests()[0].target, "/elsewhere");
}

TEST_F(Delivering, carries_nothing_that_opens_doors_to_another_origin) {
  change([](Subscription& one) {
    one.auth_type = AuthType::basic;
    one.auth_config = base::Secret(R"({"username":"user","password":"s3cret"})");
    one.headers = {{"X-Shop", "north"}};
  });
  ::testing::Imposter elsewhere;
  const DeliveryArgs args{.replay_no = 1, .url = elsewhere.url()};

  ran(task(&args));

  ASSERT_EQ(elsewhere.requests().size(), 1u);
  EXPECT_EQ(elsewhere.requests()[0].header("webhook-id"), event->id.str());
  for (const char* name : {"webhook-signature", "authorization", "x-shop"}) {
    EXPECT_EQ(elsewhere.requests()[0].header(name), "") << name;
  }
}

TEST_F(Delivering, goes_by_the_url_that_the_subscription_has_when_it_is_sent) {
  const DeliveryArgs args{.replay_no = 1, .url = receiver.url("/elsewhere")};
  change([](Subscription& one) { one.url = "https://moved.example/hook"; });

  ran(task(&args));

  ASSERT_EQ(receiver.requests().size(), 1u);
  EXPECT_EQ(receiver.requests()[0].header("webhook-signature"), "");
}

TEST_F(Delivering, never_carries_a_token_to_another_origin) {
  ::testing::Imposter elsewhere;
  elsewhere.on("/").answer(401).answer(200);
  use_oauth2(receiver.url("/token"));
  const DeliveryArgs args{.replay_no = 1, .url = elsewhere.url(), .with_credentials = true};

  ran(task(&args));
  ran(task(&args));

  ASSERT_EQ(elsewhere.requests().size(), 2u);
  for (const auto& request : elsewhere.requests()) {
    EXPECT_EQ(request.header("authorization"), "");
    EXPECT_NE(request.header("webhook-signature"), "");
  }
  EXPECT_TRUE(receiver.requests().empty()) << "no token was fetched";
}

TEST_F(Delivering, says_nothing_of_the_subscription_where_it_goes_to_another_url) {
  receiver.on("/elsewhere").answer(410);
  const DeliveryArgs args{.replay_no = 1, .url = receiver.url("/elsewhere")};

  const queue::Outcome outcome = ran(task(&args));

  EXPECT_FALSE(report_of(outcome).gone) << "it would be disabled";
  EXPECT_TRUE(report_of(outcome).elsewhere);
  EXPECT_EQ(report_of(outcome).attempt.error_class, "HTTP_404_410");
}

TEST_F(Delivering, sends_nothing_when_the_subscription_is_gone) {
  book.remove(subscription.id);
  queue::Task tried = task();
  tried.attempt = 2;

  const queue::Outcome outcome = ran(tried);

  expect_cancelled(outcome, "the subscription no longer exists");
  EXPECT_EQ(report_of(outcome).attempt.number, 2);
}

TEST_F(Delivering, sends_nothing_to_a_subscription_of_another_tenant) {
  queue::Task foreign = task();
  foreign.tenant = TenantId::make(kNow);

  expect_cancelled(ran(foreign), "the subscription no longer exists");
}

TEST_F(Delivering, sends_nothing_when_the_event_is_gone) {
  queue::Task bare = task();
  bare.payload.reset();

  expect_cancelled(ran(bare), "the event no longer exists");
}

TEST_F(Delivering, asks_the_filter_when_it_can_where_it_could_not_before) {
  const DeliveryArgs unfiltered{.unfiltered = true};
  change([](Subscription& one) { one.filter = R"({"field":"data.n","op":"eq","value":2})"; });

  const queue::Outcome unwanted = ran(task(&unfiltered));
  const queue::Outcome made_before = ran(task());
  change([](Subscription& one) { one.filter = R"({"field":"data.n","op":"eq","value":1})"; });
  const queue::Outcome wanted = ran(task(&unfiltered));

  EXPECT_TRUE(report_of(unwanted).filtered);
  EXPECT_EQ(unwanted.verdict.kind, Verdict::Kind::done);
  EXPECT_EQ(report_of(made_before).attempt.outcome, "DELIVERED");
  EXPECT_EQ(report_of(wanted).attempt.outcome, "DELIVERED");
  EXPECT_EQ(report_of(wanted).attempt.via, "worker");
  EXPECT_EQ(receiver.requests().size(), 2u);
}

TEST_F(Delivering, waits_by_the_schedule_while_a_filter_cannot_be_asked) {
  book.remove(subscription.id);
  change([](Subscription& one) { one.filter = R"({"field":"data.n","op":"resembles","value":2})"; });
  const DeliveryArgs unfiltered{.unfiltered = true};

  const queue::Outcome outcome = ran(task(&unfiltered));

  expect_retry_after(outcome.verdict, 60s);
  EXPECT_EQ(report_of(outcome).attempt.error_class, "INTERNAL");
  EXPECT_TRUE(receiver.requests().empty());
}

TEST_F(Delivering, logs_what_went_over_the_wire_without_credentials) {
  change([](Subscription& one) {
    one.auth_type = AuthType::api_key;
    one.auth_config = base::Secret(R"({"value":"key-1"})");
  });
  receiver.on("/hook").answer(202, "X-Kind: a\r\nX-Kind: b\r\nSet-Cookie: session=secret", "thank you");
  queue::Task tried = task();
  tried.attempt = 2;

  ran(tried);

  EXPECT_EQ(receiver.requests().at(0).header("x-api-key"), "key-1");
  const auto exchange = logged(tried, 3);
  ASSERT_TRUE(exchange);
  EXPECT_EQ(exchange->at, clock.now());
  EXPECT_EQ(exchange->request_headers.find("key-1"), std::string::npos) << exchange->request_headers;
  EXPECT_NE(exchange->request_headers.find(event->id.str()), std::string::npos) << exchange->request_headers;
  EXPECT_EQ(exchange->response_headers, R"({"x-kind":"a","set-cookie":"***","content-length":"9"})");
  EXPECT_EQ(exchange->response_body, "thank you");
  EXPECT_FALSE(exchange->truncated);
}

TEST_F(Delivering, logs_no_bodies_where_they_are_not_wanted) {
  parts.log_response_bodies = false;
  DeliveryHandler discreet(parts);
  receiver.on("/hook").answer(200, "", "thank you");
  const queue::Task one = task();

  await(discreet.run(one));

  const auto exchange = logged(one, 1);
  ASSERT_TRUE(exchange);
  EXPECT_EQ(exchange->response_body, "");
  EXPECT_TRUE(exchange->truncated);
}

TEST_F(Delivering, sends_once_outside_the_queue_for_a_test) {
  receiver.on("/hook").answer(500);

  const Attempt attempt =
      await(handler.send_once(DeliveryId::make(kNow), 1, book.find(subscription.id), event));

  EXPECT_EQ(attempt.number, 1);
  EXPECT_EQ(attempt.outcome, "FAILED");
  EXPECT_EQ(attempt.response_status, 500);
  EXPECT_EQ(attempt.request_url, subscription.url);
}

TEST_F(Delivering, carries_a_token_and_fetches_another_after_it_was_refused) {
  receiver.on("/token").answer(200, "", R"({"access_token":"one"})");
  receiver.on("/token").answer(200, "", R"({"access_token":"two"})");
  receiver.on("/hook").answer(200).answer(401).answer(200);
  use_oauth2(receiver.url("/token"));

  ran(task());
  const queue::Outcome refused = ran(task());
  ran(task());

  std::vector<std::string> sent;
  for (const auto& request : receiver.requests()) {
    if (request.target == "/hook") sent.emplace_back(request.header("authorization"));
  }
  EXPECT_EQ(sent, (std::vector<std::string>{"Bearer one", "Bearer one", "Bearer two"}));
  EXPECT_EQ(report_of(refused).attempt.error_class, "HTTP_401_403");
}

TEST_F(Delivering, tries_again_by_the_schedule_where_no_token_is_to_be_had) {
  receiver.on("/token").answer(401, "", R"({"error":"invalid_client"})");
  use_oauth2(receiver.url("/token"));

  const queue::Outcome outcome = ran(task());

  expect_retry_after(outcome.verdict, 60s);
  const Attempt& attempt = report_of(outcome).attempt;
  EXPECT_EQ(attempt.outcome, "FAILED");
  EXPECT_EQ(attempt.error_class, "OAUTH2_TOKEN");
  EXPECT_TRUE(attempt.error_message.contains("invalid_client")) << attempt.error_message;
  EXPECT_EQ(attempt.request_url, subscription.url);
  EXPECT_EQ(attempt.response_status, std::nullopt);
  EXPECT_EQ(attempt.sendings, 0);
  EXPECT_EQ(receiver.requests().size(), 1u) << "nothing was sent to the receiver";
}

TEST_F(Delivering, begins_without_a_token_after_a_change) {
  receiver.on("/token").answer(200, "", R"({"access_token":"one"})");
  use_oauth2(receiver.url("/token"));
  ran(task());

  use_oauth2(receiver.url("/token?other"));
  ran(task());

  EXPECT_EQ(receiver.requests()[2].target, "/token?other");
}

TEST_F(Delivering, ends_what_would_be_too_big_as_a_form) {
  change([](Subscription& one) { one.content_type = "application/x-www-form-urlencoded"; });
  auto swelling = std::make_shared<event::Event>(*event);
  swelling->data = R"({")" + std::string(100'000, 'k') + R"(":[1)";
  for (int i = 0; i < 100; ++i) swelling->data += ",1";
  swelling->data += "]}";

  const queue::Outcome outcome = ran(make_delivery_task(subscription, swelling, clock.now()));

  EXPECT_EQ(outcome.verdict.kind, Verdict::Kind::done);
  EXPECT_EQ(report_of(outcome).attempt.error_class, "PAYLOAD_TOO_BIG");
  EXPECT_TRUE(receiver.requests().empty());
}

TEST_F(Delivering, gets_the_events_of_its_tasks_from_the_store) {
  store.write([&](db::Tx& tx) { return event::insert_events(tx, {{event}}, {{1}}); });
  std::vector<queue::Task> tasks = {task(), task()};
  tasks[1].ref = base::make_uuid(kNow);
  std::vector<queue::Task> foreign = {task()};
  foreign[0].tenant = TenantId::make(kNow);
  for (queue::Task* one : {&tasks[0], &tasks[1], &foreign[0]}) {
    one->payload.reset();
    one->payload_bytes = 0;
  }

  store.read([&](db::Tx& tx) { return handler.hydrate(tx, tasks); });
  store.read([&](db::Tx& tx) { return handler.hydrate(tx, foreign); });

  ASSERT_NE(tasks[0].payload, nullptr);
  EXPECT_EQ(static_cast<const event::Event*>(tasks[0].payload.get())->id, event->id);
  EXPECT_EQ(tasks[0].payload_bytes, event->bytes());
  EXPECT_EQ(tasks[1].payload, nullptr);
  EXPECT_EQ(foreign[0].payload, nullptr);
}

}  // namespace

}  // namespace outbound
