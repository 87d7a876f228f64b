// What an answer means for a delivery: the pure rule behind every attempt.
#pragma once

#include <span>
#include <string>

#include "http/client.hpp"
#include "outbound/subscription/subscription.hpp"
#include "queue/backoff.hpp"

namespace outbound {

/// What an attempt came to.
struct Judgement {
  bool delivered = false;
  std::string error_class{};    ///< API vocabulary: "CONNECT_TIMEOUT", "HTTP_5XX", …; empty when delivered
  std::string error_message{};  ///< one sentence for humans
  std::optional<base::Time> retry{};  ///< the next try; none: it is over
  bool gone = false;                  ///< 410: the subscription is to be disabled now
  queue::Signal signal = queue::Signal::success;
};

struct AttemptEnd {
  int number = 1;  ///< of this attempt among those with a known outcome, 1-based
  base::Time ended{};
  double jitter = 0.5;
};

/// 2xx is delivered; 3xx fails and is not followed; 410 disables; everything else is tried again by the
/// subscription's schedule, Retry-After honoured (ARCHITECTURE §7). A complete status line is not enough: a
/// body that never ends or breaks off is a failed attempt, because the receiver may not have done its work.
Judgement judge(const http::OutboundResponse& response, const Subscription& subscription,
                const AttemptEnd& attempt);

/// The same for an attempt that failed before there was a request to send; the error's reason is its class.
/// It is tried again where the error is retryable.
Judgement judge_unsent(const base::Error& error, const Subscription& subscription, const AttemptEnd& attempt);

/// Every class that an attempt's failure can have.
std::span<const std::string_view> error_classes();

/// "HTTP_5XX" for 503: the error class of a status that is not 2xx.
std::string_view error_class_of(int status);

}  // namespace outbound
