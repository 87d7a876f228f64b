#include "outbound/delivery/verdict.hpp"

#include "outbound/subscription/fixture.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;
using http::Failure;
using queue::Signal;

/// An answer after `status`, and Retry-After where one is given.
http::OutboundResponse make_answer(int status, std::string retry_after = "") {
  http::OutboundResponse response{.status = status};
  if (!retry_after.empty()) response.headers.emplace_back("retry-after", std::move(retry_after));
  return response;
}

http::OutboundResponse make_failure(Failure failure, int status = 0) {
  return {.failure = failure, .error = "it went wrong", .status = status};
}

/// Of the first attempt, ended now, without jitter.
Judgement judged(const http::OutboundResponse& response,
                 const Subscription& subscription = make_subscription({})) {
  return judge(response, subscription, {.number = 1, .ended = kNow, .jitter = 0.5});
}

TEST(Judgement, of_a_2xx_is_delivered) {
  for (const int status : {200, 201, 202, 204, 299}) {
    const Judgement judgement = judged(make_answer(status, "60"));
    EXPECT_TRUE(judgement.delivered) << status;
    EXPECT_EQ(judgement.error_class, "") << status;
    EXPECT_EQ(judgement.error_message, "") << status;
    EXPECT_EQ(judgement.retry, std::nullopt) << status;
    EXPECT_FALSE(judgement.gone) << status;
    EXPECT_EQ(judgement.signal, Signal::success) << status;
  }
}

TEST(Judgement, of_a_2xx_with_a_body_that_was_too_long_to_keep_is_delivered) {
  http::OutboundResponse response = make_answer(200);
  response.body_truncated = true;

  EXPECT_TRUE(judged(response).delivered);
}

TEST(Judgement, of_every_other_status_is_tried_again) {
  struct Case {
    int status;
    std::string_view error_class;
    Signal signal;
  };
  for (const Case& c :
       {Case{199, "HTTP_3XX", Signal::failure}, Case{300, "HTTP_3XX", Signal::failure},
        Case{302, "HTTP_3XX", Signal::failure}, Case{307, "HTTP_3XX", Signal::failure},
        Case{399, "HTTP_3XX", Signal::failure}, Case{400, "HTTP_4XX", Signal::failure},
        Case{401, "HTTP_401_403", Signal::failure}, Case{403, "HTTP_401_403", Signal::failure},
        Case{404, "HTTP_404_410", Signal::failure}, Case{408, "HTTP_4XX", Signal::failure},
        Case{422, "HTTP_4XX", Signal::failure}, Case{429, "HTTP_429", Signal::overload},
        Case{499, "HTTP_4XX", Signal::failure}, Case{500, "HTTP_5XX", Signal::failure},
        Case{502, "HTTP_5XX", Signal::failure}, Case{503, "HTTP_5XX", Signal::overload},
        Case{504, "HTTP_5XX", Signal::failure}, Case{599, "HTTP_5XX", Signal::failure},
        Case{999, "HTTP_5XX", Signal::failure}}) {
    const Judgement judgement = judged(make_answer(c.status));
    EXPECT_FALSE(judgement.delivered) << c.status;
    EXPECT_EQ(judgement.error_class, c.error_class) << c.status;
    EXPECT_NE(judgement.error_message.find(std::to_string(c.status)), std::string::npos)
        << judgement.error_message;
    EXPECT_EQ(judgement.retry, kNow + 60s) << c.status;
    EXPECT_FALSE(judgement.gone) << c.status;
    EXPECT_EQ(judgement.signal, c.signal) << c.status;
  }
}

TEST(Judgement, of_410_ends_the_delivery_and_the_subscription) {
  const Judgement judgement = judged(make_answer(410, "60"));

  EXPECT_FALSE(judgement.delivered);
  EXPECT_TRUE(judgement.gone);
  EXPECT_EQ(judgement.retry, std::nullopt);
  EXPECT_EQ(judgement.error_class, "HTTP_404_410");
  EXPECT_EQ(judgement.signal, Signal::failure);
}

TEST(Judgement, of_a_redirect_says_that_it_is_not_followed) {
  EXPECT_NE(judged(make_answer(301)).error_message.find("not followed"), std::string::npos);
}

TEST(Judgement, of_a_failed_exchange_is_tried_again_whatever_failed) {
  struct Case {
    Failure failure;
    std::string_view error_class;
    Signal signal;
  };
  for (const Case& c :
       {Case{Failure::dns, "DNS", Signal::failure},
        Case{Failure::connect_refused, "CONNECT_REFUSED", Signal::overload},
        Case{Failure::connect_timeout, "CONNECT_TIMEOUT", Signal::overload},
        Case{Failure::tls, "TLS", Signal::failure},
        Case{Failure::ssrf_blocked, "SSRF_BLOCKED", Signal::failure},
        Case{Failure::write, "WRITE", Signal::overload}, Case{Failure::read, "READ", Signal::overload},
        Case{Failure::read_timeout, "READ_TIMEOUT", Signal::overload},
        Case{Failure::response_too_big, "RESPONSE_TOO_BIG", Signal::failure},
        Case{Failure::protocol, "PROTOCOL", Signal::failure},
        Case{Failure::cancelled, "CANCELLED", Signal::neutral},
        Case{Failure::internal, "INTERNAL", Signal::neutral}}) {
    const Judgement judgement = judged(make_failure(c.failure));
    EXPECT_FALSE(judgement.delivered) << c.error_class;
    EXPECT_EQ(judgement.error_class, c.error_class);
    EXPECT_EQ(judgement.error_message, "it went wrong") << c.error_class;
    EXPECT_EQ(judgement.retry, kNow + 60s) << c.error_class;
    EXPECT_FALSE(judgement.gone) << c.error_class;
    EXPECT_EQ(judgement.signal, c.signal) << c.error_class;
  }
}

TEST(Judgement, of_an_answer_that_broke_off_is_not_delivered_and_not_gone) {
  for (const int status : {200, 410}) {
    const Judgement judgement = judged(make_failure(Failure::read, status));
    EXPECT_FALSE(judgement.delivered) << status;
    EXPECT_FALSE(judgement.gone) << status;
    EXPECT_EQ(judgement.error_class, "READ") << status;
    EXPECT_EQ(judgement.retry, kNow + 60s) << status;
  }
}

TEST(Judgement, honours_retry_after_in_seconds_and_as_a_date) {
  struct Case {
    std::string_view retry_after;
    base::Time retry;
  };
  const base::Time second = std::chrono::floor<std::chrono::seconds>(kNow);
  for (const Case& c :
       {Case{"120", kNow + 120s}, Case{"Fri, 15 Jan 2027 08:03:20 GMT", second + 200s},
        // Earlier than the schedule, or in the past: the schedule.
        Case{"10", kNow + 60s}, Case{"0", kNow + 60s}, Case{"Fri, 15 Jan 2027 07:00:00 GMT", kNow + 60s},
        // At most a day.
        Case{"86400", kNow + 24h}, Case{"1000000", kNow + 24h},
        Case{"Fri, 15 Jan 2038 08:00:00 GMT", kNow + 24h},
        // Not a moment.
        Case{"-120", kNow + 60s}, Case{"soon", kNow + 60s}, Case{"120s", kNow + 60s}}) {
    for (const int status : {429, 503}) {
      EXPECT_EQ(judged(make_answer(status, std::string(c.retry_after))).retry, c.retry)
          << status << " " << c.retry_after;
    }
  }
}

TEST(Judgement, follows_the_intervals_of_the_subscription_until_they_are_spent) {
  const Subscription subscription = make_subscription({});
  const std::vector<std::optional<base::Time>> expected = {
      kNow + 60s, kNow + 300s, kNow + 900s, kNow + 3600s, kNow + 7200s, std::nullopt, std::nullopt};

  for (std::size_t i = 0; i < expected.size(); ++i) {
    const AttemptEnd end{.number = static_cast<int>(i) + 1, .ended = kNow, .jitter = 0.5};
    EXPECT_EQ(judge(make_answer(500), subscription, end).retry, expected[i]) << "attempt " << end.number;
  }
}

TEST(Judgement, gives_up_after_the_last_attempt_whatever_retry_after_says) {
  const AttemptEnd last{.number = 6, .ended = kNow, .jitter = 0.5};
  EXPECT_EQ(judge(make_answer(429, "120"), make_subscription({}), last).retry, std::nullopt);
}

TEST(Judgement, repeats_the_last_interval_when_there_are_more_retries_than_intervals) {
  Subscription subscription = make_subscription({});
  subscription.retry_intervals = {5s, 7s};
  subscription.max_retries = 4;
  const auto retry = [&](int number) {
    return judge(make_answer(500), subscription, {.number = number, .ended = kNow, .jitter = 0.5}).retry;
  };

  EXPECT_EQ(retry(1), kNow + 5s);
  EXPECT_EQ(retry(2), kNow + 7s);
  EXPECT_EQ(retry(4), kNow + 7s);
  EXPECT_EQ(retry(5), std::nullopt);
}

TEST(Judgement, gives_up_at_once_where_the_subscription_does_not_want_retries) {
  Subscription off = make_subscription({});
  off.retry_enabled = false;
  Subscription none = make_subscription({});
  none.max_retries = 0;

  for (const Subscription* subscription : {&off, &none}) {
    EXPECT_EQ(judged(make_answer(500), *subscription).retry, std::nullopt);
    EXPECT_EQ(judged(make_answer(503, "120"), *subscription).retry, std::nullopt);
    const Judgement failed = judged(make_failure(Failure::connect_timeout), *subscription);
    EXPECT_EQ(failed.retry, std::nullopt);
    EXPECT_EQ(failed.error_class, "CONNECT_TIMEOUT");
    EXPECT_EQ(failed.signal, Signal::overload);
  }
}

TEST(Judgement, spreads_retries_by_a_tenth_to_either_side) {
  const Subscription subscription = make_subscription({});
  const auto retry = [&](double jitter) {
    return judge(make_answer(500), subscription, {.number = 1, .ended = kNow, .jitter = jitter}).retry;
  };

  EXPECT_EQ(retry(0), kNow + 54s);
  EXPECT_EQ(retry(1), kNow + 66s);
}

TEST(Judgement, of_an_attempt_that_sent_nothing_follows_the_error) {
  const Subscription subscription = make_subscription({});
  const AttemptEnd end{.number = 1, .ended = kNow, .jitter = 0.5};

  const Judgement token = judge_unsent({base::Code::upstream, "no token", "OAUTH2_TOKEN"}, subscription, end);
  EXPECT_FALSE(token.delivered);
  EXPECT_EQ(token.error_class, "OAUTH2_TOKEN");
  EXPECT_EQ(token.error_message, "no token");
  EXPECT_EQ(token.retry, kNow + 60s);
  EXPECT_EQ(token.signal, Signal::failure);
  const Judgement payload =
      judge_unsent({base::Code::too_large, "too big", "PAYLOAD_TOO_BIG"}, subscription, end);
  EXPECT_EQ(payload.error_class, "PAYLOAD_TOO_BIG");
  EXPECT_EQ(payload.retry, std::nullopt);
  EXPECT_EQ(payload.signal, Signal::neutral);
}

}  // namespace

}  // namespace outbound
