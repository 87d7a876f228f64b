#include "outbound/send/payload.hpp"

#include <algorithm>

#include "format/form.hpp"
#include "format/json.hpp"
#include "outbound/send/cloud_event.hpp"

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

std::string make_payload(PayloadFormat format, const event::Event& event, std::string_view tenant_name,
                         std::string_view content_type) {
  switch (format) {
    case PayloadFormat::raw:
    case PayloadFormat::cloudevents_binary: return event.data;
    case PayloadFormat::cloudevents: return make_cloud_event(event, content_type);
    case PayloadFormat::standard:
    case PayloadFormat::entity: break;
  }
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

base::Result<std::string> make_form(std::string payload) {
  XD_TRY(const auto document, format::parse_json(std::move(payload)));
  auto form = format::to_form(document.root(), "data", base::limits::kFormBodyBytesMax);
  if (!form) return base::fail(form.error().code, std::move(form.error().message), "PAYLOAD_TOO_BIG");
  return form;
}

bool is_json_type(std::string_view content_type) {
  constexpr std::string_view kTree = "application/";
  constexpr std::string_view kSuffix = "+json";
  if (content_type == "application/json") return true;
  if (!content_type.starts_with(kTree) || !content_type.ends_with(kSuffix)) return false;
  const std::string_view name = content_type.substr(0, content_type.size() - kSuffix.size());
  return name.size() > kTree.size() && std::ranges::all_of(name.substr(kTree.size()), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '-' || c == '_' || c == '+';
         });
}

bool is_form_type(std::string_view content_type) {
  return content_type == "application/x-www-form-urlencoded";
}

}  // namespace outbound
