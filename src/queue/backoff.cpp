#include "queue/backoff.hpp"

#include <array>
#include <charconv>
#include <ctime>
#include <string>

namespace queue {

namespace {

constexpr auto kRetryAfterMax = std::chrono::hours{24};
constexpr double kJitter = 0.1;
/// The form that is written today, and the two old ones that must be read as well (RFC 9110 §5.6.7).
constexpr const char* kDateForms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%a, %d-%b-%y %H:%M:%S GMT",
                                      "%a %b %d %H:%M:%S %Y"};

}  // namespace

std::optional<base::Time> next_try(const RetryPolicy& policy, const FailedAttempt& failed) {
  if (failed.number > policy.retries_max || policy.intervals.empty()) return std::nullopt;
  const auto index =
      std::min<std::size_t>(static_cast<std::size_t>(failed.number) - 1, policy.intervals.size() - 1);
  const double factor = 1 + kJitter * (2 * failed.jitter - 1);
  const auto delay = std::chrono::duration_cast<std::chrono::microseconds>(policy.intervals[index] * factor);
  const base::Time scheduled = failed.ended + delay;
  if (!failed.retry_after) return scheduled;
  const base::Time latest = std::max(scheduled, failed.ended + kRetryAfterMax);
  return std::clamp(*failed.retry_after, scheduled, latest);
}

std::optional<base::Time> parse_retry_after(std::string_view value, base::Time now) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc{} && end == value.data() + value.size()) {
    if (seconds < 0) return std::nullopt;
    // More than a year means nothing to us and could overflow.
    return now + std::chrono::seconds{std::min<std::int64_t>(seconds, 366LL * 86'400)};
  }
  const std::string text(value);
  for (const char* form : kDateForms) {
    std::tm parts{};
    const char* stop = strptime(text.c_str(), form, &parts);
    if (stop == text.c_str() + text.size()) return base::Time{std::chrono::seconds{timegm(&parts)}};
  }
  return std::nullopt;
}

}  // namespace queue
