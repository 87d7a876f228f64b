// The bench's own account of every event: when it was due, sent, acknowledged and received, and under which
// id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "core/histogram.hpp"
#include "hub/wire.hpp"

namespace bench {

/// What the ledger says in the end. Only `lost` and what stands under it are faults of the server.
struct Verdict {
  std::uint64_t issued = 0;        ///< sent by the generator
  std::uint64_t acknowledged = 0;  ///< answered 202 with an id
  std::uint64_t received = 0;      ///< of the acknowledged, arrived at least once
  std::uint64_t unacknowledged_received =
      0;                          ///< arrived although no 202 came (outcome unknown to the sender)
  std::uint64_t duplicates = 0;   ///< arrivals after an event's first
  std::uint64_t lost = 0;         ///< acknowledged, never arrived
  std::uint64_t wrong_id = 0;     ///< arrived under another webhook-id than the 202 named
  std::uint64_t repeated_id = 0;  ///< 202s whose id another 202 had named before
  std::uint64_t misrouted = 0;    ///< arrived at a subscription that does not match
  std::uint64_t foreign = 0;      ///< arrivals that nobody had sent

  /// True when nothing acknowledged was lost, mixed up or made up.
  bool holds() const { return lost + wrong_id + repeated_id + misrouted + foreign == 0; }
};

/// What happened between two moments. Rates count what ended in the window; latencies belong to the events
/// that were due (accept, lag) or acknowledged (receipt) in it, whenever they ended.
struct Window {
  std::uint64_t accepted = 0;
  std::uint64_t received = 0;
  std::uint64_t backlog = 0;    ///< acknowledged and not yet received when the window closed
  std::uint64_t overtaken = 0;  ///< receipts that came before their own 202: their latency counts as 0
  Histogram accept;             ///< due → 202
  /// 202 → arrival at the receiver, as near to commit → receipt as an outsider sees; what never arrived
  /// counts as later than any.
  Histogram receipt;
  Histogram lag;  ///< due → sent: how late the generator itself was
};

/// Events are numbered from 0 in the order in which they were issued; event n belongs to route n % routes.
/// All memory is reserved at the start, so that nothing is allocated per event. One thread.
class Ledger {
 public:
  Ledger(std::size_t capacity, std::size_t routes);

  /// Opens the next event. Nothing when the capacity is used up: full() is true then and the run is not
  /// valid.
  std::optional<std::uint32_t> issue(std::int64_t due_ns, std::int64_t now);
  void accept(std::uint32_t seq, const Uuid& id, std::int64_t now);
  /// An arrival at the subscription of `route` that says it is event `seq`.
  void receive(std::uint64_t seq, std::size_t route, const Uuid& id, std::int64_t now);

  std::size_t routes() const { return routes_; }
  bool full() const { return full_; }
  /// Acknowledged and not yet received.
  std::uint64_t missing() const { return missing_; }
  std::int64_t last_received_ns() const { return last_received_ns_; }

  Window window(std::int64_t begin_ns, std::int64_t end_ns) const;
  /// The moments of all first arrivals, in order.
  std::vector<std::int64_t> arrivals() const;
  /// First arrivals between two moments, by route modulo `tenants`.
  std::vector<std::uint64_t> received_by(std::size_t tenants, std::int64_t begin_ns,
                                         std::int64_t end_ns) const;
  Verdict verdict() const;

 private:
  struct Event {
    std::int64_t due_ns = 0;
    std::int64_t sent_ns = 0;
    std::int64_t accepted_ns = 0;  // 0: no 202 yet
    std::int64_t received_ns = 0;  // 0: no arrival yet
    Uuid accepted_id;
    Uuid received_id;
  };

  std::uint64_t count_repeated_ids() const;

  std::vector<Event> events_;
  std::size_t capacity_;
  std::size_t routes_;
  std::uint64_t missing_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t wrong_id_again_ = 0;  // wrong ids of later arrivals; the first one's is judged in verdict()
  std::uint64_t misrouted_ = 0;
  std::uint64_t foreign_ = 0;
  std::int64_t last_received_ns_ = 0;
  bool full_ = false;
};

}  // namespace bench
