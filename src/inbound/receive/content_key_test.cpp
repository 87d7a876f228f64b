#include "inbound/receive/content_key.hpp"

#include <gtest/gtest.h>

#include "inbound/receive/fixture.hpp"

namespace inbound {

namespace {

TEST(Headers, tell_events_apart_by_what_they_are_called) {
  for (const char* name : {"Telephony-Event-Id",
                           "Viable-Number",
                           "X-Goog-Message-Number",
                           "X-Goog-Resource-State",
                           "X-Event-Id",
                           "Event-ID",
                           "X-Topic",
                           "X-Shopify-Topic",
                           "X-GitHub-Event",
                           "X-Delivery",
                           "X-Webhook-Id",
                           "webhook-id",
                           "Idempotency-Key",
                           "X-Sequence",
                           "X-Seq",
                           "X-MessageNumber",
                           "X-EventId",
                           "Ce-Id",
                           "Ce-Type",
                           "X-Amz-Sns-Message-Id",
                           "X-WC-Webhook-Delivery-ID",
                           "X-Message-Count",
                           "X-Event-Key",
                           "X-Event-Unique-Id",
                           "X_Event_Type",
                           "X-Resource-Version"}) {
    EXPECT_TRUE(tells_apart(name)) << name;
  }
}

TEST(Headers, of_an_attempt_or_of_the_transfer_tell_nothing_apart) {
  for (const char* name : {"Date",
                           "Host",
                           "User-Agent",
                           "Content-Type",
                           "Content-Length",
                           "Accept",
                           "traceparent",
                           "tracestate",
                           "X-Amzn-Trace-Id",
                           "X-B3-TraceId",
                           "X-Request-Id",
                           "Request-Id",
                           "X-Unique-ID",
                           "Unique-Id",
                           "X-Correlation-Id",
                           "X-Forwarded-For",
                           "Forwarded",
                           "Via",
                           "X-Real-Ip",
                           "CF-Ray",
                           "X-Amz-Cf-Id",
                           "X-Envoy-Attempt-Count",
                           "X-Hub-Signature",
                           "Stripe-Signature",
                           "X-Slack-Request-Timestamp",
                           "webhook-timestamp",
                           "Ce-Time",
                           "X-Slack-Retry-Num",
                           "X-Attempt-Number",
                           "X-Redelivery-Count",
                           "X-Message-Date",
                           "X-Message-Signature",
                           "X-Api-Key",
                           "X-Goog-Channel-Token",
                           "Authorization",
                           "Cookie",
                           "X-Datadog-Parent-Id",
                           "X-Nonce-Id",
                           "X-Sent-At",
                           "X-Anything"}) {
    EXPECT_FALSE(tells_apart(name)) << name;
  }
}

struct Case {
  const char* what;
  Sent sent;
};

class ContentHash : public ::testing::Test {
 protected:
  std::string of(const Sent& sent) const {
    const http::Request request = sent.request();
    return content_hash(endpoint, request);
  }
  const PreparedEndpoint endpoint =
      prepared({.scheme = R"({"sig":["header:x-sig","query:proof"],"ts":["header:x-at","query:at"]})",
                .paths = {.event_type = "header:x-what"}});
  const std::string url = "https://hub.example.com/webhooks/acme/in";
};

TEST_F(ContentHash, is_another_with_whatever_tells_events_apart) {
  const std::string first =
      of({.url = url + "?a=1", .headers = {{"X-Message-Number", "1"}, {"X-What", "created"}}});
  for (const Case& one :
       {Case{"the body",
             {.url = url + "?a=1",
              .headers = {{"X-Message-Number", "1"}, {"X-What", "created"}},
              .body = "{}"}},
        Case{"the query",
             {.url = url + "?a=2", .headers = {{"X-Message-Number", "1"}, {"X-What", "created"}}}},
        Case{"the path",
             {.url = url + "/b?a=1", .headers = {{"X-Message-Number", "1"}, {"X-What", "created"}}}},
        Case{"the method",
             {.method = "PUT",
              .url = url + "?a=1",
              .headers = {{"X-Message-Number", "1"}, {"X-What", "created"}}}},
        Case{"a number",
             {.url = url + "?a=1", .headers = {{"X-Message-Number", "2"}, {"X-What", "created"}}}},
        Case{"what the endpoint reads",
             {.url = url + "?a=1", .headers = {{"X-Message-Number", "1"}, {"X-What", "deleted"}}}},
        Case{"a header less", {.url = url + "?a=1", .headers = {{"X-What", "created"}}}},
        Case{"another header's value",
             {.url = url + "?a=1", .headers = {{"X-Message-Number", "created"}, {"X-What", "1"}}}}}) {
    EXPECT_NE(of(one.sent), first) << one.what;
  }
}

TEST_F(ContentHash, is_another_with_any_parameter_that_proves_nothing) {
  for (const char* name : {"key", "date", "time", "token", "hash", "retry"}) {
    const std::string query = url + "?" + name + "=";
    EXPECT_NE(of({.url = query + "front"}), of({.url = query + "back"})) << name;
  }
}

TEST_F(ContentHash, stays_when_a_request_is_sent_again) {
  const std::string first =
      of({.url = url + "?a=1&proof=abc&at=17&a=2",
          .headers = {{"Date", "Mon"}, {"X-Sig", "aa"}, {"X-Message-Number", "1"}, {"X-Id", "7"}}});
  EXPECT_EQ(of({.url = url + "?a=1&proof=xyz&at=18&nonce=9&a=2",
                .headers = {{"X-ID", "7"},
                            {"Date", "Tue"},
                            {"X-Sig", "bb"},
                            {"X-At", "18"},
                            {"X-Message-Number", "1"},
                            {"traceparent", "00-1-2-3"},
                            {"User-Agent", "Sender/2"},
                            {"X-Forwarded-For", "203.0.113.7"},
                            {"X-Retry-Number", "1"},
                            {"X-Request-Id", "r2"}}}),
            first);
}

}  // namespace

}  // namespace inbound
