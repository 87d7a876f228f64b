// /webhooks/:tenant/:path, where outside systems send to, and /api/v1/webhooks/received: what came.
#include "api/core/once.hpp"
#include "api/core/page.hpp"
#include "api/inbound/received_json.hpp"
#include "api/inbound/routes.hpp"
#include "api/operation/replay_input.hpp"
#include "crypto/encoding.hpp"
#include "format/utf8.hpp"
#include "inbound/process/extract.hpp"
#include "inbound/process/processing.hpp"
#include "queue/queue_store.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using inbound::ReceivedEvent;
using inbound::ReceivedId;
using inbound::ReceivedRow;
using inbound::ReceivedStatus;

void write_row_members(format::JsonWriter& json, const ReceivedRow& row) {
  const ReceivedEvent& event = row.event;
  const auto& result = row.result;
  const ReceivedStatus status = result ? result->status : ReceivedStatus::pending;
  json.key("id").value(event.id).key("endpoint_id").value(event.endpoint);
  json.key("status").value(inbound::name(status));
  json.key("processed").value(status == ReceivedStatus::processed);
  json.key("processed_at").value(result ? std::optional(result->processed) : std::nullopt);
  json.key("processing_error");
  result && !result->error.empty() ? json.value(result->error) : json.null();
  const auto text = [&](const char* name, const std::string* value) {
    json.key(name);
    value == nullptr || value->empty() ? json.null() : json.value(*value);
  };
  text("source", result ? &result->source : nullptr);
  text("table_name", result ? &result->table : nullptr);
  text("event_type", result ? &result->event_type : nullptr);
  json.key("event_id");
  result && result->event ? json.value(*result->event) : json.null();
  text("external_id", &event.external_id);
  json.key("conflict_of").value(event.conflict_of);
  json.key("batch_id").value(event.batch).key("batch_index");
  event.batch ? json.value(event.batch_index) : json.null();
  json.key("replays").value(result ? result->replay_no : 0);
  json.key("source_ip").value(event.remote_ip).key("received_at").value(event.received);
}

Result<inbound::ReceivedQuery> read_query(const Call& call) {
  inbound::ReceivedQuery query{.tenant = call.tenant_id()};
  const auto bad = [](std::string text) { return fail(Code::invalid, std::move(text), "BAD_REQUEST"); };
  for (const char* name : {"endpoint_id", "endpoint"}) {  // the second is the name it had
    if (const std::string id = query_value(call, name); !id.empty()) {
      query.endpoint = inbound::EndpointId::parse(id);
      if (!query.endpoint) return bad(std::string(name) + " is the id of an endpoint");
    }
  }
  XD_TRY(query.statuses, query_words<ReceivedStatus>(call, "status"));
  query.source = query_value(call, "source");
  query.table = query_value(call, "table_name");
  query.event_type = query_value(call, "event_type");
  query.external_id = query_value(call, "external_id");
  base::TimeRange received;
  for (const auto& [name, bound] : kReceivedBounds) {
    const std::string text = query_value(call, name);
    if (text.empty()) continue;
    const auto moment = base::parse_rfc3339(text);
    if (!moment) return bad(std::string(name) + ": " + moment.error().message);
    received.narrow(bound, *moment);
  }
  query.since = received.from;
  query.until = received.before;
  return query;
}

/// What the endpoint's paths, as they are now, say of it.
void write_record(format::JsonWriter& json, const Call& call, const ReceivedEvent& event) {
  const auto endpoint = call.services.inbound.book().find(event.endpoint);
  const auto extracted = endpoint ? inbound::extract(*endpoint, event)
                                  : base::Result<inbound::Extracted>(fail(Code::not_found, ""));
  json.key("record");
  extracted ? json.raw(extracted->record) : json.null();
  json.key("old_record");
  extracted && !extracted->old_record.empty() ? json.raw(extracted->old_record) : json.null();
}

/// What kept a body from being read, as an endpoint's refusals say it.
std::string_view reason_of(const base::Error& error) {
  if (error.code == Code::too_large) return inbound::reason::kLarge;
  return error.code == Code::unavailable ? inbound::reason::kNoRoom : inbound::reason::kIncomplete;
}

}  // namespace

void write_received(format::JsonWriter& json, const ReceivedRow& row) {
  json.begin_object();
  write_row_members(json, row);
  json.end_object();
}

void write_body(format::JsonWriter& json, const char* name, std::string_view body) {
  const bool text = format::is_utf8(body);
  json.key(name).value(text ? std::string(body) : crypto::to_base64(body));
  json.key(std::string(name) + "_encoding").value(text ? "utf-8" : "base64");
}

base::Task<http::Response> receive_webhook(Call& call) {
  inbound::Receiver& receiver = call.services.inbound.receiver();
  const auto note = [&](std::string_view reason, std::string detail) {
    receiver.note_refused(call.request, call.param("tenant"), call.param("path"), reason, std::move(detail));
  };
  if (!has_room(call.services)) {
    note(inbound::reason::kFull, {});
    co_return fail(Code::unavailable, "the disk has too little room; send it again later", "STORAGE_FULL");
  }
  if (receiver.is_behind()) {
    note(inbound::reason::kBehind, {});
    co_return fail(Code::limited, "what came before is not durable yet; send it again in a moment",
                   "OVERLOADED");
  }
  XD_CO_DO(receiver.check_head(call.request, call.param("tenant"), call.param("path")));
  const tenant::TenantPtr whose = call.services.tenants.find(call.param("tenant"));
  // Strangers send here: what they hold is not taken from the tenant's own requests.
  if (auto read = co_await call.read_body(payer_of(whose->id) + 1); !read) {
    note(reason_of(read.error()), read.error().message);
    co_return std::unexpected(std::move(read).error());
  }
  auto received = co_await receiver.receive(call.request, call.param("tenant"), call.param("path"));
  if (received || received.error().reason != "METHOD_NOT_ALLOWED") co_return received;
  http::Response refused = problem(received.error(), call.context());
  refused.headers.emplace_back("Allow", "OPTIONS, POST");
  co_return refused;
}

base::Task<http::Response> list_received(Call& call) {
  XD_CO_TRY(const PageRequest page,
            read_page(call, {"endpoint_id", "endpoint", "status", "source", "table_name", "event_type",
                             "external_id", "received_at[gte]", "received_at[gt]", "received_at[lte]",
                             "received_at[lt]"}));
  XD_CO_TRY(inbound::ReceivedQuery query, read_query(call));
  query.page = page.rows();
  XD_CO_TRY(auto found, co_await call.services.store.read([&](db::Tx& tx) {
    return inbound::list_received(tx, query, base::steady_now() + kSearchTime);
  }));
  co_return list_response(page, std::move(found.rows),
                          [](const ReceivedRow& row) { return row.event.id.uuid; }, write_received,
                          {.reached = found.reached});
}

base::Task<http::Response> get_received(Call& call) {
  XD_CO_TRY(const auto id, id_param<ReceivedId>(call, "id"));
  struct Found {
    std::optional<ReceivedRow> row;
    std::int64_t duplicates = 0;
    std::optional<std::string> batch;
  };
  XD_CO_TRY(const Found found, co_await call.services.store.read([&](db::Tx& tx) -> Result<Found> {
    Found result;
    XD_TRY(result.row, inbound::find_received(tx, call.tenant_id(), id));
    if (!result.row) return result;
    XD_TRY(result.duplicates, inbound::count_duplicates(tx, result.row->event));
    if (const auto& batch = result.row->event.batch) {
      XD_TRY(result.batch, inbound::find_batch(tx, call.tenant_id(), *batch));
    }
    return result;
  }));
  if (!found.row) co_return fail(Code::not_found, "there is no received event with this id");
  const ReceivedEvent& event = found.row->event;
  std::string body;
  format::JsonWriter json(body);
  json.begin_object();
  write_row_members(json, *found.row);
  json.key("duplicates").value(found.duplicates).key("method").value(event.method);
  json.key("target").value(event.target).key("headers").raw(event.headers);
  json.key("verification").raw(event.verification);
  write_body(json, "body", event.body);
  if (found.batch) write_body(json, "batch_body", *found.batch);
  write_record(json, call, event);
  json.end_object();
  co_return json_response(200, std::move(body));
}

base::Task<http::Response> replay_received(Call& call) {
  XD_CO_TRY(const auto id, id_param<ReceivedId>(call, "id"));
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const auto found, inbound::find_received(tx, call.tenant_id(), id));
    if (!found) return fail(Code::not_found, "there is no received event with this id");
    XD_DO(queue::lock_lane(tx, call.tenant_id(), queue::LaneId{found->event.endpoint.uuid}));
    XD_TRY(const auto endpoint,
           inbound::find_endpoint(tx, call.services.ring, call.tenant_id(), found->event.endpoint));
    if (!endpoint) return fail(Code::conflict, "its endpoint was deleted, and with it how it is processed");
    if (!found->result) return fail(Code::conflict, "it waits to be processed already");
    const std::int64_t replay_no = found->result->replay_no + 1;
    queue::Task task = inbound::make_replay_task(std::make_shared<const ReceivedEvent>(found->event),
                                                 replay_no, call.services.clock.now());
    XD_DO(call.services.queue.enqueue(tx, {std::move(task)}));
    auto entry = call.audit("received.replayed", "received", id.uuid);
    XD_DO(tenant::insert_audit(tx, entry));
    std::string body;
    format::JsonWriter json(body);
    json.begin_object().key("id").value(id).key("replay_no").value(replay_no).end_object();
    return Answer{202, std::move(body)};
  });
}

}  // namespace api
