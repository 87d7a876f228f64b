// Processing what was received: from a raw request to an event of the tenant, once for each.
#pragma once

#include "event/publish.hpp"
#include "inbound/book.hpp"
#include "inbound/received.hpp"

namespace inbound {

/// What processing asks of the rooms beside it.
struct Publisher {
  /// The event with what it causes now; for one subscription alone where that is given, and nothing when
  /// there is no such one.
  std::function<std::optional<event::Publication>(event::EventPtr, std::optional<base::Uuid>)> publication;
  /// Whether anybody has subscribed to the hub's own events of this type.
  std::function<bool(TenantId, std::string_view)> wants_system;
};

/// The kind "inbound". What a run has found out is written in the transaction that ends its task: the event,
/// its deliveries, the result, the counters. One for each shard.
class ProcessHandler final : public queue::Handler {
 public:
  struct Parts {
    const Book& book;
    Publisher publisher;
    queue::Queue& queue;
    const base::Clock& clock;
    const event::Bell* bell = nullptr;
  };
  explicit ProcessHandler(Parts parts) : parts_(std::move(parts)) {}

  /// What concerns one record is processed in the order in which it came.
  queue::LanePolicy lane_policy() const override { return {.ordered = true}; }
  base::Result<void> hydrate(db::Tx& tx, std::span<queue::Task> tasks) const override;
  asio::awaitable<queue::Outcome> run(const queue::Task& task) override;
  base::Result<void> record(db::Tx& tx, std::span<const queue::Finished> finished) const override;

 private:
  struct Report;
  void tell_conflict(const PreparedEndpoint& endpoint, const ReceivedEvent& event, Report& report) const;
  void process(const PreparedEndpoint& endpoint, const ReceivedEvent& event, Report& report) const;

  Parts parts_;
};

/// The task that processes it again.
queue::Task make_replay_task(const ReceivedPtr& event, std::int64_t replay_no, base::Time now);

}  // namespace inbound
