// What the engine of signature schemes owes beside the schemes themselves: published vectors, limits, the
// order in which it looks.
#include "crypto/scheme.hpp"

#include <gtest/gtest.h>

#include "inbound/receive/fixture.hpp"

namespace inbound {

namespace {

using crypto::Check;
using crypto::Scheme;
using crypto::SchemeKey;
using namespace std::chrono_literals;

base::Result<Scheme> read(std::string text, const SchemeConfig& config = {}) {
  const auto document = format::parse_json(std::move(text));
  if (!document) return std::unexpected(document.error());
  return read_scheme(document->root(), config);
}

Scheme make_scheme(std::string text) {
  auto scheme = read(std::move(text));
  if (!scheme) {
    ADD_FAILURE() << scheme.error().message
                  << (scheme.error().fields.empty()
                          ? ""
                          : scheme.error().fields[0].pointer + scheme.error().fields[0].detail);
    return {};
  }
  return std::move(*scheme);
}

Check check_with(const Scheme& scheme, std::string_view secret, const Sent& sent, base::Time now = kNow) {
  const auto key = SchemeKey::make(scheme, secret);
  EXPECT_TRUE(key) << key.error().message;
  const SchemeKey* const keys[] = {&*key};
  return verify(scheme, keys, sent, now);
}

base::Time at_second(std::int64_t seconds) { return base::Time{std::chrono::seconds{seconds}}; }

// --- published vectors

struct Vector {
  const char* preset;
  const char* secret;
  Sent sent;
  std::int64_t at = 1'800'000'000;
};

const std::vector<Vector>& vectors() {
  // Standard Webhooks: the specification's and Svix's tests. Motive, HubSpot: their documentation.
  static const std::vector<Vector> all = {
      {"standard_webhooks",
       "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
       {.headers = {{"Webhook-Id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
                    {"Webhook-Timestamp", "1614265330"},
                    {"Webhook-Signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}},
        .body = R"({"test": 2432232314})"},
       1614265330},
      {"standard_webhooks_v1a",
       "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
       {.headers = {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
                    {"webhook-timestamp", "1614265330"},
                    {"webhook-signature",
                     "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/"
                     "enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="}},
        .body = R"({"test": 2432232314})"},
       1614265330},
      {"motive",
       "d9d36bea41c44ae49d1bfc4a48ba2abe",
       {.headers = {{"X-KT-Webhook-Signature", "f04a8386a21a6cba0447024e83b3f0983352bb72"}},
        .body = R"(["fault_code_closed"])"}},
      {"hubspot_v1",
       "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
       {.headers = {{"X-HubSpot-Signature",
                     "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"}},
        .body =
            R"([{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,)"
            R"("subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",)"
            R"("changeFlag":"NEW","appId":54321}])"}},
      {"hubspot_v2",
       "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
       {.method = "GET",
        .url = "https://www.example.com/webhook_uri",
        .headers = {{"X-HubSpot-Signature",
                     "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"}},
        .body = ""}}};
  return all;
}

TEST(SchemeVectors, pass_and_no_others_do) {
  for (const Vector& vector : vectors()) {
    const auto scheme = preset_scheme(vector.preset, {});
    ASSERT_TRUE(scheme) << vector.preset;
    EXPECT_TRUE(check_with(*scheme, vector.secret, vector.sent, at_second(vector.at)).passed())
        << vector.preset;
    Sent changed = vector.sent;
    changed.body += " ";
    EXPECT_FALSE(check_with(*scheme, vector.secret, changed, at_second(vector.at)).passed()) << vector.preset;
  }
}

// --- the engine

constexpr const char* kPlain = R"({"sig":"header:x-sig","split":",","prefix":"v1="})";

std::string mac_of(std::string_view body) {
  return "v1=" + crypto::to_hex(crypto::hmac(crypto::Hash::sha256, "key", body));
}

TEST(SchemeCheck, looks_at_sixteen_signatures_and_no_more) {
  const Scheme scheme = make_scheme(kPlain);
  std::string others;
  for (int i = 0; i < 15; ++i) others += "v1=00,";
  Sent sent;
  sent.headers = {{"X-Sig", others + mac_of(sent.body)}};
  EXPECT_TRUE(check_with(scheme, "key", sent).passed());
  sent.headers = {{"X-Sig", others + "v1=00," + mac_of(sent.body)}};
  EXPECT_FALSE(check_with(scheme, "key", sent).passed());
}

TEST(SchemeCheck, takes_no_part_of_a_digest_for_the_whole) {
  const Scheme scheme = make_scheme(kPlain);
  Sent sent;
  const std::string whole = mac_of(sent.body);
  for (const std::string& value : {whole.substr(0, whole.size() - 2), whole + "00", std::string("v1=")}) {
    sent.headers = {{"X-Sig", value}};
    EXPECT_FALSE(check_with(scheme, "key", sent).passed()) << value;
  }
}

TEST(SchemeCheck, says_what_it_expected_and_got_by_a_few_bytes_only) {
  const Scheme scheme = make_scheme(kPlain);
  Sent sent;
  sent.headers = {{"X-Sig", mac_of("another body")}};
  const Check checked = check_with(scheme, "key", sent);
  EXPECT_EQ(checked.step, Check::Step::signature_differs);
  EXPECT_EQ(checked.expected, mac_of(sent.body).substr(3, 8) + "…");
  EXPECT_EQ(checked.got, mac_of("another body").substr(3, 8) + "…");
}

TEST(SchemeCheck, tells_what_cannot_be_decoded_from_what_differs) {
  const Scheme scheme = make_scheme(kPlain);
  Sent sent;
  sent.headers = {{"X-Sig", "v1=no hexadecimal"}};
  EXPECT_EQ(check_with(scheme, "key", sent).step, Check::Step::signature_unreadable);
  sent.headers = {{"X-Sig", "v2=00"}};
  EXPECT_EQ(check_with(scheme, "key", sent).step, Check::Step::signature_missing);
}

TEST(SchemeCheck, says_nothing_of_the_time_of_a_request_that_nobody_signed) {
  const Scheme scheme = make_scheme(R"({"sig":"header:x-sig","ts":"header:x-time","content":"{ts}.{body}"})");
  Sent sent;
  sent.headers = {{"X-Sig", std::string(64, '0')}, {"X-Time", "1"}};
  EXPECT_EQ(check_with(scheme, "key", sent).step, Check::Step::signature_differs);
  const std::string mac = crypto::to_hex(crypto::hmac(crypto::Hash::sha256, "key", "1." + sent.body));
  sent.headers = {{"X-Sig", mac}, {"X-Time", "1"}};
  EXPECT_EQ(check_with(scheme, "key", sent).step, Check::Step::timestamp_outside);
}

TEST(SchemeCheck, refuses_timestamps_that_are_no_numbers_or_far_beyond_them) {
  const Scheme scheme = make_scheme(R"({"sig":"header:x-sig","ts":"header:x-time","content":"{ts}.{body}"})");
  for (const char* time : {"-9223372036854775808", "9223372036854775807", "99999999999999999999", "1e9", " 1",
                           "1800000000x", "0x10", ""}) {
    Sent sent;
    const std::string mac =
        crypto::to_hex(crypto::hmac(crypto::Hash::sha256, "key", std::string(time) + "." + sent.body));
    sent.headers = {{"X-Sig", mac}, {"X-Time", time}};
    EXPECT_FALSE(check_with(scheme, "key", sent).passed()) << time;
  }
}

TEST(SchemeCheck, joins_what_comes_twice_so_that_it_cannot_be_told_two_things) {
  const Scheme scheme = make_scheme(R"({"sig":"header:x-sig"})");
  Sent sent;
  const std::string mac = crypto::to_hex(crypto::hmac(crypto::Hash::sha256, "key", sent.body));
  sent.headers = {{"X-Sig", mac}, {"x-sig", mac}};
  EXPECT_FALSE(check_with(scheme, "key", sent).passed());
}

TEST(SchemeCheck, takes_files_for_fields_of_a_form) {
  const Scheme scheme = make_scheme(R"({"sig":"header:x-sig","content":"{form_sorted}"})");
  const std::string field = "--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n";
  const std::string file = "--X\r\nContent-Disposition: form-data; name=b; filename=f\r\n\r\n2\r\n";
  const auto signed_as = [](const char* text, std::string body) {
    return Sent{.headers = {{"Content-Type", "multipart/form-data; boundary=X"},
                            {"X-Sig", crypto::to_hex(crypto::hmac(crypto::Hash::sha256, "key", text))}},
                .body = std::move(body)};
  };
  EXPECT_TRUE(check_with(scheme, "key", signed_as("a1", field + "--X--")).passed());
  EXPECT_FALSE(check_with(scheme, "key", signed_as("a1", field + file + "--X--")).passed());
  EXPECT_TRUE(check_with(scheme, "key", signed_as("a1b2", field + file + "--X--")).passed());
}

TEST(SchemeCheck, takes_no_token_whose_algorithm_the_scheme_does_not_name) {
  const Scheme scheme =
      make_scheme(R"({"kind":"jwt","alg":["ES256"],"sig":"header:x-sig","key":{"encoding":"pem"}})");
  const auto ec = private_key(kEcKey);
  const std::string pem =
      "-----BEGIN PUBLIC KEY-----\n" + crypto::to_base64(ec.public_spki()) + "\n-----END PUBLIC KEY-----\n";
  const std::string claims = crypto::to_base64url(R"({"iat":1800000000})");
  const auto token = [&](const std::string& head, const std::string& signature) {
    return crypto::to_base64url(head) + "." + claims + "." + crypto::to_base64url(signature);
  };
  const std::string right = crypto::to_base64url(R"({"alg":"ES256"})") + "." + claims;
  Sent sent;
  sent.headers = {
      {"X-Sig", right + "." + crypto::to_base64url(*ec.sign(crypto::PublicAlgorithm::es256, right))}};
  EXPECT_TRUE(check_with(scheme, pem, sent).passed());
  const std::string by_secret = crypto::to_base64url(R"({"alg":"HS256"})") + "." + claims;
  for (const std::string& wrong :
       {token(R"({"alg":"none"})", ""), token(R"({"alg":"None"})", ""),
        token(R"({"alg":"HS256"})", crypto::hmac(crypto::Hash::sha256, pem, by_secret)), token("{}", "x"),
        std::string("..."), std::string("no token")}) {
    sent.headers = {{"X-Sig", wrong}};
    EXPECT_FALSE(check_with(scheme, pem, sent).passed()) << wrong;
  }
}

TEST(SchemeCheck, refuses_a_batch_of_which_one_element_is_not_signed) {
  const auto scheme = preset_scheme("ms_graph", {});
  ASSERT_TRUE(scheme);
  Sent sent;
  sent.body = R"({"value":[{"id":"1","clientState":"s"},{"id":"2","clientState":"t"}]})";
  EXPECT_FALSE(check_with(*scheme, "s", sent).passed());
  sent.body = R"({"value":[{"id":"1","clientState":"s"},{"id":"2"}]})";
  EXPECT_FALSE(check_with(*scheme, "s", sent).passed());
  sent.body = R"({"value":[]})";
  EXPECT_FALSE(check_with(*scheme, "s", sent).passed());
}

TEST(SchemeCheck, fits_a_url_with_and_without_the_port_of_its_scheme) {
  const Scheme scheme = make_scheme(R"({"sig":"header:x-sig","content":"{url}{body}","url":"port"})");
  for (const auto& [configured, signed_as] :
       std::map<std::string, std::string>{{"https://a.example/x?y=1", "https://a.example:443/x?y=1"},
                                          {"https://a.example:443/x", "https://a.example/x"},
                                          {"http://a.example/x", "http://a.example:80/x"},
                                          {"https://[2001:db8::1]/x", "https://[2001:db8::1]:443/x"},
                                          {"https://a.example:8443/x", "https://a.example:8443/x"}}) {
    Sent sent{.url = configured};
    sent.headers = {
        {"X-Sig", crypto::to_hex(crypto::hmac(crypto::Hash::sha256, "key", signed_as + sent.body))}};
    EXPECT_TRUE(check_with(scheme, "key", sent).passed()) << configured;
  }
}

// --- handshakes

struct Handshake {
  const char* preset;
  Sent sent;
  int status;
  std::string body;
};

TEST(Handshakes, are_answered_as_each_sender_asks) {
  const SchemeConfig config = {{"verify_token", "meatyhamhock"}, {"topic_arn", "arn:t"}};
  const auto mac = [](std::string_view text) { return crypto::hmac(crypto::Hash::sha256, "key", text); };
  const std::vector<Handshake> handshakes = {
      {"slack",
       {.body = R"({"type":"url_verification","token":"t","challenge":"3eZbrw1a"})"},
       200,
       "3eZbrw1a"},
      {"zoom",
       {.body = R"({"event":"endpoint.url_validation","payload":{"plainToken":"q\"9"}})"},
       200,
       R"({"plainToken":"q\"9","encryptedToken":")" + crypto::to_hex(mac("q\"9")) + R"("})"},
      {"ms_graph",
       {.url = "https://h.example/w/a/b?validationToken=Validation%3A+Testing", .body = ""},
       200,
       "Validation: Testing"},
      {"okta",
       {.method = "GET", .headers = {{"X-Okta-Verification-Challenge", "abc"}}, .body = ""},
       200,
       R"({"verification":"abc"})"},
      {"dropbox", {.method = "GET", .url = "https://h.example/w/a/b?challenge=c1", .body = ""}, 200, "c1"},
      {"meta",
       {.method = "GET",
        .url = "https://h.example/w/a/"
               "b?hub.mode=subscribe&hub.verify_token=meatyhamhock&hub.challenge=1158201444",
        .body = ""},
       200,
       "1158201444"},
      {"twitter_x",
       {.method = "GET", .url = "https://h.example/w/a/b?crc_token=foo", .body = ""},
       200,
       R"({"response_token":"sha256=)" + crypto::to_base64(mac("foo")) + R"("})"},
      {"discord", {.body = R"({"type":1,"token":"t"})"}, 200, R"({"type":1})"},
      {"discord", {.body = R"({"version":1,"type":0})"}, 204, ""},
      {"onfleet", {.method = "GET", .url = "https://h.example/w/a/b?check=abc", .body = ""}, 200, "abc"},
      {"woocommerce", {.body = "webhook_id=7"}, 200, ""},
      {"notion", {.body = R"({"verification_token":"secret_x"})"}, 200, ""},
      {"asana", {.headers = {{"X-Hook-Secret", "s3"}}, .body = "{}"}, 200, ""},
      {"trello", {.method = "HEAD", .body = ""}, 200, ""},
      {"aws_sns",
       {.body = R"({"Type":"SubscriptionConfirmation","SubscribeURL":"https://sns.eu.amazonaws.com/x"})"},
       200,
       ""},
      {"twitch",
       {.headers = {{"Twitch-Eventsub-Message-Type", "webhook_callback_verification"}},
        .body = R"({"challenge":"pq"})"},
       200,
       "pq"}};
  for (const Handshake& one : handshakes) {
    const auto scheme = preset_scheme(one.preset, config);
    ASSERT_TRUE(scheme) << one.preset;
    Scheme plain = make_scheme(kPlain);
    const auto key = SchemeKey::make(plain, "key");
    const SchemeKey* const keys[] = {&*key};
    const http::Request request = one.sent.request();
    const Message message(request, one.sent.url);
    const Scheme::Challenge* found = find_challenge(*scheme, keys, message);
    ASSERT_NE(found, nullptr) << one.preset;
    EXPECT_EQ(found->answer.status, one.status) << one.preset;
    EXPECT_EQ(fill(found->answer.body, &*key, message), one.body) << one.preset;
    const Sent ordinary{.method = "POST", .body = R"({"type":1,"event":{"type":"order.created"}})"};
    const http::Request other = ordinary.request();
    EXPECT_EQ(find_challenge(*scheme, keys, Message(other, ordinary.url)), nullptr) << one.preset;
  }
}

TEST(Handshakes, are_not_answered_for_another_verify_token) {
  const auto scheme = preset_scheme("meta", {{"verify_token", "meatyhamhock"}});
  ASSERT_TRUE(scheme);
  const Sent sent{.method = "GET",
                  .url = "https://h.example/w/a/b?hub.mode=subscribe&hub.verify_token=other&hub.challenge=1",
                  .body = ""};
  const http::Request request = sent.request();
  EXPECT_EQ(find_challenge(*scheme, {}, Message(request, sent.url)), nullptr);
}

// --- documents

struct Refused {
  const char* document;
  const char* pointer;
};

TEST(SchemeDocument, is_refused_with_the_place_of_what_is_wrong) {
  const Refused cases[] = {
      {"[]", "#"},
      {R"({"sig":"header:x","colour":"blue"})", "#/colour"},
      {R"({"kind":"hmac"})", "#/sig"},
      {R"({"kind":"magic","sig":"header:x"})", "#/kind"},
      {R"({"sig":"headers:x"})", "#/sig"},
      {R"({"sig":["header:x","nowhere"]})", "#/sig/1"},
      {R"({"sig":[]})", "#/sig"},
      {R"({"sig":"header:x","alg":"md5"})", "#/alg"},
      {R"({"kind":"pk","sig":"header:x"})", "#/alg"},
      {R"({"kind":"jwt","sig":"header:x"})", "#/alg"},
      {R"({"kind":"token","sig":"header:x","key":{"cert":"header:y","pattern":"https://a/.*"}})",
       "#/key/cert"},
      {R"({"sig":"header:x","key":{"jwks":"https://a/"}})", "#/key/jwks"},
      {R"({"sig":"header:x","challenge":[{"method":"GET","check":"skip",)"
       R"("reply":{"body":"{hmac_hex(body)}"}}]})",
       "#/challenge/0/reply"},
      {R"({"sig":"header:x","challenge":[{"method":"GET","check":"skip",)"
       R"("reply":{"headers":{"X-A":"{hmac_base64(header:x)}"}}}]})",
       "#/challenge/0/reply"},
      {R"({"kind":"jwt","alg":["none"],"sig":"header:x"})", "#/alg/0"},
      {R"({"sig":"header:x","enc":"rot13"})", "#/enc"},
      {R"({"sig":"header:x","content":"{bdy}"})", "#/content"},
      {R"({"sig":"header:x","content":"{md5(body)}"})", "#/content"},
      {R"({"sig":"header:x","content":7})", "#/content"},
      {R"({"kind":"digest","sig":"header:x","content":"{body}"})", "#/content"},
      {R"({"sig":"json:mac","each":"json:list","content":"{body}"})", "#/content"},
      {R"({"sig":"header:x","ts":"header:t","tolerance":-1})", "#/tolerance"},
      {R"({"sig":"header:x","tolerance":1})", "#/tolerance"},
      {R"({"sig":"header:x","key":{"cert":"header:c"}})", "#/key/pattern"},
      {R"({"sig":"header:x","key":{"derive":"md5"}})", "#/key/derive"},
      {R"({"sig":"header:x","item":"a"})", "#/item"},
      {R"({"sig":"header:x","challenge":[{"check":"skip"}]})", "#/challenge/0/when"},
      {R"({"sig":"header:x","challenge":[{"method":"GET","fetch":"json:u"}]})", "#/challenge/0/pattern"},
      {R"({"sig":"header:x","reply":{"ok":99}})", "#/reply/ok"},
      {R"({"sig":"header:{config:name}"})", "#/sig"},
      {R"({"kind":"none","sig":"header:x"})", "#/sig"}};
  for (const Refused& one : cases) {
    const auto scheme = read(one.document);
    ASSERT_FALSE(scheme) << one.document;
    EXPECT_EQ(scheme.error().reason, "INVALID_SCHEME");
    const auto& fields = scheme.error().fields;
    EXPECT_TRUE(std::ranges::any_of(fields, [&](const auto& field) { return field.pointer == one.pointer; }))
        << one.document << (fields.empty() ? "" : " said " + fields[0].pointer);
  }
}

TEST(SchemeDocument, says_which_pattern_cannot_be_set_up) {
  const auto scheme = read(R"({"kind":"pk","alg":"rsa-sha256","sig":"header:x",)"
                           R"("key":{"cert":"header:c","pattern":"https://("},)"
                           R"("challenge":[{"method":"GET","fetch":"json:u","pattern":"https://a/.*"},)"
                           R"({"method":"PUT","fetch":"json:u","pattern":"https://[a-z]{900}{900}"}]})");
  ASSERT_TRUE(scheme) << "reading sets none up: it happens for each endpoint at the start";
  const auto checked = check_patterns(*scheme);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().reason, "INVALID_SCHEME");
  ASSERT_EQ(checked.error().fields.size(), 2u);
  EXPECT_EQ(checked.error().fields[0].pointer, "#/key/pattern");
  EXPECT_EQ(checked.error().fields[1].pointer, "#/challenge/1/pattern");
}

TEST(SchemeDocument, refuses_settings_that_would_open_a_hole) {
  const auto scheme = read(R"({"sig":"header:x","content":"{config:a}{body}"})", {{"a", "{secret}"}});
  ASSERT_FALSE(scheme);
  EXPECT_EQ(scheme.error().fields[0].pointer, "#/signature_config/a");
}

}  // namespace

}  // namespace inbound
