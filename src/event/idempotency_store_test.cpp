#include <gtest/gtest.h>

#include "event/idempotency.hpp"
#include "testing/core_db.hpp"

namespace event {

namespace {

using namespace std::chrono_literals;
using base::TenantId;

const base::Time kNow = base::from_micros(1'800'000'000'000'000);

class IdempotencyStore : public ::testing::StoreTest {
 protected:
  IdempotencyKey key(std::string text = "key", std::string body_hash = std::string("\0\1\2", 3)) const {
    return {tenant, "POST /things", std::move(text), std::move(body_hash)};
  }
  base::Result<std::optional<StoredAnswer>> begin(const IdempotencyKey& of, base::Time now = kNow) {
    return store->write_now([&](db::Tx& tx) { return begin_idempotent(tx, of, now); });
  }
  /// Performs a request that is new.
  void perform(const IdempotencyKey& of, base::Time now = kNow) {
    store.write([&](db::Tx& tx) -> base::Result<void> {
      XD_TRY(const auto earlier, begin_idempotent(tx, of, now));
      if (earlier) return base::fail(base::Code::internal, "it is not new");
      return store_answer(tx, of, {201, R"({"id":7})"});
    });
  }
  std::int64_t rows() { return store.integer("SELECT count(*) FROM idempotency_keys"); }

  const TenantId tenant = TenantId::make(kNow);
};

INSTANTIATE_TEST_SUITE_P(Engines, IdempotencyStore, ::testing::both_engines(), ::testing::engine_name);

TEST_P(IdempotencyStore, gives_the_answer_of_the_first_request_to_its_repetition) {
  perform(key());

  const auto again = begin(key(), kNow + 1h);

  ASSERT_TRUE(again && *again);
  EXPECT_EQ((*again)->status, 201);
  EXPECT_EQ((*again)->body, R"({"id":7})");
}

TEST_P(IdempotencyStore, refuses_a_key_with_another_body) {
  perform(key());

  const auto refused = begin(key("key", "another"));

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Code::invalid);
  EXPECT_EQ(refused.error().reason, "IDEMPOTENCY_KEY_REUSED");
  EXPECT_TRUE(*begin(key()));
}

TEST_P(IdempotencyStore, keeps_tenants_scopes_and_keys_apart) {
  perform(key());
  IdempotencyKey other_tenant = key();
  other_tenant.tenant = TenantId::make(kNow);
  IdempotencyKey other_scope = key();
  other_scope.scope = "POST /others";

  perform(other_tenant);
  perform(other_scope);
  perform(key("KEY"));

  EXPECT_EQ(rows(), 4);
}

TEST_P(IdempotencyStore, forgets_a_key_after_a_day) {
  perform(key());

  EXPECT_TRUE(*begin(key(), kNow + 24h));
  perform(key("key", "another body"), kNow + 24h + 1us);

  EXPECT_FALSE(begin(key(), kNow + 25h));
  EXPECT_TRUE(*begin(key("key", "another body"), kNow + 48h));
  EXPECT_EQ(rows(), 1);
}

TEST_P(IdempotencyStore, keeps_nothing_of_a_request_that_failed) {
  const auto failed = store->write_now([&](db::Tx& tx) -> base::Result<void> {
    XD_DO(begin_idempotent(tx, key(), kNow));
    return base::fail(base::Code::invalid, "the request has failed");
  });

  EXPECT_FALSE(failed);
  EXPECT_EQ(rows(), 0);
}

TEST_P(IdempotencyStore, removes_old_keys_a_few_at_a_time_oldest_first) {
  perform(key("young"), kNow + 1us);
  for (int i = 0; i < 5; ++i) perform(key(std::to_string(i)), kNow - std::chrono::seconds{i});
  const auto forget = [&](std::size_t most) {
    return store.write([&](db::Tx& tx) { return forget_idempotency_keys(tx, kNow + 24h + 1us, most); });
  };

  EXPECT_EQ(forget(2), 2);
  EXPECT_EQ(store.texts("SELECT key FROM idempotency_keys ORDER BY created_at"),
            (std::vector<std::string>{"2", "1", "0", "young"}));
  EXPECT_EQ(forget(10), 3);
  EXPECT_EQ(forget(10), 0);
  EXPECT_EQ(rows(), 1);
}

}  // namespace

}  // namespace event
