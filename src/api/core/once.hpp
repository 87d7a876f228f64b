// Changes that are made once: the effect, its audit row and the answer for a repeated Idempotency-Key in one
// transaction.
#pragma once

#include "api/core/call.hpp"

namespace api {

/// What a change answers.
struct Answer {
  int status = 200;
  std::string body{};
  std::optional<std::int64_t> version{};  ///< becomes the ETag
  std::string location{};                 ///< becomes the Location; empty for none
};

/// Runs work(tx) -> Result<Answer> in a transaction. With an Idempotency-Key the same request is performed
/// once; a repeated one gets the same answer with Idempotency-Replayed: true. Answers are kept encrypted, for
/// some hold a secret that is shown once.
base::Task<http::Response> change_once(Call& call, std::function<Result<Answer>(db::Tx&)> work);

/// The request's Idempotency-Key with the hash of its body; nothing without the field. Error: invalid.
Result<std::optional<event::IdempotencyKey>> read_idempotency_key(const Call& call, std::string scope);

}  // namespace api
