// Replays of many received events at once: which, and at which pace, as an operation that survives a crash.
#pragma once

#include "inbound/receive/received.hpp"
#include "operation/pieces.hpp"

namespace inbound {

/// Received events that have a result. Empty members mean any.
struct ReplayFilter {
  std::vector<ReceivedStatus> statuses{};
  std::optional<EndpointId> endpoint{};
  std::string source{};
  std::string table{};
  std::string event_type{};
  std::optional<base::Time> since{};  ///< received then or later
  std::optional<base::Time> until{};  ///< received before
  std::vector<ReceivedId> ids{};
};

/// What somebody asked for: the parameters of the operation.
struct ReplayOrder {
  ReplayFilter filter{};
  std::optional<std::int64_t> rate{};  ///< that are processed in a second; none: as fast as they go
};
std::string write_order(const ReplayOrder& order);
base::Result<ReplayOrder> read_order(const std::string& json);

/// Operations of this kind are ReplayHandler's; so are tasks of that one.
inline constexpr const char* kReplayOperation = "RECEIVED_REPLAY";
inline constexpr const char* kReplayTask = "replay-received";

/// One that is to be processed again.
struct Replayable {
  ReceivedId id{};
  EndpointId endpoint{};
  std::int64_t replay_no = 0;  ///< of the last time
};
/// A piece of them, in the order of their ids.
struct ReplayPage {
  std::vector<Replayable> found{};
  base::Uuid reached{};  ///< everything up to here was looked at
  bool last = false;     ///< there is nothing behind it
};
/// What an operation goes through. What came after it had begun is not among it.
struct ReplayScope {
  TenantId tenant{};
  const ReplayFilter& filter;
  base::Time begun{};
};
/// Those behind `after`, at most `limit`; fewer, where they are among so many others that looking takes long.
base::Result<ReplayPage> find_replayable(db::Tx& tx, const ReplayScope& scope, const base::Uuid& after,
                                         std::size_t limit);

struct ReplayCount {
  std::int64_t count = 0;
  bool exact = true;  ///< false: there are more than were counted
  std::map<EndpointId, std::int64_t> by_endpoint{};
  std::vector<ReceivedId> first{};  ///< the first ones
};
/// Counts to about `most`, or as far as one gets by `until`.
base::Result<ReplayCount> count_replayable(db::Tx& tx, const ReplayScope& scope, std::int64_t most,
                                           base::Deadline until);

/// Puts them into the lanes of their endpoints piece by piece. A piece is one transaction: the tasks, the
/// operation's progress, and where the next one begins. One for each shard.
class ReplayHandler final : public operation::PieceHandler {
 public:
  using PieceHandler::PieceHandler;

 private:
  struct Piece;
  base::Task<queue::Verdict> perform(const operation::Operation& known) override;
  base::Result<Piece> read(db::Tx& tx, const operation::Operation& known) const;
  base::Result<base::Time> write(db::Tx& tx, const operation::Operation& before, const Piece& piece) const;
};

}  // namespace inbound
