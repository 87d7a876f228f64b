#include "outbound/send/deliver.hpp"

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "event/event_store.hpp"
#include "format/json.hpp"
#include "outbound/send/request.hpp"

namespace outbound {

namespace {

using base::Result;

constexpr auto kProbeConnectTimeout = std::chrono::milliseconds{2000};

std::int64_t to_ms(std::int64_t micros) { return (micros + 500) / 1000; }

std::chrono::milliseconds time_left(base::Deadline deadline, base::Steady now) {
  using std::chrono::milliseconds;
  return std::max(milliseconds{1}, std::chrono::duration_cast<milliseconds>(deadline - now));
}

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
  base::Counter& delivered = attempts("delivered");
  base::Counter& retrying = attempts("retrying");
  base::Counter& failed = attempts("failed");
  base::Histogram& seconds =
      base::metrics().histogram("crossdock_delivery_duration_seconds", "Duration of delivery attempts");
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

/// As far as its filter can be asked.
bool is_unwanted(const Prepared& subscription, const event::Event& event) {
  if (!subscription.filter || !subscription.broken.empty()) return false;
  EventView view(event);
  return !subscription.filter->matches(view);
}

}  // namespace

DeliveryHandler::DeliveryHandler(Parts parts) : parts_(parts), random_(std::random_device{}()) {
  series();
  register_metrics();
}

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

}  // namespace outbound
