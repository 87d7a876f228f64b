#include "resource/member.hpp"

namespace resource {

void write_secret(format::JsonWriter& json, const base::Secret& secret) {
  secret.empty() ? json.null() : json.begin_object().key("set").value(true).end_object();
}

void write_secret_schema(format::JsonWriter& json) {
  begin_schema(json, "object", true, {});
  json.key("properties").begin_object().key("set").begin_object();
  json.key("type").value("boolean").key("const").value(true).end_object().end_object();
  json.key("required").begin_array().value("set").end_array();
  json.key("description").value("Says that there is one; what it holds is not shown.").end_object();
}

}  // namespace resource
