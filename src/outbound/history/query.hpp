// The words in which lists, groups and replays of many say which deliveries they mean: one table, whether a
// query's parameters or a filter's members say it.
#pragma once

#include "format/value.hpp"
#include "outbound/history/search.hpp"

namespace outbound {

/// The names of all members.
std::span<const std::string_view> filter_members();

/// Reads one from its text, as it stands in a query: several words are parted by commas. False: there is no
/// such member. Error: invalid, saying what it may be.
base::Result<bool> read_filter_member(std::string_view name, std::string_view text, DeliveryQuery& query);

/// A member of a filter in JSON as that text: several words are an array, or parted by commas. Nothing for
/// what is neither a string, a number, true, false nor an array of strings.
std::optional<std::string> filter_text(const format::Value& value);

/// All that a query says, as members and their texts: what read_filter_member() makes the same of.
std::vector<std::pair<std::string_view, std::string>> filter_members_of(const DeliveryQuery& query);

/// Whether a finished delivery is meant.
bool means(const DeliveryQuery& query, const Delivery& delivery);

}  // namespace outbound
