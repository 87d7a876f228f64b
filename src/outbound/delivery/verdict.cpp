#include "outbound/delivery/verdict.hpp"

#include "format/utf8.hpp"

namespace outbound {

namespace {

queue::Signal signal_of(const http::OutboundResponse& response) {
  switch (response.failure) {
    case http::Failure::connect_timeout:
    case http::Failure::read_timeout:
    case http::Failure::connect_refused:
    case http::Failure::read:
    case http::Failure::write: return queue::Signal::overload;
    case http::Failure::none:
      return response.status == 429 || response.status == 503 ? queue::Signal::overload
                                                              : queue::Signal::failure;
    case http::Failure::cancelled:
    case http::Failure::internal: return queue::Signal::neutral;  // tells nothing of the other side
    default: return queue::Signal::failure;
  }
}

std::optional<base::Time> retry_time(const Subscription& subscription, const AttemptEnd& attempt,
                                     std::string_view retry_after) {
  if (!subscription.retry_enabled) return std::nullopt;
  const queue::RetryPolicy policy{subscription.retry_intervals, subscription.max_retries};
  return queue::next_try(policy, {.number = attempt.number,
                                  .ended = attempt.ended,
                                  .retry_after = queue::parse_retry_after(retry_after, attempt.ended),
                                  .jitter = attempt.jitter});
}

std::string message_of(int status) {
  if (status >= 300 && status < 400) {
    return "the receiver redirects (" + std::to_string(status) +
           "); redirects are not followed, set the final URL";
  }
  if (status == 401 || status == 403) {
    return "the receiver refused our credentials or signature (" + std::to_string(status) + ")";
  }
  if (status == 410) return "the receiver says that this URL is gone for good (410)";
  return "the receiver answered " + std::to_string(status);
}

}  // namespace

std::span<const std::string_view> error_classes() {
  static const auto all = [] {
    std::vector<std::string_view> classes = {"HTTP_3XX", "HTTP_4XX", "HTTP_401_403", "HTTP_404_410",
                                             "HTTP_429", "HTTP_5XX", "OAUTH2_TOKEN", "PAYLOAD_TOO_BIG"};
    // The last of them is internal.
    for (int i = 1; i <= static_cast<int>(http::Failure::internal); ++i)
      classes.push_back(http::error_class(static_cast<http::Failure>(i)));
    return classes;
  }();
  return all;
}

std::string_view error_class_of(int status) {
  if (status >= 500) return "HTTP_5XX";
  if (status == 429) return "HTTP_429";
  if (status == 401 || status == 403) return "HTTP_401_403";
  if (status == 404 || status == 410) return "HTTP_404_410";
  if (status >= 400) return "HTTP_4XX";
  return "HTTP_3XX";
}

Judgement judge(const http::OutboundResponse& response, const Subscription& subscription,
                const AttemptEnd& attempt) {
  Judgement judgement;
  if (response.failure == http::Failure::none && response.status >= 200 && response.status < 300) {
    judgement.delivered = true;
    return judgement;
  }
  judgement.signal = signal_of(response);
  if (response.failure != http::Failure::none) {
    judgement.error_class = http::error_class(response.failure);
    judgement.error_message = format::storable(response.error);  // it may quote the receiver
  } else {
    judgement.error_class = error_class_of(response.status);
    judgement.error_message = message_of(response.status);
    judgement.gone = response.status == 410;
  }
  if (!judgement.gone) judgement.retry = retry_time(subscription, attempt, response.header("retry-after"));
  return judgement;
}

Judgement judge_unsent(const base::Error& error, const Subscription& subscription,
                       const AttemptEnd& attempt) {
  Judgement judgement;
  judgement.error_class = error.reason;
  judgement.error_message = format::storable(error.message);
  // Where there is no token for one delivery there is none for the others of the subscription.
  judgement.signal = error.retryable() ? queue::Signal::failure : queue::Signal::neutral;
  if (error.retryable()) judgement.retry = retry_time(subscription, attempt, "");
  return judgement;
}

}  // namespace outbound
