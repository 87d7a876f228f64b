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

ReplayFilter read_filter(const format::Value& value) {
  ReplayFilter filter;
  const auto text = [&](std::string_view name) {
    const format::Value* member = value.find(name);
    return member != nullptr ? std::string(member->text()) : std::string();
  };
  const auto time = [&](std::string_view name) {
    const auto moment = base::parse_rfc3339(text(name));
    return moment ? std::optional(*moment) : std::nullopt;
  };
  if (const auto* statuses = value.find("status")) {
    for (const format::Value& status : statuses->elements()) {
      if (const auto parsed = base::parse_word<ReceivedStatus>(status.text()))
        filter.statuses.push_back(*parsed);
    }
  }
  filter.endpoint = EndpointId::parse(text("endpoint_id"));
  filter.source = text("source");
  filter.table = text("table_name");
  filter.event_type = text("event_type");
  filter.since = time("since");
  filter.until = time("until");
  if (const auto* ids = value.find("received_ids")) {
    for (const format::Value& id : ids->elements()) {
      if (const auto parsed = ReceivedId::parse(id.text())) filter.ids.push_back(*parsed);
    }
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
  if (const auto* filter = document.root().find("filter")) order.filter = read_filter(*filter);
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
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < page.found.size(); i += kReadAtOnce) {
    if (bytes >= kPieceBytes) {
      page.reached = page.found[i - 1].id.uuid;
      page.last = false;
      page.found.resize(i);
      break;
    }
    std::vector<std::pair<TenantId, ReceivedId>> wanted;
    for (std::size_t k = i; k < std::min(i + kReadAtOnce, page.found.size()); ++k) {
      wanted.emplace_back(*known.tenant, page.found[k].id);
    }
    XD_TRY(auto found, find_received(tx, wanted));
    for (const auto& [id, event] : found) bytes += event->bytes();
    piece.events.merge(found);
  }
  return piece;
}

/// Returns when the next piece is due. Error: conflict, when somebody else has done this one or cancelled it.
Result<base::Time> ReplayHandler::write(db::Tx& tx, const Operation& before, const Piece& piece) const {
  const base::Time now = clock_.now();
  Operation after = before;
  after.status = operation::Status::running;
  after.started = before.started.value_or(now);
  after.updated = now;
  std::set<std::pair<TenantId, EndpointId>> wanted;
  for (const Replayable& one : piece.page.found) wanted.emplace(*before.tenant, one.endpoint);
  XD_TRY(const auto held, hold_endpoints(tx, wanted));
  operation::Pace pace(piece.order.rate, operation::read_cursor(before.cursor).next, now);
  std::vector<queue::Task> tasks;
  for (const Replayable& one : piece.page.found) {
    ++after.done;
    const auto event = piece.events.find(one.id);
    if (!held.contains(one.endpoint)) {
      after.fail_one("ENDPOINT_GONE");
    } else if (event == piece.events.end()) {
      after.fail_one("EVENT_GONE");
    } else {
      pace.take(tasks.emplace_back(make_replay_task(event->second, one.replay_no + 1, now)));
    }
  }
  after.cursor = operation::write_cursor({piece.page.reached, pace.next()});
  if (piece.page.last) {
    after.status = operation::Status::completed;
    after.finished = now;
    after.total = after.done;
  }
  XD_TRY(const bool ours, operation::advance(tx, queue_, before, after));
  if (!ours) return base::fail(Code::conflict, "operation " + before.id.str() + " was changed meanwhile");
  XD_DO(queue_.enqueue(tx, std::move(tasks)));
  return pace.next_piece();
}

base::Task<queue::Verdict> ReplayHandler::perform(const Operation& known) {
  XD_CO_TRY(const Piece piece,
            co_await store_.read([&](db::Tx& tx) { return read(tx, known); }, db::kLongReadTime));
  XD_CO_TRY(const base::Time next,
            co_await store_.write([&](db::Tx& tx) { return write(tx, known, piece); }));
  co_return piece.page.last ? queue::Verdict::done() : queue::Verdict::retry_at(next);
}

}  // namespace inbound
