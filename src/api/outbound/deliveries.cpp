// /api/v1/webhooks/deliveries: what became of each event at each subscription, replay, and test sends.
#include "api/outbound/deliveries.hpp"

#include "api/core/once.hpp"
#include "api/core/page.hpp"
#include "api/outbound/delivery_json.hpp"
#include "api/outbound/delivery_query.hpp"
#include "api/outbound/routes.hpp"
#include "crypto/encoding.hpp"
#include "event/event_store.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/history/history.hpp"
#include "outbound/send/payload.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using outbound::Attempt;
using outbound::Delivery;
using outbound::DeliveryId;

void write_attempt_members(format::JsonWriter& json, const Attempt& attempt) {
  json.key("attempt_number").value(attempt.number).key("outcome").value(attempt.outcome);
  json.key("started_at").value(attempt.started).key("request_url").value(attempt.request_url);
  json.key("remote_ip").value(attempt.remote_ip).key("response_status").value(attempt.response_status);
  json.key("response_time_ms").value(attempt.response_time_ms).key("timings").begin_object();
  json.key("dns_us").value(attempt.timings.dns_us).key("connect_us").value(attempt.timings.connect_us);
  json.key("tls_us").value(attempt.timings.tls_us).key("first_byte_us").value(attempt.timings.first_byte_us);
  json.end_object().key("error_class");
  attempt.error_class.empty() ? json.null() : json.value(attempt.error_class);
  json.key("error_message");
  attempt.error_message.empty() ? json.null() : json.value(attempt.error_message);
  json.key("sendings").value(attempt.sendings).key("via").value(attempt.via);
}

void write_delivery_members(format::JsonWriter& json, const Delivery& delivery, base::Time now) {
  json.key("id").value(delivery.id).key("subscription_id").value(delivery.subscription);
  json.key("event_id").value(delivery.event).key("event_type").value(delivery.event_type);
  json.key("status").value(delivery.status).key("reason");
  delivery.reason.empty() ? json.null() : json.value(delivery.reason);
  json.key("attempt_number").value(delivery.last.number);
  json.key("response_status").value(delivery.last.response_status);
  json.key("response_time_ms");
  delivery.last.outcome.empty() ? json.null() : json.value(delivery.last.response_time_ms);
  json.key("error_class");
  delivery.last.error_class.empty() ? json.null() : json.value(delivery.last.error_class);
  json.key("error_message");
  delivery.last.error_message.empty() ? json.null() : json.value(delivery.last.error_message);
  json.key("error_signature");
  delivery.error_signature.empty() ? json.null() : json.value(delivery.error_signature);
  json.key("operation_id");
  delivery.operation ? json.value(*delivery.operation) : json.null();
  json.key("next_retry_at").value(delivery.next_retry).key("circuit");
  delivery.circuit ? write_circuit(json, delivery.circuit, now) : void(json.null());
  json.key("replay_no").value(delivery.replay_no);
  json.key("replay_of").value(delivery.replay_of).key("is_test").value(delivery.is_test);
  json.key("created_at").value(delivery.created).key("completed_at").value(delivery.completed);
}

struct FoundPage {
  outbound::FoundDeliveries page;
  ListNotes notes;
};

/// How many there are on all pages: counted as far as the time goes, and beyond by the share of the time that
/// was counted, which is the better the more there are.
Result<void> add_total(db::Tx& tx, outbound::DeliveryQuery query, base::Time now, ListNotes& notes) {
  query.page = {};
  XD_TRY(const auto counted, outbound::count_finished(tx, query, outbound::interactive()));
  std::int64_t total = counted.count;
  if (counted.reached) {
    XD_TRY(const auto oldest, outbound::oldest_finished(tx, query));
    const base::Time end = std::min(query.created.before.value_or(now), now);
    const base::Time first = oldest.value_or(end);
    const base::Time begin = std::max(query.created.from.value_or(first), first);
    const auto counted_span = std::max(end - base::time_of(*counted.reached), base::Time::duration{1});
    const double share =
        std::max(1.0, static_cast<double>((end - begin).count()) / static_cast<double>(counted_span.count()));
    total = static_cast<std::int64_t>(static_cast<double>(total) * share);
    notes.total_is_estimated = true;
  }
  notes.total = total;
  return {};
}

base::Task<http::Response> answer_list(Call& call, std::optional<outbound::SubscriptionId> subscription) {
  XD_CO_TRY(const PageRequest page, read_delivery_page(call));
  XD_CO_TRY(auto query, read_delivery_query(call));
  if (subscription) query.subscription = subscription;
  query.page = page.rows();
  const std::string include = query_value(call, "include");
  if (!include.empty() && include != "total")
    co_return fail(Code::invalid, "include is total", "BAD_REQUEST");
  XD_CO_TRY(auto found, co_await call.services.store.read([&](db::Tx& tx) -> Result<FoundPage> {
    FoundPage result;
    XD_TRY(result.page, outbound::search_deliveries(tx, query, outbound::interactive()));
    result.notes.reached = result.page.reached;
    if (!include.empty()) XD_DO(add_total(tx, query, call.services.clock.now(), result.notes));
    return result;
  }));
  co_return list_response(
      page, std::move(found.page.deliveries), [](const Delivery& d) { return d.id.uuid; },
      [now = call.services.clock.now()](format::JsonWriter& json, const Delivery& one) {
        write_delivery(json, one, now);
      },
      found.notes);
}

struct Found {
  Delivery delivery;
  std::vector<Attempt> attempts;
  std::optional<event::StoredEvent> event;
};

Result<Found> find_delivery(Call& call, db::Tx& tx, DeliveryId id) {
  Found found;
  XD_TRY(auto delivery, outbound::find_finished(tx, call.tenant_id(), id));
  if (!delivery) {
    XD_TRY(delivery, outbound::find_waiting(tx, call.tenant_id(), id));
  }
  if (!delivery) return fail(Code::not_found, "there is no delivery with this id");
  found.delivery = std::move(*delivery);
  XD_TRY(found.attempts, outbound::earlier_attempts(tx, id));
  const bool attempted = !found.delivery.last.outcome.empty() && found.delivery.last.outcome != "CANCELLED";
  if (found.delivery.completed && attempted) found.attempts.push_back(found.delivery.last);
  XD_TRY(found.event, event::find_event(tx, call.tenant_id(), found.delivery.event));
  return found;
}

/// Adds what the log store still knows about an attempt's bytes.
asio::awaitable<void> write_exchange(Call& call, format::JsonWriter& json, DeliveryId id,
                                     const Attempt& attempt) {
  auto exchange = co_await call.services.logs.read(attempt.started, [&](db::Tx& tx) {
    return outbound::find_exchange(tx, call.tenant_id(), id, attempt.number);
  });
  if (!exchange || !*exchange) {
    json.key("request_headers").null().key("response_headers").null().key("response_body").null();
    co_return;
  }
  json.key("request_headers").raw((*exchange)->request_headers);
  json.key("response_headers").raw((*exchange)->response_headers);
  json.key("response_body").value((*exchange)->response_body);
  json.key("response_truncated").value((*exchange)->truncated);
}

}  // namespace

void write_delivery(format::JsonWriter& json, const Delivery& delivery, base::Time now) {
  json.begin_object();
  write_delivery_members(json, delivery, now);
  json.end_object();
}

void write_circuit(format::JsonWriter& json, const std::optional<queue::Breaker::Open>& open,
                   base::Time now) {
  const char* state = !open ? "CLOSED" : now < open->until ? "OPEN" : "HALF_OPEN";
  json.begin_object().key("state").value(state).key("since");
  open ? json.value(open->since) : json.null();
  json.key("next_probe_at");
  open ? json.value(open->until) : json.null();
  json.end_object();
}

std::string read_target(Call& call, Input& input, std::string_view name) {
  std::string url = input.text(name, base::limits::kUrlBytesMax).value_or("");
  if (url.empty()) return url;
  if (auto target = http::check_target(url, call.services.guard); !target) {
    const std::string& reason = target.error().reason;
    input.error(name, reason.empty() ? "INVALID" : reason, target.error().message);
  }
  return url;
}

bool may_carry_credentials(const Call& call, std::string_view url) {
  return !url.empty() && call.principal.permissions.has(tenant::Permission::subscriptions_write);
}

base::Task<http::Response> list_deliveries(Call& call) { co_return co_await answer_list(call, std::nullopt); }

base::Task<http::Response> list_subscription_deliveries(Call& call) {
  XD_CO_TRY(const auto id, id_param<outbound::SubscriptionId>(call, "id"));
  XD_CO_TRY(const auto known, co_await call.services.store.read([&](db::Tx& tx) {
    return outbound::find_subscription(tx, call.services.ring, call.tenant_id(), id);
  }));
  if (!known) co_return fail(Code::not_found, "there is no subscription with this id");
  co_return co_await answer_list(call, id);
}

base::Task<http::Response> get_delivery(Call& call) {
  XD_CO_TRY(const auto id, id_param<DeliveryId>(call, "id"));
  XD_CO_TRY(const Found found,
            co_await call.services.store.read([&](db::Tx& tx) { return find_delivery(call, tx, id); }));
  std::string body;
  format::JsonWriter json(body);
  json.begin_object();
  write_delivery_members(json, found.delivery, call.services.clock.now());
  json.key("request_url");
  found.delivery.last.request_url.empty() ? json.null() : json.value(found.delivery.last.request_url);
  json.key("payload");
  found.event ? json.raw(found.event->event.data) : json.null();
  if (found.attempts.empty()) {
    json.key("request_headers").null().key("response_headers").null().key("response_body").null();
  } else {
    co_await write_exchange(call, json, id, found.attempts.back());
  }
  json.end_object();
  co_return json_response(200, std::move(body));
}

base::Task<http::Response> list_attempts(Call& call) {
  XD_CO_TRY(const auto id, id_param<DeliveryId>(call, "id"));
  XD_CO_TRY(const Found found,
            co_await call.services.store.read([&](db::Tx& tx) { return find_delivery(call, tx, id); }));
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("data").begin_array();
  for (const Attempt& attempt : found.attempts) {
    json.begin_object();
    write_attempt_members(json, attempt);
    co_await write_exchange(call, json, id, attempt);
    json.end_object();
  }
  json.end_array().end_object();
  co_return json_response(200, std::move(body));
}

base::Task<http::Response> replay_delivery(Call& call) {
  XD_CO_TRY(const auto id, id_param<DeliveryId>(call, "id"));
  outbound::DeliveryArgs args{.replay_of = id};
  std::string url;
  if (!call.request.body.empty()) {
    XD_CO_TRY(const auto document, co_await read_json(call));
    Input input(document.root(), "#");
    url = read_target(call, input, "url");
    args.with_credentials = may_carry_credentials(call, url);
    XD_CO_DO(input.finish());
  }
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const auto done, outbound::find_finished(tx, call.tenant_id(), id));
    if (!done) {
      XD_TRY(const auto waiting, outbound::find_waiting(tx, call.tenant_id(), id));
      if (!waiting) return fail(Code::not_found, "there is no delivery with this id");
      return fail(Code::conflict,
                  "this delivery is still under way (" + waiting->status +
                      "); wait for its end, or cancel it and replay it then" +
                      (waiting->circuit ? "; it waits for its circuit, which reset-circuit of its "
                                          "subscription closes"
                                        : ""));
    }
    if (done->is_test) return fail(Code::conflict, "a test delivery cannot be replayed; send another test");
    XD_TRY(const auto subscription,
           outbound::find_subscription(tx, call.services.ring, call.tenant_id(), done->subscription));
    if (!subscription) return fail(Code::conflict, "its subscription no longer exists");
    if (subscription->status == outbound::SubscriptionStatus::deleting) {
      return fail(Code::conflict, "its subscription is being deleted");
    }
    XD_TRY(auto stored, event::find_event(tx, call.tenant_id(), done->event));
    if (!stored) return fail(Code::conflict, "its event was removed by retention");
    args.replay_no = done->replay_no + 1;
    args.url = outbound::detour_url(url, subscription->url);
    const auto event = std::make_shared<const event::Event>(std::move(stored->event));
    queue::Task task = outbound::make_delivery_task(*subscription, event, call.services.clock.now(), &args);
    const DeliveryId fresh{task.id.uuid};
    if (!args.url.empty()) {
      XD_DO(outbound::ensure_detour_lane(tx, call.tenant_id(), subscription->id));
    }
    XD_DO(call.services.queue.enqueue(tx, {std::move(task)}));
    auto entry = call.audit("delivery.replayed", "delivery", id.uuid);
    entry.after = R"({"replayed_as":)" + format::json_string(fresh.str());
    if (!url.empty()) entry.after += R"(,"url":)" + format::json_string(url);
    entry.after += "}";
    XD_DO(tenant::insert_audit(tx, entry));
    XD_TRY(const auto waiting, outbound::find_waiting(tx, call.tenant_id(), fresh));
    std::string body;
    format::JsonWriter json(body);
    write_delivery(json, *waiting, call.services.clock.now());
    return Answer{202, std::move(body)};
  });
}

base::Task<http::Response> test_subscription(Call& call) {
  XD_CO_TRY(const auto id, id_param<outbound::SubscriptionId>(call, "id"));
  auto prepared = call.services.outbound.book().find(id);
  if (!prepared || prepared->config->tenant != call.tenant_id()) {
    co_return fail(Code::not_found, "there is no subscription with this id");
  }
  auto event = std::make_shared<event::Event>();
  const base::Time now = call.services.clock.now();
  event->id = event::EventId::make(now);
  event->tenant = call.tenant_id();
  event->type = "webhook.test";
  event->subject = "webhook";
  event->data = R"({"message":"This is a test delivery from Crossdock.","subscription_id":)" +
                format::json_string(id.str()) + "}";
  event->created = now;
  event->occurred = now;
  event->origin = "test";
  Delivery delivery{
      .id = DeliveryId::make(now), .tenant = call.tenant_id(), .subscription = id, .event = event->id};
  delivery.event_type = event->type;
  delivery.is_test = true;
  delivery.created = now;
  delivery.last = co_await call.services.outbound.deliveries().send_once(delivery.id, 1, prepared, event);
  delivery.last.via = "test";
  delivery.status = delivery.last.outcome;
  delivery.completed = call.services.clock.now();
  XD_CO_DO(co_await call.services.store.write([&](db::Tx& tx) -> Result<void> {
    const event::EventPtr shared = event;
    const std::int64_t deliveries = 1;
    XD_DO(event::insert_events(tx, std::span(&shared, 1), std::span(&deliveries, 1)));
    XD_DO(outbound::insert_deliveries(tx, {delivery}));
    return tenant::insert_audit(tx, call.audit("subscription.tested", "subscription", id.uuid));
  }));
  std::string body;
  format::JsonWriter json(body);
  json.begin_object();
  write_delivery_members(json, delivery, now);
  json.key("attempt").begin_object();
  write_attempt_members(json, delivery.last);
  json.end_object().end_object();
  co_return json_response(200, std::move(body));
}

}  // namespace api
