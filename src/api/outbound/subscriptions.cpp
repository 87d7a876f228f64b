// /api/v1/webhooks/subscriptions: who gets which events.
#include <array>

#include "api/core/change.hpp"
#include "api/core/page.hpp"
#include "api/operation/operation_json.hpp"
#include "api/outbound/routes.hpp"
#include "api/outbound/subscription_change.hpp"
#include "api/outbound/subscription_input.hpp"
#include "outbound/delivery/system_event.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/history/deletion.hpp"
#include "queue/queue_store.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using outbound::Subscription;
using outbound::SubscriptionId;
using outbound::SubscriptionPtr;

constexpr const char* kBeingDeleted =
    "this subscription is being deleted when what waits has been delivered; DELETE with pending=cancel ends "
    "it at once";

/// What cannot be read must not be written: it may be well, and only the key or this version be wrong.
Result<void> check_not_broken(const Subscription& known) {
  if (known.broken.empty()) return {};
  return fail(Code::conflict, "this subscription cannot be read, so it can only be deleted: " + known.broken);
}

/// Why the shard cannot use what can be read; empty where it can.
std::string why_unusable(const Call& call, SubscriptionId id) {
  const outbound::PreparedPtr prepared = call.services.outbound.book().find(id);
  return prepared ? prepared->broken : std::string();
}

void tell_everybody(db::Tx& tx, Services& services, SubscriptionPtr subscription) {
  tx.on_commit([books = &services.outbound.books(), subscription = std::move(subscription)] {
    books->tell([subscription](outbound::Book& book) { book.put(subscription); });
  });
}

/// Sets it up, to see that it can be used. Error: conflict, where it and the tenant's others would be too
/// much.
Result<void> check_usable(const Subscription& subscription, std::size_t memory_of_others) {
  XD_TRY(const auto prepared, outbound::prepare(std::make_shared<const Subscription>(subscription.copy())));
  if (memory_of_others + outbound::memory_of(prepared) <= outbound::kMemoryPerTenantMax) return {};
  return fail(Code::conflict,
              "the subscriptions of this tenant would take more than 256 MiB; delete some, or make their "
              "filters, headers and certificates smaller");
}

base::Task<http::Response> change_by(Call& call, const char* action,
                                     std::function<Result<void>(Subscription&)> edit) {
  XD_CO_TRY(const auto id, id_param<SubscriptionId>(call, "id"));
  co_return co_await change_once(call,
                                 [&](db::Tx& tx) { return change_subscription(call, tx, id, action, edit); });
}

base::Task<http::Response> change_from_body(Call& call, Reading reading) {
  XD_CO_TRY(const auto id, id_param<SubscriptionId>(call, "id"));
  XD_CO_TRY(const auto document, co_await read_json(call));
  const std::size_t others = call.services.outbound.book().memory_of_others(call.tenant_id(), id);
  co_return co_await change_once(call, [&](db::Tx& tx) {
    return change_subscription(call, tx, id, "subscription.updated",
                               [&](Subscription& subscription) -> Result<void> {
                                 Input input(document.root(), "#");
                                 read_subscription(call, input, reading, subscription);
                                 check_secrets_fit(input, subscription, call.services.clock.now());
                                 XD_DO(input.finish());
                                 return check_usable(subscription, others);
                               });
  });
}

Result<void> enable(Subscription& subscription) {
  subscription.is_enabled = true;
  subscription.status = outbound::SubscriptionStatus::active;
  subscription.disabled_reason.reset();
  subscription.disabled.reset();
  return {};
}

Result<void> pause(Subscription& subscription) {
  // PAUSED in its place would forget that it collects deliveries although it is switched off.
  if (subscription.status == outbound::SubscriptionStatus::failed) {
    return fail(Code::conflict,
                "this subscription is FAILED and holds its deliveries already; enable it first");
  }
  subscription.status = outbound::SubscriptionStatus::paused;
  return {};
}

Result<void> resume(Subscription& subscription) {
  if (!subscription.is_enabled) {
    return fail(Code::conflict, "this subscription is not only paused but disabled; enable it instead");
  }
  subscription.status = outbound::SubscriptionStatus::active;
  return {};
}

/// Lets it deliver what waits; an operation removes it then.
Result<Answer> drain(Call& call, db::Tx& tx, const Subscription& known) {
  if (known.status == outbound::SubscriptionStatus::deleting) return fail(Code::conflict, kBeingDeleted);
  XD_DO(check_not_broken(known));
  if (!known.delivers()) {
    return fail(
        Code::conflict,
        "this subscription holds its deliveries, so they would wait for ever; enable or resume it first, or "
        "delete it with pending=cancel");
  }
  operation::Operation made = make_operation(call, outbound::kDeletionOperation);
  made.target = known.id.uuid;
  made.parameters = R"({"pending":"drain"})";
  auto changed = std::make_shared<Subscription>(known.copy());
  changed->status = outbound::SubscriptionStatus::deleting;
  changed->updated = made.created;
  ++changed->version;
  XD_TRY(const bool written, outbound::update_subscription(tx, call.services.ring, *changed));
  if (!written)
    return fail(Code::conflict, "the subscription was changed at the same moment; repeat the request");
  auto entry = call.audit("subscription.deleted", "subscription", known.id.uuid);
  entry.before = subscription_json(known, {}, made.created);
  entry.after = subscription_json(*changed, {}, made.created);
  XD_DO(tenant::insert_audit(tx, entry));
  tell_everybody(tx, call.services, changed);
  return start_operation(call, tx, made, outbound::kDrainTask);
}

}  // namespace

Result<SubscriptionPtr> find_subscription_or_fail(Call& call, db::Tx& tx, SubscriptionId id) {
  XD_TRY(SubscriptionPtr known, outbound::find_subscription(tx, call.services.ring, call.tenant_id(), id));
  if (!known) return fail(Code::not_found, "there is no subscription with this id");
  return known;
}

Result<Answer> change_subscription(Call& call, db::Tx& tx, SubscriptionId id, const char* action,
                                   const std::function<Result<void>(Subscription&)>& edit) {
  XD_DO(queue::lock_lane(tx, call.tenant_id(), queue::LaneId{id.uuid}));
  XD_TRY(const SubscriptionPtr known, find_subscription_or_fail(call, tx, id));
  if (known->status == outbound::SubscriptionStatus::deleting) return fail(Code::conflict, kBeingDeleted);
  XD_DO(check_not_broken(*known));
  const base::Time now = call.services.clock.now();
  XD_TRY(const auto stats, outbound::find_stats(tx, id));
  return change_resource<Subscription>(
      call, tx, *known,
      {.action = action,
       .type = "subscription",
       .edit = [&](Subscription& changed) -> Result<void> {
         XD_DO(edit(changed));
         if (changed.url != known->url) ++changed.circuit_no;
         return {};
       },
       .write =
           [&](const Subscription& changed) {
             return outbound::update_subscription(tx, call.services.ring, changed);
           },
       .then = [&](const Subscription& before, const Subscription& changed) -> Result<void> {
         if (stats.circuit && changed.circuit_no != before.circuit_no) {
           const std::array closed = {outbound::make_circuit_event(changed.tenant, id, std::nullopt, now)};
           XD_TRY(const auto published, event::publish(tx, call.services.queue, closed, now));
         }
         if (changed.lane_state() == before.lane_state()) return {};
         for (const queue::LaneId lane : {changed.lane(), outbound::detour_lane(id)})
           XD_DO(call.services.queue.set_state(tx, lane, changed.lane_state()));
         return {};
       },
       .json = [&](const Subscription& subscription) -> Result<std::string> {
         XD_TRY(const auto stats_now, outbound::find_stats(tx, id));
         return subscription_json(subscription, stats_now, now);
       },
       .tell = [&](SubscriptionPtr changed) { tell_everybody(tx, call.services, std::move(changed)); }});
}

base::Task<http::Response> create_subscription(Call& call) {
  XD_CO_TRY(const auto document, co_await read_json(call));
  Input input(document.root(), "#");
  const base::Time now = call.services.clock.now();
  auto made = std::make_shared<Subscription>();
  made->id = SubscriptionId::make(now);
  made->tenant = call.tenant_id();
  made->created_by = call.principal.key.uuid;
  made->created = now;
  made->updated = now;
  read_subscription(call, input, Reading::whole, *made);
  const base::Secret secret = read_secret(input, made->signing_scheme);
  XD_CO_DO(input.finish());
  made->secrets.push_back(tenant::make_signing_secret(secret.clone(), now));
  XD_CO_DO(check_usable(*made, call.services.outbound.book().memory_of_others(made->tenant)));
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const std::int64_t count, outbound::count_subscriptions(tx, made->tenant));
    if (count >= static_cast<std::int64_t>(base::limits::kSubscriptionsPerTenantMax)) {
      return fail(Code::conflict, "a tenant can have at most 20,000 subscriptions; delete some");
    }
    XD_DO(outbound::insert_subscription(tx, call.services.ring, *made));
    XD_DO(call.services.queue.create_lane(tx, made->lane(), made->tenant, outbound::kDeliverKind,
                                          made->lane_state()));
    auto entry = call.audit("subscription.created", "subscription", made->id.uuid);
    entry.after = subscription_json(*made, {}, now);
    XD_DO(tenant::insert_audit(tx, entry));
    tell_everybody(tx, call.services, made);
    return Answer{201, subscription_json(*made, {}, now, secret.reveal()), made->version};
  });
}

base::Task<http::Response> list_subscriptions(Call& call) {
  XD_CO_TRY(const PageRequest page, read_page(call));
  using Row = std::pair<SubscriptionPtr, outbound::SubscriptionStats>;
  XD_CO_TRY(auto rows, co_await call.services.store.read([&](db::Tx& tx) -> Result<std::vector<Row>> {
    XD_TRY(auto subscriptions,
           outbound::list_subscriptions(tx, call.services.ring, call.tenant_id(), page.rows()));
    std::vector<Row> result;
    for (SubscriptionPtr& subscription : subscriptions) {
      XD_TRY(auto stats, outbound::find_stats(tx, subscription->id));
      result.emplace_back(std::move(subscription), stats);
    }
    return result;
  }));
  co_return list_response(
      page, std::move(rows), [](const Row& row) { return row.first->id.uuid; },
      [&call, now = call.services.clock.now()](format::JsonWriter& json, const Row& row) {
        json.raw(subscription_json(*row.first, row.second, now, {}, why_unusable(call, row.first->id)));
      });
}

base::Task<http::Response> get_subscription(Call& call) {
  XD_CO_TRY(const auto id, id_param<SubscriptionId>(call, "id"));
  const std::string broken = why_unusable(call, id);
  XD_CO_TRY(const Answer answer, co_await call.services.store.read([&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const SubscriptionPtr known, find_subscription_or_fail(call, tx, id));
    XD_TRY(const auto stats, outbound::find_stats(tx, id));
    return Answer{200, subscription_json(*known, stats, call.services.clock.now(), {}, broken),
                  known->version};
  }));
  co_return json_response(200, answer.body, *answer.version);
}

base::Task<http::Response> replace_subscription(Call& call) { return change_from_body(call, Reading::whole); }
base::Task<http::Response> patch_subscription(Call& call) { return change_from_body(call, Reading::patch); }

base::Task<http::Response> delete_subscription(Call& call) {
  XD_CO_TRY(const auto id, id_param<SubscriptionId>(call, "id"));
  XD_CO_TRY(const auto pending, read_pending(call));
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_DO(queue::lock_lane(tx, call.tenant_id(), queue::LaneId{id.uuid}));
    XD_TRY(const SubscriptionPtr known, find_subscription_or_fail(call, tx, id));
    XD_DO(check_if_match(call, known->version));
    if (pending == monitor::Pending::drain) return drain(call, tx, *known);
    const base::Time now = call.services.clock.now();
    XD_DO(outbound::remove_subscription(tx, {call.services.queue, call.services.outbound.books()},
                                        call.tenant_id(), id,
                                        {"SUBSCRIPTION_DELETED", "the subscription was deleted", now}));
    auto entry = call.audit("subscription.deleted", "subscription", id.uuid);
    entry.before = subscription_json(*known, {}, now);
    XD_DO(tenant::insert_audit(tx, entry));
    return Answer{204};
  });
}

base::Task<http::Response> enable_subscription(Call& call) {
  return change_by(call, "subscription.enabled", enable);
}

base::Task<http::Response> disable_subscription(Call& call) {
  return change_by(call, "subscription.disabled", [&call](Subscription& subscription) -> Result<void> {
    subscription.is_enabled = false;
    subscription.disabled_reason = "MANUAL";
    subscription.disabled = call.services.clock.now();
    return {};
  });
}

base::Task<http::Response> pause_subscription(Call& call) {
  return change_by(call, "subscription.paused", pause);
}

base::Task<http::Response> reset_circuit(Call& call) {
  return change_by(call, "subscription.circuit_reset", [](Subscription& subscription) -> Result<void> {
    ++subscription.circuit_no;
    return {};
  });
}

base::Task<http::Response> resume_subscription(Call& call) {
  return change_by(call, "subscription.resumed", resume);
}

}  // namespace api
