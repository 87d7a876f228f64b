#include "inbound/scheme/safety.hpp"

#include <gtest/gtest.h>

#include "inbound/receive/fixture.hpp"

namespace inbound {

namespace {

using crypto::Check;
using crypto::PublicAlgorithm;
using crypto::Scheme;
using crypto::SchemeKey;

Scheme read(const std::string& text) {
  const auto document = format::parse_json(text);
  EXPECT_TRUE(document) << text;
  auto scheme = read_scheme(document->root(), {});
  EXPECT_TRUE(scheme) << text << (scheme ? "" : scheme.error().message);
  return scheme ? std::move(*scheme) : Scheme{};
}

std::string pem_of(const crypto::PrivateKey& key) {
  return "-----BEGIN PUBLIC KEY-----\n" + crypto::to_base64(key.public_spki()) +
         "\n-----END PUBLIC KEY-----\n";
}

std::string hs256(std::string_view key, const std::string& claims,
                  const std::string& head = R"({"alg":"HS256"})") {
  const std::string text = crypto::to_base64url(head) + "." + crypto::to_base64url(claims);
  return text + "." + crypto::to_base64url(crypto::hmac(crypto::Hash::sha256, key, text));
}

Check check_with(const Scheme& scheme, const std::string& secret, Sent sent) {
  const auto key = SchemeKey::make(scheme, secret);
  EXPECT_TRUE(key) << (key ? "" : key.error().message);
  const SchemeKey* const keys[] = {&*key};
  return verify(scheme, keys, sent);
}

TEST(Schemes, by_which_anybody_could_sign_are_refused) {
  struct Case {
    const char* document;
    const char* pointer;
  };
  for (const Case& one :
       {Case{R"({"kind":"jwt","alg":["RS256","HS256"],"sig":"header:x","key":{"encoding":"pem"}})", "#/alg"},
        Case{R"({"kind":"jwt","alg":["HS256","EdDSA"],"sig":"header:x"})", "#/alg"},
        Case{R"({"kind":"jwt","alg":["HS256"],"sig":"header:x","key":{"encoding":"pem"}})", "#/key/encoding"},
        Case{R"({"kind":"jwt","alg":["HS256"],"sig":"header:x","key":{"jwks":"https://a.example/keys"}})",
             "#/alg"},
        Case{R"({"sig":"header:x","key":{"encoding":"spki-base64"}})", "#/key/encoding"},
        Case{R"({"sig":"header:x","key":{"encoding":"ed25519-hex"}})", "#/key/encoding"},
        Case{R"({"kind":"pk","alg":"rsa-sha256","sig":"header:x","key":{"encoding":"ed25519-base64"}})",
             "#/key/encoding"},
        // What is answered before anything is verified could be a token.
        Case{R"({"kind":"jwt","alg":["HS256"],"sig":"header:x","challenge":[{"method":"GET","check":"skip",)"
             R"("reply":{"body":"{hmac_base64(query:c)}"}}]})",
             "#/challenge/0/reply"},
        // The signature covers a timestamp, the answer signs the body.
        Case{R"({"sig":"header:x","ts":"header:t","content":"{ts}","challenge":[{"when":{"json:c":"*"},)"
             R"("check":"before","reply":{"body":"{hmac_hex(json:c)}"}}]})",
             "#/challenge/0/reply"},
        Case{R"({"sig":"header:x","content":"{body}","challenge":[{"when":{"header:c":"*"},)"
             R"("check":"before","reply":{"headers":{"X-A":"{hmac_hex(header:c)}"}}}]})",
             "#/challenge/0/reply"},
        Case{R"({"sig":"header:x","reply":{"ok":204,"body":"HTTP/1.1 200 OK"}})", "#/reply/ok"},
        Case{R"({"sig":"header:x","reply":{"ok":304,"body":"x"}})", "#/reply/ok"},
        Case{R"({"sig":"header:x","challenge":[{"method":"GET","reply":{"status":204,"body":"{body}"}}]})",
             "#/challenge/0/reply/status"},
        Case{R"({"sig":"header:x","challenge":[{"method":"GET","reply":{"headers":{"Alt-Svc":"h3"}}}]})",
             "#/challenge/0/reply/headers"}}) {
    const auto dangers = dangers_of(read(one.document));
    ASSERT_EQ(dangers.size(), 1u) << one.document;
    EXPECT_EQ(dangers.front().pointer, one.pointer) << one.document;
  }
}

TEST(Schemes, of_known_senders_have_no_dangers) {
  const SchemeConfig config = {
      {"webhook_id", "1"}, {"key_id", "K1"}, {"verify_token", "t"}, {"topic_arn", "a"}, {"client_id", "c"}};
  for (const Preset& preset : presets()) {
    const auto scheme = preset_scheme(preset.name, config);
    ASSERT_TRUE(scheme) << preset.name;
    for (const auto& danger : dangers_of(*scheme))
      ADD_FAILURE() << preset.name << danger.pointer << danger.detail;
  }
}

TEST(Schemes, tell_a_secret_where_keys_are_asked_for_with_it_or_it_is_answered) {
  struct Case {
    const char* document;
    bool tells;
  };
  for (const Case& one :
       {Case{R"({"sig":"header:x"})", false},
        Case{R"({"kind":"digest","sig":"header:x","content":"{secret}{body}"})", false},
        Case{R"({"sig":"header:x","challenge":[{"method":"GET","reply":{"body":"{query:c}"}}]})", false},
        Case{R"({"sig":"header:x","challenge":[{"method":"GET","reply":{"body":"{secret}"}}]})", true},
        Case{R"({"sig":"header:x","challenge":[{"method":"GET","reply":{"headers":{"X-A":"{secret}"}}}]})",
             true},
        Case{R"({"kind":"jwt","alg":["ES256"],"sig":"header:x","key":{"jwks":"https://a.example/k"}})",
             false},
        Case{R"({"kind":"jwt","alg":["ES256"],"sig":"header:x","key":{"jwks":"https://a.example/k",)"
             R"("ask":"{\"s\":\"{secret}\"}"}})",
             true}}) {
    EXPECT_EQ(tells_secret(read(one.document)), one.tells) << one.document;
  }
}

TEST(Secrets, that_are_public_or_of_another_kind_are_refused) {
  const auto rsa = private_key(kRsaKey);
  const auto ec = private_key(kEcKey);
  struct Case {
    const char* document;
    std::string secret;
    bool good;
  };
  for (const Case& one :
       {Case{R"({"sig":"header:x"})", "It's a secret", true},
        Case{R"({"sig":"header:x"})", pem_of(rsa), false},
        Case{R"({"kind":"token","sig":"header:x"})", pem_of(rsa), false},
        Case{R"({"kind":"jwt","alg":["HS256"],"sig":"header:x"})", pem_of(rsa), false},
        Case{R"({"kind":"jwt","alg":["ES256","RS256"],"sig":"header:x","key":{"encoding":"pem"}})",
             pem_of(ec), true},
        Case{R"({"kind":"jwt","alg":["ES256"],"sig":"header:x","key":{"encoding":"pem"}})", pem_of(rsa),
             false},
        Case{R"({"kind":"pk","alg":"rsa-sha256","sig":"header:x"})", pem_of(rsa), true},
        Case{R"({"kind":"pk","alg":"rsa-sha256","sig":"header:x"})", pem_of(ec), false},
        Case{R"({"kind":"pk","alg":"ed25519","sig":"header:x"})", pem_of(ec), false},
        Case{R"({"kind":"pk","alg":{"by":"json:v","1":"rsa-sha1","2":"ecdsa-sha256"},"sig":"header:x"})",
             pem_of(rsa), false}}) {
    const Scheme scheme = read(one.document);
    const auto key = SchemeKey::make(scheme, one.secret);
    ASSERT_TRUE(key) << one.document;
    EXPECT_EQ(check_secret(scheme, *key).has_value(), one.good) << one.document;
  }
}

TEST(Secrets, that_are_blank_are_none) {
  struct Case {
    const char* document;
    std::string secret;
  };
  for (const Case& one :
       {Case{R"({"sig":"header:x"})", ""}, Case{R"({"sig":"header:x"})", " \t\r\n"},
        Case{R"({"sig":"header:x","key":{"strip":"whsec_","encoding":"base64"}})", "whsec_"},
        Case{R"({"sig":"header:x","key":{"strip":"whsec_"}})", "whsec_ "},
        Case{R"({"sig":"header:x","key":{"encoding":"hex"}})", "00000000"},
        Case{R"({"kind":"token","sig":"header:x"})", "  "},
        Case{R"({"kind":"basic","sig":"header:x"})", " : "}}) {
    EXPECT_FALSE(SchemeKey::make(read(one.document), one.secret)) << one.document;
  }
  EXPECT_TRUE(SchemeKey::make(read(R"({"kind":"basic","sig":"header:x"})"), "api-key:"));
}

TEST(Tokens, are_not_signed_with_a_public_key_as_if_it_were_a_secret) {
  const auto rsa = private_key(kRsaKey);
  const std::string pem = pem_of(rsa);
  for (const char* encoding : {"utf8", "pem"}) {
    const Scheme scheme =
        read(R"({"kind":"jwt","alg":["RS256","HS256"],"sig":"header:x","key":{"encoding":")" +
             std::string(encoding) + R"("}})");
    EXPECT_FALSE(check_with(scheme, pem, {.headers = {{"X", hs256(pem, "{}")}}}).passed()) << encoding;
    const std::string text = crypto::to_base64url(R"({"alg":"RS256"})") + "." + crypto::to_base64url("{}");
    const std::string token = text + "." + crypto::to_base64url(*rsa.sign(PublicAlgorithm::rsa_sha256, text));
    EXPECT_TRUE(check_with(scheme, pem, {.headers = {{"X", token}}}).passed()) << encoding;
  }
  const Scheme both = read(R"({"kind":"jwt","alg":["RS256","HS256"],"sig":"header:x"})");
  EXPECT_TRUE(check_with(both, "a secret", {.headers = {{"X", hs256("a secret", "{}")}}}).passed());
}

TEST(Tokens, count_between_their_times_and_a_minute_around) {
  const Scheme scheme = read(R"({"kind":"jwt","alg":["HS256"],"sig":"header:x"})");
  struct Case {
    const char* claims;
    const char* step;
  };
  // It is 1800000000.
  for (const Case& one :
       {Case{R"({})", "passed"}, Case{R"({"exp":1800000001,"nbf":1800000000,"iat":1799999999})", "passed"},
        Case{R"({"exp":1799999941})", "passed"}, Case{R"({"exp":1799999940})", "timestamp_outside"},
        Case{R"({"exp":0})", "timestamp_outside"}, Case{R"({"exp":-1})", "timestamp_outside"},
        Case{R"({"exp":1e3})", "timestamp_outside"}, Case{R"({"exp":1.9e9})", "passed"},
        Case{R"({"nbf":1800000060})", "passed"}, Case{R"({"nbf":1800000061})", "timestamp_outside"},
        Case{R"({"iat":1800000060.5})", "timestamp_outside"}, Case{R"({"iat":1})", "passed"},
        Case{R"({"exp":"soon"})", "timestamp_unreadable"}, Case{R"({"nbf":[1]})", "timestamp_unreadable"}}) {
    const Sent sent{.headers = {{"X", hs256("a secret", one.claims)}}};
    EXPECT_EQ(name(check_with(scheme, "a secret", sent).step), one.step) << one.claims;
  }
  const Sent critical{
      .headers = {{"X", hs256("a secret", "{}", R"({"alg":"HS256","crit":["b64"],"b64":false})")}}};
  EXPECT_EQ(name(check_with(scheme, "a secret", critical).step), "claim_differs");
}

TEST(Handshakes, sign_for_strangers_nothing_that_counts_as_a_webhook) {
  const auto scheme = preset_scheme("twitter_x", {});
  ASSERT_TRUE(scheme);
  const auto sent_of = [](const std::string& body) {
    const std::string mac = crypto::to_base64(crypto::hmac(crypto::Hash::sha256, "key", body));
    return Sent{.headers = {{"X-Twitter-Webhooks-Signature", "sha256=" + mac}}, .body = body};
  };
  for (const char* token :
       {"", "1", "true", "MGUwNzI3YzMtZjhmZi00OTBmLTk0ZjktZmEyN2I5OTQzNzA1", "a.b~c+/=_-"}) {
    EXPECT_FALSE(check_with(*scheme, "key", sent_of(token)).passed()) << token;
  }
  EXPECT_TRUE(check_with(*scheme, "key", sent_of(R"({"for_user_id":"2244994945"})")).passed());
  // What the handshake signs may be the whole of what is signed, whatever stands in between.
  const Scheme own =
      read(R"({"sig":"header:x","ts":"header:t","tolerance":0,"content":"{ts}.{body}","challenge":[)"
           R"({"method":"GET","check":"skip","reply":{"body":"{hmac_hex(query:c)}"}}]})");
  const std::string mac = crypto::to_hex(crypto::hmac(crypto::Hash::sha256, "key", "1800000000.abc"));
  EXPECT_FALSE(
      check_with(own, "key", {.headers = {{"X", mac}, {"T", "1800000000"}}, .body = "abc"}).passed());
}

TEST(Handshakes, sign_for_strangers_no_token_of_a_scheme_that_was_stored_before_such_were_refused) {
  const Scheme scheme =
      read(R"({"kind":"jwt","alg":["HS256"],"sig":"header:x","challenge":[{"method":"GET","check":"skip",)"
           R"("reply":{"body":"{hmac_base64(query:c)}"}}]})");
  const auto with = [&](const std::string& claims) {
    return check_with(scheme, "a secret", {.headers = {{"X", hs256("a secret", claims)}}}).passed();
  };
  EXPECT_FALSE(with(R"({"sub":"anybody"})"));
  EXPECT_TRUE(with(R"({"sub":")" + std::string(256, 'x') + R"("})")) << "longer than what is signed for them";
}

TEST(Handshakes, can_be_told_by_what_is_not_there) {
  const Scheme scheme =
      read(R"({"sig":"header:x","challenge":[{"when":{"form:webhook_id":"*","header:x":null},)"
           R"("check":"skip","reply":{"status":200}}]})");
  const auto is_handshake = [&](const Sent& sent) {
    const http::Request request = sent.request();
    return find_challenge(scheme, {}, Message(request, sent.url)) != nullptr;
  };
  EXPECT_TRUE(is_handshake({.body = "webhook_id=7"}));
  EXPECT_FALSE(is_handshake({.headers = {{"X", "abc"}}, .body = "webhook_id=7"}));
}

}  // namespace

TEST(AnswerHeaders, are_those_that_are_known_to_harm_nobody) {
  for (const char* name : {"X-Hook-Secret", "x-echo", "WebHook-Allowed-Origin", "Smartsheet-Hook-Response",
                           "Cache-Control", "Content-Language", "retry-after"}) {
    EXPECT_TRUE(is_answer_header(name)) << name;
  }
  for (const char* name : {"",
                           " ",
                           "X-A B",
                           "X-\r",
                           "Transfer-\rEncoding",
                           "Set-\nCookie",
                           "Set-Cookie: sid=evil; Path=/; X",
                           "X-A:",
                           "X-\x7f",
                           "Transfer-Encoding",
                           "Content-Length",
                           "Connection",
                           "Set-Cookie",
                           "Alt-Svc",
                           "Clear-Site-Data",
                           "Strict-Transport-Security",
                           "Location",
                           "Refresh",
                           "Content-Security-Policy-Report-Only",
                           "Access-Control-Allow-Origin",
                           "Service-Worker-Allowed",
                           "X-Accel-Redirect",
                           "x-sendfile"}) {
    EXPECT_FALSE(is_answer_header(name)) << name;
  }
}

}  // namespace inbound
