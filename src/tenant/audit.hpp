// The audit log: one row for every change that somebody made, written in the transaction of the change.
#pragma once

#include <string>
#include <vector>

#include "db/db.hpp"
#include "db/page.hpp"

namespace tenant {

/// Who asked, and from where. The system itself acts with type "system".
struct Actor {
  std::string type = "system";
  std::optional<base::Uuid> id{};
  std::string label = "crossdock";
  std::string ip{};
  std::string user_agent{};
  std::string correlation_id{};
};

struct AuditEntry {
  base::Uuid id{};
  std::optional<base::TenantId> tenant{};
  base::Time at{};
  Actor actor{};
  std::string action{};       ///< "subscription.updated"
  std::string target_type{};  ///< "subscription"
  std::optional<base::Uuid> target{};
  std::string before{};  ///< JSON without secrets; empty where there was nothing
  std::string after{};
};

base::Result<void> insert_audit(db::Tx& tx, const AuditEntry& entry);
/// Newest first. tenant none: the platform's own.
base::Result<std::vector<AuditEntry>> list_audit(db::Tx& tx, std::optional<base::TenantId> tenant,
                                                 const db::Page& page);

}  // namespace tenant
