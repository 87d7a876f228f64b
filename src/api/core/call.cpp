#include "api/core/call.hpp"

#include "crypto/digest.hpp"
#include "format/utf8.hpp"

namespace api {

bool has_room(Services& services) {
  if (services.store.has_room()) return true;
  services.gate.spawn("look at the disk", [](db::Db& store) -> base::Task<void> {
    co_return co_await store.write([](db::Tx&) -> Result<void> { return {}; });
  }(services.store));
  return false;
}

http::Payer payer_of(base::TenantId tenant) { return std::hash<base::TenantId>{}(tenant); }

base::Task<void> Call::read_body(http::Payer payer) {
  auto read = co_await body.read(payer);
  body_failed = !read;
  if (!read) co_return std::unexpected(std::move(read.error()));
  request.body = std::move(*read);
  if (!request.header("idempotency-key").empty()) {
    body_hash = crypto::digest(crypto::Hash::sha256, request.body);
  }
  co_return Result<void>{};
}

std::string_view Call::param(std::string_view name) const {
  for (const auto& [key, value] : params) {
    if (key == name) return value;
  }
  return {};
}

ProblemContext Call::context() const { return {.instance = request.path, .request_id = request_id}; }

tenant::Actor Call::actor() const {
  return {.type = "api_key",
          .id = principal.key.uuid,
          .label = principal.label,
          .ip = request.remote_ip,
          .user_agent = format::storable(request.header("user-agent").substr(0, 200)),
          .correlation_id = request_id};
}

tenant::AuditEntry Call::audit(std::string action, std::string target_type, const base::Uuid& target) const {
  const base::Time now = services.clock.now();
  tenant::AuditEntry entry;
  entry.id = base::make_uuid(now);
  if (tenant) entry.tenant = tenant->id;
  entry.at = now;
  entry.actor = actor();
  entry.action = std::move(action);
  entry.target_type = std::move(target_type);
  entry.target = target;
  return entry;
}

http::Response json_response(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

http::Response json_response(int status, std::string body, std::int64_t version) {
  http::Response response = json_response(status, std::move(body));
  response.headers.emplace_back("ETag", "\"" + std::to_string(version) + "\"");
  return response;
}

Result<void> check_if_match(const Call& call, std::int64_t version) {
  const std::string_view wanted = call.request.header("if-match");
  if (wanted.empty() || wanted == "*" || wanted == "\"" + std::to_string(version) + "\"") return {};
  return base::fail(
      base::Code::conflict,
      "this is at version \"" + std::to_string(version) + "\"; read it again and repeat the change",
      "ETAG_MISMATCH");
}

}  // namespace api
