// Replays of many deliveries at once: which, in which order and pace, as an operation that survives a crash.
#pragma once

#include "operation/operation.hpp"
#include "outbound/delivery.hpp"

namespace outbound {

/// Finished deliveries, by what they were and what became of them. Empty members mean any.
struct ReplayFilter {
  std::vector<std::string> statuses{};
  std::string status_code{};  ///< what the receiver answered: "503", or a class, "5XX"
  std::string error_class{};
  std::string error_signature{};
  std::string event_type{};
  std::optional<base::Time> since{};  ///< made then or later
  std::optional<base::Time> until{};  ///< made before
  std::optional<SubscriptionId> subscription{};
  std::vector<DeliveryId> ids{};
};

/// "503" or "5XX" as the lowest and the highest status it means; nothing for anything else.
std::optional<std::pair<int, int>> parse_status_codes(std::string_view text);

/// What somebody asked for: the parameters of the operation.
struct ReplayOrder {
  ReplayFilter filter{};
  std::optional<std::int64_t> rate{};  ///< deliveries that may begin in a second; none: as fast as they go
  std::string url{};                   ///< another URL to send to
};
std::string write_order(const ReplayOrder& order);
base::Result<ReplayOrder> read_order(const std::string& json);

/// Operations of this kind are ReplayHandler's; so are tasks of that one.
inline constexpr const char* kReplayOperation = "DELIVERY_REPLAY";
inline constexpr const char* kReplayTask = "replay";

/// A delivery to make again.
struct Replayable {
  DeliveryId id{};
  SubscriptionId subscription{};
  event::EventId event{};
  int replay_no = 0;
};

/// Not greater than any id of that millisecond, and greater than all before.
base::Uuid first_id(base::Time at);

// Of the table webhook_deliveries. Deliveries count that had ended when the operation began, which bounds it:
// what it makes itself is not among them. Test deliveries never are.
/// Those behind `after`, in the order of ids.
struct ReplayScope {
  TenantId tenant{};
  const ReplayFilter& filter;
  base::Time begun{};
};
base::Result<std::vector<Replayable>> find_replayable(db::Tx& tx, const ReplayScope& scope,
                                                      const base::Uuid& after, std::size_t limit);
struct ReplayCount {
  std::int64_t count = 0;
  bool exact = true;  ///< false: there are more than were counted
  std::vector<std::pair<SubscriptionId, std::int64_t>>
      by_subscription{};  ///< the most first, of those counted
};
base::Result<ReplayCount> count_replayable(db::Tx& tx, const ReplayScope& scope, std::int64_t most);

/// The subscriptions among these that can still be sent to. They stay until the transaction ends.
base::Result<std::set<SubscriptionId>> hold_subscriptions(db::Tx& tx, TenantId tenant,
                                                          const std::set<SubscriptionId>& wanted);

/// What became of the deliveries that an operation made, those that have ended.
struct ReplayOutcomes {
  std::int64_t delivered = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
};
base::Result<ReplayOutcomes> outcomes_of(db::Tx& tx, TenantId tenant, operation::OperationId id);

/// Puts replays into their lanes piece by piece. A piece is one transaction: the tasks, the operation's
/// progress, and where the next one begins. One for each shard.
class ReplayHandler final : public queue::Handler {
 public:
  ReplayHandler(db::Db& store, queue::Queue& queue, const base::Clock& clock)
      : store_(store), queue_(queue), clock_(clock) {}

  base::Result<void> hydrate(db::Tx&, std::span<queue::Task>) const override { return {}; }
  asio::awaitable<queue::Outcome> run(const queue::Task& task) override;
  base::Result<void> record(db::Tx& tx, std::span<const queue::Finished> finished) const override;

 private:
  struct Piece;
  base::Result<Piece> read(db::Tx& tx, operation::OperationId id) const;
  base::Result<base::Time> write(db::Tx& tx, const Piece& piece) const;
  base::Task<void> fail(operation::OperationId id, std::string message);

  db::Db& store_;
  queue::Queue& queue_;
  const base::Clock& clock_;
};

}  // namespace outbound
