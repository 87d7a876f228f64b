// Secrets that senders tell in a handshake (Asana, Notion).
#pragma once

#include "base/everywhere.hpp"
#include "inbound/endpoint/book.hpp"

namespace inbound {

/// What a handshake tells, and who told it.
struct Told {
  TenantId tenant{};
  EndpointId endpoint{};
  base::Secret secret{};
  std::string remote_ip{};
  base::Time at{};
};

/// Makes it the endpoint's secret, where that waits for one; true also where it is that already, as when the
/// sender repeats itself. False: whoever sends it is too late. Error: invalid, where it cannot be a secret of
/// the scheme.
base::Result<bool> capture_secret(db::Tx& tx, const crypto::KeyRing& ring, const Told& told,
                                  const base::Everywhere<Book>& books);

}  // namespace inbound
