#include "outbound/history/exchange_log.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "outbound/subscription/fixture.hpp"
#include "testing/core_db.hpp"
#include "testing/postgres_server.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using ::testing::must;

/// 2027-01-15T23:59:59Z.
const base::Time kLate = base::from_micros(1'800'057'599'000'000);

class Exchanges : public ::testing::Test {
 protected:
  ~Exchanges() override { end(); }

  template <class T>
  T await(asio::awaitable<T> work) {
    auto result = asio::co_spawn(context, std::move(work), asio::use_future);
    context.restart();
    context.run();
    return result.get();
  }
  /// Waits until all that was added is written; nothing can be added after it.
  void end() {
    if (!gate.closing()) await(gate.close());
  }

  Exchange make(base::Time at, std::string body = "thank you") const {
    return {.delivery = DeliveryId::make(at),
            .attempt = 2,
            .tenant = acme,
            .at = at,
            .request_headers = R"({"webhook-id":"1"})",
            .response_headers = R"({"content-length":"9"})",
            .response_body = std::move(body)};
  }
  std::optional<Exchange> found(const Exchange& wanted, TenantId tenant, int attempt = 2) {
    end();
    return must(await(store->read(
        wanted.at, [&](db::Tx& tx) { return find_exchange(tx, tenant, wanted.delivery, attempt); })));
  }
  std::optional<Exchange> found(const Exchange& wanted) { return found(wanted, acme); }

  const TenantId acme = TenantId::make(kLate);
  asio::io_context context{1};
  base::Gate gate{context.get_executor()};
  TestLog store;
  ExchangeLog log{gate, *store};
};

TEST_F(Exchanges, are_found_as_they_were_added) {
  Exchange exchange = make(kLate, std::string("\0\xff bytes", 8));
  exchange.truncated = true;
  log.add(exchange);

  const auto read = found(exchange);

  ASSERT_TRUE(read);
  EXPECT_EQ(read->delivery, exchange.delivery);
  EXPECT_EQ(read->attempt, 2);
  EXPECT_EQ(read->tenant, acme);
  EXPECT_EQ(read->at, kLate);
  EXPECT_EQ(read->request_headers, exchange.request_headers);
  EXPECT_EQ(read->response_headers, exchange.response_headers);
  EXPECT_EQ(read->response_body, exchange.response_body);
  EXPECT_TRUE(read->truncated);
}

TEST_F(Exchanges, are_shown_to_their_own_tenant_and_by_their_attempt_only) {
  const Exchange exchange = make(kLate);
  log.add(exchange);

  EXPECT_FALSE(found(exchange, TenantId::make(kLate)));
  EXPECT_FALSE(found(exchange, acme, 1));
  EXPECT_TRUE(found(exchange));
}

TEST_F(Exchanges, are_forgotten_by_whole_days) {
  const Exchange old = make(kLate);
  const Exchange young = make(kLate + 1s);  // of the next day
  log.add(old);
  log.add(young);
  end();

  const auto removed = must(await(store->forget(kLate + 12h, 100)));

  EXPECT_EQ(removed, 1 + 1);  // and the file of the day on which the store was opened
  EXPECT_TRUE(found(young));
  const auto read = await(
      store->read(old.at, [&](db::Tx& tx) { return find_exchange(tx, acme, old.delivery, old.attempt); }));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, base::Code::not_found);
}

TEST_F(Exchanges, are_forgotten_row_by_row_where_one_store_has_all_days) {
  const auto single = must(db::LogStore::open_postgres(
      {.url = ::testing::PostgresServer::shared_url(), .schema = "log_" + base::make_uuid(kLate).str()}));
  ExchangeLog all(gate, *single);
  Exchange old = make(kLate - 100h);
  old.delivery = DeliveryId{base::first_uuid_of(old.at)};
  const Exchange young = make(kLate);
  all.add(old);
  all.add(young);
  end();

  EXPECT_EQ(must(await(single->forget(kLate, 100))), 1);
  EXPECT_EQ(must(await(single->forget(kLate, 100))), 0);
  const auto find = [&](const Exchange& one) {
    return must(await(single->read(
                    one.at, [&](db::Tx& tx) { return find_exchange(tx, acme, one.delivery, one.attempt); })))
        .has_value();
  };
  EXPECT_FALSE(find(old));
  EXPECT_TRUE(find(young));
}

TEST_F(Exchanges, of_one_attempt_are_kept_once) {
  const Exchange first = make(kLate, "first");
  Exchange again = first;
  again.response_body = "again";
  log.add(first);
  log.add(again);

  EXPECT_EQ(found(first)->response_body, "first");
}

TEST_F(Exchanges, are_written_also_when_many_come_at_once) {
  std::vector<Exchange> all;
  for (int i = 0; i < 300; ++i) {
    all.push_back(make(kLate, std::to_string(i)));
    log.add(all.back());
  }

  for (std::size_t i = 0; i < all.size(); i += 100)
    EXPECT_EQ(found(all[i])->response_body, std::to_string(i));
}

TEST_F(Exchanges, lose_their_bodies_first_when_the_store_is_too_slow) {
  std::vector<Exchange> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(make(kLate, std::string(1 << 20, 'x')));
    log.add(all.back());
  }

  EXPECT_EQ(found(all.front())->response_body.size(), 1u << 20);
  EXPECT_FALSE(found(all.front())->truncated);
  ASSERT_TRUE(found(all.back()));
  EXPECT_EQ(found(all.back())->response_body, "");
  EXPECT_TRUE(found(all.back())->truncated);
}

TEST_F(Exchanges, are_given_up_where_their_headers_alone_are_too_much) {
  std::vector<Exchange> all;
  for (int i = 0; i < 300; ++i) {
    all.push_back(make(kLate));
    all.back().response_headers = format::json_string(std::string(100 << 10, 'h'));
    log.add(all.back());
  }

  EXPECT_TRUE(found(all.front()));
  EXPECT_TRUE(found(all[140])) << "14 MiB fit without bodies";
  EXPECT_FALSE(found(all.back()));
}

TEST_F(Exchanges, lie_each_in_the_log_of_its_own_day) {
  const Exchange before_midnight = make(kLate);
  const Exchange after_midnight = make(kLate + 2s);
  log.add(before_midnight);
  log.add(after_midnight);

  ASSERT_TRUE(found(before_midnight));
  const auto read = await(store->read(
      after_midnight.at, [&](db::Tx& tx) { return find_exchange(tx, acme, after_midnight.delivery, 2); }));

  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(*read);
}

}  // namespace

}  // namespace outbound
