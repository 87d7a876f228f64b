// POST /api/v1/webhooks/received/replay: received events, many at once, processed again.
#include "api/inbound/received_json.hpp"
#include "api/inbound/routes.hpp"
#include "api/operation/operation_json.hpp"
#include "api/operation/replay_input.hpp"
#include "inbound/process/replay.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using inbound::ReceivedId;
using inbound::ReceivedStatus;
using inbound::ReplayCount;
using inbound::ReplayFilter;
using inbound::ReplayOrder;

constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kEndpointsShown = 100;

void read_statuses(Input& input, ReplayFilter& filter) {
  for (const std::string& text : read_texts_or_one(input, "status", 4)) {
    const auto status = base::parse_word<inbound::ReceivedStatus>(text);
    if (!status || *status == ReceivedStatus::pending) {
      return input.error("status", "INVALID",
                         "PROCESSED, FAILED, IGNORED or CONFLICT: what is PENDING will be processed anyway");
    }
    filter.statuses.push_back(*status);
  }
}

ReplayFilter read_filter(Input& input) {
  ReplayFilter filter;
  read_statuses(input, filter);
  filter.source = input.text("source", kNameBytesMax).value_or("");
  filter.table = input.text("table_name", kNameBytesMax).value_or("");
  filter.event_type = input.text("event_type", kNameBytesMax).value_or("");
  base::TimeRange received{read_stored_time(input, "since"), read_stored_time(input, "until")};
  for (const auto& [name, bound] : kReceivedBounds) {
    if (const auto moment = input.time(name)) received.narrow(bound, *moment);
  }
  filter.since = received.from;
  filter.until = received.before;
  if (const auto id = input.text("endpoint_id", 36)) {
    filter.endpoint = inbound::EndpointId::parse(*id);
    if (!filter.endpoint) input.error("endpoint_id", "INVALID", "this is not a UUID");
  }
  for (const std::string& text : read_texts_or_one(input, "received_ids", kReplayIdsMax)) {
    const auto id = ReceivedId::parse(text);
    if (!id) {
      input.error("received_ids", "INVALID", "'" + text.substr(0, 50) + "' is not a UUID");
      break;
    }
    filter.ids.push_back(*id);
  }
  return filter;
}

struct Request {
  ReplayOrder order{};
  bool dry_run = false;
};

base::Task<Request> read_request(Call& call) {
  Request request;
  XD_CO_TRY(const bool asked, read_dry_run(call));
  XD_CO_TRY(const auto document, co_await read_json(call));
  Input input(document.root(), "#");
  const format::Value* filter = input.any("filter");
  if (filter != nullptr) {
    Input members(*filter, "#/filter");
    request.order.filter = read_filter(members);
    if (auto read = members.finish(); !read) input.take_errors(read.error());
  }
  if (filter == nullptr || !filter->is_object() || filter->members().empty()) {
    input.error("filter", "REQUIRED",
                "say which received events, at least by one member such as {\"status\": \"FAILED\"}");
  }
  request.order.rate = input.integer("rate_per_second", 1, kReplayRateMax);
  request.dry_run = input.boolean("dry_run").value_or(asked);
  XD_CO_DO(input.finish());
  auto& wanted = request.order.filter;
  if (wanted.statuses.empty() && wanted.ids.empty()) wanted.statuses = {ReceivedStatus::failed};
  co_return request;
}

std::string plan_json(const ReplayCount& counted, const std::vector<inbound::ReceivedRow>& sample) {
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("dry_run").value(true).key("count").value(counted.count);
  json.key("count_is_exact").value(counted.exact).key("endpoints").begin_array();
  using Row = std::pair<inbound::EndpointId, std::int64_t>;
  std::vector<Row> rows(counted.by_endpoint.begin(), counted.by_endpoint.end());
  std::ranges::sort(rows, std::greater{}, [](const Row& row) { return std::pair(row.second, row.first); });
  rows.resize(std::min(rows.size(), kEndpointsShown));
  for (const auto& [id, count] : rows) {
    json.begin_object().key("endpoint_id").value(id).key("count").value(count).end_object();
  }
  json.end_array().key("sample").begin_array();
  for (const inbound::ReceivedRow& row : sample) write_received(json, row);
  json.end_array().end_object();
  return body;
}

}  // namespace

base::Task<http::Response> replay_many_received(Call& call) {
  XD_CO_TRY(const Request request, co_await read_request(call));
  operation::Operation made = make_operation(call, inbound::kReplayOperation);
  made.parameters = inbound::write_order(request.order);
  if (request.order.filter.endpoint) made.target = request.order.filter.endpoint->uuid;
  struct Plan {
    ReplayCount counted{};
    std::vector<inbound::ReceivedRow> sample{};
  };
  XD_CO_TRY(const Plan plan, co_await call.services.store.read([&](db::Tx& tx) -> Result<Plan> {
    Plan read;
    const inbound::ReplayScope scope{call.tenant_id(), request.order.filter, made.created};
    XD_TRY(read.counted,
           inbound::count_replayable(tx, scope, kReplayCountedMax, base::steady_now() + kReplayCountingTime));
    if (!request.dry_run) return read;
    for (const ReceivedId& id : read.counted.first) {
      XD_TRY(auto row, inbound::find_received(tx, call.tenant_id(), id));
      if (row) read.sample.push_back(std::move(*row));
    }
    return read;
  }));
  if (request.dry_run) co_return json_response(200, plan_json(plan.counted, plan.sample));
  if (plan.counted.exact) made.total = plan.counted.count;
  co_return co_await change_once(
      call, [&](db::Tx& tx) { return start_operation(call, tx, made, inbound::kReplayTask); });
}

}  // namespace api
