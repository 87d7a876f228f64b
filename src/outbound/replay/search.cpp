#include <ranges>

#include "outbound/history/history.hpp"
#include "outbound/history/query.hpp"
#include "outbound/replay/replay.hpp"

namespace outbound {

namespace {

using base::Result;

/// A page is looked for no longer than this; then what lies behind it is another page's.
constexpr auto kPageTime = std::chrono::seconds{1};
/// As many are counted however long it takes, if they are found in one page.
constexpr std::size_t kCountPage = 10'001;

Replayable replayable(const Delivery& one) {
  return {one.id.uuid, one.id, one.subscription, one.event, one.replay_no};
}

/// Those that are named, one by one.
Result<ReplayPage> find_named(db::Tx& tx, const ReplayScope& scope, const base::Uuid& after,
                              std::size_t limit) {
  std::set<DeliveryId> ids(scope.filter.ids.begin(), scope.filter.ids.end());
  ids.erase(ids.begin(), ids.upper_bound(DeliveryId{after}));
  ReplayPage page{.reached = after};
  for (const DeliveryId& id : ids) {
    if (page.found.size() == limit) return page;
    page.reached = id.uuid;
    XD_TRY(const auto one, find_finished(tx, scope.tenant, id));
    const bool counts =
        one && !one->is_test && one->completed <= scope.begun && means(scope.filter.wanted, *one);
    if (counts) page.found.push_back(replayable(*one));
  }
  page.last = true;
  return page;
}

DeliveryQuery query_of(const ReplayScope& scope) {
  DeliveryQuery query = scope.filter.wanted;
  query.tenant = scope.tenant;
  query.is_test = false;
  query.page = {.before = first_id(scope.begun + std::chrono::milliseconds{1})};
  return query;
}

}  // namespace

base::Uuid first_id(base::Time at) {
  const auto millis = static_cast<std::uint64_t>(std::max<std::int64_t>(0, base::to_micros(at) / 1000));
  base::Uuid id;
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
  return id;
}

Result<ReplayPage> find_replayable(db::Tx& tx, const ReplayScope& scope, const base::Uuid& after,
                                   std::size_t limit) {
  if (!scope.filter.ids.empty()) return find_named(tx, scope, after, limit);
  DeliveryQuery query = query_of(scope);
  query.page.after = after;
  query.page.limit = limit;
  XD_TRY(const FoundDeliveries found, search_finished(tx, query, {.until = base::steady_now() + kPageTime}));
  ReplayPage page{.reached = after};
  for (const Delivery& one : std::views::reverse(found.deliveries)) {
    page.reached = one.id.uuid;
    if (one.completed <= scope.begun) page.found.push_back(replayable(one));
  }
  if (found.reached) page.reached = std::max(page.reached, *found.reached);
  page.last = found.deliveries.size() < limit && !found.reached;
  return page;
}

Result<ReplayCount> count_pages(const FindPage& find, std::int64_t most, base::Deadline until) {
  ReplayCount counted;
  for (base::Uuid after{};;) {
    XD_TRY(const ReplayPage page, find(after, kCountPage));
    for (const Replayable& one : page.found) ++counted.by_subscription[one.subscription];
    counted.count += static_cast<std::int64_t>(page.found.size());
    after = page.reached;
    if (page.last) return counted;
    if (counted.count >= most || base::steady_now() >= until) break;
  }
  counted.exact = false;
  return counted;
}

}  // namespace outbound
