#include "inbound/process/replay.hpp"

#include "format/json.hpp"
#include "inbound/process/processing.hpp"

namespace inbound {

namespace {

using base::Code;
using base::Result;
using operation::Operation;

/// One transaction's worth, in received events and in their bytes (one always fits).
constexpr std::int64_t kPiece = 500;
constexpr std::size_t kPieceBytes = 4 << 20;
constexpr std::size_t kReadAtOnce = 4;

void write_filter(format::JsonWriter& json, const ReplayFilter& filter) {
  json.begin_object();
  if (!filter.statuses.empty()) {
    json.key("status").begin_array();
    for (const ReceivedStatus status : filter.statuses) json.value(name(status));
    json.end_array();
  }
  if (filter.endpoint) json.key("endpoint_id").value(*filter.endpoint);
  const auto text = [&](std::string_view member, const std::string& value) {
    if (!value.empty()) json.key(member).value(value);
  };
  text("source", filter.source);
  text("table_name", filter.table);
  text("event_type", filter.event_type);
  if (filter.since) json.key("since").value(*filter.since);
  if (filter.until) json.key("until").value(*filter.until);
  if (!filter.ids.empty()) {
    json.key("received_ids").begin_array();
    for (const ReceivedId& id : filter.ids) json.value(id);
    json.end_array();
  }
  json.end_object();
}

/// Error: what is not understood must not mean everything.
Result<ReplayFilter> read_filter(const format::Value& value) {
  ReplayFilter filter;
  for (const format::Member& member : value.members()) {
    const std::string_view name = member.key;
    const std::string_view text = member.value.text();
    bool known = true;
    if (name == "status") {
      for (const format::Value& status : member.value.elements()) {
        const auto parsed = base::parse_word<ReceivedStatus>(status.text());
        known = known && parsed;
        if (parsed) filter.statuses.push_back(*parsed);
      }
    } else if (name == "received_ids") {
      for (const format::Value& id : member.value.elements()) {
        const auto parsed = ReceivedId::parse(id.text());
        known = known && parsed;
        if (parsed) filter.ids.push_back(*parsed);
      }
    } else if (name == "endpoint_id") {
      filter.endpoint = EndpointId::parse(text);
      known = filter.endpoint.has_value();
    } else if (name == "source") {
      filter.source = text;
    } else if (name == "table_name") {
      filter.table = text;
    } else if (name == "event_type") {
      filter.event_type = text;
    } else if (name == "since" || name == "until") {
      const auto moment = base::parse_rfc3339(text);
      known = moment.has_value();
      if (known) (name == "since" ? filter.since : filter.until) = *moment;
    } else {
      known = false;
    }
    if (!known)
      return base::fail(Code::corrupt, "the filter's member " + std::string(name) + " cannot be read");
  }
  return filter;
}

}  // namespace

std::string write_order(const ReplayOrder& order) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object().key("filter");
  write_filter(json, order.filter);
  if (order.rate) json.key("rate_per_second").value(*order.rate);
  json.end_object();
  return text;
}

Result<ReplayOrder> read_order(const std::string& text) {
  XD_TRY(const auto document, format::parse_json(text));
  ReplayOrder order;
  if (const auto* filter = document.root().find("filter")) {
    XD_TRY(order.filter, read_filter(*filter));
  }
  if (const auto* rate = document.root().find("rate_per_second")) order.rate = rate->integer();
  return order;
}

/// What one transaction of an operation will do, read before it begins.
struct ReplayHandler::Piece {
  ReplayOrder order{};
  ReplayPage page{};
  std::map<ReceivedId, ReceivedPtr> events{};
};

Result<ReplayHandler::Piece> ReplayHandler::read(db::Tx& tx, const Operation& known) const {
  Piece piece;
  XD_TRY(piece.order, read_order(known.parameters));
  const ReplayScope scope{*known.tenant, piece.order.filter, known.created};
  ReplayPage& page = piece.page;
  XD_TRY(page, find_replayable(tx, scope, operation::read_cursor(known.cursor).after,
                               operation::Pace::most(piece.order.rate, kPiece)));
  const auto load = [&](std::size_t begin, std::size_t end) -> Result<std::size_t> {
    std::vector<std::pair<TenantId, ReceivedId>> wanted;
    for (std::size_t i = begin; i < end; ++i) wanted.emplace_back(*known.tenant, page.found[i].id);
    XD_TRY(auto found, find_received(tx, wanted));
    std::size_t bytes = 0;
    for (const auto& [id, event] : found) bytes += event->bytes();
    piece.events.merge(found);
    return bytes;
  };
  XD_TRY(const std::size_t loaded, operation::load_within(page.found.size(), kPieceBytes, kReadAtOnce, load));
  if (loaded < page.found.size()) {
    page.reached = page.found[loaded - 1].id.uuid;
    page.last = false;
    page.found.resize(loaded);
  }
  return piece;
}

Result<base::Time> ReplayHandler::write(db::Tx& tx, const Operation& before, const Piece& read) const {
  std::set<std::pair<TenantId, EndpointId>> wanted;
  for (const Replayable& one : read.page.found) wanted.emplace(*before.tenant, one.endpoint);
  XD_TRY(const auto held, hold_endpoints(tx, wanted));
  Step step = begin_step(before, read.order.rate);
  for (const Replayable& one : read.page.found) {
    ++step.after.done;
    const auto event = read.events.find(one.id);
    if (!held.contains(one.endpoint)) {
      step.after.fail_one("ENDPOINT_GONE");
    } else if (event == read.events.end()) {
      step.after.fail_one("EVENT_GONE");
    } else {
      step.take(make_replay_task(event->second, one.replay_no + 1, step.after.updated));
    }
  }
  return end_step(tx, before, std::move(step), read.page.reached, read.page.last);
}

base::Task<queue::Verdict> ReplayHandler::perform(const Operation& known) {
  XD_CO_TRY(const Piece piece,
            co_await store_.read([&](db::Tx& tx) { return read(tx, known); }, db::kLongReadTime));
  XD_CO_TRY(const base::Time next,
            co_await store_.write([&](db::Tx& tx) { return write(tx, known, piece); }));
  co_return piece.page.last ? queue::Verdict::done() : queue::Verdict::retry_at(next);
}

}  // namespace inbound
