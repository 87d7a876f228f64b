// Publishing: the one way in which an event comes into being, together with everything it causes.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "base/batcher.hpp"
#include "event/event.hpp"
#include "event/idempotency.hpp"
#include "event/tail.hpp"
#include "queue/queue.hpp"

namespace event {

/// What a room above writes together with an event, in its transaction: after the event, before its tasks. It
/// is not written where the event is not, because its idempotency key was used before.
class Companion {
 public:
  virtual ~Companion() = default;
  /// Takes in what the other one holds as well, so that those of many events are written at once; false where
  /// it is of another kind.
  virtual bool absorb(const Companion& other) = 0;
  virtual base::Result<void> write(db::Tx& tx) = 0;
  virtual std::unique_ptr<Companion> clone() const = 0;
};

/// An event and the tasks it causes, decided before the transaction.
struct Publication {
  EventPtr event{};
  std::vector<queue::Task> tasks{};
  std::unique_ptr<Companion> companion{};  ///< null for most
  std::int64_t deliveries =
      0;  ///< what is told to the publisher: tasks, or what a fan-out task will make of them
  std::string body_hash{};  ///< of the request, where the event has an idempotency key
  /// What takes the place of tasks and companion where a task with its order_key waits in its lane already:
  /// the earlier events of that key have not come to their deliveries yet, and none is to be overtaken. None:
  /// order does not matter.
  std::optional<queue::Task> behind{};

  Publication copy() const {
    return {event, tasks, companion ? companion->clone() : nullptr, deliveries, body_hash, behind};
  }
};

struct Published {
  EventId id{};
  base::Time created{};
  std::int64_t deliveries = 0;
  bool replayed = false;    ///< an earlier request with this key published it
  bool key_reused = false;  ///< the key belongs to another body: nothing was published
};

/// Writes events, idempotency keys and tasks in the caller's transaction; answers in order.
base::Result<std::vector<Published>> publish(db::Tx& tx, queue::Queue& queue,
                                             std::span<const Publication> publications);

/// The kind of the task that finds out what an event causes when it is in the log already, and of its lane:
/// every tenant has one, with the tenant's id. Its handler is a room's above, which knows who wants what.
inline constexpr const char* kFanoutKind = "fanout";
inline queue::LaneId fanout_lane(base::TenantId tenant) { return queue::LaneId{tenant.uuid}; }
queue::Task make_fanout_task(const EventPtr& event, base::Time now);

/// The same for events of which nothing was decided before: what they cause is found out by fan-out tasks.
/// How any room publishes.
base::Result<std::vector<Published>> publish(db::Tx& tx, queue::Queue& queue,
                                             std::span<const EventPtr> events, base::Time now);

/// What events cause, decided before their transaction by the room above that knows: for rooms that publish
/// very many. Lives on its shard.
class Matcher {
 public:
  virtual ~Matcher() = default;
  /// The event with what it causes now.
  virtual Publication match(EventPtr event) = 0;
  /// With what it causes at one subscription alone; nothing when there is no such one.
  virtual std::optional<Publication> match_only(EventPtr event, const base::Uuid& subscription) = 0;
  /// Whether anybody has subscribed to the hub's own events of this type.
  virtual bool wants_system(base::TenantId tenant, std::string_view type) = 0;
};

/// Publishing for requests: collects what arrives on this shard while the last commit runs. Lives on the
/// shard.
class Intake {
 public:
  /// bell: rung by each commit; null where nobody follows the feed.
  Intake(base::Gate& gate, db::Db& store, queue::Queue& queue, const Bell* bell = nullptr);

  /// Returns after the commit. Errors: what the store says; limited when too much is waiting.
  base::Task<Published> publish(Publication publication) { return batcher_.add(std::move(publication)); }
  /// Publications that wait for a flush.
  std::size_t waiting() const { return batcher_.pending(); }

  /// All of them in one transaction of their own. Where the store cannot take one, that one has its error,
  /// and the others are published.
  asio::awaitable<std::vector<base::Result<Published>>> publish_all(std::vector<Publication> publications);

 private:
  using Batcher = base::Batcher<Publication, Published>;
  base::Task<std::vector<Published>> publish_taken(Batcher::Take take);
  base::Task<std::vector<Published>> publish_some(std::span<const Publication> publications);
  base::Result<std::vector<Published>> publish_in(db::Tx& tx, std::span<const Publication> publications);

  db::Db& store_;
  queue::Queue& queue_;
  const Bell* bell_;
  Batcher batcher_;
};

}  // namespace event
