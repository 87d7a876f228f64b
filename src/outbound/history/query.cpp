#include "outbound/history/query.hpp"

#include <charconv>

#include "event/pattern.hpp"
#include "outbound/delivery/verdict.hpp"

namespace outbound {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr std::string_view kStatuses[] = {"PENDING", "RETRYING",  "HELD",   "DELIVERED",
                                          "FAILED",  "CANCELLED", "SKIPPED"};
constexpr std::size_t kSignatureBytesMax = 64;

std::unexpected<base::Error> refuse(std::string_view name, std::string_view what) {
  return fail(Code::invalid, std::string(name) + " is " + std::string(what), "BAD_REQUEST");
}

template <class Words>
std::string joined(const Words& words) {
  std::string text;
  for (const std::string_view word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

Result<void> read_statuses(std::string_view name, std::string_view text, DeliveryQuery& query) {
  query.statuses.clear();
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view status = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (std::ranges::find(kStatuses, status) == std::end(kStatuses))
      return refuse(name, "a list of " + joined(kStatuses));
    // Once each: what is named twice would be found twice.
    if (std::ranges::find(query.statuses, status) == query.statuses.end())
      query.statuses.emplace_back(status);
  }
  return {};
}

template <auto member>
Result<void> read_id(std::string_view name, std::string_view text, DeliveryQuery& query) {
  query.*member = std::remove_reference_t<decltype(*(query.*member))>::parse(text);
  return query.*member ? Result<void>{} : refuse(name, "a UUID");
}

Result<std::int64_t> read_number(std::string_view name, std::string_view text, std::int64_t max) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0 || number > max)
    return refuse(name, "a number from 0 to " + std::to_string(max));
  return number;
}

Result<void> read_event_type(std::string_view name, std::string_view text, DeliveryQuery& query) {
  if (!event::check_pattern(text)) return refuse(name, "a type, or a pattern such as order.* or workitem_*");
  query.event_type = text;
  return {};
}

/// "503", or "5xx" for all that begin so.
Result<void> read_status_code(std::string_view name, std::string_view text, DeliveryQuery& query) {
  const bool is_class = text.size() == 3 && (text.ends_with("xx") || text.ends_with("XX"));
  if (is_class && text[0] >= '1' && text[0] <= '5') {
    query.response_class = text[0] - '0';
    query.response_status.reset();
    return {};
  }
  const auto number = read_number(name, text, 599);
  if (!number || *number < 100)
    return refuse(name, "a status from 100 to 599, or a class of them such as 5xx");
  query.response_status = static_cast<int>(*number);
  query.response_class.reset();
  return {};
}

Result<void> read_error_class(std::string_view name, std::string_view text, DeliveryQuery& query) {
  if (std::ranges::find(error_classes(), text) == error_classes().end())
    return refuse(name, "one of " + joined(error_classes()));
  query.error_class = text;
  return {};
}

Result<void> read_signature(std::string_view name, std::string_view text, DeliveryQuery& query) {
  if (text.size() > kSignatureBytesMax) return refuse(name, "an error_signature of an answer, as it is");
  query.error_signature = text;
  return {};
}

Result<void> read_latency(std::string_view name, std::string_view text, DeliveryQuery& query) {
  XD_TRY(query.response_time_ms_min, read_number(name, text, 1'000'000));
  return {};
}

Result<void> read_attempts(std::string_view name, std::string_view text, DeliveryQuery& query) {
  XD_TRY(const std::int64_t attempts, read_number(name, text, 1000));
  query.attempts_min = static_cast<int>(attempts);
  return {};
}

/// "created_at[lt]" and the like; since and until are the names that replays had for two of them.
Result<void> read_created(std::string_view name, std::string_view text, DeliveryQuery& query) {
  const auto moment = base::parse_rfc3339(text);
  if (!moment) return refuse(name, "a time such as 2026-11-24T08:00:00Z");
  const std::size_t bracket = name.find('[');
  const std::string_view bound = name == "since"   ? "gte"
                                 : name == "until" ? "lt"
                                                   : name.substr(bracket + 1, name.size() - bracket - 2);
  query.created.narrow(bound, *moment);
  return {};
}

Result<void> read_is_test(std::string_view name, std::string_view text, DeliveryQuery& query) {
  if (text != "true" && text != "false") return refuse(name, "true or false");
  query.is_test = text == "true";
  return {};
}

using Read = Result<void> (*)(std::string_view name, std::string_view text, DeliveryQuery& query);
constexpr std::pair<std::string_view, Read> kMembers[] = {
    {"status", read_statuses},
    {"subscription_id", read_id<&DeliveryQuery::subscription>},
    {"event_id", read_id<&DeliveryQuery::event>},
    {"operation_id", read_id<&DeliveryQuery::operation>},
    {"event_type", read_event_type},
    {"status_code", read_status_code},
    {"error_class", read_error_class},
    {"error_signature", read_signature},
    {"response_time_ms[gte]", read_latency},
    {"attempts[gte]", read_attempts},
    {"created_at[gte]", read_created},
    {"created_at[gt]", read_created},
    {"created_at[lte]", read_created},
    {"created_at[lt]", read_created},
    {"since", read_created},
    {"until", read_created},
    {"is_test", read_is_test}};

}  // namespace

std::span<const std::string_view> filter_members() {
  static const auto names = [] {
    std::array<std::string_view, std::size(kMembers)> all;
    std::ranges::transform(kMembers, all.begin(), [](const auto& member) { return member.first; });
    return all;
  }();
  return names;
}

Result<bool> read_filter_member(std::string_view name, std::string_view text, DeliveryQuery& query) {
  const auto found = std::ranges::find(kMembers, name, [](const auto& member) { return member.first; });
  if (found == std::end(kMembers)) return false;
  if (!text.empty()) XD_DO(found->second(name, text, query));
  return true;
}

std::optional<std::string> filter_text(const format::Value& value) {
  if (value.is_boolean()) return value.boolean() ? "true" : "false";
  if (value.is_string() || value.is_number()) return std::string(value.text());
  if (!value.is_array() || value.elements().empty()) return std::nullopt;
  std::string text;
  for (const format::Value& element : value.elements()) {
    if (!element.is_string()) return std::nullopt;
    text.append(text.empty() ? "" : ",").append(element.text());
  }
  return text;
}

std::vector<std::pair<std::string_view, std::string>> filter_members_of(const DeliveryQuery& query) {
  std::vector<std::pair<std::string_view, std::string>> members;
  const auto add = [&](std::string_view name, std::string text) {
    if (!text.empty()) members.emplace_back(name, std::move(text));
  };
  std::string statuses;
  for (const std::string& status : query.statuses)
    statuses.append(statuses.empty() ? "" : ",").append(status);
  add("status", std::move(statuses));
  add("subscription_id", query.subscription ? query.subscription->str() : "");
  add("event_id", query.event ? query.event->str() : "");
  add("operation_id", query.operation ? query.operation->str() : "");
  add("event_type", query.event_type);
  add("status_code", query.response_status  ? std::to_string(*query.response_status)
                     : query.response_class ? std::to_string(*query.response_class) + "xx"
                                            : "");
  add("error_class", query.error_class);
  add("error_signature", query.error_signature);
  add("response_time_ms[gte]", query.response_time_ms_min ? std::to_string(*query.response_time_ms_min) : "");
  add("attempts[gte]", query.attempts_min ? std::to_string(*query.attempts_min) : "");
  add("created_at[gte]", query.created.from ? base::to_rfc3339(*query.created.from) : "");
  add("created_at[lt]", query.created.before ? base::to_rfc3339(*query.created.before) : "");
  add("is_test", query.is_test ? (*query.is_test ? "true" : "false") : "");
  return members;
}

bool means(const DeliveryQuery& query, const Delivery& one) {
  const std::int64_t code = one.last.response_status.value_or(0);
  return (query.statuses.empty() || std::ranges::find(query.statuses, one.status) != query.statuses.end()) &&
         (!query.subscription || *query.subscription == one.subscription) &&
         (!query.event || *query.event == one.event) &&
         (!query.operation || query.operation == one.operation) &&
         (query.event_type.empty() || event::pattern_matches(query.event_type, one.event_type)) &&
         (!query.response_status || code == *query.response_status) &&
         (!query.response_class || code / 100 == *query.response_class) &&
         (query.error_class.empty() || query.error_class == one.last.error_class) &&
         (query.error_signature.empty() || query.error_signature == one.error_signature) &&
         (!query.response_time_ms_min || one.last.response_time_ms >= *query.response_time_ms_min) &&
         (!query.attempts_min || one.last.number >= *query.attempts_min) &&
         (!query.is_test || one.is_test == *query.is_test) && query.created.contains(one.created);
}

}  // namespace outbound
