#include "outbound/replay/replay.hpp"

#include "event/event_store.hpp"
#include "format/json.hpp"
#include "outbound/fanout/fanout.hpp"
#include "outbound/history/query.hpp"
#include "queue/queue_store.hpp"

namespace outbound {

namespace {

using base::Code;
using base::Result;
using operation::Operation;

/// One transaction's worth, in deliveries and in bytes of events (one event always fits).
constexpr std::int64_t kPiece = 500;
constexpr std::size_t kPieceBytes = 4 << 20;
constexpr std::size_t kEventsAtOnce = 20;

void write_filter(format::JsonWriter& json, const ReplayFilter& filter) {
  json.begin_object();
  for (const auto& [name, text] : filter_members_of(filter.wanted)) json.key(name).value(text);
  if (!filter.ids.empty()) {
    json.key("delivery_ids").begin_array();
    for (const DeliveryId& id : filter.ids) json.value(id);
    json.end_array();
  }
  json.end_object();
}

/// Error: what is not understood must not mean everything.
Result<ReplayFilter> read_filter(const format::Value& value) {
  ReplayFilter filter;
  for (const format::Member& member : value.members()) {
    if (member.key == "delivery_ids") {
      for (const format::Value& id : member.value.elements()) {
        const auto parsed = DeliveryId::parse(id.text());
        if (!parsed) return base::fail(Code::corrupt, "the filter's member delivery_ids cannot be read");
        filter.ids.push_back(*parsed);
      }
      continue;
    }
    const auto text = filter_text(member.value);
    XD_TRY(const bool known, read_filter_member(member.key, text.value_or(""), filter.wanted));
    if (!known || !text)
      return base::fail(Code::corrupt, "the filter's member " + std::string(member.key) + " cannot be read");
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
  if (!order.url.empty()) json.key("url").value(order.url);
  if (order.with_credentials) json.key("with_credentials").value(true);
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
  if (const auto* url = document.root().find("url")) order.url = std::string(url->text());
  if (const auto* allowed = document.root().find("with_credentials"))
    order.with_credentials = allowed->boolean();
  return order;
}

/// What one transaction of an operation will do, read before it begins.
struct ReplayHandler::Piece {
  ReplayOrder order{};
  ReplayPage page{};
  std::unordered_map<event::EventId, event::EventPtr> events{};
};

namespace {

/// The events of a page, which is cut where they are too many bytes for one piece.
Result<std::unordered_map<event::EventId, event::EventPtr>> events_of(db::Tx& tx, TenantId tenant,
                                                                      ReplayPage& page) {
  std::unordered_map<event::EventId, event::EventPtr> events;
  const auto load = [&](std::size_t begin, std::size_t end) -> Result<std::size_t> {
    std::vector<std::pair<TenantId, event::EventId>> wanted;
    for (std::size_t i = begin; i < end; ++i) {
      if (!events.contains(page.found[i].event)) wanted.emplace_back(tenant, page.found[i].event);
    }
    XD_TRY(auto found, event::find_events(tx, wanted));
    std::size_t bytes = 0;
    for (const auto& [id, event] : found) bytes += event->bytes();
    events.merge(found);
    return bytes;
  };
  XD_TRY(const std::size_t loaded,
         operation::load_within(page.found.size(), kPieceBytes, kEventsAtOnce, load));
  if (loaded < page.found.size()) {
    page.reached = page.found[loaded - 1].place;
    page.last = false;
    page.found.resize(loaded);
  }
  return events;
}

}  // namespace

Result<ReplayHandler::Piece> ReplayHandler::read(db::Tx& tx, const Operation& known,
                                                 const Prepared* subscription) const {
  Piece piece;
  XD_TRY(piece.order, read_order(known.parameters));
  const ReplayScope scope{*known.tenant, piece.order.filter, known.created};
  const base::Uuid after = operation::read_cursor(known.cursor).after;
  const std::size_t limit = operation::Pace::most(piece.order.rate, kPiece);
  if (subscription != nullptr) {
    XD_TRY(piece.page, find_missed(tx, scope, *subscription, after, limit));
  } else {
    XD_TRY(piece.page, find_replayable(tx, scope, after, limit));
  }
  XD_TRY(piece.events, events_of(tx, *known.tenant, piece.page));
  return piece;
}

Result<base::Time> ReplayHandler::write(db::Tx& tx, const Operation& before, const Piece& read) const {
  std::set<SubscriptionId> wanted;
  for (const Replayable& one : read.page.found) wanted.insert(one.subscription);
  if (!read.order.url.empty()) {
    // Before the subscriptions, as by whoever changes them.
    for (const SubscriptionId& id : wanted)
      XD_DO(queue::lock_lane(tx, *before.tenant, queue::LaneId{id.uuid}));
  }
  XD_TRY(const auto held, hold_subscriptions(tx, *before.tenant, wanted));
  for (const auto& [id, one] : held) {
    if (!detour_url(read.order.url, one.url).empty()) XD_DO(ensure_detour_lane(tx, *before.tenant, id));
  }
  Step step = begin_step(before, read.order.rate);
  for (const Replayable& one : read.page.found) {
    ++step.after.done;
    const auto event = read.events.find(one.event);
    const auto subscription = held.find(one.subscription);
    if (subscription == held.end()) {
      step.after.fail_one("SUBSCRIPTION_GONE");
    } else if (event == read.events.end()) {
      step.after.fail_one("EVENT_GONE");
    } else {
      const DeliveryArgs args{one.replay_no + 1, one.id, detour_url(read.order.url, subscription->second.url),
                              before.id.uuid, read.order.with_credentials};
      step.take(make_delivery_task(one.subscription, subscription->second.ordering, event->second,
                                   step.after.updated, &args));
    }
  }
  return end_step(tx, before, std::move(step), read.page.reached, read.page.last);
}

base::Task<queue::Verdict> ReplayHandler::perform(const Operation& known) {
  PreparedPtr subscription;
  if (known.kind == kRecoveryOperation) {
    subscription = book_.find(SubscriptionId{known.target.value_or(base::Uuid{})});
    if (!subscription || subscription->config->tenant != *known.tenant) {
      co_return base::fail(Code::not_found, "the subscription no longer exists");
    }
    // What it missed is known when its filter can be asked.
    if (!subscription->broken.empty()) co_return base::fail(Code::unavailable, subscription->broken);
  }
  XD_CO_TRY(const Piece piece,
            co_await store_.read([&](db::Tx& tx) { return read(tx, known, subscription.get()); },
                                 db::kLongReadTime));
  XD_CO_TRY(const base::Time next,
            co_await store_.write([&](db::Tx& tx) { return write(tx, known, piece); }));
  co_return piece.page.last ? queue::Verdict::done() : queue::Verdict::retry_at(next);
}

}  // namespace outbound
