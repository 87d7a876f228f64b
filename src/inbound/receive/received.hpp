// What came in: a request as it was, or one element of a batch, kept before it is acknowledged.
#pragma once

#include <map>
#include <set>
#include <span>

#include "event/event.hpp"
#include "inbound/endpoint/endpoint.hpp"
#include "queue/queue.hpp"

namespace inbound {

using ReceivedId = base::Id<struct ReceivedTag>;

/// The kind of the tasks that process them, and of an endpoint's lane.
inline constexpr const char* kProcessKind = "inbound";

/// The member of a verification that says why the body is still in its content coding.
inline constexpr const char* kUndecoded = "undecoded";

/// Immutable once it is stored. What proves who sends it is not in headers and target: it stands as "***".
struct ReceivedEvent {
  ReceivedId id{};
  TenantId tenant{};
  EndpointId endpoint{};
  std::string external_id{};  ///< the sender's; empty where it has none
  std::string dedup_key{};    ///< that repeats are known by; empty: made of external_id, or none
  std::optional<ReceivedId> conflict_of{};  ///< that one had its external_id, and another body
  std::optional<base::Uuid> batch{};        ///< of an element: the batch that it came in
  std::int64_t batch_index = 0;
  std::string method{};
  std::string target{};
  std::string headers{};  ///< JSON: [["Name", "value"], …]
  std::string body{};     ///< without its content coding; of an element its JSON text
  std::string remote_ip{};
  std::string verification{};  ///< JSON: {"scheme", "secret": fingerprint, kUndecoded?}
  base::Time received{};

  std::size_t bytes() const { return sizeof(ReceivedEvent) + headers.size() + body.size() + target.size(); }
};
using ReceivedPtr = std::shared_ptr<const ReceivedEvent>;

/// One that is to be stored, with what repeats of it are known by.
struct Incoming {
  std::shared_ptr<ReceivedEvent> event{};
  std::string key{};        ///< empty: nothing is a repeat of it
  std::string body_hash{};  ///< 16 bytes: of the body, or the same for all where the id alone counts
  base::Time expires{};     ///< from then on the key is forgotten
  std::string order_key{};  ///< those with the same one are processed in the order in which they came
};
/// "id:" and the sender's id.
std::string id_key(std::string_view external_id);
/// "body:" and the hash of a body.
std::string body_key(std::string_view body_hash);
/// What a body is known by whose id another one had before it.
std::string conflict_key(std::string_view key, std::string_view body_hash);
/// The first 16 bytes of its SHA-256.
std::string hash_of_body(std::string_view body);

/// A request: one event, or those of a batch.
struct Arrival {
  std::vector<Incoming> events{};
  base::Uuid batch{};
  std::string batch_body{};  ///< empty where it is no batch
  /// How many endpoints had been deleted when its own was found. SQLite: with none since, that is still
  /// there.
  std::int64_t deletions = -1;

  std::size_t bytes() const {
    std::size_t sum = sizeof(Arrival) + batch_body.size();
    for (const Incoming& one : events) sum += sizeof(Incoming) + one.event->bytes();
    return sum;
  }
};

struct Receipt {
  ReceivedId id{};         ///< of the first one, where this is a repeat
  bool duplicate = false;  ///< it is there already; nothing was stored
  bool gone = false;       ///< its endpoint was deleted meanwhile; nothing was stored
  bool conflict = false;   ///< another body with the same id: stored once
};
/// Writes what is new and puts it into the lanes of its endpoints; one receipt for each event, in order.
base::Result<std::vector<std::vector<Receipt>>> insert_arrivals(db::Tx& tx, queue::Queue& queue,
                                                                std::span<const Arrival> arrivals);

/// PENDING has no result yet.
enum class ReceivedStatus : std::uint8_t { pending, processed, failed, ignored, conflict };
inline constexpr base::Word<ReceivedStatus> kReceivedStatuses[] = {{ReceivedStatus::pending, "PENDING"},
                                                                   {ReceivedStatus::processed, "PROCESSED"},
                                                                   {ReceivedStatus::failed, "FAILED"},
                                                                   {ReceivedStatus::ignored, "IGNORED"},
                                                                   {ReceivedStatus::conflict, "CONFLICT"}};
constexpr std::span<const base::Word<ReceivedStatus>> words_of(ReceivedStatus) { return kReceivedStatuses; }

/// What became of one.
struct ReceivedResult {
  ReceivedId id{};
  TenantId tenant{};
  EndpointId endpoint{};
  ReceivedStatus status = ReceivedStatus::processed;
  std::int64_t replay_no = 0;
  std::string source{};
  std::string event_type{};
  std::string table{};
  std::optional<event::EventId> event{};  ///< that was published
  base::Time processed{};
  std::string error{};
};
/// Writes them; false for one that was written before, with the same or a later replay_no.
base::Result<std::vector<bool>> put_results(db::Tx& tx, std::span<const ReceivedResult* const> results);

/// One as lists show it.
struct ReceivedRow {
  ReceivedEvent event{};  ///< of a list without headers and body
  std::optional<ReceivedResult> result{};
};
/// Empty members mean any.
struct ReceivedQuery {
  TenantId tenant{};
  std::optional<EndpointId> endpoint{};
  std::vector<ReceivedStatus> statuses{};
  std::string source{};
  std::string table{};
  std::string event_type{};  ///< a type or a pattern
  std::string external_id{};
  std::optional<base::Time> since{};
  std::optional<base::Time> until{};
  db::Page page{};
};
struct FoundReceived {
  std::vector<ReceivedRow> rows{};
  std::optional<base::Uuid> reached{};  ///< where the search ended for want of time; nothing: it is through
};
/// Most filters have no index: for them the tenant's, or the endpoint's, are looked through piece by piece,
/// and no longer than until then.
base::Result<FoundReceived> list_received(db::Tx& tx, const ReceivedQuery& query,
                                          base::Deadline until = base::Deadline::max());
base::Result<std::optional<ReceivedRow>> find_received(db::Tx& tx, TenantId tenant, ReceivedId id);
/// Several of any tenants, without results; what is not there is not in the answer.
base::Result<std::map<ReceivedId, ReceivedPtr>> find_received(
    db::Tx& tx, std::span<const std::pair<TenantId, ReceivedId>> wanted);
/// How often it was sent again, while its key is remembered.
base::Result<std::int64_t> count_duplicates(db::Tx& tx, const ReceivedEvent& event);
/// The body of the batch that it was an element of.
base::Result<std::optional<std::string>> find_batch(db::Tx& tx, TenantId tenant, const base::Uuid& batch);

/// Removes keys that have expired, at most `most`; returns how many.
base::Result<std::int64_t> forget_keys(db::Tx& tx, base::Time now, std::size_t most);
/// Removes what endpoints keep for a number of days and is older; at most `most` of each endpoint.
base::Result<std::int64_t> forget_received(db::Tx& tx, base::Time now, std::size_t most);

}  // namespace inbound
