#include "outbound/replay.hpp"

#include "base/log.hpp"
#include "event/event_store.hpp"
#include "format/json.hpp"
#include "outbound/fanout.hpp"

namespace outbound {

namespace {

using base::Code;
using base::Result;
using operation::Operation;
using operation::OperationId;

/// One transaction's worth, in deliveries and in bytes of events (one event always fits).
constexpr std::size_t kPiece = 500;
constexpr std::size_t kPieceBytes = 4 << 20;
constexpr std::size_t kEventsAtOnce = 20;
constexpr auto kStoreRetry = std::chrono::seconds{1};
/// With a rate, so much work is put into the lanes ahead of its time: what was not put there yet can be
/// cancelled.
constexpr auto kAhead = std::chrono::seconds{1};
constexpr std::int64_t kPieceSeconds = 2;

/// How far an operation has come: the last delivery done, and with a rate when the next one may begin.
struct Cursor {
  base::Uuid after{};
  base::Time next{};
};

std::string write_cursor(const Cursor& cursor) {
  return cursor.after.str() + " " + std::to_string(base::to_micros(cursor.next));
}

Cursor read_cursor(std::string_view text) {
  Cursor cursor;
  const std::size_t blank = std::min(text.find(' '), text.size());
  cursor.after = base::Uuid::parse(text.substr(0, blank)).value_or(base::Uuid{});
  if (blank < text.size()) {
    cursor.next = base::from_micros(std::strtoll(std::string(text.substr(blank)).c_str(), nullptr, 10));
  }
  return cursor;
}

void write_filter(format::JsonWriter& json, const ReplayFilter& filter) {
  json.begin_object();
  if (!filter.statuses.empty()) {
    json.key("status").begin_array();
    for (const std::string& status : filter.statuses) json.value(status);
    json.end_array();
  }
  const auto text = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) json.key(name).value(value);
  };
  text("status_code", filter.status_code);
  text("error_class", filter.error_class);
  text("error_signature", filter.error_signature);
  text("event_type", filter.event_type);
  if (filter.since) json.key("since").value(*filter.since);
  if (filter.until) json.key("until").value(*filter.until);
  if (filter.subscription) json.key("subscription_id").value(*filter.subscription);
  if (!filter.ids.empty()) {
    json.key("delivery_ids").begin_array();
    for (const DeliveryId& id : filter.ids) json.value(id);
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
    for (const format::Value& status : statuses->elements()) filter.statuses.emplace_back(status.text());
  }
  filter.status_code = text("status_code");
  filter.error_class = text("error_class");
  filter.error_signature = text("error_signature");
  filter.event_type = text("event_type");
  filter.since = time("since");
  filter.until = time("until");
  filter.subscription = SubscriptionId::parse(text("subscription_id"));
  if (const auto* ids = value.find("delivery_ids")) {
    for (const format::Value& id : ids->elements()) {
      if (const auto parsed = DeliveryId::parse(id.text())) filter.ids.push_back(*parsed);
    }
  }
  return filter;
}

}  // namespace

std::optional<std::pair<int, int>> parse_status_codes(std::string_view text) {
  if (text.size() != 3 || text[0] < '1' || text[0] > '5') return std::nullopt;
  const int hundreds = (text[0] - '0') * 100;
  if (text.substr(1) == "XX") return std::pair(hundreds, hundreds + 99);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!digit(text[1]) || !digit(text[2])) return std::nullopt;
  const int code = hundreds + (text[1] - '0') * 10 + (text[2] - '0');
  return std::pair(code, code);
}

std::string write_order(const ReplayOrder& order) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object().key("filter");
  write_filter(json, order.filter);
  if (order.rate) json.key("rate_per_second").value(*order.rate);
  if (!order.url.empty()) json.key("url").value(order.url);
  json.end_object();
  return text;
}

Result<ReplayOrder> read_order(const std::string& text) {
  XD_TRY(const auto document, format::parse_json(text));
  ReplayOrder order;
  if (const auto* filter = document.root().find("filter")) order.filter = read_filter(*filter);
  if (const auto* rate = document.root().find("rate_per_second")) order.rate = rate->integer();
  if (const auto* url = document.root().find("url")) order.url = std::string(url->text());
  return order;
}

/// What one transaction of an operation will do, read before it begins.
struct ReplayHandler::Piece {
  std::optional<Operation> operation{};
  ReplayOrder order{};
  std::vector<Replayable> replayable{};
  std::unordered_map<event::EventId, event::EventPtr> events{};
  bool last = false;  ///< there is nothing behind it
};

Result<ReplayHandler::Piece> ReplayHandler::read(db::Tx& tx, OperationId id) const {
  Piece piece;
  XD_TRY(piece.operation, operation::find_operation(tx, id));
  if (!piece.operation || piece.operation->ended() || !piece.operation->tenant) return piece;
  const Operation& known = *piece.operation;
  XD_TRY(piece.order, read_order(known.parameters));
  const std::size_t most =
      piece.order.rate
          ? static_cast<std::size_t>(std::min<std::int64_t>(*piece.order.rate * kPieceSeconds, kPiece))
          : kPiece;
  const ReplayScope scope{*known.tenant, piece.order.filter, known.created};
  XD_TRY(piece.replayable, find_replayable(tx, scope, read_cursor(known.cursor).after, most));
  piece.last = piece.replayable.size() < most;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < piece.replayable.size(); i += kEventsAtOnce) {
    if (bytes >= kPieceBytes) {
      piece.replayable.resize(i);
      piece.last = false;
      break;
    }
    std::vector<std::pair<TenantId, event::EventId>> wanted;
    for (std::size_t k = i; k < std::min(i + kEventsAtOnce, piece.replayable.size()); ++k) {
      if (!piece.events.contains(piece.replayable[k].event)) {
        wanted.emplace_back(*known.tenant, piece.replayable[k].event);
      }
    }
    XD_TRY(auto events, event::find_events(tx, wanted));
    for (const auto& [event, found] : events) bytes += found->bytes();
    piece.events.merge(events);
  }
  return piece;
}

/// Returns when the next piece is due. Error: conflict, when somebody else has done this one or cancelled it.
Result<base::Time> ReplayHandler::write(db::Tx& tx, const Piece& piece) const {
  const Operation& before = *piece.operation;
  const base::Time now = clock_.now();
  Operation after = before;
  after.status = operation::Status::running;
  after.started = before.started.value_or(now);
  after.updated = now;
  std::set<SubscriptionId> wanted;
  for (const Replayable& one : piece.replayable) wanted.insert(one.subscription);
  XD_TRY(const auto held, hold_subscriptions(tx, *before.tenant, wanted));
  Cursor cursor = read_cursor(before.cursor);
  base::Time due = std::max(cursor.next, now);
  const std::chrono::microseconds step{piece.order.rate ? 1'000'000 / *piece.order.rate : 0};
  std::vector<queue::Task> tasks;
  for (const Replayable& one : piece.replayable) {
    cursor.after = one.id.uuid;
    ++after.done;
    const auto event = piece.events.find(one.event);
    if (!held.contains(one.subscription)) {
      after.fail_one("SUBSCRIPTION_GONE");
    } else if (event == piece.events.end()) {
      after.fail_one("EVENT_GONE");
    } else {
      const DeliveryArgs args{one.replay_no + 1, one.id, piece.order.url, before.id.uuid};
      queue::Task task = make_delivery_task(queue::LaneId{one.subscription.uuid}, event->second, now, &args);
      task.due = due;
      task.timed = due > now;
      tasks.push_back(std::move(task));
      due += step;
    }
  }
  cursor.next = due;
  after.cursor = write_cursor(cursor);
  if (piece.last) {
    after.status = operation::Status::completed;
    after.finished = now;
    after.total = after.done;
  }
  XD_TRY(const bool ours, operation::advance(tx, queue_, before, after));
  if (!ours) return base::fail(Code::conflict, "operation " + before.id.str() + " was changed meanwhile");
  XD_DO(queue_.enqueue(tx, std::move(tasks)));
  return std::max(now, due - kAhead);
}

asio::awaitable<queue::Outcome> ReplayHandler::run(const queue::Task& task) {
  const OperationId id{task.ref};
  auto report = std::make_shared<const bool>(true);
  const auto outcome = [&report](queue::Verdict verdict) {
    return queue::Outcome{verdict, queue::Signal::neutral, report};
  };
  auto piece = co_await store_.read([this, id](db::Tx& tx) { return read(tx, id); });
  base::Result<base::Time> next = clock_.now();
  if (!piece) {
    next = std::unexpected(std::move(piece).error());
  } else if (!piece->operation || piece->operation->ended() || !piece->operation->tenant) {
    co_return outcome(queue::Verdict::done());
  } else {
    next = co_await store_.write([this, &piece](db::Tx& tx) { return write(tx, *piece); });
  }
  if (!next && (next.error().code == Code::invalid || next.error().code == Code::corrupt)) {
    if (auto failed = co_await fail(id, next.error().message)) co_return outcome(queue::Verdict::done());
  }
  if (!next) co_return outcome(queue::Verdict::retry_at(clock_.now() + kStoreRetry));
  if (piece->last) co_return outcome(queue::Verdict::done());
  co_return outcome(queue::Verdict::retry_at(*next));
}

base::Task<void> ReplayHandler::fail(OperationId id, std::string message) {
  base::log(base::LogLevel::error, "operation failed", {{"operation_id", id}, {"error", message}});
  co_return co_await store_.write([this, id, message = std::move(message)](db::Tx& tx) {
    return operation::fail(tx, queue_, id, message, clock_.now());
  });
}

Result<void> ReplayHandler::record(db::Tx& tx, std::span<const queue::Finished> finished) const {
  for (const queue::Finished& one : finished) {
    // Without a report it was not run: the process ended so often in the midst of it that it is given up.
    const bool given_up = one.outcome->verdict.kind == queue::Verdict::Kind::done && !one.outcome->report;
    if (!given_up || one.stale) continue;
    XD_DO(operation::fail(tx, queue_, OperationId{one.task->ref},
                          "Crossdock was stopped too often in the midst of this; ask for it again",
                          clock_.now()));
  }
  return {};
}

}  // namespace outbound
