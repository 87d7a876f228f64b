// What the tests of the API share: all that a shard answers requests with, on a store of its own, without a
// network.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "api/api.hpp"
#include "api/core/call.hpp"
#include "outbound/subscription/fixture.hpp"
#include "testing/core_db.hpp"
#include "testing/fake_clock.hpp"
#include "testing/faulty_db.hpp"
#include "testing/node.hpp"

namespace api {

/// The body of a request; or why it cannot be read.
class FakeBody final : public http::BodyReader {
 public:
  explicit FakeBody(Result<std::string> body) : body_(std::move(body)) {}
  base::Task<std::string> read(http::Payer) override { co_return std::move(body_); }

 private:
  Result<std::string> body_;
};

/// A request as a test says it.
struct Asked {
  std::string method = "GET";
  std::string target{};
  std::string key{};  ///< the API key; empty: nobody's
  Result<std::string> body = std::string();
  bool crowded = false;
};

class ApiTest : public ::testing::StoreTest {
 protected:
  ApiTest() {
    const tenant::Tenant acme{.id = acme_id, .slug = "acme", .name = "Acme"};
    tenants.put(std::make_shared<const tenant::Tenant>(acme));
    store.write([&](db::Tx& tx) { return tenant::insert_tenant(tx, acme); });
  }
  ~ApiTest() override { end(); }

  /// A new key; of the platform's administrators where it is of no tenant.
  std::string make_key(std::optional<base::TenantId> of, tenant::Role role = tenant::Role::owner) {
    const base::Secret secret = tenant::generate_key();
    tenant::ApiKey key{.id = tenant::ApiKeyId::make(clock.now()), .tenant = of, .name = "a key"};
    key.role = role;
    key.created = clock.now();
    key.updated = clock.now();
    tenant::set_secret(key, secret.reveal());
    store.write([&](db::Tx& tx) { return tenant::insert_key(tx, key); });
    return std::string(secret.reveal());
  }

  http::Response ask(const Asked& asked) {
    const std::string authorization = "Bearer " + asked.key;
    http::Request request{.method = asked.method, .remote_ip = "203.0.113.7", .crowded = asked.crowded};
    request.set_target(asked.target);
    if (!asked.key.empty()) request.headers.emplace_back("Authorization", authorization);
    request.headers.emplace_back("Content-Type", "application/json");
    FakeBody body(asked.body);
    return await(application.answer(std::move(request), body));
  }

  /// Runs the shard until the work has ended.
  template <class T>
  T await(asio::awaitable<T> task) {
    std::optional<T> outcome;
    std::exception_ptr thrown;
    asio::co_spawn(context, std::move(task), [&](std::exception_ptr exception, T result) {
      thrown = exception;
      outcome.emplace(std::move(result));
    });
    while (!outcome) context.run_one();
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*outcome);
  }

  /// What was begun comes to its end; nothing is asked afterwards.
  void end() {
    if (std::exchange(ended, true)) return;
    inbound_desk.stop();
    asio::co_spawn(context, gate.close(), asio::detached);
    work.reset();
    context.run();
  }

  bool ended = false;
  const base::TenantId acme_id = base::TenantId::make(outbound::kNow);
  ::testing::FakeClock clock;
  ::testing::FaultyDb faulty{*store};
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  base::Gate gate{context.get_executor()};
  const crypto::KeyRing ring = outbound::make_key_ring();
  const http::EgressGuard guard;
  base::Offload offload;
  outbound::TestLog logs;
  ::testing::Node node{*store, clock};  // not started
  http::Client client{context.get_executor(), guard, {}};
  tenant::TenantBook tenants;
  tenant::KeyCache keys;
  base::Everywhere<tenant::TenantBook> all_tenants;
  base::Everywhere<tenant::KeyCache> all_keys;
  base::Everywhere<outbound::Book> all_books;
  base::Everywhere<inbound::Book> all_endpoints;
  event::Bell bell;
  inbound::Meters meters;
  outbound::Desk outbound_desk{{.gate = gate,
                                .client = client,
                                .tenants = tenants,
                                .store = faulty,
                                .logs = *logs,
                                .queue = node.queue(),
                                .offload = offload,
                                .clock = clock,
                                .ring = ring,
                                .books = all_books,
                                .bell = bell}};
  inbound::Desk inbound_desk{{.gate = gate,
                              .executor = context.get_executor(),
                              .client = client,
                              .tenants = tenants,
                              .store = faulty,
                              .queue = node.queue(),
                              .offload = offload,
                              .clock = clock,
                              .ring = ring,
                              .books = all_endpoints,
                              .matcher = outbound_desk.matcher(),
                              .bell = bell,
                              .meters = meters}};
  event::Tail tail{gate, faulty};
  event::Intake intake{gate, faulty, node.queue(), &bell};
  const std::atomic<bool> draining = false;
  Services services{.gate = gate,
                    .clock = clock,
                    .store = faulty,
                    .logs = *logs,
                    .queue = node.queue(),
                    .intake = intake,
                    .tail = tail,
                    .bell = bell,
                    .offload = offload,
                    .ring = ring,
                    .guard = guard,
                    .tenants = tenants,
                    .keys = keys,
                    .inbound = inbound_desk,
                    .outbound = outbound_desk,
                    .all_tenants = all_tenants,
                    .all_keys = all_keys,
                    .draining = draining};
  http::Application application = make_application(services, Surface::all);
};

}  // namespace api
