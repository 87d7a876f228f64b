// POST /api/v1/webhooks/subscriptions/:id/test-filter: what a filter would have let through.
#include "api/outbound/routes.hpp"
#include "api/outbound/subscription_input.hpp"
#include "event/event_store.hpp"
#include "outbound/delivery/system_event.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using outbound::Subscription;
using outbound::SubscriptionId;

constexpr std::size_t kEventsTested = 100;
/// Events read at once: their data can be large.
constexpr std::size_t kEventsRead = 10;
/// Of the filter and of parsing, a step for each 16 bytes: a reader of the store is not held for long.
constexpr std::size_t kStepsMax = 10 * base::limits::kFilterStepsMax;
constexpr std::size_t kBytesPerStep = 16;

/// Why the event would not be delivered; empty when it would.
std::string_view refusal(const Subscription& subscription, const std::optional<outbound::Filter>& filter,
                         const event::Event& event, std::size_t& steps) {
  if (!outbound::is_of_types(subscription, event)) return "EVENT_TYPES";
  if (outbound::subject_of(event) == subscription.id) return "OWN_EVENT";
  if (!filter) return "";
  outbound::EventView view(event);
  steps -= std::min(steps, event.bytes() / kBytesPerStep);
  std::size_t of_event = base::limits::kFilterStepsMax;
  const auto answer = filter->ask(view, of_event);
  steps -= std::min(steps, base::limits::kFilterStepsMax - of_event);
  return answer == outbound::Filter::Answer::no ? "FILTERED" : "";
}

/// The stored subscription with what the request puts in place of its filter and types.
Result<Subscription> read_tested(const std::optional<format::Document>& body, const Subscription& known) {
  Subscription tested = known.copy();
  if (!body) return tested;
  Input input(body->root(), "#");
  const std::string_view types = input.has("event_types") ? "event_types" : "";
  outbound::subscriptions().read(input, Reading::patch, Subscription{}, tested, {"filter", types});
  XD_DO(input.finish());
  return tested;
}

Result<std::string> test_on_events(Call& call, db::Tx& tx, const Subscription& tested) {
  std::optional<outbound::Filter> filter;
  if (!tested.filter.empty()) {
    XD_TRY(const auto document, format::parse_json(tested.filter));
    XD_TRY(filter, outbound::Filter::compile(document.root()));
  }
  std::size_t matched = 0;
  std::size_t seen = 0;
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("data").begin_array();
  db::Page page{.limit = kEventsRead};
  std::size_t steps = kStepsMax;
  bool more = true;
  while (more && seen < kEventsTested && steps > 0) {
    XD_TRY(const auto found, event::list_events(tx, {.tenant = call.tenant_id(), .page = page}));
    for (const event::StoredEvent& stored : found.events) {
      if (steps == 0 || seen == kEventsTested) break;
      ++seen;
      const std::string_view reason = refusal(tested, filter, stored.event, steps);
      json.begin_object().key("event_id").value(stored.event.id).key("type").value(stored.event.type);
      json.key("created_at").value(stored.event.created).key("matches").value(reason.empty());
      if (!reason.empty()) json.key("reason").value(reason);
      json.end_object();
      matched += reason.empty() ? 1 : 0;
    }
    more = !found.events.empty();
    if (more) page.before = found.events.back().event.id.uuid;
  }
  json.end_array().key("matched").value(matched).key("tested").value(seen);
  if (steps == 0) json.key("partial").value(true);
  json.end_object();
  return body;
}

}  // namespace

base::Task<http::Response> test_subscription_filter(Call& call) {
  XD_CO_TRY(const auto id, id_param<SubscriptionId>(call, "id"));
  std::optional<format::Document> document;
  if (!call.request.body.empty()) {
    XD_CO_TRY(document, co_await read_json(call));
  }
  // All of it on the database's thread, where it holds up no shard.
  XD_CO_TRY(std::string body, co_await call.services.store.read([&](db::Tx& tx) -> Result<std::string> {
    XD_TRY(const auto known, outbound::find_subscription(tx, call.services.ring, call.tenant_id(), id));
    if (!known) return fail(Code::not_found, "there is no subscription with this id");
    XD_TRY(const Subscription tested, read_tested(document, *known));
    return test_on_events(call, tx, tested);
  }));
  co_return json_response(200, std::move(body));
}

}  // namespace api
