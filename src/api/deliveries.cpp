// /api/v1/webhooks/deliveries: what became of each event at each subscription, replay, and test sends.
#include "api/handlers.hpp"
#include "api/input.hpp"
#include "api/once.hpp"
#include "api/page.hpp"
#include "crypto/encoding.hpp"
#include "event/event_store.hpp"
#include "outbound/fanout.hpp"
#include "outbound/payload.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using outbound::Attempt;
using outbound::Delivery;
using outbound::DeliveryId;

constexpr std::string_view kStatuses[] = {"PENDING", "RETRYING",  "HELD",   "DELIVERED",
                                          "FAILED",  "CANCELLED", "SKIPPED"};

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
  json.key("via").value(attempt.via);
}

void write_delivery_members(format::JsonWriter& json, const Delivery& delivery) {
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
  json.key("next_retry_at").value(delivery.next_retry).key("replay_no").value(delivery.replay_no);
  json.key("replay_of").value(delivery.replay_of).key("is_test").value(delivery.is_test);
  json.key("created_at").value(delivery.created).key("completed_at").value(delivery.completed);
}

void write_delivery(format::JsonWriter& json, const Delivery& delivery) {
  json.begin_object();
  write_delivery_members(json, delivery);
  json.end_object();
}

Result<std::vector<std::string>> read_statuses(const Call& call) {
  std::vector<std::string> statuses;
  const std::string text = query_value(call, "status");
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view status = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (std::ranges::find(kStatuses, status) == std::end(kStatuses)) {
      return fail(Code::invalid,
                  "status is a list of PENDING, RETRYING, HELD, DELIVERED, FAILED, CANCELLED, SKIPPED",
                  "BAD_REQUEST");
    }
    statuses.emplace_back(status);
  }
  return statuses;
}

HandlerResult answer_list(Call& call, std::optional<outbound::SubscriptionId> subscription) {
  XD_CO_TRY(const PageRequest page, read_page(call, {"status", "subscription_id"}));
  XD_CO_TRY(const auto statuses, read_statuses(call));
  const outbound::DeliveryQuery query{call.tenant_id(), subscription, statuses, page.rows()};
  XD_CO_TRY(auto rows, co_await call.services.store.read([&](db::Tx& tx) -> Result<std::vector<Delivery>> {
    XD_TRY(auto deliveries, outbound::list_waiting(tx, query));
    XD_TRY(const auto finished, outbound::list_finished(tx, query));
    deliveries.insert(deliveries.end(), finished.begin(), finished.end());
    std::ranges::sort(deliveries, std::greater{}, &Delivery::id);
    const std::size_t surplus = deliveries.size() - std::min(deliveries.size(), query.page.limit);
    if (query.page.after) {
      deliveries.erase(deliveries.begin(), deliveries.begin() + static_cast<std::ptrdiff_t>(surplus));
    } else {
      deliveries.resize(deliveries.size() - surplus);
    }
    return deliveries;
  }));
  co_return list_response(page, std::move(rows), [](const Delivery& d) { return d.id.uuid; }, write_delivery);
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
  if (!found.delivery.completed) {
    // Its row is still a task, which knows only how many attempts there were.
    if (!found.attempts.empty()) found.delivery.last = found.attempts.back();
  } else if (found.delivery.last.outcome != "CANCELLED") {
    found.attempts.push_back(found.delivery.last);
  }
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

HandlerResult list_deliveries(Call& call) {
  const std::string text = query_value(call, "subscription_id");
  std::optional<outbound::SubscriptionId> subscription;
  if (!text.empty()) {
    subscription = outbound::SubscriptionId::parse(text);
    if (!subscription) co_return fail(Code::invalid, "subscription_id is not a UUID", "BAD_REQUEST");
  }
  co_return co_await answer_list(call, subscription);
}

HandlerResult list_subscription_deliveries(Call& call) {
  XD_CO_TRY(const auto id, id_param<outbound::SubscriptionId>(call, "id"));
  XD_CO_TRY(const auto known, co_await call.services.store.read([&](db::Tx& tx) {
    return outbound::find_subscription(tx, call.services.ring, call.tenant_id(), id);
  }));
  if (!known) co_return fail(Code::not_found, "there is no subscription with this id");
  co_return co_await answer_list(call, id);
}

HandlerResult get_delivery(Call& call) {
  XD_CO_TRY(const auto id, id_param<DeliveryId>(call, "id"));
  XD_CO_TRY(const Found found,
            co_await call.services.store.read([&](db::Tx& tx) { return find_delivery(call, tx, id); }));
  std::string body;
  format::JsonWriter json(body);
  json.begin_object();
  write_delivery_members(json, found.delivery);
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

HandlerResult list_attempts(Call& call) {
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

HandlerResult replay_delivery(Call& call) {
  XD_CO_TRY(const auto id, id_param<DeliveryId>(call, "id"));
  outbound::DeliveryArgs args{.replay_of = id};
  if (!call.request.body.empty()) {
    XD_CO_TRY(const auto document, read_json(call));
    Input input(document.root(), "#");
    args.url = input.text("url", base::limits::kUrlBytesMax).value_or("");
    if (!args.url.empty()) {
      if (auto target = http::check_target(args.url, call.services.guard); !target) {
        const std::string& reason = target.error().reason;
        input.error("url", reason.empty() ? "INVALID" : reason, target.error().message);
      }
    }
    XD_CO_DO(input.finish());
  }
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const auto done, outbound::find_finished(tx, call.tenant_id(), id));
    if (!done) {
      XD_TRY(const auto waiting, outbound::find_waiting(tx, call.tenant_id(), id));
      if (!waiting) return fail(Code::not_found, "there is no delivery with this id");
      return fail(Code::conflict,
                  "this delivery is still under way (" + waiting->status + "); wait for its end");
    }
    if (done->is_test) return fail(Code::conflict, "a test delivery cannot be replayed; send another test");
    XD_TRY(const auto subscription,
           outbound::find_subscription(tx, call.services.ring, call.tenant_id(), done->subscription));
    if (!subscription) return fail(Code::conflict, "its subscription no longer exists");
    XD_TRY(auto stored, event::find_event(tx, call.tenant_id(), done->event));
    if (!stored) return fail(Code::conflict, "its event was removed by retention");
    args.replay_no = done->replay_no + 1;
    const auto event = std::make_shared<const event::Event>(std::move(stored->event));
    queue::Task task = outbound::make_delivery_task(*subscription, event, call.services.clock.now(), &args);
    const DeliveryId fresh{task.id.uuid};
    XD_DO(call.services.queue.enqueue(tx, {std::move(task)}));
    auto entry = call.audit("delivery.replayed", "delivery", id.uuid);
    entry.after = R"({"replayed_as":)" + format::json_string(fresh.str()) + "}";
    XD_DO(tenant::insert_audit(tx, entry));
    XD_TRY(const auto waiting, outbound::find_waiting(tx, call.tenant_id(), fresh));
    std::string body;
    format::JsonWriter json(body);
    write_delivery(json, *waiting);
    return Answer{202, std::move(body)};
  });
}

HandlerResult test_subscription(Call& call) {
  XD_CO_TRY(const auto id, id_param<outbound::SubscriptionId>(call, "id"));
  auto prepared = call.services.book.find(id);
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
  delivery.last = co_await call.services.deliveries.send_once(delivery.id, 1, prepared, event, {});
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
  write_delivery_members(json, delivery);
  json.key("attempt").begin_object();
  write_attempt_members(json, delivery.last);
  json.end_object().end_object();
  co_return json_response(200, std::move(body));
}

}  // namespace api
