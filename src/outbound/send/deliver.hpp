// Brings deliveries to their receivers: the handler of every delivery's task.
#pragma once

#include <random>

#include "base/everywhere.hpp"
#include "base/log_bound.hpp"
#include "event/tail.hpp"
#include "outbound/delivery/delivery.hpp"
#include "outbound/delivery/system_event.hpp"
#include "outbound/delivery/verdict.hpp"
#include "outbound/history/exchange_log.hpp"
#include "outbound/subscription/book.hpp"
#include "outbound/subscription/health.hpp"
#include "queue/queue.hpp"
#include "tenant/tenant.hpp"

namespace outbound {

/// How an attempt went: what run() tells record().
struct AttemptReport {
  Attempt attempt{};
  std::string event_type{};
  bool cancelled = false;  ///< nothing was sent: the subscription or the event is gone
  bool filtered = false;   ///< nothing was sent: the filter, asked late, does not want it
  bool gone = false;       ///< the receiver said 410
  bool elsewhere = false;  ///< it was another URL than the subscription's, whose health it says nothing of
  std::vector<SystemEvent> news{};
};

/// One for each shard. A delivery attempt, top down: find the subscription and the event → make the body,
/// sign it → send → judge the answer → history, counters and, when it is due, auto-disable in the transaction
/// that closes the attempt.
class DeliveryHandler final : public queue::Handler {
 public:
  struct Parts {
    http::Client& client;
    Book& book;
    const tenant::TenantBook& tenants;
    ExchangeLog& exchanges;
    const base::Clock& clock;
    queue::Queue& queue;
    const base::Everywhere<Book>& books;
    const crypto::KeyRing& ring;
    HealthPolicy health{};
    bool log_response_bodies = true;
    const event::Bell* bell = nullptr;  ///< rung when deliveries have ended; null where nobody listens
  };
  explicit DeliveryHandler(Parts parts);

  base::Result<void> hydrate(db::Tx& tx, std::span<queue::Task> tasks) const override;
  asio::awaitable<queue::Outcome> run(const queue::Task& task) override;
  void circuit_changed(const queue::Task& task, queue::Outcome& outcome) override;
  bool shorten(queue::Outcome& outcome) const override;
  base::Result<void> record(db::Tx& tx, std::span<const queue::Finished> finished) const override;

  /// One attempt outside the queue, for a test send: no retry, not counted for auto-disable.
  asio::awaitable<Attempt> send_once(DeliveryId id, int number, PreparedPtr subscription,
                                     event::EventPtr event);

 private:
  struct Sent {
    Attempt attempt;
    Judgement judgement;
  };
  struct Sending {
    DeliveryId id{};
    AttemptEnd end{};
    int number = 1;
    PreparedPtr subscription{};
    event::EventPtr event{};
    DeliveryArgs args{};
    std::chrono::milliseconds connect_timeout = base::limits::kConnectTimeout;
  };
  asio::awaitable<Sent> send(Sending sending);
  void log_failure(const queue::Task& task, const AttemptReport& report, std::optional<base::Time> retry);
  void add_news(const queue::Task& task, const event::Event& event, AttemptReport& report, bool over);
  /// The attempt ended before there was a request to send.
  Sent unsent(Sent sent, const base::Error& error, const Subscription& subscription, AttemptEnd end) const;
  void log_exchange(DeliveryId id, TenantId tenant, const Attempt& attempt, std::string request_headers,
                    http::OutboundResponse response);
  /// Those of record(), so that they are there from the start, at 0.
  static void register_metrics();
  base::Result<void> disable(db::Tx& tx, TenantId tenant, SubscriptionId id, std::string reason) const;

  Parts parts_;
  base::LogBound failures_logged_{10, std::chrono::seconds{1}};
  std::minstd_rand random_;
};

}  // namespace outbound
