// Which deliveries lists, groups and bulk operations mean, as requests say it: in a query or in a filter.
#pragma once

#include "api/core/input.hpp"
#include "api/core/page.hpp"
#include "outbound/history/query.hpp"

namespace api {

/// Reads the members of the query that say so; the others are the list's. Error: invalid with BAD_REQUEST,
/// saying what the parameter may be. Sets neither page nor limit.
Result<outbound::DeliveryQuery> read_delivery_query(const Call& call);

/// The same of a filter's members, noting an error for each that cannot be used.
void read_delivery_filter(Input& input, outbound::DeliveryQuery& query);
/// Of these members those that bound when it was made: created_at[…], since and until.
void read_created_range(Input& input, outbound::DeliveryQuery& query);

/// Reads the page of a list of deliveries, which knows these parameters, and "include".
Result<PageRequest> read_delivery_page(const Call& call);

}  // namespace api
