#include "api/outbound/delivery_query.hpp"

namespace api {

namespace {

void read_member(Input& input, std::string_view name, outbound::DeliveryQuery& query) {
  const format::Value* value = input.any(name);
  if (value == nullptr) return;
  const auto text = outbound::filter_text(*value);
  if (!text) {
    input.error(name, "WRONG_TYPE", "this is a value as in a list's query; several are an array of strings");
  } else if (auto read = outbound::read_filter_member(name, *text, query); !read) {
    input.error(name, "INVALID", read.error().message);
  }
}

}  // namespace

Result<outbound::DeliveryQuery> read_delivery_query(const Call& call) {
  outbound::DeliveryQuery query{.tenant = call.tenant_id()};
  for (const auto& [name, text] : http::parse_query(call.request.query)) {
    XD_DO(outbound::read_filter_member(name, text, query));
  }
  return query;
}

void read_delivery_filter(Input& input, outbound::DeliveryQuery& query) {
  for (const std::string_view name : outbound::filter_members()) read_member(input, name, query);
}

void read_created_range(Input& input, outbound::DeliveryQuery& query) {
  for (const std::string_view name : outbound::filter_members()) {
    if (name == "since" || name == "until" || name.starts_with("created_at")) read_member(input, name, query);
  }
}

Result<PageRequest> read_delivery_page(const Call& call) {
  std::vector<std::string_view> names(outbound::filter_members().begin(), outbound::filter_members().end());
  names.emplace_back("include");
  return read_page(call, names);
}

}  // namespace api
