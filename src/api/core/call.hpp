// One request on its way through the API: who asks, for which tenant, with what; and what handlers work with.
#pragma once

#include "api/core/problem.hpp"
#include "base/everywhere.hpp"
#include "base/offload.hpp"
#include "base/turns.hpp"
#include "crypto/key_ring.hpp"
#include "db/log_store.hpp"
#include "event/publish.hpp"
#include "http/message.hpp"
#include "http/router.hpp"
#include "inbound/desk.hpp"
#include "outbound/desk.hpp"
#include "tenant/api_key.hpp"
#include "tenant/audit.hpp"
#include "tenant/tenant.hpp"

namespace api {

using base::Result;

/// More would wait for the store all the same, with the answers of those before them in memory.
inline constexpr std::size_t kReadsAtOnce = 4;

/// What all shards share or have one of each; made by the wiring, outlives every call.
struct Services {
  base::Gate& gate;
  const base::Clock& clock;
  db::Db& store;
  db::LogStore& logs;
  queue::Queue& queue;
  event::Intake& intake;
  event::Tail& tail;
  const event::Bell& bell;
  base::Offload& offload;
  const crypto::KeyRing& ring;
  const http::EgressGuard& guard;
  tenant::TenantBook& tenants;
  tenant::KeyCache& keys;
  inbound::Desk& inbound;
  outbound::Desk& outbound;
  const base::Everywhere<tenant::TenantBook>& all_tenants;
  const base::Everywhere<tenant::KeyCache>& all_keys;
  const std::atomic<bool>& draining;
  base::Turns reads{kReadsAtOnce};  ///< what requests only read, and make an answer of
  std::size_t intake_waiting_max = 1000;
  std::chrono::seconds webhook_timeout{30};  ///< default of timeout_seconds
  int webhook_max_retries = 5;               ///< default of max_retries
  inbound::Origin origin{};
};

/// Whether the disk has room for new work. The store looks at the disk after each commit, so where there is
/// none a commit of nothing is asked for: with everything refused there might be no other.
bool has_room(Services& services);

/// Who asks.
struct Principal {
  tenant::ApiKeyId key{};
  std::string label{};
  std::optional<base::TenantId> tenant{};  ///< none: a key of the platform
  tenant::Permissions permissions{};
  std::optional<base::Time> expires{};
};

/// Whom requests of a tenant are charged to, and those of the platform's administrators that are no tenant's.
http::Payer payer_of(base::TenantId tenant);
inline constexpr http::Payer kPlatformPayer = 1;

struct Call {
  Services& services;
  http::BodyReader& body;
  http::Request request{};
  http::PathParams params{};
  std::string request_id{};
  std::string body_hash{};  ///< SHA-256 of the body as it came, where the request has an Idempotency-Key
  Principal principal{};
  tenant::TenantPtr tenant{};  ///< null on routes of the platform
  bool body_failed = false;    ///< the server answers by itself

  /// Puts the body into the request. Error: cancelled, when it does not come as it should.
  base::Task<void> read_body(http::Payer payer);

  std::string_view param(std::string_view name) const;
  ProblemContext context() const;
  /// The tenant of a route that has one.
  base::TenantId tenant_id() const { return tenant->id; }
  tenant::Actor actor() const;
  /// An audit entry about something done by this call; before and after are JSON without secrets.
  tenant::AuditEntry audit(std::string action, std::string target_type, const base::Uuid& target) const;
};

/// The id of the path's parameter. Error: not_found, because nothing has an id that is none.
template <class IdType>
Result<IdType> id_param(const Call& call, std::string_view name) {
  const auto id = IdType::parse(call.param(name));
  if (!id)
    return base::fail(base::Code::not_found, "there is no such " + std::string(name) + "; ids are UUIDs");
  return *id;
}

http::Response json_response(int status, std::string body);
/// The same with a strong ETag of the version.
http::Response json_response(int status, std::string body, std::int64_t version);
/// Error: conflict with reason ETAG_MISMATCH, when the request has an If-Match that is not this version.
Result<void> check_if_match(const Call& call, std::int64_t version);

}  // namespace api
