// Replays of many deliveries at once: /api/v1/webhooks/deliveries/replay, …/subscriptions/:id/replay and
// …/recover.
#include <array>

#include "api/core/input.hpp"
#include "api/core/page.hpp"
#include "api/operation/operation_json.hpp"
#include "api/operation/replay_input.hpp"
#include "api/outbound/deliveries.hpp"
#include "api/outbound/delivery_json.hpp"
#include "api/outbound/delivery_query.hpp"
#include "api/outbound/routes.hpp"
#include "http/egress.hpp"
#include "outbound/history/history.hpp"
#include "outbound/history/query.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using outbound::Delivery;
using outbound::DeliveryId;
using outbound::ReplayCount;
using outbound::ReplayFilter;
using outbound::ReplayOrder;
using outbound::ReplayPage;
using outbound::ReplayScope;
using outbound::SubscriptionId;

constexpr std::string_view kEnded[] = {"DELIVERED", "FAILED", "CANCELLED", "SKIPPED"};
constexpr std::size_t kSample = 5;
constexpr std::size_t kSubscriptionsShown = 100;

void read_ids(Input& input, ReplayFilter& filter) {
  for (const std::string& text : read_texts_or_one(input, "delivery_ids", kReplayIdsMax)) {
    const auto id = DeliveryId::parse(text);
    if (!id) return input.error("delivery_ids", "INVALID", "'" + text.substr(0, 50) + "' is not a UUID");
    filter.ids.push_back(*id);
  }
}

ReplayFilter read_filter(Input& input) {
  ReplayFilter filter;
  read_delivery_filter(input, filter.wanted);
  const auto ended = [](const std::string& status) {
    return std::ranges::find(kEnded, status) != std::end(kEnded);
  };
  if (!std::ranges::all_of(filter.wanted.statuses, ended)) {
    input.error("status", "INVALID",
                "DELIVERED, FAILED, CANCELLED or SKIPPED: only what has ended can be replayed");
  }
  if (filter.wanted.is_test.value_or(false))
    input.error("is_test", "INVALID", "test deliveries cannot be replayed; send another test");
  read_ids(input, filter);
  return filter;
}

struct Request {
  ReplayOrder order{};
  bool dry_run = false;
};

base::Task<Request> read_request(Call& call, std::optional<SubscriptionId> subscription) {
  Request request;
  XD_CO_TRY(request.dry_run, read_dry_run(call));
  ReplayOrder& order = request.order;
  bool narrowed = subscription.has_value();
  if (!call.request.body.empty() || !narrowed) {
    XD_CO_TRY(const auto document, co_await read_json(call));
    Input input(document.root(), "#");
    if (const format::Value* filter = input.any("filter")) {
      Input members(*filter, "#/filter");
      order.filter = read_filter(members);
      if (auto read = members.finish(); !read) input.take_errors(read.error());
      narrowed = narrowed || !filter->members().empty();
    }
    if (!narrowed) {
      input.error("filter", "REQUIRED",
                  "say which deliveries, at least by one member such as {\"status\": \"FAILED\"}");
    }
    order.rate = input.integer("rate_per_second", 1, kReplayRateMax);
    order.url = read_target(call, input, "url");
    order.with_credentials = may_carry_credentials(call, order.url);
    request.dry_run = input.boolean("dry_run").value_or(request.dry_run);
    XD_CO_DO(input.finish());
  }
  auto& wanted = order.filter.wanted;
  if (subscription) wanted.subscription = subscription;
  if (wanted.statuses.empty() && order.filter.ids.empty()) wanted.statuses = {"FAILED"};
  co_return request;
}

std::string plan_json(const ReplayCount& counted, const std::vector<Delivery>& sample) {
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("dry_run").value(true).key("count").value(counted.count);
  json.key("count_is_exact").value(counted.exact).key("subscriptions").begin_array();
  using Row = std::pair<SubscriptionId, std::int64_t>;
  std::vector<Row> rows(counted.by_subscription.begin(), counted.by_subscription.end());
  std::ranges::sort(rows, std::greater{}, [](const Row& row) { return std::pair(row.second, row.first); });
  rows.resize(std::min(rows.size(), kSubscriptionsShown));
  for (const auto& [id, count] : rows) {
    json.begin_object().key("subscription_id").value(id).key("count").value(count).end_object();
  }
  json.end_array().key("sample").begin_array();
  for (const Delivery& delivery : sample) write_delivery(json, delivery);
  json.end_array().end_object();
  return body;
}

/// Finds a page of what is to be replayed.
using Find = std::function<Result<ReplayPage>(db::Tx&, const base::Uuid& after, std::size_t limit)>;

/// What is there of the first ones.
Result<std::vector<Delivery>> read_sample(db::Tx& tx, base::TenantId tenant, const Find& find) {
  std::vector<Delivery> sample;
  XD_TRY(const auto page, find(tx, {}, kSample));
  for (const outbound::Replayable& one : page.found) {
    if (!one.id) continue;
    XD_TRY(auto delivery, outbound::find_finished(tx, tenant, *one.id));
    if (delivery) sample.push_back(std::move(*delivery));
  }
  return sample;
}

/// The plan, where one was asked for, or the operation.
base::Task<http::Response> plan_or_start(Call& call, const Request& request, operation::Operation made,
                                         Find find) {
  made.parameters = outbound::write_order(request.order);
  if (const auto& one = request.order.filter.wanted.subscription) made.target = one->uuid;
  using Plan = std::pair<ReplayCount, std::vector<Delivery>>;
  XD_CO_TRY(const Plan plan, co_await call.services.store.read([&](db::Tx& tx) -> Result<Plan> {
    Plan read;
    const auto find_here = [&](const base::Uuid& after, std::size_t limit) { return find(tx, after, limit); };
    XD_TRY(read.first,
           outbound::count_pages(find_here, kReplayCountedMax, base::steady_now() + kReplayCountingTime));
    if (!request.dry_run) return read;
    XD_TRY(read.second, read_sample(tx, call.tenant_id(), find));
    return read;
  }));
  if (request.dry_run) co_return json_response(200, plan_json(plan.first, plan.second));
  if (plan.first.exact) made.total = plan.first.count;
  co_return co_await change_once(
      call, [&](db::Tx& tx) { return start_operation(call, tx, made, outbound::kReplayTask); });
}

base::Task<http::Response> replay(Call& call, std::optional<SubscriptionId> subscription) {
  XD_CO_TRY(const Request request, co_await read_request(call, subscription));
  const operation::Operation made = make_operation(call, outbound::kReplayOperation);
  const ReplayScope scope{call.tenant_id(), request.order.filter, made.created};
  co_return co_await plan_or_start(call, request, made,
                                   [scope](db::Tx& tx, const base::Uuid& after, std::size_t limit) {
                                     return outbound::find_replayable(tx, scope, after, limit);
                                   });
}

base::Task<Request> read_recovery(Call& call, SubscriptionId subscription) {
  XD_CO_TRY(const auto document, co_await read_json(call));
  Input input(document.root(), "#");
  Request request;
  ReplayOrder& order = request.order;
  order.filter.wanted.subscription = subscription;
  read_created_range(input, order.filter.wanted);
  const auto is_said = [&](std::string_view name) {
    const format::Value* member = input.any(name);
    const auto text = member != nullptr ? outbound::filter_text(*member) : std::string();
    return !text || !text->empty();
  };
  if (std::ranges::none_of(std::array{"since", "created_at[gte]", "created_at[gt]"}, is_said))
    input.error("since", "REQUIRED", "say since when events may have been missed");
  order.rate = input.integer("rate_per_second", 1, kReplayRateMax);
  order.url = read_target(call, input, "url");
  order.with_credentials = may_carry_credentials(call, order.url);
  request.dry_run = input.boolean("dry_run").value_or(false);
  XD_CO_DO(input.finish());
  XD_CO_TRY(const bool asked, read_dry_run(call));
  request.dry_run = request.dry_run || asked;
  co_return request;
}

}  // namespace

base::Task<http::Response> replay_deliveries(Call& call) { return replay(call, std::nullopt); }

base::Task<http::Response> replay_subscription(Call& call) {
  XD_CO_TRY(const auto id, id_param<SubscriptionId>(call, "id"));
  XD_CO_TRY(const auto known, co_await call.services.store.read([&](db::Tx& tx) {
    return outbound::find_subscription(tx, call.services.ring, call.tenant_id(), id);
  }));
  if (!known) co_return fail(Code::not_found, "there is no subscription with this id");
  co_return co_await replay(call, id);
}

base::Task<http::Response> recover_subscription(Call& call) {
  XD_CO_TRY(const auto id, id_param<SubscriptionId>(call, "id"));
  const outbound::PreparedPtr subscription = call.services.outbound.book().find(id);
  if (!subscription || subscription->config->tenant != call.tenant_id()) {
    co_return fail(Code::not_found, "there is no subscription with this id");
  }
  if (!subscription->broken.empty()) {
    co_return fail(Code::conflict, "this subscription cannot be used, so it is not known what it missed: " +
                                       subscription->broken);
  }
  XD_CO_TRY(const Request request, co_await read_recovery(call, id));
  const operation::Operation made = make_operation(call, outbound::kRecoveryOperation);
  const ReplayScope scope{call.tenant_id(), request.order.filter, made.created};
  co_return co_await plan_or_start(
      call, request, made, [scope, subscription](db::Tx& tx, const base::Uuid& after, std::size_t limit) {
        return outbound::find_missed(tx, scope, *subscription, after, limit);
      });
}

}  // namespace api
