#include "hub/ledger.hpp"

#include <algorithm>

namespace bench {

Ledger::Ledger(std::size_t capacity, std::size_t routes) : capacity_(capacity), routes_(routes) {
  // Only address space: the kernel gives pages as events are issued.
  events_.reserve(capacity);
}

std::optional<std::uint32_t> Ledger::issue(std::int64_t due_ns, std::int64_t now) {
  if (events_.size() == capacity_) {
    full_ = true;
    return std::nullopt;
  }
  events_.push_back({.due_ns = due_ns, .sent_ns = now});
  return static_cast<std::uint32_t>(events_.size() - 1);
}

void Ledger::accept(std::uint32_t seq, const Uuid& id, std::int64_t now) {
  Event& event = events_[seq];
  event.accepted_ns = now;
  event.accepted_id = id;
  if (event.received_ns == 0) ++missing_;
}

void Ledger::receive(std::uint64_t seq, std::size_t route, const Uuid& id, std::int64_t now) {
  if (seq >= events_.size()) {
    ++foreign_;
    return;
  }
  if (seq % routes_ != route) ++misrouted_;
  Event& event = events_[seq];
  if (event.received_ns != 0) {
    ++duplicates_;
    if (id != event.received_id) ++wrong_id_again_;
    return;
  }
  event.received_ns = now;
  event.received_id = id;
  last_received_ns_ = now;
  if (event.accepted_ns != 0) --missing_;
}

Window Ledger::window(std::int64_t begin_ns, std::int64_t end_ns) const {
  Window window;
  const auto within = [&](std::int64_t at) { return at >= begin_ns && at < end_ns; };
  for (const Event& event : events_) {
    const bool accepted = event.accepted_ns != 0;
    const bool received = event.received_ns != 0;
    if (within(event.due_ns)) {
      window.lag.record(event.sent_ns - event.due_ns);
      if (accepted) window.accept.record(event.accepted_ns - event.due_ns);
    }
    if (received && within(event.received_ns)) ++window.received;
    if (!accepted) continue;
    if (event.accepted_ns < end_ns && (!received || event.received_ns >= end_ns)) ++window.backlog;
    if (!within(event.accepted_ns)) continue;
    ++window.accepted;
    if (!received) {
      window.receipt.record(kNeverNs);
      continue;
    }
    window.receipt.record(event.received_ns - event.accepted_ns);
    if (event.received_ns < event.accepted_ns) ++window.overtaken;
  }
  return window;
}

std::vector<std::int64_t> Ledger::arrivals() const {
  std::vector<std::int64_t> moments;
  moments.reserve(events_.size());
  for (const Event& event : events_) {
    if (event.received_ns != 0) moments.push_back(event.received_ns);
  }
  std::sort(moments.begin(), moments.end());
  return moments;
}

std::vector<std::uint64_t> Ledger::received_by(std::size_t tenants, std::int64_t begin_ns,
                                               std::int64_t end_ns) const {
  std::vector<std::uint64_t> counts(tenants);
  for (std::size_t seq = 0; seq < events_.size(); ++seq) {
    const std::int64_t at = events_[seq].received_ns;
    if (at >= begin_ns && at < end_ns && at != 0) ++counts[seq % routes_ % tenants];
  }
  return counts;
}

Verdict Ledger::verdict() const {
  Verdict verdict{.issued = events_.size(),
                  .duplicates = duplicates_,
                  .wrong_id = wrong_id_again_,
                  .misrouted = misrouted_,
                  .foreign = foreign_};
  for (const Event& event : events_) {
    const bool received = event.received_ns != 0;
    if (event.accepted_ns == 0) {
      if (received) ++verdict.unacknowledged_received;
      continue;
    }
    ++verdict.acknowledged;
    if (!received) {
      ++verdict.lost;
      continue;
    }
    ++verdict.received;
    if (event.received_id != event.accepted_id) ++verdict.wrong_id;
  }
  verdict.repeated_id = count_repeated_ids();
  return verdict;
}

std::uint64_t Ledger::count_repeated_ids() const {
  std::vector<Uuid> ids;
  ids.reserve(events_.size());
  for (const Event& event : events_) {
    if (event.accepted_ns != 0) ids.push_back(event.accepted_id);
  }
  std::sort(ids.begin(), ids.end());
  const auto distinct = std::unique(ids.begin(), ids.end());
  return static_cast<std::uint64_t>(ids.end() - distinct);
}

}  // namespace bench
