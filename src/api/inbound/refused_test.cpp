// Requests at endpoints that no receiver sees: each is counted for the endpoint that it was meant for.
#include <future>

#include "api/core/fixture.hpp"

namespace api {

namespace {

using namespace std::chrono_literals;
using base::Code;
using inbound::RefusalCounts;

class Unseen : public ApiTest {
 protected:
  Unseen() {
    endpoint.id = inbound::EndpointId::make(clock.now());
    endpoint.tenant = acme_id;
    endpoint.path = "in";
    endpoint.signature_scheme = R"({"kind": "none"})";
    store.write([&](db::Tx& tx) { return inbound::insert_endpoint(tx, ring, endpoint); });
    inbound_desk.book().put(std::make_shared<const inbound::Endpoint>(endpoint.copy()));
  }
  int send(Asked asked) {
    asked.method = asked.method == "GET" ? "POST" : asked.method;
    asked.target = "/webhooks/acme/in";
    return ask(asked).status;
  }
  /// What is counted, and how many are kept.
  std::pair<RefusalCounts, std::int64_t> refused() {
    end();
    const auto stats = store.read([&](db::Tx& tx) { return inbound::find_endpoint_stats(tx, endpoint.id); });
    return {RefusalCounts(stats.refused.begin(), stats.refused.end()),
            store.integer("SELECT count(*) FROM refused_requests")};
  }

  inbound::Endpoint endpoint;
};

INSTANTIATE_TEST_SUITE_P(Engines, Unseen, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Unseen, are_counted_alone_where_the_hub_cannot_take_them) {
  faulty.refuse_writes(1);
  EXPECT_EQ(send({.body = std::string("{}")}), 503);
  EXPECT_EQ(send({.crowded = true}), 503);
  faulty.set_room(false);
  EXPECT_EQ(send({}), 503);

  const auto [counts, kept] = refused();
  EXPECT_EQ(counts, (RefusalCounts{{"server_crowded", 1}, {"storage_full", 1}, {"store_failed", 1}}));
  EXPECT_EQ(kept, 0);
}

TEST_P(Unseen, are_counted_alone_where_the_store_is_behind) {
  if (GetParam() != db::Engine::sqlite) GTEST_SKIP() << "its other connections go on";
  std::promise<void> released;
  store->submit_write(
      [until = released.get_future().share()](db::Tx&) -> Result<void> {
        until.wait();
        return {};
      },
      [](const Result<void>&) {});
  FakeBody body(std::string("{}"));
  http::Request request{.method = "POST"};
  request.set_target("/webhooks/acme/in");
  asio::co_spawn(context, application.answer(request, body), asio::detached);
  while (!inbound_desk.receiver().is_behind()) context.run_one_for(10ms);

  EXPECT_EQ(send({}), 503);

  released.set_value();
  const auto [counts, kept] = refused();
  EXPECT_EQ(counts, (RefusalCounts{{"store_overloaded", 1}}));
  EXPECT_EQ(kept, 0);
}

TEST_P(Unseen, are_kept_without_a_body_where_that_does_not_come) {
  send({.body = base::fail(Code::timeout, "the body did not arrive within 30 s")});
  send({.body = base::fail(Code::cancelled, "the connection ended")});
  send({.body = base::fail(Code::too_large, "too large")});
  send({.body = base::fail(Code::unavailable, "no room")});

  const auto [counts, kept] = refused();
  EXPECT_EQ(counts, (RefusalCounts{{"body_incomplete", 2}, {"body_too_large", 1}, {"body_without_room", 1}}));
  EXPECT_EQ(kept, 4);
  EXPECT_EQ(store.integer("SELECT count(*) FROM refused_requests WHERE body_bytes = -1"), 4);
}

TEST_P(Unseen, are_those_whose_head_says_too_much_and_those_by_another_method) {
  http::Request request{.method = "POST"};
  request.set_target("/webhooks/acme/in");
  application.too_large(request);
  request.set_target("/webhooks/acme/other");
  application.too_large(request);
  EXPECT_EQ(send({.method = "PUT"}), 405);

  const auto [counts, kept] = refused();
  EXPECT_EQ(counts, (RefusalCounts{{"body_too_large", 1}, {"method_not_allowed", 1}}));
  EXPECT_EQ(kept, 2);
}

}  // namespace

}  // namespace api
