// Changing a resource that exists: what every route that does so has in common.
#pragma once

#include "api/core/once.hpp"

namespace api {

template <class T>
struct Change {
  const char* action = "";  ///< in the audit log: "endpoint.updated"
  const char* type = "";    ///< of what is changed: "endpoint"
  std::function<Result<void>(T&)> edit{};
  std::function<Result<bool>(const T&)> write{};  ///< false: the stored version is not one less
  /// What follows from it for others, in the same transaction; may be empty.
  std::function<Result<void>(const T& before, const T& after)> then{};
  std::function<Result<std::string>(const T&)> json{};  ///< asked before edit, and when all is written
  std::function<void(std::shared_ptr<const T>)> tell{};
};

/// If-Match, the new version, the audit entry with the whole before and after, and everybody who knows of it.
/// Errors: conflict (ETAG_MISMATCH, or changed at the same moment), and those of the parts.
template <class T>
Result<Answer> change_resource(const Call& call, db::Tx& tx, const T& known, const Change<T>& change) {
  XD_DO(check_if_match(call, known.version));
  auto entry = call.audit(change.action, change.type, known.id.uuid);
  XD_TRY(entry.before, change.json(known));
  std::shared_ptr<T> changed;
  if constexpr (requires { known.copy(); }) {
    changed = std::make_shared<T>(known.copy());
  } else {
    changed = std::make_shared<T>(known);
  }
  changed->updated = call.services.clock.now();
  ++changed->version;
  XD_DO(change.edit(*changed));
  XD_TRY(const bool written, change.write(*changed));
  if (!written) {
    return base::fail(base::Code::conflict, std::string("the ") + change.type +
                                                " was changed at the same moment; repeat the request");
  }
  if (change.then) XD_DO(change.then(known, *changed));
  XD_TRY(entry.after, change.json(*changed));
  XD_DO(tenant::insert_audit(tx, entry));
  change.tell(changed);
  return Answer{200, std::move(entry.after), changed->version};
}

}  // namespace api
