#include "event/event_store.hpp"

#include <gtest/gtest.h>

#include "testing/core_db.hpp"

namespace event {

namespace {

using base::TenantId;

const base::Time kNow = base::from_micros(1'800'000'000'123'456);

class EventStore : public ::testing::StoreTest {
 protected:
  EventPtr make(std::string type = "order.created") const {
    return std::make_shared<const Event>(Event{.id = EventId::make(kNow),
                                               .tenant = tenant,
                                               .type = std::move(type),
                                               .data = "{}",
                                               .occurred = kNow,
                                               .created = kNow});
  }
  void insert(const std::vector<EventPtr>& events) {
    const std::vector<std::int64_t> deliveries(events.size(), 1);
    store.write([&](db::Tx& tx) { return insert_events(tx, events, deliveries); });
  }
  std::vector<EventId> listed(const EventQuery& query) {
    std::vector<EventId> ids;
    for (const StoredEvent& stored : store.read([&](db::Tx& tx) { return list_events(tx, query); }).events) {
      ids.push_back(stored.event.id);
    }
    return ids;
  }

  const TenantId tenant = TenantId::make(kNow);
};

INSTANTIATE_TEST_SUITE_P(Engines, EventStore, ::testing::both_engines(), ::testing::engine_name);

TEST_P(EventStore, gives_back_what_was_put_in) {
  const Event event{.id = EventId::make(kNow),
                    .tenant = tenant,
                    .type = "order.created",
                    .subject = "order/42",
                    .data = R"({"n": 1.10, "text": "ü\u2028"})",
                    .changes = R"({"status": {"old": null, "new": 1}})",
                    .occurred = kNow - std::chrono::hours{1},
                    .created = kNow,
                    .idempotency_key = "key-1",
                    .ordering_key = "42",
                    .origin = "api",
                    .hop = 3,
                    .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};
  const std::vector<EventPtr> events = {std::make_shared<const Event>(event)};
  const std::vector<std::int64_t> deliveries = {7};
  store.write([&](db::Tx& tx) { return insert_events(tx, events, deliveries); });

  const auto stored = store.read([&](db::Tx& tx) { return find_event(tx, tenant, event.id); });

  ASSERT_TRUE(stored);
  const Event& read = stored->event;
  EXPECT_EQ(stored->deliveries, 7);
  EXPECT_EQ(read.id, event.id);
  EXPECT_EQ(read.tenant, tenant);
  EXPECT_EQ(read.type, event.type);
  EXPECT_EQ(read.subject, event.subject);
  EXPECT_EQ(read.data, event.data);
  EXPECT_EQ(read.changes, event.changes);
  EXPECT_EQ(read.occurred, event.occurred);
  EXPECT_EQ(read.created, event.created);
  EXPECT_EQ(read.idempotency_key, event.idempotency_key);
  EXPECT_EQ(read.ordering_key, event.ordering_key);
  EXPECT_EQ(read.origin, event.origin);
  EXPECT_EQ(read.hop, event.hop);
  EXPECT_EQ(read.traceparent, event.traceparent);
}

TEST_P(EventStore, finds_an_event_for_its_own_tenant_only) {
  const EventPtr event = make();
  insert({event});

  EXPECT_TRUE(store.read([&](db::Tx& tx) { return find_event(tx, tenant, event->id); }));
  EXPECT_FALSE(store.read([&](db::Tx& tx) { return find_event(tx, TenantId::make(kNow), event->id); }));
  EXPECT_FALSE(store.read([&](db::Tx& tx) { return find_event(tx, tenant, EventId::make(kNow)); }));
}

TEST_P(EventStore, finds_several_at_once_and_leaves_out_what_is_not_there) {
  const std::vector<EventPtr> events = {make(), make(), make()};
  insert(events);
  const std::vector<std::pair<TenantId, EventId>> wanted = {{tenant, events[2]->id},
                                                            {tenant, EventId::make(kNow)},
                                                            {TenantId::make(kNow), events[1]->id},
                                                            {tenant, events[0]->id},
                                                            {tenant, events[0]->id}};

  const auto found = store.read([&](db::Tx& tx) { return find_events(tx, wanted); });

  EXPECT_EQ(found.size(), 2u);
  ASSERT_TRUE(found.contains(events[0]->id));
  EXPECT_EQ(found.at(events[0]->id)->type, "order.created");
  EXPECT_TRUE(found.contains(events[2]->id));
  EXPECT_TRUE(store.read([&](db::Tx& tx) { return find_events(tx, {}); }).empty());
}

TEST_P(EventStore, lists_the_events_of_a_tenant_in_pages_in_both_directions) {
  std::vector<EventPtr> events;
  std::vector<EventId> ids;
  for (int i = 0; i < 6; ++i) {
    events.push_back(make());
    ids.push_back(events.back()->id);
  }
  insert(events);

  EXPECT_EQ(listed({.tenant = tenant, .page = {.limit = 2}}), (std::vector{ids[5], ids[4]}));
  EXPECT_EQ(listed({.tenant = tenant, .page = {.before = ids[4].uuid, .limit = 2}}),
            (std::vector{ids[3], ids[2]}));
  EXPECT_EQ(listed({.tenant = tenant, .page = {.before = ids[1].uuid, .limit = 2}}), (std::vector{ids[0]}));
  EXPECT_EQ(listed({.tenant = tenant, .page = {.after = ids[1].uuid, .limit = 2}}),
            (std::vector{ids[3], ids[2]}));
  EXPECT_EQ(listed({.tenant = tenant, .page = {.after = ids[4].uuid, .limit = 2}}), (std::vector{ids[5]}));
  EXPECT_EQ(listed({.tenant = tenant, .page = {.before = ids[4].uuid, .after = ids[1].uuid, .limit = 9}}),
            (std::vector{ids[3], ids[2]}));
  EXPECT_TRUE(listed({.tenant = tenant, .page = {.before = ids[0].uuid}}).empty());
  EXPECT_TRUE(listed({.tenant = TenantId::make(kNow)}).empty());
}

TEST_P(EventStore, lists_the_events_of_one_type) {
  const std::vector<EventPtr> events = {make("order.created"), make("order.paid"), make("order.created")};
  insert(events);

  EXPECT_EQ(listed({.tenant = tenant, .type = "order.created"}), (std::vector{events[2]->id, events[0]->id}));
  EXPECT_EQ(listed({.tenant = tenant, .type = "order.created", .page = {.before = events[2]->id.uuid}}),
            (std::vector{events[0]->id}));
  EXPECT_TRUE(listed({.tenant = tenant, .type = "order"}).empty());
}

TEST_P(EventStore, lists_types_that_begin_with_letters_of_several_bytes) {
  const std::vector<EventPtr> events = {make("größe_klein"), make("größe_"), make("größe")};
  insert(events);

  EXPECT_EQ(listed({.tenant = tenant, .type = "größe_*"}), (std::vector{events[0]->id}));
}

TEST_P(EventStore, lists_rare_types_piece_by_piece_and_says_how_far_it_got) {
  std::vector<EventPtr> events = {make("rare.first")};
  for (int i = 0; i < 4500; ++i) events.push_back(make("common"));
  events.push_back(make("rare.last"));
  for (int i = 0; i < 4500; ++i) events.push_back(make("common"));
  insert(events);
  const std::vector both = {events[4501]->id, events.front()->id};
  const auto search = [&](db::Page page, base::Deadline until) {
    const EventQuery query{.tenant = tenant, .type = "rare.*", .page = page};
    return store.read([&](db::Tx& tx) { return list_events(tx, query, until); });
  };

  EXPECT_EQ(listed({.tenant = tenant, .type = "rare.*"}), both);
  EXPECT_EQ(listed({.tenant = tenant, .type = "rare.*", .page = {.after = base::Uuid{}}}), both);
  EXPECT_EQ(search({.limit = 1}, base::Deadline::max()).events.size(), 1u);
  for (const bool ascending : {false, true}) {
    db::Page page;
    if (ascending) page.after = base::Uuid{};
    std::vector<EventId> ids;
    std::size_t searches = 0;
    for (std::optional<base::Uuid> reached = base::Uuid{}; reached; ++searches) {
      const FoundEvents found = search(page, base::steady_now());
      for (const StoredEvent& stored : found.events) ids.push_back(stored.event.id);
      reached = found.reached;
      (ascending ? page.after : page.before) = reached;
    }
    if (ascending) std::ranges::reverse(ids);
    EXPECT_EQ(ids, both) << ascending;
    EXPECT_EQ(searches, 5u) << ascending;
  }
}

}  // namespace

}  // namespace event
