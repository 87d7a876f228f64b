#include "inbound/receive/capture.hpp"

#include "base/log.hpp"
#include "queue/queue_store.hpp"
#include "tenant/audit.hpp"

namespace inbound {

using base::Result;

Result<bool> capture_secret(db::Tx& tx, const crypto::KeyRing& ring, const Told& told,
                            const base::Everywhere<Book>& books) {
  // As for every change of an endpoint: one at a time.
  XD_DO(queue::lock_lane(tx, told.tenant, queue::LaneId{told.endpoint.uuid}));
  XD_TRY(const EndpointPtr known, find_endpoint(tx, ring, told.tenant, told.endpoint));
  if (!known || !known->broken.empty()) return false;
  const bool repeated = std::ranges::any_of(known->secrets, [&](const tenant::SigningSecret& secret) {
    return !secret.valid_until && secret.text.reveal() == told.secret.reveal();
  });
  if (repeated) return true;
  XD_TRY(const crypto::Scheme scheme, scheme_of(*known));
  if (!awaits_secret(scheme, known->secrets)) return false;
  auto changed = std::make_shared<Endpoint>(known->copy());
  changed->updated = told.at;
  ++changed->version;
  tenant::SigningSecret fresh = tenant::make_signing_secret(told.secret.clone(), told.at);
  fresh.is_captured = true;
  XD_TRY(const bool room,
         tenant::rotate_secrets(tx, ring, changed->secret_owner(), changed->secrets, std::move(fresh),
                                [](const tenant::SigningSecret& old) { return *old.valid_until; }));
  if (!room) return false;
  XD_DO(prepare_endpoint(changed));
  XD_TRY(const bool written, update_endpoint(tx, *changed));
  if (!written) return false;
  tenant::AuditEntry entry{.id = base::make_uuid(told.at), .tenant = told.tenant, .at = told.at};
  entry.actor.ip = told.remote_ip;
  entry.action = "endpoint.secret_captured";
  entry.target_type = "endpoint";
  entry.target = told.endpoint.uuid;
  entry.after = R"({"fingerprint":")" + changed->secrets.front().fingerprint + R"("})";
  XD_DO(tenant::insert_audit(tx, entry));
  tx.on_commit([books = &books, changed = EndpointPtr(changed)] {
    books->tell([changed](Book& book) { book.put(changed); });
    base::log(base::LogLevel::info, "a sender told its secret in a handshake",
              {{"endpoint_id", changed->id}, {"tenant_id", changed->tenant}});
  });
  return true;
}

}  // namespace inbound
