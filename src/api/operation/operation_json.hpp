// An operation as the API tells it, and what starting one has in common.
#pragma once

#include "api/core/once.hpp"
#include "format/json.hpp"
#include "monitor/removal.hpp"
#include "operation/operation.hpp"
#include "outbound/replay/replay.hpp"

namespace api {

void write_operation(format::JsonWriter& json, const operation::Operation& operation,
                     const std::optional<outbound::ReplayOutcomes>& outcomes = std::nullopt);
std::string operation_json(const operation::Operation& operation,
                           const std::optional<outbound::ReplayOutcomes>& outcomes = std::nullopt);

/// The query's pending: what a deletion does with deliveries that wait; "cancel" when absent.
Result<monitor::Pending> read_pending(const Call& call);

/// A new one of the call's tenant, asked for now.
operation::Operation make_operation(const Call& call, std::string kind);

/// Stores it with its audit entry, and answers 202 with its place. Error: limited, when the tenant has too
/// many under way.
Result<Answer> start_operation(Call& call, db::Tx& tx, const operation::Operation& operation,
                               std::string_view task_kind);

}  // namespace api
