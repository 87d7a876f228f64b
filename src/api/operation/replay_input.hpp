// What requests for replays of many have in common.
#pragma once

#include "api/core/input.hpp"
#include "base/time_range.hpp"

namespace api {

inline constexpr std::size_t kReplayIdsMax = 1000;
inline constexpr std::int64_t kReplayRateMax = 10'000;
/// More than this are not counted: a plan is there at once, however long the history.
inline constexpr std::int64_t kReplayCountedMax = 100'000;
inline constexpr auto kReplayCountingTime = std::chrono::milliseconds{500};

/// One text, or an array of them.
std::vector<std::string> read_texts_or_one(Input& input, std::string_view name, std::size_t count_max);
/// How the time at which something was received is bounded: by these members, each with the word of its
/// bound.
inline constexpr std::pair<std::string_view, std::string_view> kReceivedBounds[] = {
    {"received_at[gte]", "gte"},
    {"received_at[gt]", "gt"},
    {"received_at[lte]", "lte"},
    {"received_at[lt]", "lt"}};

/// As times are stored: to the millisecond.
std::optional<base::Time> read_stored_time(Input& input, std::string_view name);
/// Of the query.
Result<bool> read_dry_run(const Call& call);

}  // namespace api
