#include "outbound/payload.hpp"

#include "format/json.hpp"

namespace outbound {

namespace {

void write_standard(format::JsonWriter& json, const event::Event& event) {
  json.key("id").value(event.id).key("type").value(event.type);
  json.key("timestamp").value(event.occurred).key("tenant_id").value(event.tenant);
  json.key("data").raw(event.data);
}

void write_entity(format::JsonWriter& json, const event::Event& event, std::string_view tenant_name) {
  json.key("event_type").value(event.type).key("timestamp").value(event.occurred);
  json.key("tenant").begin_object().key("id").value(event.tenant).key("name").value(tenant_name).end_object();
  const std::string_view subject = event::subject_type(event);
  const bool taken =
      subject == "event_type" || subject == "timestamp" || subject == "tenant" || subject == "changes";
  json.key(taken ? "data" : subject).raw(event.data);
}

}  // namespace

std::string make_payload(PayloadFormat format, const event::Event& event, std::string_view tenant_name) {
  std::string body;
  body.reserve(event.data.size() + event.changes.size() + 256);
  format::JsonWriter json(body);
  json.begin_object();
  if (format == PayloadFormat::entity) {
    write_entity(json, event, tenant_name);
  } else {
    write_standard(json, event);
  }
  if (!event.changes.empty()) json.key("changes").raw(event.changes);
  json.end_object();
  return body;
}

}  // namespace outbound
