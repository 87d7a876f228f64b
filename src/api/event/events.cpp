// /api/v1/events: publishing, and what was published.
#include "api/core/input.hpp"
#include "api/core/once.hpp"
#include "api/core/page.hpp"
#include "api/event/event_json.hpp"
#include "api/event/routes.hpp"
#include "api/outbound/delivery_json.hpp"
#include "base/log.hpp"
#include "crypto/digest.hpp"
#include "event/event_store.hpp"
#include "event/pattern.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/history/history.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;

constexpr std::size_t kSubjectBytesMax = 255;
/// So many wrong members of a batch are told; of each event at least one.
constexpr std::size_t kBatchErrorsMax = 1000;
/// A batch works no longer than this before it lets the shard's other work run.
constexpr auto kWorkWithoutRest = std::chrono::milliseconds{1};

/// Admission: refuses before anything is lost, not after.
Result<void> check_room(Services& services, std::size_t waiting) {
  if (!has_room(services)) {
    return fail(Code::unavailable, "the disk is almost full; nothing was accepted", "STORAGE_FULL");
  }
  if (waiting >= services.intake_waiting_max) {
    return fail(Code::limited, "too many events are waiting to be stored; nothing was accepted",
                "OVERLOADED");
  }
  return {};
}

bool is_traceparent(std::string_view text) {
  return text.size() == 55 && text[2] == '-' && text[35] == '-' && text[52] == '-' &&
         std::ranges::all_of(
             text, [](char c) { return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// An event of a request, and its JSON as a part of the request's document.
struct ReadEvent {
  std::shared_ptr<event::Event> event{};
  outbound::EventView::Parsed parsed{};
};

/// {"field": {"old"?, "new"?}}, with one of the two at least.
void check_changes(Input& input, const format::Value& changes) {
  if (!changes.is_object()) {
    return input.error("changes", "WRONG_TYPE", "this must be {\"field\": {\"old\", \"new\"}}");
  }
  for (const format::Member& field : changes.members()) {
    const bool shaped = field.value.is_object() && !field.value.members().empty() &&
                        std::ranges::all_of(field.value.members(), [](const format::Member& side) {
                          return side.key == "old" || side.key == "new";
                        });
    if (shaped) continue;
    input.error_at("changes" + pointer_part(field.key.substr(0, 100)), "INVALID",
                   "this must be {\"old\": …, \"new\": …}; leave out the one that was or is not there");
  }
}

/// {"type", "data", "subject"?, "changes"?, "occurred_at"?, "idempotency_key"?, "ordering_key"?}
Result<ReadEvent> read_event(const Call& call, const format::Value& object, std::string pointer) {
  Input input(object, std::move(pointer));
  ReadEvent read{.event = std::make_shared<event::Event>()};
  const auto& event = read.event;
  const base::Time now = call.services.clock.now();
  event->id = event::EventId::make(now);
  event->tenant = call.tenant_id();
  event->created = now;
  event->origin = "api";
  if (auto type = input.required_text("type", base::limits::kEventTypeBytesMax)) {
    if (auto shaped = event::check_type(*type); !shaped)
      input.error("type", "INVALID", shaped.error().message);
    event->type = std::move(*type);
  }
  event->subject = input.text("subject", kSubjectBytesMax).value_or("");
  if (const format::Value* data = input.any("data")) {
    event->data = std::string(data->raw());
    read.parsed.data = data;
  } else {
    input.error("data", "REQUIRED", "this member is needed; it can be any JSON value but null");
  }
  if (const format::Value* changes = input.any("changes")) {
    check_changes(input, *changes);
    event->changes = std::string(changes->raw());
    read.parsed.changes = changes;
  }
  event->occurred = input.time("occurred_at").value_or(now);
  event->idempotency_key = input.text("idempotency_key", base::limits::kIdempotencyKeyBytesMax).value_or("");
  event->ordering_key = input.text("ordering_key", 255).value_or("");
  if (const auto trace = call.request.header("traceparent"); is_traceparent(trace))
    event->traceparent = trace;
  XD_DO(input.finish());
  return read;
}

event::Publication publication_of(Call& call, ReadEvent read, std::string body_hash, std::size_t& steps) {
  const base::Time now = read.event->created;
  auto publication = outbound::make_publication(call.services.outbound.book(), std::move(read.event), now,
                                                read.parsed, steps);
  publication.body_hash = std::move(body_hash);
  return publication;
}

void write_published(format::JsonWriter& json, const event::Published& published) {
  json.begin_object().key("id").value(published.id).key("created_at").value(published.created);
  json.key("deliveries").value(published.deliveries).end_object();
}

base::Error key_reused() {
  return {Code::invalid,
          "this idempotency key was used with another body within the last 24 h; use a new key",
          "IDEMPOTENCY_KEY_REUSED"};
}

/// What became of one event of a batch.
using BatchItem = Result<event::Published>;

/// 202 with an answer for each, in their order; 422 where none was accepted.
http::Response batch_response(const Call& call, std::vector<BatchItem> items) {
  std::string data;
  format::JsonWriter json(data);
  json.begin_array();
  std::size_t left = kBatchErrorsMax;
  base::Error failed{Code::invalid, "none of these events can be accepted; data[] says why, for each"};
  bool any = false;
  for (BatchItem& item : items) {
    if (item) {
      any = true;
      write_published(json, *item);
      continue;
    }
    base::Error& error = item.error();
    failed.fields.append(error.fields);
    error.fields.cut(std::max<std::size_t>(1, left));
    left -= std::min(left, error.fields.size());
    json.begin_object().key("error").raw(problem_json(kind_of(error), error, call.context())).end_object();
  }
  json.end_array();
  if (any) return json_response(202, R"({"data":)" + data + "}");
  http::Response response = problem(failed, call.context());
  response.body = problem_json(kind_of(failed), failed, call.context(), data);
  return response;
}

void write_short_delivery(format::JsonWriter& json, const outbound::Delivery& delivery) {
  json.begin_object().key("id").value(delivery.id).key("subscription_id").value(delivery.subscription);
  json.key("status").value(delivery.status).key("reason");
  delivery.reason.empty() ? json.null() : json.value(delivery.reason);
  json.key("attempt_number").value(delivery.last.number).key("via").value(delivery.last.via);
  json.key("response_status").value(delivery.last.response_status);
  json.key("next_retry_at")
      .value(delivery.next_retry)
      .key("completed_at")
      .value(delivery.completed)
      .end_object();
}

}  // namespace

void write_event_members(format::JsonWriter& json, const event::StoredEvent& stored) {
  const event::Event& event = stored.event;
  json.key("id").value(event.id).key("type").value(event.type);
  json.key("subject");
  event.subject.empty() ? json.null() : json.value(event.subject);
  json.key("data").raw(event.data);
  json.key("changes");
  event.changes.empty() ? json.null() : json.raw(event.changes);
  json.key("ordering_key");
  event.ordering_key.empty() ? json.null() : json.value(event.ordering_key);
  json.key("idempotency_key");
  event.idempotency_key.empty() ? json.null() : json.value(event.idempotency_key);
  json.key("origin").value(event.origin).key("hop").value(event.hop);
  json.key("occurred_at").value(event.occurred).key("created_at").value(event.created);
  json.key("deliveries_total").value(stored.deliveries);
}

base::Task<http::Response> post_event(Call& call) {
  XD_CO_DO(check_room(call.services, call.services.intake.waiting()));
  XD_CO_TRY(const auto key, read_idempotency_key(call, "events"));
  XD_CO_TRY(const auto document, co_await read_json(call));
  XD_CO_TRY(ReadEvent read, read_event(call, document.root(), "#"));
  const auto& event = read.event;
  if (key) {
    if (!event->idempotency_key.empty() && event->idempotency_key != key->key) {
      co_return fail(Code::invalid, "Idempotency-Key and idempotency_key differ; send one of them",
                     "BAD_REQUEST");
    }
    event->idempotency_key = key->key;
  }
  // The key in the body is the same thing as the one in the field; then the hash is still to be made.
  std::string body_hash = key || event->idempotency_key.empty()
                              ? call.body_hash
                              : crypto::digest(crypto::Hash::sha256, document.root().raw());
  std::size_t steps = base::limits::kFilterStepsOfEvent;
  XD_CO_TRY(const event::Published published, co_await call.services.intake.publish(publication_of(
                                                  call, std::move(read), std::move(body_hash), steps)));
  if (published.key_reused) co_return std::unexpected(key_reused());
  std::string body;
  format::JsonWriter json(body);
  write_published(json, published);
  http::Response response = json_response(202, std::move(body));
  if (published.replayed) response.headers.emplace_back("Idempotency-Replayed", "true");
  co_return response;
}

base::Task<http::Response> post_event_batch(Call& call) {
  XD_CO_DO(check_room(call.services, call.services.intake.waiting()));
  XD_CO_TRY(const auto key, read_idempotency_key(call, "events"));
  if (key) {
    co_return fail(Code::invalid, "a batch has no key of its own; give each event an idempotency_key",
                   "BAD_REQUEST");
  }
  XD_CO_TRY(const auto document, co_await read_json(call));
  Input input(document.root(), "#");
  const format::Value* list = input.any("events");
  if (list == nullptr || !list->is_array()) {
    input.error("events", "REQUIRED", "this must be an array of events");
  } else if (list->elements().empty() || list->elements().size() > base::limits::kBatchEventsMax) {
    input.error("events", "OUT_OF_RANGE",
                "from 1 to " + std::to_string(base::limits::kBatchEventsMax) + " events");
  }
  XD_CO_DO(input.finish());

  const auto items = list->elements();
  std::vector<BatchItem> answers(items.size());
  std::vector<event::Publication> publications;
  std::vector<std::size_t> places;  // of the publications, among the items
  std::size_t steps = base::limits::kFilterStepsOfBatch;
  base::Steady rested = base::steady_now();
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (base::steady_now() - rested > kWorkWithoutRest) {
      co_await base::yield();
      rested = base::steady_now();
    }
    auto event = read_event(call, items[i], "#/events/" + std::to_string(i));
    if (!event) {
      answers[i] = std::unexpected(std::move(event.error()));
      continue;
    }
    places.push_back(i);
    std::string hash = event->event->idempotency_key.empty()
                           ? std::string()
                           : crypto::digest(crypto::Hash::sha256, items[i].raw());
    std::size_t of_event = std::min(steps, base::limits::kFilterStepsOfEvent);
    steps -= of_event;
    publications.push_back(publication_of(call, std::move(*event), std::move(hash), of_event));
    steps += of_event;  // what it left
  }
  const auto published = co_await call.services.intake.publish_all(std::move(publications));
  if (!published.empty() && std::ranges::none_of(published, &Result<event::Published>::has_value)) {
    co_return std::unexpected(published.front().error());
  }
  for (std::size_t i = 0; i < published.size(); ++i) {
    const bool reused = published[i] && published[i]->key_reused;
    answers[places[i]] = reused ? BatchItem(std::unexpected(key_reused())) : published[i];
  }
  co_return batch_response(call, std::move(answers));
}

base::Task<http::Response> list_events(Call& call) {
  XD_CO_TRY(const PageRequest page, read_page(call, {"type"}));
  const event::EventQuery query{call.tenant_id(), query_value(call, "type"), page.rows()};
  if (!query.type.empty() && !event::check_pattern(query.type))
    co_return fail(Code::invalid, "type is a type, or a pattern such as order.* or workitem_*",
                   "BAD_REQUEST");
  XD_CO_TRY(auto found, co_await call.services.store.read([&](db::Tx& tx) {
    return event::list_events(tx, query, base::steady_now() + kSearchTime);
  }));
  co_return list_response(
      page, std::move(found.events), [](const event::StoredEvent& stored) { return stored.event.id.uuid; },
      [](format::JsonWriter& json, const event::StoredEvent& stored) {
        json.begin_object();
        write_event_members(json, stored);
        json.end_object();
      },
      {.reached = found.reached});
}

base::Task<http::Response> get_event(Call& call) {
  XD_CO_TRY(const auto id, id_param<event::EventId>(call, "id"));
  struct Found {
    std::optional<event::StoredEvent> stored;
    std::vector<outbound::Delivery> deliveries;
  };
  XD_CO_TRY(const Found found, co_await call.services.store.read([&](db::Tx& tx) -> Result<Found> {
    Found result;
    XD_TRY(result.stored, event::find_event(tx, call.tenant_id(), id));
    if (!result.stored) return result;
    XD_TRY(result.deliveries, outbound::waiting_of_event(tx, call.tenant_id(), id));
    XD_TRY(const auto finished, outbound::finished_of_event(tx, call.tenant_id(), id));
    result.deliveries.insert(result.deliveries.end(), finished.begin(), finished.end());
    // Thousands may have subscribed; GET /api/v1/webhooks/deliveries?event_id= has all of them.
    if (result.deliveries.size() > base::limits::kPageMax) result.deliveries.resize(base::limits::kPageMax);
    return result;
  }));
  if (!found.stored) co_return fail(Code::not_found, "there is no event with this id");
  std::string body;
  format::JsonWriter json(body);
  json.begin_object();
  write_event_members(json, *found.stored);
  json.key("deliveries").begin_array();
  for (const outbound::Delivery& delivery : found.deliveries) write_short_delivery(json, delivery);
  json.end_array().end_object();
  co_return json_response(200, std::move(body));
}

}  // namespace api
