// What delivery attempts that have ended leave behind: history, counters, news, and subscriptions that are
// switched off.
#include <array>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "event/event_store.hpp"
#include "format/json.hpp"
#include "outbound/fanout/skipped.hpp"
#include "outbound/history/error_group.hpp"
#include "outbound/history/history.hpp"
#include "outbound/send/deliver.hpp"
#include "outbound/subscription/statistics.hpp"
#include "tenant/audit.hpp"

namespace outbound {

namespace {

using base::Result;

constexpr std::string_view kUnknown = "UNKNOWN";
constexpr const char* kGone = "GONE";
constexpr const char* kConsecutiveFailures = "CONSECUTIVE_FAILURES";

base::Counter& disabled_count(const std::string& reason) {
  return base::metrics().counter("crossdock_subscriptions_disabled_total",
                                 "Subscriptions switched off by themselves", {{"reason", reason}});
}

/// The rows that a batch of finished runs turns into.
struct Rows {
  std::vector<Delivery> deliveries;
  std::vector<AttemptOf> attempts;
  std::map<SubscriptionId, StatsChange> stats;
  CountsBySubscription counts;
  FailuresBySignature failures;
  std::map<SubscriptionId, TenantId> tenants;
  std::set<SubscriptionId> gone;
  std::vector<SystemEvent> news;
};

Attempt unknown_attempt(const queue::Task& task) {
  Attempt attempt;
  attempt.number = task.attempts_opened() + 1;
  attempt.outcome = kUnknown;
  attempt.started = task.due;
  attempt.error_class = "INTERNAL";
  attempt.error_message =
      "Crossdock was stopped while this attempt was under way; the receiver may have got it";
  return attempt;
}

void add_delivery(Rows& rows, const queue::Task& task, const Attempt& attempt, std::string event_type,
                  std::string status) {
  const DeliveryArgs args = read_args(task.args);
  Delivery delivery;
  delivery.id = DeliveryId{task.id.uuid};
  delivery.tenant = task.tenant;
  delivery.subscription = subscription_of(task.lane);
  delivery.event = event::EventId{task.ref};
  delivery.event_type = std::move(event_type);
  delivery.status = std::move(status);
  delivery.replay_no = args.replay_no;
  delivery.replay_of = args.replay_of;
  delivery.operation = args.operation;
  delivery.created = task.created;
  delivery.completed = attempt.started + std::chrono::microseconds{attempt.timings.total_us};
  delivery.last = attempt;
  rows.deliveries.push_back(std::move(delivery));
}

enum class Ended : std::uint8_t { delivered, failed, retried };

void add_counts(Rows& rows, const queue::Task& task, const Attempt& attempt, Ended ended) {
  SubscriptionCounts& of = rows.counts[subscription_of(task.lane)];
  of.tenant = task.tenant;
  AttemptCounts& counts = of.counts;
  ++(ended == Ended::delivered ? counts.delivered : ended == Ended::failed ? counts.failed : counts.retried);
  if (attempt.outcome != kUnknown) counts.add_latency(attempt.response_time_ms);
}

/// Returns the signature.
std::string add_failure(Rows& rows, const queue::Task& task, const Attempt& attempt, Ended ended) {
  std::string signature = error_signature(attempt);
  if (signature.empty()) return signature;
  const SubscriptionId id = subscription_of(task.lane);
  Failures& failures = rows.failures[{id, signature}];
  failures.tenant = task.tenant;
  failures.subscription = id;
  failures.sample = attempt;
  failures.delivery = DeliveryId{task.id.uuid};
  ++failures.attempts;
  if (ended == Ended::failed) ++failures.deliveries;
  return signature;
}

void add_stats(Rows& rows, const queue::Task& task, const AttemptReport& report) {
  const SubscriptionId id = subscription_of(task.lane);
  rows.tenants[id] = task.tenant;
  StatsChange& change = rows.stats[id];
  change.id = id;
  const base::Time ended =
      report.attempt.started + std::chrono::microseconds{report.attempt.timings.total_us};
  if (report.attempt.outcome == kDelivered) {
    ++change.delivered;
    change.last_success = ended;
    change.failed_at_end = 0;
    change.first_failure_at_end.reset();
  } else {
    ++change.failed;
    change.last_failure = ended;
    if (change.failed_at_end++ == 0) change.first_failure_at_end = ended;
  }
  if (report.gone) rows.gone.insert(id);
}

int number_of(const queue::Finished& finished) {
  const auto* report = static_cast<const AttemptReport*>(finished.outcome->report.get());
  return report != nullptr ? report->attempt.number : unknown_attempt(*finished.task).number;
}

void add(Rows& rows, const queue::Finished& finished) {
  const queue::Task& task = *finished.task;
  const queue::Verdict& verdict = finished.outcome->verdict;
  const auto* report = static_cast<const AttemptReport*>(finished.outcome->report.get());
  const Attempt attempt = report != nullptr ? report->attempt : unknown_attempt(task);
  const bool final = verdict.kind == queue::Verdict::Kind::done && !finished.stale;
  if (report != nullptr && !finished.stale) {
    rows.news.insert(rows.news.end(), report->news.begin(), report->news.end());
  }
  const bool sent = report == nullptr || !(report->cancelled || report->filtered);
  const bool own = !is_detour(task.lane) && (report == nullptr || !report->elsewhere);
  const Ended ended = attempt.outcome == kDelivered ? Ended::delivered
                      : final                       ? Ended::failed
                                                    : Ended::retried;
  if (sent && own) add_counts(rows, task, attempt, ended);
  if (sent && own && report != nullptr) add_stats(rows, task, *report);
  std::string signature;
  if (sent && ended != Ended::delivered)
    signature = own ? add_failure(rows, task, attempt, ended) : error_signature(attempt);
  if (!final) {
    if (!sent) return;
    rows.attempts.push_back({DeliveryId{task.id.uuid}, subscription_of(task.lane), task.tenant, attempt});
  } else if (report == nullptr) {
    const auto* event = static_cast<const event::Event*>(task.payload.get());
    add_delivery(rows, task, attempt, event != nullptr ? event->type : "", std::string(kFailed));
  } else {
    add_delivery(rows, task, attempt, report->event_type,
                 report->cancelled  ? "CANCELLED"
                 : report->filtered ? "SKIPPED"
                                    : attempt.outcome);
    if (report->filtered) rows.deliveries.back().reason = name(Fate::filtered);
  }
  if (final) rows.deliveries.back().error_signature = std::move(signature);
}

}  // namespace

void DeliveryHandler::register_metrics() {
  for (const char* reason : {kGone, kConsecutiveFailures}) disabled_count(reason);
}

Result<void> DeliveryHandler::record(db::Tx& tx, std::span<const queue::Finished> finished) const {
  Rows rows;
  for (const queue::Finished& one : finished) {
    if (one.stale || one.again) {
      XD_TRY(const bool recorded,
             is_recorded(tx, subscription_of(one.task->lane), DeliveryId{one.task->id.uuid}, number_of(one)));
      if (recorded) continue;
    }
    add(rows, one);
  }
  XD_DO(insert_deliveries(tx, rows.deliveries));
  if (parts_.bell != nullptr && !rows.deliveries.empty()) {
    tx.on_commit([bell = parts_.bell] { bell->ring(); });
  }
  XD_DO(insert_attempts(tx, rows.attempts));
  XD_DO(publish_system(tx, parts_.queue, rows.news));
  const base::Time now = parts_.clock.now();
  XD_DO(outbound::add_counts(tx, rows.counts, now));
  if (!rows.failures.empty()) XD_DO(add_failures(tx, rows.failures, now));
  for (const auto& [id, change] : rows.stats) {
    XD_TRY(const Failing failing, change_stats(tx, change));
    if (rows.gone.contains(id)) {
      XD_DO(disable(tx, rows.tenants[id], id, kGone));
    } else if (failing.since && should_disable(parts_.health, failing.consecutive, *failing.since, now)) {
      XD_DO(disable(tx, rows.tenants[id], id, kConsecutiveFailures));
    }
  }
  return {};
}

Result<void> DeliveryHandler::disable(db::Tx& tx, TenantId tenant, SubscriptionId id,
                                      std::string reason) const {
  XD_TRY(const SubscriptionPtr known, find_subscription(tx, parts_.ring, tenant, id));
  if (!known || !known->delivers()) return {};  // gone, or somebody was quicker
  if (!known->broken.empty()) return {};        // what cannot be read is not written
  // What it still has ends by itself; held, it would never.
  if (known->status == SubscriptionStatus::deleting) return {};
  const base::Time now = parts_.clock.now();
  auto changed = std::make_shared<Subscription>(known->copy());
  changed->status = SubscriptionStatus::failed;
  changed->is_enabled = false;
  changed->disabled_reason = reason;
  changed->disabled = now;
  changed->updated = now;
  ++changed->version;
  XD_TRY(const bool written, update_subscription(tx, parts_.ring, *changed));
  if (!written) return {};  // somebody changed it at this moment; the next failure will see what it is then
  for (const queue::LaneId lane : {changed->lane(), detour_lane(id)})
    XD_DO(parts_.queue.set_state(tx, lane, queue::LaneState::paused));
  tenant::AuditEntry entry{.id = base::make_uuid(now), .tenant = tenant, .at = now};
  entry.action = "subscription.disabled";
  entry.target_type = "subscription";
  entry.target = id.uuid;
  entry.after = R"({"status":"FAILED","disabled_reason":)" + format::json_string(reason) + "}";
  XD_DO(tenant::insert_audit(tx, entry));
  const std::array told = {make_disabled_event(tenant, id, reason, now)};
  XD_TRY(const auto published, event::publish(tx, parts_.queue, told, now));
  tx.on_commit([books = &parts_.books, changed = SubscriptionPtr(changed), reason] {
    books->tell([changed](Book& book) { book.put(changed); });
    disabled_count(reason).add();
    base::log(base::LogLevel::warn,
              "subscription disabled; its deliveries are held until it is enabled again",
              {{"subscription_id", changed->id}, {"tenant_id", changed->tenant}, {"reason", reason}});
  });
  return {};
}

}  // namespace outbound
