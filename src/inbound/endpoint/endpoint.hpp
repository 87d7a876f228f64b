// An endpoint: a URL that an outside system sends webhooks to, and how they are verified, told apart and
// processed.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "crypto/key_ring.hpp"
#include "db/db.hpp"
#include "db/page.hpp"
#include "inbound/endpoint/dedup.hpp"
#include "inbound/scheme/document.hpp"
#include "queue/task.hpp"
#include "resource/table.hpp"
#include "tenant/signing_secret.hpp"

namespace inbound {

using base::name;
using base::TenantId;
using EndpointId = base::Id<struct EndpointTag>;

/// ACTIVE: what comes is processed. PAUSED: it is accepted and kept (HELD). DISABLED: nothing is accepted.
enum class EndpointStatus : std::uint8_t { active, paused, disabled };
inline constexpr base::Word<EndpointStatus> kEndpointStatuses[] = {{EndpointStatus::active, "ACTIVE"},
                                                                   {EndpointStatus::paused, "PAUSED"},
                                                                   {EndpointStatus::disabled, "DISABLED"}};
constexpr std::span<const base::Word<EndpointStatus>> words_of(EndpointStatus) { return kEndpointStatuses; }

/// What becomes of another body with an id that was used before: hold keeps it, and it is not processed.
enum class OnConflict : std::uint8_t { process, hold };
inline constexpr base::Word<OnConflict> kOnConflicts[] = {{OnConflict::process, "process"},
                                                          {OnConflict::hold, "hold"}};
constexpr std::span<const base::Word<OnConflict>> words_of(OnConflict) { return kOnConflicts; }

inline constexpr std::size_t kPlacesMax = 10;

/// Where a part of a request stands, as places ("json:type", "header:x-topic"): at the first that is there.
struct Places {
  Places() = default;
  Places(std::string_view only) {  // NOLINT(google-explicit-constructor): one place is a list of one
    if (!only.empty()) list.emplace_back(only);
  }
  Places(const char* only) : Places(std::string_view(only)) {}  // NOLINT(google-explicit-constructor)
  Places(std::initializer_list<std::string_view> several) {
    for (const std::string_view place : several) {
      if (!place.empty()) list.emplace_back(place);
    }
  }

  std::vector<std::string> list{};
  auto operator<=>(const Places&) const = default;
};

/// Where in a request its parts stand; empty: nowhere.
struct Paths {
  Places event_type{};
  Places table{};
  Places record{};      ///< the state of the record; empty: the whole body
  Places old_record{};  ///< its state before
  Places record_id{};
  Places event_id{};  ///< the sender's id of the event; empty: as the scheme says
  auto operator<=>(const Paths&) const = default;
};

struct PathMember {
  const char* name;
  Places Paths::* places;
};
/// Their names in the API and in the store.
inline constexpr PathMember kPathMembers[] = {
    {"event_type", &Paths::event_type}, {"table", &Paths::table},         {"record", &Paths::record},
    {"old_record", &Paths::old_record}, {"record_id", &Paths::record_id}, {"event_id", &Paths::event_id}};

/// What is done with what fits: the first route that does counts. Patterns are a text, a beginning with '*',
/// or '*'; empty: anything.
struct Route {
  std::string source{};
  std::string table{};
  std::string event_type{};
  std::string publish{};  ///< the type of the event that is published; empty: made of these three
  std::optional<base::Uuid> subscription{};  ///< it goes to this subscription alone
  bool ignore = false;
  auto operator<=>(const Route&) const = default;
};

struct RouteMember {
  const char* name;
  std::string Route::* text;
};
inline constexpr RouteMember kRouteMembers[] = {{"source", &Route::source},
                                                {"table", &Route::table},
                                                {"event_type", &Route::event_type},
                                                {"publish", &Route::publish}};

/// What is made of the webhooks that come: the members of an Endpoint with these names.
struct Rules {
  std::string source{};
  std::vector<std::string> event_types{};
  Paths paths{};
  std::vector<Route> routes{};
  bool of_scheme = false;  ///< the paths are those of the scheme: what they name may be missing
  auto operator<=>(const Rules&) const = default;
};

/// Mission 4, webhook_endpoints. Immutable once it is in a Book; a change makes a new one with version + 1.
struct Endpoint {
  // What each request needs stands together.
  EndpointId id{};
  TenantId tenant{};
  std::chrono::seconds dedup_window{};
  EndpointStatus status = EndpointStatus::active;
  bool is_enabled = true;
  std::optional<base::Uuid> integration{};
  std::string path{};  ///< [A-Za-z0-9._~-]{1,200}, one of its tenant's
  std::string name{};
  std::string source{};                    ///< which outside system: "stripe"
  std::vector<std::string> event_types{};  ///< those that are processed, as patterns; empty: all
  std::string handler_type{};
  std::optional<std::string> target_service{};
  std::vector<std::string> ip_whitelist{};
  std::optional<std::string> signature_header{};
  std::optional<std::string> signature_algorithm{};
  std::string signature_scheme{};  ///< JSON: a preset's name, or a document of docs/signatures.md
  SchemeConfig signature_config{};
  Paths paths{};
  bool paths_of_scheme = false;  ///< nothing is said of them: those of the scheme count
  std::optional<Dedup> dedup{};  ///< none: as the scheme says, else by the id, or the content without one
  OnConflict on_conflict = OnConflict::process;
  std::vector<Route> routes{};
  std::optional<int> retention_days{};  ///< none: for good
  std::optional<base::Rate> rate_limit{};
  std::int64_t version = 1;
  std::optional<base::Uuid> created_by{};
  base::Time created{};
  base::Time updated{};
  std::vector<tenant::SigningSecret> secrets{};  ///< newest first
  /// Why it cannot be used: what of its row cannot be read. Then nothing may write it but its deletion. Empty
  /// for all others.
  std::string broken{};
  /// Why its secrets cannot be opened, where it has some and none can be.
  std::string secrets_closed{};

  bool accepts() const { return is_enabled && status != EndpointStatus::disabled; }
  queue::LaneState lane_state() const {
    return is_enabled && status == EndpointStatus::active ? queue::LaneState::active
                                                          : queue::LaneState::paused;
  }
  tenant::SecretOwner secret_owner() const { return {tenant, "endpoint", id.uuid}; }
  /// The lane of an endpoint has its id.
  queue::LaneId lane() const { return queue::LaneId{id.uuid}; }

  std::pair<std::string, SchemeConfig> said_scheme() const { return {signature_scheme, signature_config}; }
  Rules rules() const { return {source, event_types, paths, routes}; }
  Endpoint copy() const;
};
using EndpointPtr = std::shared_ptr<const Endpoint>;

/// Of "path". Error: invalid.
base::Result<void> check_endpoint_path(std::string_view path);

std::string paths_json(const Paths& paths);
std::string routes_json(const std::vector<Route>& routes);

/// Mission 4's counters. They count what was processed, well or not; and conflicts, processed or held.
struct EndpointStats {
  std::int64_t received = 0;
  std::int64_t processed = 0;
  std::int64_t failed = 0;
  std::int64_t conflicts = 0;
  std::optional<base::Time> last_received{};
  std::map<std::string, std::int64_t> refused{};  ///< by reason; read only
};

/// Its members, and the table webhook_endpoints.
const resource::Table<Endpoint>& endpoints();

// The tables webhook_endpoints and endpoint_stats, with the secrets. Those pass the key ring on their way.
// One that cannot be read stops none of the others: it comes as `broken`.
/// Error: conflict when the path is taken.
base::Result<void> insert_endpoint(db::Tx& tx, const crypto::KeyRing& ring, const Endpoint& endpoint);
/// Writes everything but the secrets, where the stored version is one less; false when it is not.
base::Result<bool> update_endpoint(db::Tx& tx, const Endpoint& endpoint);
/// With its secrets and counters. What it has received stays, for as long as it kept it; what waits in its
/// lane is not processed any more.
base::Result<bool> delete_endpoint(db::Tx& tx, TenantId tenant, EndpointId id);
base::Result<EndpointPtr> find_endpoint(db::Tx& tx, const crypto::KeyRing& ring, TenantId tenant,
                                        EndpointId id);
base::Result<std::vector<EndpointPtr>> all_endpoints(db::Tx& tx, const crypto::KeyRing& ring);
base::Result<std::vector<EndpointPtr>> list_endpoints(db::Tx& tx, const crypto::KeyRing& ring,
                                                      TenantId tenant, const db::Page& page);
/// A text that differs after any endpoint of any tenant was made, changed or deleted.
base::Result<std::string> mark_of_endpoints(db::Tx& tx);
/// SQLite: how many endpoints were ever deleted.
base::Result<std::int64_t> count_deletions(db::Tx& tx);
/// Those that are there: they stay until the transaction ends, and a deletion waits for what is written
/// meanwhile, to delete that as well.
base::Result<std::set<EndpointId>> hold_endpoints(db::Tx& tx,
                                                  const std::set<std::pair<TenantId, EndpointId>>& wanted);
base::Result<std::vector<EndpointId>> some_endpoints(db::Tx& tx, TenantId tenant, std::size_t limit);
base::Result<std::int64_t> count_endpoints(db::Tx& tx, TenantId tenant);

/// Adds to the counters of endpoints; those that are not there any more are left out.
base::Result<void> add_to_stats(db::Tx& tx, const std::map<EndpointId, EndpointStats>& more);
base::Result<EndpointStats> find_endpoint_stats(db::Tx& tx, EndpointId id);
/// Of several; each that is there is in the answer.
base::Result<std::map<EndpointId, EndpointStats>> find_endpoint_stats(db::Tx& tx,
                                                                      std::span<const EndpointId> ids);

}  // namespace inbound
