// A listener: a durable consumer of a tenant's events, such as `crossdock listen`, whose place is kept for
// it.
#pragma once

#include "event/feed.hpp"
#include "outbound/delivery/delivery.hpp"

namespace outbound {

using ListenerId = base::Id<struct ListenerTag>;

struct Listener {
  ListenerId id{};
  TenantId tenant{};
  std::string name{};  ///< [A-Za-z0-9._-]{1,64}, one of its tenant's
  std::vector<std::string> event_types{};
  event::FeedPosition position{};  ///< everything up to here was acknowledged
  std::optional<base::Uuid> session{};
  std::int64_t acked = 0;
  std::optional<base::Time> last_ack{};
  base::Time last_seen{};
  base::Time created{};
  base::Time updated{};
  /// Why it cannot be followed: what of its row cannot be read. Empty for all others.
  std::string broken{};
};

/// Error: invalid.
base::Result<void> check_listener_name(std::string_view name);

/// Its members, and the table listeners.
const resource::Table<Listener>& listeners();
base::Result<void> insert_listener(db::Tx& tx, const Listener& listener);
base::Result<std::optional<Listener>> find_listener(db::Tx& tx, TenantId tenant, std::string_view name);
base::Result<std::vector<Listener>> list_listeners(db::Tx& tx, TenantId tenant, const db::Page& page);
base::Result<std::int64_t> count_listeners(db::Tx& tx, TenantId tenant);
base::Result<void> set_listener_types(db::Tx& tx, const Listener& listener, base::Time now);
base::Result<void> delete_listener(db::Tx& tx, const Listener& listener);
/// Makes this session the one that follows.
base::Result<void> take_listener(db::Tx& tx, const Listener& listener, const base::Uuid& session,
                                 base::Time now);

/// Says that a session is there, and tells whether it still is the one that follows.
enum class Standing : std::uint8_t { follows, superseded, deleted };
base::Result<Standing> touch_listener(db::Tx& tx, const Listener& listener, const base::Uuid& session,
                                      base::Time now);

/// What the listener's receiver answered.
struct ListenerAnswer {
  event::EventId event{};
  std::string url{};
  std::optional<std::int64_t> status{};
  std::int64_t time_ms = 0;
  std::string error{};
};
/// Moves the listener behind a position, and records the answer as a delivery that went out by the command
/// line. False, and nothing is written, where it stands there or further already: it was acknowledged before.
base::Result<bool> acknowledge(db::Tx& tx, const Listener& listener, event::FeedPosition position,
                               const std::optional<ListenerAnswer>& answer, base::Time now);

/// A listener that nobody has used for so long is removed.
inline constexpr auto kListenerPeriod = std::chrono::hours{7 * 24};
/// Removes them, at most `most`; returns how many.
base::Result<std::int64_t> forget_listeners(db::Tx& tx, base::Time now, std::size_t most);

}  // namespace outbound
