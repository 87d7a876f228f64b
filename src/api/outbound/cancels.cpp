// Ending deliveries that wait: /api/v1/webhooks/deliveries/:id/cancel and …/subscriptions/:id/cancel-pending.
#include "api/core/once.hpp"
#include "api/outbound/deliveries.hpp"
#include "api/outbound/delivery_json.hpp"
#include "api/outbound/routes.hpp"
#include "outbound/history/cancel.hpp"
#include "outbound/history/history.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using outbound::Delivery;
using outbound::DeliveryId;
using outbound::SubscriptionId;

outbound::Cancellation requested(const Call& call) {
  return {"REQUESTED", "it was cancelled on request", call.services.clock.now()};
}

std::string delivery_json(const Delivery& delivery, base::Time now) {
  std::string body;
  format::JsonWriter json(body);
  write_delivery(json, delivery, now);
  return body;
}

}  // namespace

base::Task<http::Response> cancel_delivery(Call& call) {
  XD_CO_TRY(const auto id, id_param<DeliveryId>(call, "id"));
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const auto waiting, outbound::find_waiting(tx, call.tenant_id(), id));
    std::int64_t cancelled = 0;
    if (waiting) {
      const outbound::Waiting one{
          .tenant = call.tenant_id(), .subscription = waiting->subscription, .delivery = id};
      XD_TRY(cancelled, outbound::cancel_waiting(tx, one, requested(call)));
    }
    XD_TRY(const auto ended, outbound::find_finished(tx, call.tenant_id(), id));
    if (!ended) return fail(Code::not_found, "there is no delivery with this id");
    if (cancelled == 0) {
      return fail(Code::conflict,
                  "this delivery has ended (" + ended->status + "); there is nothing to cancel");
    }
    auto entry = call.audit("delivery.cancelled", "delivery", id.uuid);
    const base::Time now = call.services.clock.now();
    entry.before = delivery_json(*waiting, now);
    entry.after = delivery_json(*ended, now);
    XD_DO(tenant::insert_audit(tx, entry));
    return Answer{200, std::move(entry.after)};
  });
}

base::Task<http::Response> cancel_pending(Call& call) {
  XD_CO_TRY(const auto id, id_param<SubscriptionId>(call, "id"));
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const auto known, outbound::find_subscription(tx, call.services.ring, call.tenant_id(), id));
    if (!known) return fail(Code::not_found, "there is no subscription with this id");
    XD_TRY(const auto cancelled,
           outbound::cancel_waiting(tx, {.tenant = call.tenant_id(), .subscription = id}, requested(call)));
    auto entry = call.audit("subscription.pending_cancelled", "subscription", id.uuid);
    entry.after = R"({"cancelled":)" + std::to_string(cancelled) + "}";
    XD_DO(tenant::insert_audit(tx, entry));
    return Answer{200, std::move(entry.after)};
  });
}

}  // namespace api
