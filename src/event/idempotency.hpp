// Requests that may be repeated without effect: a key, the hash of what was asked, and what was answered.
#pragma once

#include <string>

#include "base/id.hpp"
#include "db/db.hpp"

namespace event {

/// scope keeps keys of different requests apart ("events", or method and path).
struct IdempotencyKey {
  base::TenantId tenant{};
  std::string scope{};
  std::string key{};
  std::string body_hash{};  ///< SHA-256 of the request's body, raw bytes
};

struct StoredAnswer {
  int status = 0;
  std::string body;
};

/// How long a key is remembered (API, Conventions).
inline constexpr auto kIdempotencyPeriod = std::chrono::hours{24};

/// Takes the key in this transaction. Returns nothing when the request is new: the caller performs it and
/// then calls store_answer in the same transaction. Returns the answer when it was performed before. Error:
/// invalid, reason IDEMPOTENCY_KEY_REUSED, when the body differs.
base::Result<std::optional<StoredAnswer>> begin_idempotent(db::Tx& tx, const IdempotencyKey& key,
                                                           base::Time now);
base::Result<void> store_answer(db::Tx& tx, const IdempotencyKey& key, const StoredAnswer& answer);

/// Removes what is older than the period, at most `most` rows; returns how many.
base::Result<std::int64_t> forget_idempotency_keys(db::Tx& tx, base::Time now, std::size_t most);

}  // namespace event
