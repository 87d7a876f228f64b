#include "api/delivery_query.hpp"

#include <charconv>

#include "outbound/pattern.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;

constexpr std::string_view kStatuses[] = {"PENDING", "RETRYING",  "HELD",   "DELIVERED",
                                          "FAILED",  "CANCELLED", "SKIPPED"};
constexpr std::size_t kWordBytesMax = 64;

std::unexpected<base::Error> refuse(std::string_view parameter, std::string_view what) {
  return fail(Code::invalid, std::string(parameter) + " is " + std::string(what), "BAD_REQUEST");
}

Result<std::vector<std::string>> read_statuses(std::string_view text) {
  std::vector<std::string> statuses;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view status = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (std::ranges::find(kStatuses, status) == std::end(kStatuses)) {
      return refuse("status", "a list of PENDING, RETRYING, HELD, DELIVERED, FAILED, CANCELLED, SKIPPED");
    }
    // Once each: what is named twice would be found twice.
    if (std::ranges::find(statuses, status) == statuses.end()) statuses.emplace_back(status);
  }
  return statuses;
}

template <class IdType>
Result<IdType> read_id(std::string_view name, std::string_view text) {
  const auto id = IdType::parse(text);
  if (!id) return refuse(name, "not a UUID");
  return *id;
}

Result<std::int64_t> read_number(std::string_view name, std::string_view text, std::int64_t max) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0 || number > max) {
    return refuse(name, "a number from 0 to " + std::to_string(max));
  }
  return number;
}

Result<base::Time> read_moment(std::string_view name, std::string_view text) {
  const auto moment = base::parse_rfc3339(text);
  if (!moment) return refuse(name, "a time such as 2026-11-24T08:00:00Z");
  return *moment;
}

/// A word of ours: an error class, an error signature.
Result<std::string> read_word(std::string_view name, std::string_view text) {
  if (text.size() > kWordBytesMax) return refuse(name, "not such a long word");
  return std::string(text);
}

/// "503", or "5xx" for all that begin so.
Result<void> read_status_code(std::string_view text, outbound::DeliveryQuery& query) {
  const bool is_class = text.size() == 3 && text.ends_with("xx") && text[0] >= '1' && text[0] <= '5';
  if (is_class) {
    query.response_class = text[0] - '0';
    return {};
  }
  const auto number = read_number("status_code", text, 599);
  if (!number || *number < 100) {
    return refuse("status_code", "a status from 100 to 599, or a class of them such as 5xx");
  }
  query.response_status = static_cast<int>(*number);
  return {};
}

Result<void> read_parameter(std::string_view name, const std::string& text, outbound::DeliveryQuery& query) {
  if (name == "status") {
    XD_TRY(query.statuses, read_statuses(text));
  } else if (name == "subscription_id") {
    XD_TRY(query.subscription, read_id<outbound::SubscriptionId>(name, text));
  } else if (name == "event_id") {
    XD_TRY(query.event, read_id<event::EventId>(name, text));
  } else if (name == "operation_id") {
    XD_TRY(query.operation, read_id<base::Uuid>(name, text));
  } else if (name == "event_type") {
    if (!outbound::check_pattern(text)) return refuse(name, "a type, or a pattern such as order.*");
    query.event_type = text;
  } else if (name == "status_code") {
    XD_DO(read_status_code(text, query));
  } else if (name == "error_class") {
    XD_TRY(query.error_class, read_word(name, text));
  } else if (name == "error_signature") {
    XD_TRY(query.error_signature, read_word(name, text));
  } else if (name == "response_time_ms[gte]") {
    XD_TRY(query.response_time_ms_min, read_number(name, text, 1'000'000));
  } else if (name == "attempts[gte]") {
    XD_TRY(const std::int64_t attempts, read_number(name, text, 1000));
    query.attempts_min = static_cast<int>(attempts);
  } else if (name == "created_at[gte]") {
    XD_TRY(query.created_from, read_moment(name, text));
  } else if (name == "created_at[lt]") {
    XD_TRY(query.created_before, read_moment(name, text));
  } else if (name == "is_test") {
    if (text != "true" && text != "false") return refuse(name, "true or false");
    query.is_test = text == "true";
  }
  return {};
}

}  // namespace

Result<outbound::DeliveryQuery> read_delivery_query(const Call& call) {
  outbound::DeliveryQuery query{.tenant = call.tenant_id()};
  for (const auto& [name, text] : http::parse_query(call.request.query)) {
    if (!text.empty()) XD_DO(read_parameter(name, text, query));
  }
  return query;
}

}  // namespace api
