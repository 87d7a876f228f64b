// The parameters by which lists, groups and bulk operations say which deliveries they mean.
#pragma once

#include "api/page.hpp"
#include "outbound/delivery_search.hpp"

namespace api {

/// The names of all parameters that read_delivery_query() knows.
inline constexpr std::initializer_list<std::string_view> kDeliveryParameters = {
    "status",        "subscription_id", "event_type",      "event_id", "operation_id",
    "status_code",   "error_class",     "error_signature", "is_test",  "response_time_ms[gte]",
    "attempts[gte]", "created_at[gte]", "created_at[lt]",  "include"};

/// Error: invalid with BAD_REQUEST, saying what the parameter may be. Sets neither page nor limit.
Result<outbound::DeliveryQuery> read_delivery_query(const Call& call);

}  // namespace api
