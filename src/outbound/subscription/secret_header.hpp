// Which of a subscription's own headers are secrets: encrypted in the store, and shown to nobody.
#pragma once

#include <string_view>

#include "outbound/subscription/subscription.hpp"

namespace outbound {

/// Names of headers whose values open doors, whoever sends them: those that contain authorization, auth,
/// cookie, key, token, secret, credential or password, in any case.
bool opens_doors(std::string_view name);

/// Those, names that contain signature, passwd or session, and the ones that secret_headers names.
bool is_secret_header(const Subscription& subscription, std::string_view name);

/// Encrypts values that older versions stored in the clear, in pieces, each in one transaction; run at start,
/// before anybody reads them. What is done already is left alone.
base::Result<void> seal_plain_headers(db::Db& store, const crypto::KeyRing& ring);

/// Hides them in the rows of the audit log that older versions wrote: looks at the next `limit` rows, and
/// returns at how many. 0 for good when it has looked at all.
base::Result<std::int64_t> hide_audited_headers(db::Tx& tx, std::int64_t limit);
/// The same for one row's before or after, a subscription as JSON; nothing where there is nothing to hide.
std::optional<std::string> with_hidden_headers(const std::string& subscription_json);

}  // namespace outbound
