// Replays of many deliveries at once: which, in which order and pace, as an operation that survives a crash.
#pragma once

#include "operation/pieces.hpp"
#include "outbound/history/search.hpp"
#include "outbound/subscription/book.hpp"

namespace outbound {

/// Finished deliveries, by what they were and what became of them; where there are ids, of those.
struct ReplayFilter {
  DeliveryQuery wanted{};  ///< without tenant and page
  std::vector<DeliveryId> ids{};
};

/// What somebody asked for: the parameters of the operation.
struct ReplayOrder {
  ReplayFilter filter{};
  std::optional<std::int64_t> rate{};  ///< deliveries that may begin in a second; none: as fast as they go
  std::string url{};                   ///< another URL to send to
  bool with_credentials = false;       ///< as in DeliveryArgs
};
std::string write_order(const ReplayOrder& order);
base::Result<ReplayOrder> read_order(const std::string& json);

/// Operations of these kinds are ReplayHandler's; so are tasks of that one. A recovery's filter is a
/// subscription and a period; what it makes again are not deliveries of a kind but the events that were
/// missed.
inline constexpr const char* kReplayOperation = "DELIVERY_REPLAY";
inline constexpr const char* kRecoveryOperation = "SUBSCRIPTION_RECOVERY";
inline constexpr const char* kReplayTask = "replay";

/// A delivery to make again.
struct Replayable {
  base::Uuid place{};              ///< where it stands among the others: of what is gone through, the id
  std::optional<DeliveryId> id{};  ///< none: there never was one
  SubscriptionId subscription{};
  event::EventId event{};
  int replay_no = -1;
};

/// A piece of them, in the order of their places.
struct ReplayPage {
  std::vector<Replayable> found{};
  base::Uuid reached{};  ///< everything up to here was looked at
  bool last = false;     ///< there is nothing behind it
};

/// Not greater than any id of that millisecond, and greater than all before.
base::Uuid first_id(base::Time at);

/// What an operation goes through. Deliveries count that had ended when it began, which bounds it: what it
/// makes itself is not among them. Test deliveries never are.
struct ReplayScope {
  TenantId tenant{};
  const ReplayFilter& filter;
  base::Time begun{};
};
/// Those behind `after`: about `limit` of them, or as many as can be found in a second.
base::Result<ReplayPage> find_replayable(db::Tx& tx, const ReplayScope& scope, const base::Uuid& after,
                                         std::size_t limit);
/// Events of the period that the subscription wants, as it is now, and that were neither delivered to it nor
/// wait to be. Looks at `limit` events, or fewer where its filter takes long.
base::Result<ReplayPage> find_missed(db::Tx& tx, const ReplayScope& scope, const Prepared& subscription,
                                     const base::Uuid& after, std::size_t limit);
/// How many of them there are.
struct ReplayCount {
  std::int64_t count = 0;
  bool exact = true;  ///< false: there are more than were counted
  std::map<SubscriptionId, std::int64_t> by_subscription{};
};
/// Finds the next page; `find_replayable` or `find_missed` with what they need.
using FindPage = std::function<base::Result<ReplayPage>(const base::Uuid& after, std::size_t limit)>;
/// Counts to about `most`, or as far as one gets by `until`.
base::Result<ReplayCount> count_pages(const FindPage& find, std::int64_t most, base::Deadline until);

/// The subscriptions among these that are there to stay, with what their tasks must know. They stay until the
/// transaction ends.
struct HeldSubscription {
  Ordering ordering = Ordering::none;
  std::string url{};
};
base::Result<std::map<SubscriptionId, HeldSubscription>> hold_subscriptions(
    db::Tx& tx, TenantId tenant, const std::set<SubscriptionId>& wanted);

/// What became of the deliveries that an operation made, those that have ended.
struct ReplayOutcomes {
  std::int64_t delivered = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
};
base::Result<ReplayOutcomes> outcomes_of(db::Tx& tx, TenantId tenant, operation::OperationId id);

/// Puts replays into their lanes piece by piece. A piece is one transaction: the tasks, the operation's
/// progress, and where the next one begins. One for each shard.
class ReplayHandler final : public operation::PieceHandler {
 public:
  ReplayHandler(db::Db& store, const Book& book, queue::Queue& queue, const base::Clock& clock)
      : PieceHandler(store, queue, clock), book_(book) {}

 private:
  struct Piece;
  base::Task<queue::Verdict> perform(const operation::Operation& known) override;
  base::Result<Piece> read(db::Tx& tx, const operation::Operation& known, const Prepared* subscription) const;
  base::Result<base::Time> write(db::Tx& tx, const operation::Operation& before, const Piece& piece) const;

  const Book& book_;
};

}  // namespace outbound
