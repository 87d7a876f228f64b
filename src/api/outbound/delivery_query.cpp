#include "api/outbound/delivery_query.hpp"

namespace api {

Result<outbound::DeliveryQuery> read_delivery_query(const Call& call) {
  outbound::DeliveryQuery query{.tenant = call.tenant_id()};
  for (const auto& [name, text] : http::parse_query(call.request.query)) {
    XD_DO(outbound::read_filter_member(name, text, query));
  }
  return query;
}

void read_delivery_filter(Input& input, outbound::DeliveryQuery& query) {
  for (const std::string_view name : outbound::filter_members()) {
    const format::Value* value = input.any(name);
    if (value == nullptr) continue;
    const auto text = outbound::filter_text(*value);
    if (!text) {
      input.error(name, "WRONG_TYPE",
                  "this is a value as in a list's query; several are an array of strings");
    } else if (auto read = outbound::read_filter_member(name, *text, query); !read) {
      input.error(name, "INVALID", read.error().message);
    }
  }
}

Result<PageRequest> read_delivery_page(const Call& call) {
  std::vector<std::string_view> names(outbound::filter_members().begin(), outbound::filter_members().end());
  names.emplace_back("include");
  return read_page(call, names);
}

}  // namespace api
