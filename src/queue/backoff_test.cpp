#include "queue/backoff.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace queue {

namespace {

using namespace std::chrono_literals;
using base::Time;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr Time kEnded{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22}.time_since_epoch()};

std::optional<seconds> delay(const RetryPolicy& policy, FailedAttempt failed) {
  failed.ended = kEnded;
  const auto next = next_try(policy, failed);
  return next ? std::optional(std::chrono::floor<seconds>(*next - kEnded)) : std::nullopt;
}

TEST(NextTry, follows_the_schedule_and_ends_after_five_retries) {
  const struct {
    int number;
    std::optional<seconds> delay;
  } cases[] = {{1, 60s},   {2, 300s},         {3, 900s},         {4, 3600s},
               {5, 7200s}, {6, std::nullopt}, {7, std::nullopt}, {1000, std::nullopt}};
  for (const auto& c : cases) EXPECT_EQ(delay({}, {.number = c.number}), c.delay) << c.number;
}

TEST(NextTry, moves_by_at_most_a_tenth_to_either_side) {
  const struct {
    double jitter;
    microseconds delay;
  } cases[] = {{0, 54s}, {0.25, 57s}, {0.5, 60s}, {0.75, 63s}, {1, 66s}};
  for (const auto& c : cases) {
    const auto next = next_try({}, {.number = 1, .ended = kEnded, .jitter = c.jitter});
    ASSERT_TRUE(next);
    EXPECT_NEAR(static_cast<double>((*next - kEnded).count()), static_cast<double>(c.delay.count()), 1)
        << c.jitter;
  }
}

TEST(NextTry, repeats_the_last_interval_when_more_retries_are_allowed) {
  const std::vector<seconds> intervals = {10s, 20s};
  const RetryPolicy policy{intervals, 4};

  EXPECT_EQ(delay(policy, {.number = 1}), 10s);
  EXPECT_EQ(delay(policy, {.number = 2}), 20s);
  EXPECT_EQ(delay(policy, {.number = 3}), 20s);
  EXPECT_EQ(delay(policy, {.number = 4}), 20s);
  EXPECT_EQ(delay(policy, {.number = 5}), std::nullopt);
}

TEST(NextTry, stops_before_the_intervals_do_when_fewer_retries_are_allowed) {
  EXPECT_EQ(delay({.retries_max = 2}, {.number = 2}), 300s);
  EXPECT_EQ(delay({.retries_max = 2}, {.number = 3}), std::nullopt);
  EXPECT_EQ(delay({.retries_max = 0}, {.number = 1}), std::nullopt);
}

TEST(NextTry, is_never_without_intervals) {
  EXPECT_EQ(delay({.intervals = {}, .retries_max = 5}, {.number = 1}), std::nullopt);
}

TEST(NextTry, honours_retry_after_from_the_scheduled_moment_up_to_a_day) {
  const struct {
    microseconds asked;
    seconds delay;
  } cases[] = {{-1h, 60s}, {0s, 60s},  {59s, 60s},      {60s, 60s},      {61s, 61s},
               {12h, 12h}, {24h, 24h}, {24h + 1s, 24h}, {24h * 365, 24h}};
  for (const auto& c : cases) {
    EXPECT_EQ(delay({}, {.number = 1, .retry_after = kEnded + c.asked}), c.delay) << c.asked.count();
  }
}

TEST(NextTry, keeps_a_schedule_that_is_longer_than_a_day) {
  const std::vector<seconds> intervals = {48h};

  EXPECT_EQ(delay({intervals, 5}, {.number = 1, .retry_after = kEnded + 1h}), 48h);
  EXPECT_EQ(delay({intervals, 5}, {.number = 1, .retry_after = kEnded + 100h}), 48h);
}

TEST(NextTry, is_not_brought_back_by_retry_after_when_the_policy_is_spent) {
  EXPECT_EQ(delay({}, {.number = 6, .retry_after = kEnded + 1h}), std::nullopt);
}

TEST(RetryAfter, is_a_number_of_seconds) {
  const struct {
    std::string_view text;
    seconds delay;
  } cases[] = {{"0", 0s},
               {"1", 1s},
               {"120", 120s},
               {"00120", 120s},
               {"31622400", 24h * 366},
               {"31622401", 24h * 366},
               {"9223372036854775807", 24h * 366}};
  for (const auto& c : cases) EXPECT_EQ(parse_retry_after(c.text, kEnded), kEnded + c.delay) << c.text;
}

TEST(RetryAfter, is_an_http_date_in_any_of_its_three_forms) {
  constexpr Time kMoment{std::chrono::sys_days{std::chrono::year{1994} / 11 / 6}.time_since_epoch() + 8h +
                         49min + 37s};
  // RFC 9110 §5.6.7: a recipient takes all of them.
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", kEnded), kMoment);
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", kEnded), kMoment);
  EXPECT_EQ(parse_retry_after("Sun Nov  6 08:49:37 1994", kEnded), kMoment);
}

TEST(RetryAfter, is_nothing_for_anything_else) {
  for (const std::string_view text :
       {"", " ", "-1", "1.5", "1e3", "120s", "120 ", " 120", "+120", "0x10", "soon", "99999999999999999999",
        "-99999999999999999999", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT+1", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
        "2026-11-22T16:48:00Z"}) {
    EXPECT_EQ(parse_retry_after(text, kEnded), std::nullopt) << '"' << text << '"';
  }
  EXPECT_EQ(parse_retry_after(std::string_view("12\0", 3), kEnded), std::nullopt);
}

}  // namespace

}  // namespace queue
