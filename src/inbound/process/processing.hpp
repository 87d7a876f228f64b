// Processing what was received: from a raw request to an event of the tenant, once for each.
#pragma once

#include "event/publish.hpp"
#include "inbound/endpoint/book.hpp"
#include "inbound/receive/received.hpp"

namespace inbound {

/// The kind "inbound". What a run has found out is written in the transaction that ends its task: the event,
/// its deliveries, the result, the counters. One for each shard.
class ProcessHandler final : public queue::Handler {
 public:
  struct Parts {
    const Book& book;
    event::Matcher& matcher;
    queue::Queue& queue;
    const base::Clock& clock;
    const event::Bell* bell = nullptr;
  };
  explicit ProcessHandler(Parts parts) : parts_(parts) {}

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
