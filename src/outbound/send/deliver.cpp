#include "outbound/send/deliver.hpp"

#include <array>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "event/event_store.hpp"
#include "format/json.hpp"
#include "outbound/fanout/skipped.hpp"
#include "outbound/history/error_group.hpp"
#include "outbound/history/history.hpp"
#include "outbound/send/request.hpp"
#include "outbound/subscription/statistics.hpp"
#include "tenant/audit.hpp"

namespace outbound {

namespace {

using base::Result;

constexpr std::string_view kDelivered = "DELIVERED";
constexpr std::string_view kFailed = "FAILED";
constexpr auto kProbeConnectTimeout = std::chrono::milliseconds{2000};
constexpr std::string_view kUnknown = "UNKNOWN";

std::int64_t to_ms(std::int64_t micros) { return (micros + 500) / 1000; }

std::chrono::milliseconds time_left(base::Deadline deadline, base::Steady now) {
  using std::chrono::milliseconds;
  return std::max(milliseconds{1}, std::chrono::duration_cast<milliseconds>(deadline - now));
}

constexpr const char* kGone = "GONE";
constexpr const char* kConsecutiveFailures = "CONSECUTIVE_FAILURES";

std::string headers_json(const http::OutboundResponse& response) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  std::set<std::string_view> written;
  for (const auto& [name, value] : response.headers) {
    if (!written.insert(name).second) continue;
    json.key(name).value(name == "set-cookie" ? base::kHidden : std::string_view(value));
  }
  json.end_object();
  return text;
}

/// What deliveries count; there from the start, at 0.
struct Series {
  static base::Counter& attempts(const char* outcome) {
    return base::metrics().counter("crossdock_delivery_attempts_total",
                                   "Delivery attempts by what came of them", {{"outcome", outcome}});
  }
  static base::Counter& disabled(const std::string& reason) {
    return base::metrics().counter("crossdock_subscriptions_disabled_total",
                                   "Subscriptions switched off by themselves", {{"reason", reason}});
  }
  base::Counter& delivered = attempts("delivered");
  base::Counter& retrying = attempts("retrying");
  base::Counter& failed = attempts("failed");
  base::Histogram& seconds =
      base::metrics().histogram("crossdock_delivery_duration_seconds", "Duration of delivery attempts");
  base::Counter& gone = disabled(kGone);
  base::Counter& failing = disabled(kConsecutiveFailures);
};

Series& series() {
  static Series all;
  return all;
}

void count(const Attempt& attempt, bool final) {
  Series& to = series();
  (attempt.outcome == kDelivered ? to.delivered : final ? to.failed : to.retrying).add();
  to.seconds.observe(static_cast<double>(attempt.timings.total_us) / 1e6);
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

/// As far as its filter can be asked.
bool is_unwanted(const Prepared& subscription, const event::Event& event) {
  if (!subscription.filter || !subscription.broken.empty()) return false;
  EventView view(event);
  return !subscription.filter->matches(view);
}

}  // namespace

DeliveryHandler::DeliveryHandler(Parts parts) : parts_(parts), random_(std::random_device{}()) { series(); }

Result<void> DeliveryHandler::hydrate(db::Tx& tx, std::span<queue::Task> tasks) const {
  std::vector<std::pair<TenantId, event::EventId>> wanted;
  wanted.reserve(tasks.size());
  for (const queue::Task& task : tasks) wanted.emplace_back(task.tenant, event::EventId{task.ref});
  XD_TRY(const auto events, event::find_events(tx, wanted));
  for (queue::Task& task : tasks) {
    const auto found = events.find(event::EventId{task.ref});
    if (found == events.end()) continue;
    task.payload_bytes = found->second->bytes();
    task.payload = found->second;
    task.bulk = !task.args.empty() && read_args(task.args).operation.has_value();
  }
  return {};
}

asio::awaitable<queue::Outcome> DeliveryHandler::run(const queue::Task& task) {
  auto report = std::make_shared<AttemptReport>();
  auto event = std::static_pointer_cast<const event::Event>(task.payload);
  PreparedPtr subscription = parts_.book.find(subscription_of(task.lane));
  if (!event || !subscription || subscription->config->tenant != task.tenant) {
    report->cancelled = true;
    report->attempt.number = task.attempts_opened();
    report->attempt.outcome = "CANCELLED";
    report->attempt.started = parts_.clock.now();
    report->attempt.error_class = "CANCELLED";
    report->attempt.error_message =
        event ? "the subscription no longer exists" : "the event no longer exists";
    co_return queue::Outcome{queue::Verdict::done(), queue::Signal::neutral, std::move(report)};
  }
  report->event_type = event->type;
  DeliveryArgs args = task.args.empty() ? DeliveryArgs{} : read_args(task.args);
  if (args.unfiltered && is_unwanted(*subscription, *event)) {
    report->filtered = true;
    report->attempt.number = task.attempts_opened();
    report->attempt.started = parts_.clock.now();
    co_return queue::Outcome{queue::Verdict::done(), queue::Signal::neutral, std::move(report)};
  }
  const bool replays = !task.args.empty() && !args.unfiltered;
  report->elsewhere = !args.url.empty() && args.url != subscription->config->url;
  Sent sent = co_await send(
      {.id = DeliveryId{task.id.uuid},
       .end = {.number = task.attempt + 1, .jitter = std::uniform_real_distribution<>{}(random_)},
       .number = task.attempts_opened() + 1,
       .subscription = std::move(subscription),
       .event = event,
       .args = std::move(args),
       .connect_timeout = task.share == queue::Share::probe
                              ? kProbeConnectTimeout
                              : std::chrono::milliseconds(base::limits::kConnectTimeout)});
  report->attempt = std::move(sent.attempt);
  report->attempt.via = replays ? "replay" : "worker";
  report->gone = sent.judgement.gone && !report->elsewhere;
  const auto& retry = sent.judgement.retry;
  add_news(task, *event, *report, !retry);
  count(report->attempt, !retry.has_value());
  log_failure(task, *report, retry);
  // Of one that an older version put into the subscription's own lane nothing is learned.
  const bool astray = report->elsewhere && !is_detour(task.lane);
  const queue::Signal signal = astray ? queue::Signal::neutral : sent.judgement.signal;
  co_return queue::Outcome{retry ? queue::Verdict::retry_at(*retry) : queue::Verdict::done(), signal,
                           std::move(report)};
}

/// A line for each attempt that failed, as long as they are few: thousands would say no more.
void DeliveryHandler::log_failure(const queue::Task& task, const AttemptReport& report,
                                  std::optional<base::Time> retry) {
  const Attempt& attempt = report.attempt;
  if (attempt.outcome == kDelivered) return;
  const auto left_out = failures_logged_.admit(parts_.clock.steady());
  if (!left_out) return;
  base::log(retry ? base::LogLevel::info : base::LogLevel::warn,
            retry ? "a delivery attempt failed; it is tried again" : "a delivery failed for good",
            {{"tenant_id", task.tenant},
             {"subscription_id", subscription_of(task.lane)},
             {"delivery_id", task.id},
             {"event_type", report.event_type},
             {"attempt", attempt.number},
             {"error_class", attempt.error_class},
             {"status", attempt.response_status.value_or(0)},
             {"error", attempt.error_message},
             {"next_attempt_at", retry ? base::to_rfc3339(*retry) : "never"},
             {"left_out_before", *left_out}});
}

/// What others are to hear of an attempt. Deliveries of the hub's own events are no news: that has an end
/// here.
void DeliveryHandler::add_news(const queue::Task& task, const event::Event& event, AttemptReport& report,
                               bool over) {
  const bool delivered = report.attempt.outcome == kDelivered;
  if (!over || event.origin == event::kSystemOrigin) return;
  const std::string type = delivered ? "webhook.delivered" : "webhook.failed";
  const bool wanted = parts_.book.wants_system(task.tenant, type, subscription_of(task.lane));
  if (delivered && !wanted) return;
  report.news.push_back({make_delivery_event({.task = &task,
                                              .attempt = &report.attempt,
                                              .event_type = event.type,
                                              .status = report.attempt.outcome,
                                              .hop = event.hop},
                                             parts_.clock.now()),
                         wanted});
}

void DeliveryHandler::circuit_changed(const queue::Task& task, queue::Outcome& outcome) {
  using Kind = queue::Breaker::Change::Kind;
  auto* report = static_cast<AttemptReport*>(outcome.report.get());
  if (report == nullptr || outcome.circuit->kind == Kind::reopened || is_detour(task.lane)) return;
  const auto& open = outcome.circuit->open;
  const SubscriptionId id = subscription_of(task.lane);
  report->news.push_back(
      {make_circuit_event(task.tenant, id, open, parts_.clock.now()),
       parts_.book.wants_system(task.tenant, open ? "circuit.opened" : "circuit.closed", id)});
}

/// The receiver has got it, whatever cannot be told of it: sending it again would be worse.
bool DeliveryHandler::shorten(queue::Outcome& outcome) const {
  const auto& told = *static_cast<const AttemptReport*>(outcome.report.get());
  auto kept = std::make_shared<AttemptReport>(told);
  kept->news.clear();
  kept->attempt.remote_ip.clear();
  if (!told.attempt.error_message.empty()) kept->attempt.error_message = "what it said could not be stored";
  outcome.report = std::move(kept);
  return true;
}

asio::awaitable<DeliveryHandler::Sent> DeliveryHandler::send(Sending sending) {
  const PreparedPtr& subscription = sending.subscription;
  const event::EventPtr& event = sending.event;
  const auto tenant = parts_.tenants.find(event->tenant);
  Sent sent;
  sent.attempt.number = sending.number;
  sent.attempt.started = parts_.clock.now();
  sent.attempt.request_url = sending.args.url.empty() ? subscription->config->url : sending.args.url;
  if (!subscription->broken.empty()) {
    const base::Error error{base::Code::unavailable,
                            "the subscription cannot be used: " + subscription->broken, "INTERNAL"};
    co_return unsent(std::move(sent), error, *subscription->config, sending.end);
  }
  const base::Deadline deadline = parts_.clock.steady() + subscription->config->timeout;
  const Credentials credentials =
      credentials_for(*subscription->config, {sending.args.url, sending.args.with_credentials});
  const auto oauth2 = credentials == Credentials::all ? subscription->oauth2 : nullptr;
  base::Result<std::string> token;
  if (oauth2) {
    token = co_await OAuth2Session::token(oauth2, parts_.client, parts_.clock, subscription->config->timeout);
    if (!token) co_return unsent(std::move(sent), token.error(), *subscription->config, sending.end);
  }
  auto request = make_request({.subscription = subscription.get(),
                               .event = event.get(),
                               .tenant_name = tenant ? std::string_view(tenant->name) : "",
                               .now = sent.attempt.started,
                               .url = sending.args.url,
                               .token = *token,
                               .credentials = credentials});
  if (!request) co_return unsent(std::move(sent), request.error(), *subscription->config, sending.end);
  request->connect_timeout = sending.connect_timeout;
  std::string request_headers = shown_headers(*request, *subscription);
  if (oauth2) request->total_timeout = time_left(deadline, parts_.clock.steady());
  http::OutboundResponse response = co_await parts_.client.send(std::move(*request));
  if (oauth2 && (response.status == 401 || response.status == 403)) oauth2->drop(*token);
  sending.end.ended = parts_.clock.now();
  sent.judgement = judge(response, *subscription->config, sending.end);
  Attempt& attempt = sent.attempt;
  attempt.outcome = sent.judgement.delivered ? kDelivered : kFailed;
  attempt.remote_ip = response.remote_ip;
  if (response.status != 0) attempt.response_status = response.status;
  attempt.response_time_ms = to_ms(response.timings.total_us);
  attempt.sendings = response.sendings;
  attempt.timings = response.timings;
  attempt.error_class = sent.judgement.error_class;
  attempt.error_message = sent.judgement.error_message;
  log_exchange(sending.id, event->tenant, attempt, std::move(request_headers), std::move(response));
  co_return sent;
}

DeliveryHandler::Sent DeliveryHandler::unsent(Sent sent, const base::Error& error,
                                              const Subscription& subscription, AttemptEnd end) const {
  end.ended = parts_.clock.now();
  sent.judgement = judge_unsent(error, subscription, end);
  sent.attempt.outcome = kFailed;
  sent.attempt.sendings = 0;
  const auto took = end.ended - sent.attempt.started;
  sent.attempt.timings.total_us = took.count();
  sent.attempt.response_time_ms = to_ms(took.count());
  sent.attempt.error_class = sent.judgement.error_class;
  sent.attempt.error_message = sent.judgement.error_message;
  return sent;
}

asio::awaitable<Attempt> DeliveryHandler::send_once(DeliveryId id, int number, PreparedPtr subscription,
                                                    event::EventPtr event) {
  Sent sent = co_await send(
      {.id = id, .number = number, .subscription = std::move(subscription), .event = std::move(event)});
  co_return std::move(sent.attempt);
}

void DeliveryHandler::log_exchange(DeliveryId id, TenantId tenant, const Attempt& attempt,
                                   std::string request_headers, http::OutboundResponse response) {
  Exchange exchange{
      id, attempt.number, tenant, attempt.started, std::move(request_headers), headers_json(response)};
  if (parts_.log_response_bodies) {
    ShownBody shown = shown_body(std::move(response));
    exchange.response_body = std::move(shown.text);
    exchange.truncated = shown.truncated;
  } else {
    exchange.truncated = !response.body.empty();
  }
  parts_.exchanges.add(std::move(exchange));
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
    Series::disabled(reason).add();
    base::log(base::LogLevel::warn,
              "subscription disabled; its deliveries are held until it is enabled again",
              {{"subscription_id", changed->id}, {"tenant_id", changed->tenant}, {"reason", reason}});
  });
  return {};
}

}  // namespace outbound
