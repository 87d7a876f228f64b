// Searches in the history of deliveries, held against a look at each of them.
#include "outbound/history/search.hpp"

#include <random>

#include "event/pattern.hpp"
#include "outbound/delivery/verdict.hpp"
#include "outbound/history/history.hpp"
#include "outbound/subscription/fixture.hpp"
#include "testing/core_db.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using Ids = std::vector<DeliveryId>;

constexpr int kDeliveries = 300;
constexpr const char* kTypes[] = {"order.created", "order.line.added", "order", "invoice.paid"};
constexpr int kErrors[] = {500, 503, 404, 429, 418, 301, 0};  // 0: no answer

class DeliverySearch : public ::testing::StoreTest {
 protected:
  /// Deliveries of every kind; on SQLite some of them in the index and some not yet.
  void fill() {
    for (int third = 0; third < 3; ++third) {
      std::vector<Delivery> some;
      for (int i = 0; i < kDeliveries / 3; ++i) some.push_back(make(third * kDeliveries / 3 + i));
      store.write([&](db::Tx& tx) { return insert_deliveries(tx, some); });
      if (third < 2) store.write([](db::Tx& tx) { return index_finished(tx, 1); });
      all.insert(all.end(), some.begin(), some.end());
    }
    std::ranges::sort(all, std::greater{}, &Delivery::id);
  }

  Delivery make(int i) {
    const base::Time created = begin + 1s * i;
    Delivery d{.id = DeliveryId::make(created)};
    d.tenant = one_of(tenants);
    d.subscription = one_of(subscriptions);
    d.event = one_of(events);
    d.event_type = kTypes[any(4)];
    d.created = created;
    d.completed = created + 1s;
    d.status = any(3) > 0 ? "DELIVERED" : any(3) > 0 ? "FAILED" : any(2) > 0 ? "SKIPPED" : "CANCELLED";
    d.last = {.number = any(4) == 0 ? 1 + any(5) : 1, .outcome = d.status, .started = created};
    d.last.response_time_ms = any(4) == 0 ? any(3000) : any(100);
    if (d.status == "DELIVERED") d.last.response_status = 200 + any(2);
    if (d.status == "FAILED") {
      const int code = kErrors[any(7)];
      if (code > 0) d.last.response_status = code;
      d.last.error_class = code == 0 ? "DNS" : any(5) == 0 ? "READ" : std::string(error_class_of(code));
      d.error_signature = "signature " + std::to_string(any(3));
    }
    if (any(10) == 0) d.operation = one_of(operations);
    d.is_test = any(20) == 0;
    return d;
  }

  /// Each condition is set in about one of four queries.
  DeliveryQuery make_query() {
    DeliveryQuery q{.tenant = one_of(tenants)};
    const auto sometimes = [&] { return any(4) == 0; };
    if (sometimes()) q.subscription = one_of(subscriptions);
    if (sometimes()) q.statuses = {"FAILED"};
    if (sometimes()) q.statuses.emplace_back(any(2) == 0 ? "SKIPPED" : "DELIVERED");
    if (sometimes()) q.event_type = any(2) == 0 ? kTypes[any(4)] : "order.*";
    if (any(8) == 0) q.event = one_of(events);
    if (any(8) == 0) q.operation = one_of(operations);
    if (any(8) == 0) q.response_status = any(3) == 0 ? 200 : kErrors[any(6)];
    if (any(8) == 0) q.response_class = 2 + any(4);
    if (any(8) == 0) q.error_class = any(2) == 0 ? "DNS" : "HTTP_5XX";
    if (any(8) == 0) q.error_signature = "signature " + std::to_string(any(4));
    if (any(8) == 0) q.response_time_ms_min = any(2) == 0 ? 50 : 1000 + any(1000);
    if (any(8) == 0) q.attempts_min = any(4);
    if (any(8) == 0) q.is_test = any(2) == 0;
    if (sometimes()) q.created.from = begin + 1s * any(kDeliveries);
    if (sometimes()) q.created.before = begin + 1s * any(kDeliveries);
    if (sometimes()) q.page.before = all[static_cast<std::size_t>(any(kDeliveries))].id.uuid;
    if (sometimes()) q.page.after = all[static_cast<std::size_t>(any(kDeliveries))].id.uuid;
    q.page.limit = 1 + static_cast<std::size_t>(any(any(2) == 0 ? 10 : 400));
    return q;
  }

  static bool matches(const DeliveryQuery& q, const Delivery& d) {
    const auto in = [&](const auto& wanted, const auto& value) { return !wanted || *wanted == value; };
    const int status = static_cast<int>(d.last.response_status.value_or(0));
    const bool type = q.event_type.empty() || event::pattern_matches(q.event_type, d.event_type);
    const bool wanted_status =
        q.statuses.empty() || std::ranges::find(q.statuses, d.status) != q.statuses.end();
    return d.tenant == q.tenant && in(q.subscription, d.subscription) && wanted_status && type &&
           in(q.event, d.event) && (!q.operation || d.operation == q.operation) &&
           in(q.response_status, status) && in(q.response_class, status / 100) &&
           (q.error_class.empty() || q.error_class == d.last.error_class) &&
           (q.error_signature.empty() || q.error_signature == d.error_signature) &&
           d.last.response_time_ms >= q.response_time_ms_min.value_or(0) &&
           d.last.number >= q.attempts_min.value_or(0) && in(q.is_test, d.is_test) &&
           (!q.created.from || d.created >= *q.created.from) &&
           (!q.created.before || d.created < *q.created.before) &&
           (!q.page.before || d.id.uuid < *q.page.before) && (!q.page.after || d.id.uuid > *q.page.after);
  }
  Ids expected(const DeliveryQuery& q) const {
    Ids ids;
    for (const Delivery& d : all) {
      if (matches(q, d)) ids.push_back(d.id);
    }
    const std::size_t surplus = ids.size() - std::min(ids.size(), q.page.limit);
    if (q.page.after) ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(surplus));
    ids.resize(std::min(ids.size(), q.page.limit));
    return ids;
  }

  FoundDeliveries search(const DeliveryQuery& q, SearchLimits limits = {}) {
    return store.read([&](db::Tx& tx) { return search_finished(tx, q, limits); });
  }
  static Ids ids_of(const FoundDeliveries& found) {
    Ids ids;
    for (const Delivery& d : found.deliveries) ids.push_back(d.id);
    return ids;
  }

  int any(int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); }
  template <class T>
  const T& one_of(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(any(static_cast<int>(values.size())))];
  }
  template <class T>
  static std::vector<T> make_ids(int count) {
    std::vector<T> ids;
    for (int i = 0; i < count; ++i) ids.push_back(T::make(kNow));
    return ids;
  }

  /// A thread's ids never step back, and those of the tests before lie after kNow.
  const base::Time begin = base::time_of(base::make_uuid(kNow)) + 1s;
  std::mt19937 random{7};
  const std::vector<TenantId> tenants = make_ids<TenantId>(2);
  const std::vector<SubscriptionId> subscriptions = make_ids<SubscriptionId>(3);
  const std::vector<event::EventId> events = make_ids<event::EventId>(20);
  const std::vector<base::Uuid> operations = {base::make_uuid(kNow), base::make_uuid(kNow)};
  std::vector<Delivery> all;
};

INSTANTIATE_TEST_SUITE_P(Engines, DeliverySearch, ::testing::both_engines(), ::testing::engine_name);

constexpr SearchLimits kNoTime{.until = base::Deadline::min(), .first_piece = 7};

TEST_P(DeliverySearch, finds_what_a_look_at_each_delivery_finds) {
  fill();
  for (int i = 0; i < 400; ++i) {
    const DeliveryQuery query = make_query();
    const FoundDeliveries found = search(query, {.first_piece = 1 + static_cast<std::size_t>(any(50))});
    ASSERT_EQ(ids_of(found), expected(query)) << "query " << i;
    ASSERT_FALSE(found.reached);
  }
}

TEST_P(DeliverySearch, goes_on_where_its_time_was_up_and_leaves_nothing_out) {
  fill();
  int interrupted = 0;
  for (int i = 0; i < 100; ++i) {
    DeliveryQuery query = make_query();
    query.page.limit = 1000;
    const Ids wanted = expected(query);
    const bool up = query.page.after.has_value();
    Ids ids;
    while (true) {
      const FoundDeliveries found = search(query, kNoTime);
      const Ids part = ids_of(found);
      ids.insert(up ? ids.begin() : ids.end(), part.begin(), part.end());
      if (!found.reached) break;
      ++interrupted;
      (up ? query.page.after : query.page.before) = found.reached;
    }
    ASSERT_EQ(ids, wanted) << "query " << i;
  }
  EXPECT_GT(interrupted, 100);
}

TEST_P(DeliverySearch, counts_what_it_would_find) {
  fill();
  for (int i = 0; i < 100; ++i) {
    DeliveryQuery query = make_query();
    query.page = {.limit = 1000};
    const auto counted = store.read([&](db::Tx& tx) { return count_finished(tx, query); });
    ASSERT_EQ(counted.count, static_cast<std::int64_t>(expected(query).size())) << "query " << i;
    ASSERT_FALSE(counted.reached);
  }
}

TEST_P(DeliverySearch, says_how_far_it_has_counted_when_its_time_is_up) {
  fill();
  const DeliveryQuery query{.tenant = tenants[0], .event_type = "nowhere"};

  const auto counted = store.read([&](db::Tx& tx) { return count_finished(tx, query, kNoTime); });

  EXPECT_EQ(counted.count, 0);
  EXPECT_TRUE(counted.reached);
}

TEST_P(DeliverySearch, knows_the_oldest) {
  fill();
  const auto oldest = std::ranges::find(all.rbegin(), all.rend(), tenants[1], &Delivery::tenant);
  const auto of_tenant = store.read([&](db::Tx& tx) { return oldest_finished(tx, {.tenant = tenants[1]}); });
  const auto of_nobody =
      store.read([&](db::Tx& tx) { return oldest_finished(tx, {.tenant = TenantId::make(kNow)}); });

  EXPECT_EQ(of_tenant, base::time_of(oldest->id.uuid));
  EXPECT_EQ(of_nobody, std::nullopt);
}

TEST_P(DeliverySearch, finds_a_delivery_by_its_id_before_and_after_it_is_indexed) {
  const Delivery delivery = make(0);
  store.write([&](db::Tx& tx) { return insert_deliveries(tx, {delivery}); });
  const auto find = [&](TenantId tenant) {
    return store.read([&](db::Tx& tx) { return find_finished(tx, tenant, delivery.id); }).has_value();
  };
  const auto recorded = [&](int attempt) {
    return store.read(
        [&](db::Tx& tx) { return is_recorded(tx, delivery.subscription, delivery.id, attempt); });
  };
  for (const bool indexed : {false, true}) {
    if (indexed) store.write([](db::Tx& tx) { return index_finished(tx, 1); });
    EXPECT_TRUE(find(delivery.tenant));
    EXPECT_FALSE(find(TenantId::make(kNow)));
    EXPECT_TRUE(recorded(delivery.last.number));
    EXPECT_FALSE(recorded(delivery.last.number + 1));
  }
}

TEST_P(DeliverySearch, has_few_rows_that_are_not_indexed) {
  if (GetParam() != db::Engine::sqlite) return;
  std::vector<Delivery> piece;
  for (int i = 0; i < kIndexPiece - 1; ++i) piece.push_back(make(i));
  store.write([&](db::Tx& tx) { return insert_deliveries(tx, piece); });
  EXPECT_EQ(store.integer("SELECT count(*) FROM delivery_index"), 0);

  store.write([&](db::Tx& tx) { return insert_deliveries(tx, {make(kIndexPiece)}); });

  EXPECT_EQ(store.integer("SELECT count(*) FROM delivery_index WHERE list = 0"), 3 * kIndexPiece);
}

}  // namespace

}  // namespace outbound
