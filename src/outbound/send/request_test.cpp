#include "outbound/send/request.hpp"

#include "base/version.hpp"
#include "format/json.hpp"
#include "outbound/subscription/fixture.hpp"

namespace outbound {

namespace {

using namespace std::chrono_literals;

const TenantId kTenant = TenantId::parse("01980000-0000-7000-8000-0000000000aa").value();
constexpr std::string_view kBody =
    R"({"id":"01980000-0000-7000-8000-000000000001","type":"order.created",)"
    R"("timestamp":"2025-11-05T20:30:00.000Z","tenant_id":"01980000-0000-7000-8000-0000000000aa",)"
    R"("data":{"n":1}})";
// HMACs of the event's request, made by Python's hmac.
constexpr std::string_view kSignedByA = "v1,YzhdrlPopDso7eSGOn3TNUhOtDZFDYIuAbIkV/3258g=";
constexpr std::string_view kSignedByB = "v1,ioVIpQFjsW4qsDjujr70tnPw3knb3YuN+v0PxmUZ5dI=";

class Request : public ::testing::Test {
 protected:
  Request() {
    subscription.secrets.push_back(make_secret('A'));
    event = {.id = event::EventId::parse("01980000-0000-7000-8000-000000000001").value(),
             .tenant = kTenant,
             .type = "order.created",
             .data = R"({"n":1})",
             .occurred = base::parse_rfc3339("2025-11-05T20:30:00Z").value(),
             .created = kNow};
  }

  Prepared prepared() const { return prepare(share(subscription.copy())).value(); }
  http::OutboundRequest made(std::string_view url = "") const {
    const Prepared ready = prepared();
    return make_request(
               {.subscription = &ready, .event = &event, .tenant_name = "Acme Corp", .now = kNow, .url = url})
        .value();
  }
  /// The values of a header, by its name in any case.
  std::vector<std::string> values(std::string_view name) const {
    std::vector<std::string> found;
    for (const std::string& line : made().headers) {
      const std::size_t colon = line.find(':');
      const bool same = colon == name.size() && strncasecmp(line.data(), name.data(), colon) == 0;
      if (same) found.push_back(line.substr(std::min(colon + 2, line.size())));
    }
    return found;
  }
  void authenticate(AuthType type, std::string config) {
    subscription.auth_type = type;
    subscription.auth_config = base::Secret(std::move(config));
  }
  std::string shown() const { return shown_headers(made(), prepared()); }

  Subscription subscription = make_subscription(kTenant);
  event::Event event;
};

using Lines = std::vector<std::string>;

TEST_F(Request, posts_the_payload_to_the_subscriptions_url) {
  subscription.timeout = 7s;

  const http::OutboundRequest request = made();

  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://example.com/hook");
  EXPECT_EQ(request.total_timeout, 7s);
  ASSERT_NE(request.body, nullptr);
  EXPECT_EQ(*request.body, kBody);
}

TEST_F(Request, goes_to_another_url_when_one_is_given) {
  EXPECT_EQ(made("https://example.org/replay").url, "https://example.org/replay");
}

TEST_F(Request, trusts_the_origin_of_the_subscription_and_whoever_may_change_it) {
  subscription.url = "https://example.com/hook";
  struct Case {
    Destination to;
    Credentials credentials;
  };
  const Case cases[] = {
      {{}, Credentials::all},
      {{"https://example.com/hook"}, Credentials::all},
      {{"https://EXAMPLE.com:443/another?way"}, Credentials::all},
      {{"https://example.com:8443/hook"}, Credentials::none},
      {{"http://example.com/hook"}, Credentials::none},
      {{"https://sub.example.com/hook"}, Credentials::none},
      {{"https://example.com.evil.example/hook"}, Credentials::none},
      {{"not a url"}, Credentials::none},
      {{"https://evil.example/", true}, Credentials::no_token},
      {{"https://example.com/another", true}, Credentials::all},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(credentials_for(subscription, c.to), c.credentials) << c.to.url;
  }
}

TEST_F(Request, carries_no_secret_where_it_is_not_trusted) {
  subscription.headers = {{"X-Shop", "north"}, {"User-Agent", "shop/1"}, {"traceparent", "of its own"}};
  subscription.client_certificate = base::Secret("PEM");
  subscription.ca_certificate = "PEM of authorities";
  event.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const auto lines_of = [&](AuthType type, std::string config) {
    authenticate(type, std::move(config));
    const Prepared ready = prepared();
    const http::OutboundRequest request = make_request({.subscription = &ready,
                                                        .event = &event,
                                                        .now = kNow,
                                                        .url = "https://evil.example/",
                                                        .credentials = Credentials::none})
                                              .value();
    EXPECT_TRUE(request.tls->identity.empty());
    EXPECT_EQ(request.tls->authorities, "PEM of authorities");
    EXPECT_EQ(*request.body, kBody);
    return request.headers;
  };
  const std::vector<std::string> bare = {"webhook-id: 01980000-0000-7000-8000-000000000001",
                                         "webhook-timestamp: 1800000000", "Content-Type: application/json",
                                         "User-Agent: Crossdock/" CROSSDOCK_VERSION,
                                         "traceparent: " + event.traceparent};

  EXPECT_EQ(lines_of(AuthType::none, ""), bare);
  EXPECT_EQ(lines_of(AuthType::basic, R"({"username":"user","password":"pa:ss"})"), bare);
  EXPECT_EQ(lines_of(AuthType::api_key, R"({"value":"key-1"})"), bare);
  EXPECT_EQ(lines_of(AuthType::hmac, R"({"secret":"topsecret"})"), bare);
}

TEST_F(Request, has_the_payload_in_the_subscriptions_format) {
  subscription.payload_format = PayloadFormat::entity;
  EXPECT_EQ(*made().body,
            R"({"event_type":"order.created","timestamp":"2025-11-05T20:30:00.000Z",)"
            R"("tenant":{"id":"01980000-0000-7000-8000-0000000000aa","name":"Acme Corp"},"order":{"n":1}})");
}

TEST_F(Request, has_the_headers_of_standard_webhooks_and_of_the_content) {
  EXPECT_EQ(made().headers,
            (Lines{"webhook-id: 01980000-0000-7000-8000-000000000001", "webhook-timestamp: 1800000000",
                   "webhook-signature: " + std::string(kSignedByA), "Content-Type: application/json",
                   "User-Agent: Crossdock/" CROSSDOCK_VERSION}));
}

TEST_F(Request, has_the_time_and_the_id_under_every_scheme_but_one_signature_only) {
  subscription.signing_scheme = SigningScheme::github;

  EXPECT_EQ(values("webhook-id"), (Lines{"01980000-0000-7000-8000-000000000001"}));
  EXPECT_EQ(values("webhook-timestamp"), (Lines{"1800000000"}));
  EXPECT_EQ(values("webhook-signature"), Lines{});
  EXPECT_EQ(values("x-hub-signature-256"),
            (Lines{"sha256=" +
                   crypto::to_hex(crypto::hmac(crypto::Hash::sha256, secret_text('A'), *made().body))}));
  EXPECT_EQ(values("x-github-event"), (Lines{"order.created"}));
  EXPECT_EQ(values("x-github-delivery"), (Lines{"01980000-0000-7000-8000-000000000001"}));
}

TEST_F(Request, holds_the_data_alone_as_raw) {
  subscription.payload_format = PayloadFormat::raw;
  event.data = R"([1.10, "x"])";
  event.changes = "{}";

  EXPECT_EQ(*made().body, R"([1.10, "x"])");
  EXPECT_EQ(values("content-type"), (Lines{"application/json"}));
}

TEST_F(Request, is_a_structured_cloud_event) {
  subscription.payload_format = PayloadFormat::cloudevents;
  subscription.content_type = "application/vnd.acme+json";

  EXPECT_EQ(values("content-type"), (Lines{"application/cloudevents+json"}));
  EXPECT_TRUE(made().body->contains(R"("datacontenttype":"application/vnd.acme+json")")) << *made().body;
  EXPECT_EQ(values("ce-id"), Lines{});
}

TEST_F(Request, is_a_binary_cloud_event) {
  subscription.payload_format = PayloadFormat::cloudevents_binary;

  EXPECT_EQ(*made().body, R"({"n":1})");
  EXPECT_EQ(values("content-type"), (Lines{"application/json"}));
  EXPECT_EQ(values("ce-specversion"), (Lines{"1.0"}));
  EXPECT_EQ(values("ce-type"), (Lines{"order.created"}));
}

TEST_F(Request, is_a_form_whose_bytes_are_the_signed_ones) {
  subscription.content_type = "application/x-www-form-urlencoded";

  EXPECT_EQ(values("content-type"), (Lines{"application/x-www-form-urlencoded"}));
  EXPECT_EQ(
      *made().body,
      "id=01980000-0000-7000-8000-000000000001&type=order.created&timestamp=2025-11-05T20%3A30%3A00.000Z"
      "&tenant_id=01980000-0000-7000-8000-0000000000aa&data%5Bn%5D=1");
  EXPECT_EQ(values("webhook-signature"),
            (Lines{crypto::WebhookSecret::parse(secret_text('A'))
                       ->sign("01980000-0000-7000-8000-000000000001", "1800000000", *made().body)}));
  subscription.payload_format = PayloadFormat::raw;
  EXPECT_EQ(*made().body, "n=1");
  event.data = "[7]";
  EXPECT_EQ(*made().body, "data%5B0%5D=7");
}

TEST_F(Request, is_refused_where_a_form_would_swell_without_end) {
  subscription.content_type = "application/x-www-form-urlencoded";
  event.data = R"({")" + std::string(100'000, 'k') + R"(":[1)";
  for (int i = 0; i < 100; ++i) event.data += ",1";
  event.data += "]}";
  const Prepared ready = prepared();

  const auto request = make_request({.subscription = &ready, .event = &event, .now = kNow});

  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().reason, "PAYLOAD_TOO_BIG");
  EXPECT_FALSE(request.error().retryable());
}

TEST_F(Request, satisfies_a_receiver_that_verifies_it) {
  std::vector<crypto::WebhookSecret> known;
  known.push_back(crypto::WebhookSecret::parse(secret_text('A')).value());
  const std::string id = values("webhook-id").at(0);
  const std::string timestamp = values("webhook-timestamp").at(0);
  const std::string signature = values("webhook-signature").at(0);

  EXPECT_TRUE(crypto::verify_webhook(known, {id, timestamp, signature}, *made().body, kNow));
  EXPECT_FALSE(crypto::verify_webhook(known, {id, timestamp, signature}, *made().body + " ", kNow));
}

TEST_F(Request, is_signed_with_every_secret_that_is_still_valid) {
  subscription.secrets.push_back(make_secret('B', kNow + 1us));
  EXPECT_EQ(values("webhook-signature"), (Lines{std::string(kSignedByA) + " " + std::string(kSignedByB)}));

  subscription.secrets.back().valid_until = kNow;
  EXPECT_EQ(values("webhook-signature"), (Lines{std::string(kSignedByA)}));
}

TEST_F(Request, carries_the_trace_of_its_event) {
  EXPECT_EQ(values("traceparent"), Lines{});
  event.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  EXPECT_EQ(values("traceparent"), (Lines{event.traceparent}));
}

TEST_F(Request, carries_the_subscriptions_own_headers_and_content_type) {
  subscription.content_type = "application/vnd.acme+json";
  subscription.headers = {{"X-Shop", "north: 7"}, {"X-Empty", ""}};

  EXPECT_EQ(values("content-type"), (Lines{"application/vnd.acme+json"}));
  EXPECT_EQ(values("x-shop"), (Lines{"north: 7"}));
  EXPECT_EQ(values("x-empty"), (Lines{""}));
}

TEST_F(Request, proves_itself_by_basic_authentication) {
  authenticate(AuthType::basic, R"({"username":"user","password":"pa:ss"})");
  EXPECT_EQ(values("authorization"), (Lines{"Basic dXNlcjpwYTpzcw=="}));
}

TEST_F(Request, proves_itself_by_an_api_key) {
  authenticate(AuthType::api_key, R"({"value":"key-1"})");
  EXPECT_EQ(values("x-api-key"), (Lines{"key-1"}));

  authenticate(AuthType::api_key, R"({"header":"Authorization","value":"Bearer key-1"})");
  EXPECT_EQ(values("authorization"), (Lines{"Bearer key-1"}));
  EXPECT_EQ(values("x-api-key"), Lines{});
}

TEST_F(Request, proves_itself_by_a_mac_of_the_body) {
  authenticate(AuthType::hmac, R"({"secret":"topsecret"})");
  EXPECT_EQ(values("x-signature"),
            (Lines{"db696acfd765b09469bf60d6a1c6936d1a705a0f75e742f2d2866891b08114a0"}));

  authenticate(
      AuthType::hmac,
      R"({"secret":"topsecret","algorithm":"sha1","encoding":"base64","header":"X-Hub","prefix":"s="})");
  EXPECT_EQ(values("x-hub"), (Lines{"s=palvdlCre8OG/JhnLNpDkzE+LZE="}));

  authenticate(AuthType::hmac, R"({"secret":"topsecret","algorithm":"sha512"})");
  EXPECT_EQ(values("x-signature"),
            (Lines{"787cbec6e690100f7e2e8c4e9866c17e21bb1a1fe06e58d62aa53a288a82586a"
                   "6c99211deb095a78c087aa5e365f9dcc336332f8d8e0c1b94a1e62eeeaf2ccb0"}));
}

TEST_F(Request, has_a_mac_by_the_newest_signing_secret_where_none_is_given) {
  authenticate(AuthType::hmac, "{}");
  const std::string mac = crypto::to_hex(crypto::hmac(crypto::Hash::sha256, secret_text('A'), kBody));
  EXPECT_EQ(values("x-signature"), (Lines{mac}));
}

TEST_F(Request, shows_its_headers_without_the_credentials) {
  subscription.headers = {{"X-Shop", "north"}};
  authenticate(AuthType::basic, R"({"username":"user","password":"pa:ss"})");

  EXPECT_EQ(shown(),
            R"({"webhook-id":"01980000-0000-7000-8000-000000000001","webhook-timestamp":"1800000000",)"
            R"("webhook-signature":")" +
                std::string(kSignedByA) +
                R"(","Content-Type":"application/json","Authorization":"***","X-Shop":"north",)"
                R"("User-Agent":"Crossdock/)" CROSSDOCK_VERSION R"("})");
}

TEST_F(Request, never_shows_a_key_or_a_secret) {
  authenticate(AuthType::api_key, R"({"value":"key-1"})");
  EXPECT_EQ(shown().find("key-1"), std::string::npos) << shown();
  EXPECT_NE(shown().find(R"("X-API-Key":"***")"), std::string::npos) << shown();

  authenticate(AuthType::hmac, R"({"secret":"topsecret"})");
  EXPECT_EQ(shown().find("topsecret"), std::string::npos) << shown();
  EXPECT_EQ(shown().find(secret_text('A')), std::string::npos) << shown();
}

TEST_F(Request, hides_credentials_among_the_subscriptions_own_headers) {
  subscription.headers = {{"Authorization", "Bearer t0ken"}};

  EXPECT_EQ(values("authorization"), (Lines{"Bearer t0ken"}));
  EXPECT_EQ(shown().find("t0ken"), std::string::npos) << shown();
}

TEST_F(Request, has_each_header_that_may_stand_but_once_only_once) {
  subscription.headers = {{"User-Agent", "shop/1"}};
  EXPECT_TRUE(is_reserved_header("User-Agent") || values("user-agent").size() == 1)
      << "two User-Agent headers are sent";
  EXPECT_TRUE(format::parse_json(shown())) << shown();
}

TEST(ShownBody, is_decoded_where_it_can_be) {
  const auto shown = [](const char* coding, std::string body, bool truncated = false) {
    http::OutboundResponse response{.status = 200, .body = std::move(body), .body_truncated = truncated};
    if (coding != nullptr) response.headers.emplace_back("content-encoding", coding);
    return shown_body(std::move(response));
  };
  // {"id":"evt_1"}, as Node's zlib makes it.
  const std::string packed("\x8b\x06\x80{\"id\":\"evt_1\"}\x03", 18);

  EXPECT_EQ(shown("br", packed).text, R"({"id":"evt_1"})");
  EXPECT_FALSE(shown("br", packed).truncated);
  EXPECT_TRUE(shown("br", packed, true).truncated);
  EXPECT_EQ(shown(nullptr, "plain").text, "plain");
  for (const char* coding : {"br", "gzip", "unknown", "identity"}) {
    EXPECT_EQ(shown(coding, "plain").text, "plain") << coding;
  }
}

TEST(ReservedHeader, is_one_of_the_connection_or_of_the_signature_in_any_case) {
  for (const std::string_view name :
       {"Host", "content-length", "Transfer-Encoding", "CONNECTION", "Keep-Alive", "TE", "Trailer", "Upgrade",
        "Expect", "Proxy-Authorization", "Proxy-Connection", "Webhook-Id", "webhook-timestamp",
        "WEBHOOK-SIGNATURE", "Content-Type"}) {
    EXPECT_TRUE(is_reserved_header(name)) << name;
  }
  for (const std::string_view name : {"X-Shop", "Authorization", "webhook-idx", "webhook", "", "X-Host"}) {
    EXPECT_FALSE(is_reserved_header(name)) << name;
  }
}

}  // namespace

}  // namespace outbound
