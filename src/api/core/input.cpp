#include "api/core/input.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;

bool is_json(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  std::string_view trimmed = type.substr(0, type.find_last_not_of(' ') + 1);
  return http::equals_ignoring_case(trimmed, "application/json");
}

/// So much is parsed in a millisecond or so.
constexpr std::size_t kParsedHereMax = 32 << 10;

Result<void> check_media_type(const Call& call) {
  if (!is_json(call.request.header("content-type"))) {
    return fail(Code::invalid, "send the body as Content-Type: application/json", "UNSUPPORTED_MEDIA_TYPE");
  }
  if (!call.request.header("content-encoding").empty()) {
    return fail(Code::invalid, "send the body without Content-Encoding", "UNSUPPORTED_MEDIA_TYPE");
  }
  return {};
}

}  // namespace

base::Task<format::Document> read_json(Call& call) {
  XD_CO_DO(check_media_type(call));
  const auto parse = [&call] { return format::parse_json(std::move(call.request.body)); };
  if (call.request.body.size() <= kParsedHereMax) co_return parse();
  // Requests that are no tenant's take turns as one owner.
  const base::Uuid owner = call.tenant ? call.tenant->id.uuid : base::Uuid{};
  co_return co_await call.services.offload.run(owner, parse);
}

base::Task<format::Document> read_json_if_any(Call& call) {
  if (call.request.body.empty()) co_return format::parse_json("{}");
  co_return co_await read_json(call);
}

bool is_header_name(std::string_view name) { return name.size() <= 100 && http::is_token(name); }

bool is_header_value(std::string_view value) {
  return value.size() <= base::limits::kCustomHeaderBytesMax &&
         std::ranges::all_of(value, [](char c) { return c >= ' ' && c < 127; });
}

}  // namespace api
