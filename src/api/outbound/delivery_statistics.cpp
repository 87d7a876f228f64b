// /api/v1/webhooks/…/stats and /deliveries/groups: how deliveries went, from what was counted as it happened.
#include <charconv>

#include "api/outbound/delivery_query.hpp"
#include "api/outbound/routes.hpp"
#include "outbound/history/error_group.hpp"
#include "outbound/subscription/statistics.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using outbound::AttemptCounts;

constexpr auto kRangeDefault = std::chrono::hours{1};
constexpr auto kGroupsRangeDefault = std::chrono::hours{24};
constexpr std::int64_t kStepsDefault = 60;
constexpr std::int64_t kStepsMax = 1500;

struct Range {
  base::Time from{};
  base::Time to{};
  std::chrono::seconds step{};
};

Result<base::Time> read_moment(const Call& call, std::string_view name, base::Time fallback) {
  const std::string text = query_value(call, name);
  if (text.empty()) return fallback;
  const auto moment = base::parse_rfc3339(text);
  if (!moment) {
    return fail(Code::invalid, std::string(name) + " is a time such as 2026-11-24T08:00:00Z", "BAD_REQUEST");
  }
  return *moment;
}

/// from, to and step as they are asked for, rounded to what is kept: minutes for two days, then hours.
Result<Range> read_range(const Call& call, base::Time now) {
  for (const auto& [name, value] : http::parse_query(call.request.query)) {
    if (name != "from" && name != "to" && name != "step") {
      return fail(Code::invalid, "there is no parameter '" + name.substr(0, 50) + "' here", "BAD_REQUEST");
    }
  }
  Range range;
  XD_TRY(range.to, read_moment(call, "to", now));
  XD_TRY(range.from, read_moment(call, "from", range.to - kRangeDefault));
  if (range.from >= range.to) return fail(Code::invalid, "from lies before to", "BAD_REQUEST");
  const std::chrono::seconds unit =
      range.from < now - outbound::kMinutesKept ? std::chrono::seconds{3600} : std::chrono::seconds{60};
  range.from = base::Time{range.from.time_since_epoch() / unit * unit};
  const auto span = std::chrono::ceil<std::chrono::seconds>(range.to - range.from);
  const std::string text = query_value(call, "step");
  std::int64_t step = span.count() / kStepsDefault;
  if (!text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
    if (error != std::errc{} || end != text.data() + text.size() || step < 1) {
      return fail(Code::invalid, "step is a number of seconds", "BAD_REQUEST");
    }
  }
  const std::int64_t units =
      std::max<std::int64_t>(1, (std::min(step, span.count()) + unit.count() - 1) / unit.count());
  range.step = unit * units;
  if (span / range.step > kStepsMax) {
    return fail(Code::invalid, "that makes more than 1500 steps; ask for a longer step or a shorter time",
                "BAD_REQUEST");
  }
  return range;
}

void write_counts(format::JsonWriter& json, const AttemptCounts& counts) {
  json.key("attempts").value(counts.attempts()).key("delivered").value(counts.delivered);
  json.key("failed").value(counts.failed).key("retried").value(counts.retried);
  std::int64_t timed = 0;
  for (const std::int64_t count : counts.by_latency) timed += count;
  const auto whole = [](std::optional<double> ms) {
    return ms ? std::optional<std::int64_t>(std::llround(*ms)) : std::nullopt;
  };
  json.key("latency_ms").begin_object().key("avg");
  timed > 0 ? json.value(counts.latency_ms / timed) : json.null();
  json.key("p50").value(whole(counts.latency_below(0.5))).key("p95").value(whole(counts.latency_below(0.95)));
  json.key("p99").value(whole(counts.latency_below(0.99))).end_object();
}

base::Task<http::Response> answer_stats(Call& call, std::optional<outbound::SubscriptionId> subscription) {
  const base::Time now = call.services.clock.now();
  XD_CO_TRY(const Range range, read_range(call, now));
  const outbound::SeriesQuery query{call.tenant_id(), subscription, range.from, range.to, range.step};
  XD_CO_TRY(const auto series, co_await call.services.store.read(
                                   [&](db::Tx& tx) { return outbound::read_series(tx, query, now); }));
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("from").value(range.from).key("to").value(range.to);
  json.key("step_seconds").value(range.step.count()).key("data").begin_array();
  AttemptCounts total;
  for (std::size_t i = 0; i < series.size(); ++i) {
    json.begin_object().key("at").value(range.from + range.step * static_cast<std::int64_t>(i));
    write_counts(json, series[i]);
    json.end_object();
    total.add(series[i]);
  }
  json.end_array().key("total").begin_object();
  write_counts(json, total);
  json.end_object().end_object();
  co_return json_response(200, std::move(body));
}

void write_group(format::JsonWriter& json, const outbound::ErrorGroup& group) {
  json.begin_object().key("error_signature").value(group.signature);
  json.key("error_class").value(group.error_class).key("response_status").value(group.response_status);
  json.key("host").value(group.host).key("error_message").value(group.error_message);
  json.key("deliveries").value(group.deliveries).key("attempts").value(group.attempts);
  json.key("subscriptions").value(group.subscriptions);
  json.key("first_seen_at").value(group.first_seen).key("last_seen_at").value(group.last_seen);
  json.key("sample_delivery_id").value(group.sample).end_object();
}

}  // namespace

base::Task<http::Response> get_webhook_stats(Call& call) {
  co_return co_await answer_stats(call, std::nullopt);
}

base::Task<http::Response> get_subscription_stats(Call& call) {
  XD_CO_TRY(const auto id, id_param<outbound::SubscriptionId>(call, "id"));
  XD_CO_TRY(const auto known, co_await call.services.store.read([&](db::Tx& tx) {
    return outbound::find_subscription(tx, call.services.ring, call.tenant_id(), id);
  }));
  if (!known) co_return fail(Code::not_found, "there is no subscription with this id");
  co_return co_await answer_stats(call, id);
}

base::Task<http::Response> list_delivery_groups(Call& call) {
  XD_CO_TRY(const PageRequest page, read_delivery_page(call));
  XD_CO_TRY(auto query, read_delivery_query(call));
  if (page.before || page.after) co_return fail(Code::invalid, "groups have no pages", "BAD_REQUEST");
  if (!query.statuses.empty() && query.statuses != std::vector<std::string>{"FAILED"}) {
    co_return fail(Code::invalid, "status is FAILED here: only failures have groups", "BAD_REQUEST");
  }
  const base::Time now = call.services.clock.now();
  const base::Time to = query.created.before.value_or(now);
  if (!query.created.from) query.created.from = to - kGroupsRangeDefault;
  XD_CO_TRY(const auto found, co_await call.services.store.read([&](db::Tx& tx) {
    return outbound::find_error_groups(tx, query, now, page.limit);
  }));
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("from").value(*query.created.from).key("to").value(to).key("data").begin_array();
  for (const outbound::ErrorGroup& group : found.groups) write_group(json, group);
  json.end_array();
  if (found.partial) json.key("partial").value(true);
  json.end_object();
  co_return json_response(200, std::move(body));
}

}  // namespace api
