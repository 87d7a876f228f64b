// The feed: everything that was published or finished, in the order in which others could first see it.
#pragma once

#include <array>
#include <compare>
#include <span>
#include <vector>

#include "db/db.hpp"

namespace event {

/// Where a reader stands: behind an entry. Ordered as the feed is; the default is before everything.
struct FeedPosition {
  std::int64_t commit = 0;
  std::int64_t seq = 0;
  std::int64_t index = 0;  ///< entries of the row that lie before it

  auto operator<=>(const FeedPosition&) const = default;
  /// "17-0-3": the id of a message, and what is sent back to go on from there.
  std::string str() const;
  static std::optional<FeedPosition> parse(std::string_view text);
};

/// What an entry is about: an event that was published, or a delivery that has ended.
enum class FeedKind : std::uint8_t { event, delivery };

struct FeedItem {
  base::TenantId tenant{};
  base::Uuid id{};
};
/// Adds a row with these, in the transaction that makes them; nothing for none. Sixteen bytes for each, and
/// no index.
base::Result<void> add_to_feed(db::Tx& tx, FeedKind kind, std::span<const FeedItem> items, base::Time at);

struct FeedEntry {
  FeedPosition position{};  ///< behind it
  FeedKind kind = FeedKind::event;
  base::Uuid id{};
};
struct FeedPage {
  std::vector<FeedEntry> entries{};
  FeedPosition end{};  ///< up to here everything was looked at
  bool more = false;   ///< there may be more behind `end` already
  bool lost = false;   ///< what stood at the position asked for was removed: something may be missing
};
/// What the tenant has behind a position: at most kFeedEntriesPerRead entries of kFeedRowsPerRead rows. All
/// that a later read gives comes behind all that an earlier one gave, and nothing is left out, whatever
/// commits meanwhile.
base::Result<FeedPage> read_feed(db::Tx& tx, base::TenantId tenant, FeedPosition from);

/// Whose entries lie behind a position, each tenant once.
struct FeedGlance {
  std::vector<base::TenantId> tenants{};
  FeedPosition end{};
  bool more = false;
};
base::Result<FeedGlance> glance_at_feed(db::Tx& tx, FeedPosition from);

/// Behind all that settled: nothing can come before it any more.
base::Result<FeedPosition> feed_end(db::Tx& tx);
/// Behind all that is committed. What is added by a transaction that begins later comes behind it; what
/// others are adding just now may come before, and be left out by who reads from here.
base::Result<FeedPosition> feed_now(db::Tx& tx);
/// Before the oldest that is kept.
base::Result<FeedPosition> feed_start(db::Tx& tx);
/// Before the first that is of this time or later.
base::Result<FeedPosition> feed_position_at(db::Tx& tx, base::Time time);

/// How long what is in the feed can be read from there; the events themselves may be kept for longer.
inline constexpr auto kFeedPeriod = std::chrono::hours{7 * 24};
/// Removes rows older than the period, at most `most`, never the newest of them; returns how many.
base::Result<std::int64_t> trim_feed(db::Tx& tx, base::Time now, std::size_t most);

}  // namespace event
