#include "outbound/send/cloud_event.hpp"

#include "format/json.hpp"

namespace outbound {

namespace {

std::string source_of(const event::Event& event) { return "/tenants/" + event.tenant.str(); }

std::string header(std::string_view name, std::string_view value) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string line = "ce-" + std::string(name) + ": ";
  for (const char c : value) {
    if (c > ' ' && c < 127 && c != '"' && c != '%') {
      line += c;
    } else {
      line += '%';
      line += kHex[static_cast<unsigned char>(c) >> 4];
      line += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return line;
}

}  // namespace

std::string make_cloud_event(const event::Event& event, std::string_view content_type) {
  std::string body;
  body.reserve(event.data.size() + 400);
  format::JsonWriter json(body);
  json.begin_object().key("specversion").value("1.0").key("id").value(event.id);
  json.key("source").value(source_of(event)).key("type").value(event.type);
  if (!event.subject.empty()) json.key("subject").value(event.subject);
  json.key("time").value(event.occurred).key("datacontenttype").value(content_type);
  json.key("tenantid").value(event.tenant);
  if (!event.traceparent.empty()) json.key("traceparent").value(event.traceparent);
  json.key("data").raw(event.data).end_object();
  return body;
}

std::vector<std::string> cloud_event_headers(const event::Event& event) {
  std::vector<std::string> lines = {header("specversion", "1.0"),
                                    header("id", event.id.str()),
                                    header("source", source_of(event)),
                                    header("type", event.type),
                                    header("time", base::to_rfc3339(event.occurred)),
                                    header("tenantid", event.tenant.str())};
  if (!event.subject.empty()) lines.push_back(header("subject", event.subject));
  if (!event.traceparent.empty()) lines.push_back(header("traceparent", event.traceparent));
  return lines;
}

}  // namespace outbound
