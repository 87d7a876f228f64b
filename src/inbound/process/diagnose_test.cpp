#include "inbound/process/diagnose.hpp"

#include <gtest/gtest.h>

#include "inbound/receive/fixture.hpp"

namespace inbound {

namespace {

using crypto::Check;
using crypto::Scheme;

constexpr const char* kSecret = "the secret";
constexpr const char* kBody = "{\"id\": \"evt_1\",\r\n \"note\": \"a \\\" b\"}";

Scheme github() { return *preset_scheme("github", {}); }

/// A request whose signature was made over something else than what arrived.
Captured captured_with(std::string_view signed_body, std::string_view arrived, std::string_view key = kSecret,
                       crypto::Hash hash = crypto::Hash::sha256) {
  Captured captured{.target = "/webhooks/acme/in", .body = std::string(arrived)};
  captured.headers.emplace_back("X-Hub-Signature-256",
                                "sha256=" + crypto::to_hex(crypto::hmac(hash, key, signed_body)));
  captured.headers.emplace_back("X-GitHub-Delivery", "d-1");
  return captured;
}

Diagnosis diagnose_with(const Scheme& scheme, const Captured& captured, std::string_view secret = kSecret) {
  std::vector<base::Secret> secrets;
  secrets.emplace_back(std::string(secret));
  return diagnose(scheme, {.secrets = secrets}, captured, "https://hub.example.com/webhooks/acme/in", kNow);
}

TEST(Diagnose, names_the_secret_and_the_event_of_what_passes) {
  const Diagnosis diagnosis = diagnose_with(github(), captured_with(kBody, kBody));
  EXPECT_TRUE(diagnosis.passed());
  EXPECT_EQ(diagnosis.ids, std::vector<std::string>{"d-1"});
  EXPECT_EQ(diagnosis.steps.front().said, "fits secret 1");
}

TEST(Diagnose, finds_what_was_done_to_the_body_on_its_way) {
  const std::string body = kBody;
  struct Case {
    std::string signed_body;
    std::string arrived;
    const char* hint;
  };
  const Case cases[] = {{R"({"id":"evt_1","note":"a \" b"})", body, "without its white space"},
                        {body, body + "\n", "without the line end"},
                        {body + "\n", body, "with a line end"},
                        {"{\"id\": \"evt_1\",\n \"note\": \"a \\\" b\"}", body, "LF for CR LF"},
                        {body, "{\"id\": \"evt_1\",\n \"note\": \"a \\\" b\"}", "CR LF for LF"},
                        {"", body, "an empty body"}};
  for (const Case& one : cases) {
    const Diagnosis diagnosis = diagnose_with(github(), captured_with(one.signed_body, one.arrived));
    EXPECT_EQ(diagnosis.check.step, Check::Step::signature_differs) << one.hint;
    EXPECT_NE(diagnosis.hint.find(one.hint), std::string::npos) << diagnosis.hint;
  }
}

TEST(Diagnose, finds_a_secret_that_is_meant_otherwise) {
  const std::string bytes = "0123456789abcdef01234567";
  const std::string text = "whsec_" + crypto::to_base64(bytes);
  EXPECT_NE(
      diagnose_with(github(), captured_with(kBody, kBody, bytes), text).hint.find("decoded from base64"),
      std::string::npos);
  EXPECT_NE(diagnose_with(github(), captured_with(kBody, kBody, bytes), crypto::to_hex(bytes))
                .hint.find("hexadecimal"),
            std::string::npos);
  EXPECT_NE(
      diagnose_with(github(), captured_with(kBody, kBody), "the secret\n").hint.find("white space around"),
      std::string::npos);
}

TEST(Diagnose, finds_another_hash) {
  const Captured captured = captured_with(kBody, kBody, kSecret, crypto::Hash::sha512);
  EXPECT_NE(diagnose_with(github(), captured).hint.find("SHA-512"), std::string::npos);
}

TEST(Diagnose, has_no_hint_where_the_secret_is_another_one) {
  const Diagnosis diagnosis = diagnose_with(github(), captured_with(kBody, kBody, "another"));
  EXPECT_EQ(diagnosis.check.step, Check::Step::signature_differs);
  EXPECT_EQ(diagnosis.hint, "");
}

TEST(Diagnose, breaks_the_search_off_where_the_body_is_large) {
  const std::string body(12 << 20, 'x');
  const Diagnosis diagnosis = diagnose_with(github(), captured_with(body, body, "another"));
  EXPECT_EQ(diagnosis.check.step, Check::Step::signature_differs);
  EXPECT_TRUE(diagnosis.hint.contains("broken off")) << diagnosis.hint;
}

TEST(Diagnose, tells_no_secret_and_no_digest) {
  const Captured captured = captured_with(kBody, "{}", kSecret);
  const std::string right = crypto::to_hex(crypto::hmac(crypto::Hash::sha256, kSecret, "{}"));
  const Diagnosis diagnosis = diagnose_with(github(), captured);
  for (const auto& step : diagnosis.steps) {
    EXPECT_EQ(step.said.find(kSecret), std::string::npos);
    EXPECT_EQ(step.said.find(right), std::string::npos);
  }
}

TEST(Diagnose, knows_a_handshake) {
  const Captured captured{.method = "GET", .target = "/w?challenge=c1"};
  const Diagnosis diagnosis = diagnose_with(*preset_scheme("dropbox", {}), captured);
  ASSERT_FALSE(diagnosis.steps.empty());
  EXPECT_EQ(diagnosis.steps.front().name, "handshake");
}

TEST(Captured, reads_a_request_with_either_line_end) {
  for (const std::string end : {"\n", "\r\n"}) {
    const auto captured = Captured::parse("POST /w/a?x=1 HTTP/1.1" + end + "Host: h.example" + end +
                                          "X-Sig:  a=b:c " + end + end + "{}\n\n");
    ASSERT_TRUE(captured);
    EXPECT_EQ(captured->target, "/w/a?x=1");
    EXPECT_EQ(captured->headers[1].second, "a=b:c");
    EXPECT_EQ(captured->body, "{}\n\n");
    EXPECT_EQ(captured->url(), "https://h.example/w/a?x=1");
    EXPECT_EQ(captured->request().query, "x=1");
  }
}

TEST(Captured, says_which_line_it_cannot_read) {
  for (const char* text : {"", "POST", "{\"id\":1}", "POST h.example HTTP/1.1\n"}) {
    const auto captured = Captured::parse(text);
    ASSERT_FALSE(captured) << text;
    EXPECT_NE(captured.error().message.find("line 1"), std::string::npos);
  }
  const auto captured = Captured::parse("POST / HTTP/1.1\nHost: a\nno header\n\n");
  ASSERT_FALSE(captured);
  EXPECT_NE(captured.error().message.find("line 3"), std::string::npos);
}

}  // namespace

}  // namespace inbound
