// Keys that senders show: got once, only from where the scheme says, and never more often than may be.
#include "inbound/receive/key_finder.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "format/json.hpp"
#include "http/client_fixture.hpp"
#include "inbound/receive/fixture.hpp"
#include "testing/fake_clock.hpp"
#include "testing/imposter.hpp"
#include "testing/imposter_certificate.hpp"

namespace inbound {

namespace {

using namespace std::chrono_literals;
using base::Code;
using base::Result;
using ::testing::Imposter;

class KeyFinding : public ::testing::Test {
 protected:
  KeyFinding() { clock.advance(base::SystemClock().now() - clock.now()); }  // certificates count now

  static std::string authorities(const Imposter& peer) {
    const std::string file = ::testing::TempDir() + "key_finder_" + std::to_string(peer.port()) + ".pem";
    std::ofstream(file) << peer.certificate_pem();
    return file;
  }

  PreparedEndpoint prepare(const std::string& scheme, const std::string& secret = "") {
    auto config = std::make_shared<Endpoint>();
    config->id = EndpointId::make(clock.now());
    config->signature_scheme = scheme;
    if (!secret.empty())
      config->secrets.push_back(tenant::make_signing_secret(base::Secret(std::string(secret)), clock.now()));
    auto prepared = prepare_endpoint(config);
    if (!prepared) {
      ADD_FAILURE() << prepared.error().message << " " << prepared.error().fields.front().detail;
      return {};
    }
    return std::move(*prepared);
  }

  /// Starts one search; its outcome appears at the index that is returned.
  std::size_t start(const PreparedEndpoint& endpoint, Sent sent) {
    const std::size_t index = outcomes.size();
    outcomes.emplace_back();
    asio::co_spawn(client.context(), search(endpoint, std::move(sent), index), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    return index;
  }
  const Result<KeyFinder::Keys>& await(std::size_t index) {
    while (!outcomes[index]) client.context().run_one();
    return *outcomes[index];
  }
  const Result<KeyFinder::Keys>& find(const PreparedEndpoint& endpoint, Sent sent) {
    return await(start(endpoint, std::move(sent)));
  }

  ::testing::FakeClock clock;
  Imposter peer{{.tls = true}};
  http::ClientFixture client{{.ca_file = authorities(peer)}};
  base::Offload offload;
  KeyFinder finder{client.client(), offload, clock};
  std::deque<std::optional<Result<KeyFinder::Keys>>> outcomes;

 private:
  asio::awaitable<void> search(const PreparedEndpoint& endpoint, Sent sent, std::size_t index) {
    const http::Request request = sent.request();
    const Message message(request, sent.url);
    const auto secrets = endpoint.keys_at(clock.now());
    auto found = co_await finder.find(endpoint, secrets.empty() ? nullptr : secrets.front(), message);
    outcomes[index].emplace(std::move(found));
  }
};

class Certificates : public KeyFinding {
 protected:
  PreparedEndpoint endpoint =
      prepare(R"({"kind":"pk","alg":"ecdsa-sha256","sig":"header:x-sig","enc":"base64",)"
              R"("key":{"cert":"header:x-cert",)"
              R"("pattern":"https://127\\.0\\.0\\.1:)" +
              std::to_string(peer.port()) + R"(/.*\\.pem"}})");
  Sent naming(std::string url) { return {.headers = {{"X-Cert", std::move(url)}}}; }
  ::testing::Certificate certificate = ::testing::make_certificate("DNS:sender.test", false);
};

TEST_F(Certificates, are_got_once_and_for_all_that_ask_meanwhile) {
  auto slow = ::testing::make_answer(200, "", certificate.pem);
  slow.delay = 100ms;
  peer.on("/b.pem").reply(slow);
  std::vector<std::size_t> asked;
  for (int i = 0; i < 5; ++i) asked.push_back(start(endpoint, naming(peer.url("/b.pem"))));
  for (const std::size_t index : asked) {
    const auto& found = await(index);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->size(), 1u);
  }
  EXPECT_EQ(find(endpoint, naming(peer.url("/b.pem")))->size(), 1u);
  EXPECT_EQ(peer.requests().size(), 1u);
  clock.advance(2h);
  EXPECT_EQ(find(endpoint, naming(peer.url("/b.pem")))->size(), 1u);
  EXPECT_EQ(peer.requests().size(), 2u);
}

TEST_F(Certificates, verify_what_their_owner_has_signed) {
  peer.on("/c.pem").answer(200, "", certificate.pem);
  const auto signer = crypto::PrivateKey::from_pem(certificate.key_pem);
  ASSERT_TRUE(signer);
  Sent sent = naming(peer.url("/c.pem"));
  sent.headers.emplace_back(
      "X-Sig", crypto::to_base64(*signer->sign(crypto::PublicAlgorithm::ecdsa_sha256, sent.body)));
  const auto& found = find(endpoint, sent);
  ASSERT_TRUE(found);
  const crypto::SchemeKey* const keys[] = {found->front().get()};
  EXPECT_TRUE(verify(endpoint.scheme(), keys, sent).passed());
  sent.body += " ";
  EXPECT_FALSE(verify(endpoint.scheme(), keys, sent).passed());
}

TEST_F(Certificates, are_got_from_nowhere_else) {
  const std::string port = std::to_string(peer.port());
  for (const std::string& url : std::vector<std::string>{
           "", peer.url("/a.crt"), "http://127.0.0.1:" + port + "/a.pem", "https://evil.test/a.pem",
           "file:///a.pem", "https://evil.test/?https://127.0.0.1:" + port + "/a.pem"}) {
    const auto& found = find(endpoint, naming(url));
    ASSERT_TRUE(found) << url;
    EXPECT_TRUE(found->empty()) << url;
  }
  EXPECT_TRUE(find(endpoint, Sent{})->empty());
  EXPECT_TRUE(peer.requests().empty());
}

TEST_F(Certificates, that_cannot_be_got_are_asked_for_again_later) {
  const auto expired = ::testing::make_certificate("DNS:sender.test", true);
  peer.on("/bad.pem")
      .answer(500)
      .answer(200, "", "no certificate")
      .answer(200, "", expired.pem)
      .answer(200, "", certificate.pem);
  for (int i = 0; i < 3; ++i) {
    const auto& found = find(endpoint, naming(peer.url("/bad.pem")));
    ASSERT_FALSE(found) << i;
    EXPECT_EQ(found.error().code, Code::unavailable);
    EXPECT_FALSE(find(endpoint, naming(peer.url("/bad.pem")))) << "not asked for again at once";
    clock.advance(11s);
  }
  EXPECT_TRUE(find(endpoint, naming(peer.url("/bad.pem"))));
}

TEST_F(Certificates, stay_good_while_their_owner_cannot_be_reached) {
  peer.on("/c.pem").answer(200, "", certificate.pem).answer(503);
  EXPECT_TRUE(find(endpoint, naming(peer.url("/c.pem"))));
  clock.advance(2h);
  EXPECT_TRUE(find(endpoint, naming(peer.url("/c.pem"))));
  EXPECT_EQ(peer.requests().size(), 2u);
}

TEST_F(Certificates, that_are_withdrawn_count_no_more) {
  peer.on("/c.pem").answer(200, "", certificate.pem).answer(404);
  EXPECT_TRUE(find(endpoint, naming(peer.url("/c.pem"))));
  clock.advance(2h);
  EXPECT_FALSE(find(endpoint, naming(peer.url("/c.pem"))));
}

TEST_F(Certificates, count_for_a_day_at_most_without_being_got_anew) {
  peer.on("/c.pem").answer(200, "", certificate.pem).answer(503);
  EXPECT_TRUE(find(endpoint, naming(peer.url("/c.pem"))));
  clock.advance(23h);
  EXPECT_TRUE(find(endpoint, naming(peer.url("/c.pem"))));
  clock.advance(2h);
  EXPECT_FALSE(find(endpoint, naming(peer.url("/c.pem"))));
}

TEST_F(Certificates, that_are_known_stay_so_while_strangers_use_up_the_fetches) {
  peer.on("/c.pem").answer(200, "", certificate.pem);
  EXPECT_TRUE(find(endpoint, naming(peer.url("/c.pem"))));
  clock.advance(2h);
  for (int i = 0; i < 30; ++i) (void)find(endpoint, naming(peer.url("/" + std::to_string(i) + ".pem")));
  EXPECT_TRUE(find(endpoint, naming(peer.url("/c.pem"))));
}

TEST_F(Certificates, are_no_sets_of_keys_though_their_url_is_the_same) {
  peer.on("/keys.pem").answer(200, "", R"({"keys":[]})");
  const PreparedEndpoint tokens =
      prepare(R"({"kind":"jwt","alg":["ES256"],"sig":"header:x-token","key":{"jwks":")" +
              peer.url("/keys.pem") + "\"}}");
  const Sent token{
      .headers = {{"X-Token", crypto::to_base64url(R"({"alg":"ES256","kid":"a"})") + ".e30.AA"}}};
  EXPECT_TRUE(find(tokens, token)->empty());
  EXPECT_FALSE(find(endpoint, naming(peer.url("/keys.pem")))) << "and no crash";
}

TEST_F(Certificates, have_no_endless_urls) {
  EXPECT_TRUE(find(endpoint, naming(peer.url("/" + std::string(3000, 'a') + ".pem")))->empty());
  EXPECT_TRUE(peer.requests().empty());
}

TEST_F(Certificates, of_many_names_are_not_got_without_end) {
  std::size_t refused = 0;
  for (int i = 0; i < 30; ++i) {
    const auto& found = find(endpoint, naming(peer.url("/" + std::to_string(i) + ".pem")));
    ASSERT_FALSE(found);
    refused += found.error().code == Code::limited ? 1 : 0;
  }
  EXPECT_EQ(refused, 30 - KeyFinder::kFetchesPerMinute);
  EXPECT_EQ(peer.requests().size(), KeyFinder::kFetchesPerMinute);
}

/// A token's head and claims, and the key that verifies it as its sender shows it.
class KeySets : public KeyFinding {
 protected:
  Sent token(const std::string& kid) {
    const std::string text =
        crypto::to_base64url(R"({"alg":"ES256","kid":)" + format::json_string(kid) + "}") + "." +
        crypto::to_base64url(R"({"iat":1})");
    const auto signature = signer.sign(crypto::PublicAlgorithm::es256, text);
    return {.headers = {{"X-Token", text + "." + crypto::to_base64url(*signature)}}};
  }
  std::string jwk(const std::string& kid, const std::string& more = "") {
    const std::string spki = signer.public_spki();
    const std::string point = spki.substr(spki.size() - 64);
    return R"({"kty":"EC","crv":"P-256","kid":")" + kid + R"(","x":")" +
           crypto::to_base64url(point.substr(0, 32)) + R"(","y":")" + crypto::to_base64url(point.substr(32)) +
           "\"" + more + "}";
  }
  std::string scheme(const std::string& more = "") {
    return R"({"kind":"jwt","alg":["ES256"],"sig":"header:x-token","key":{"jwks":")" + peer.url("/keys") +
           "\"" + more + "}}";
  }
  crypto::PrivateKey signer = private_key(kEcKey);
};

TEST_F(KeySets, give_the_key_that_the_token_names) {
  peer.on("/keys").answer(200, "",
                          R"({"keys":[{"kty":"oct","kid":"o"},7,)" + jwk("a") + "," + jwk("b") + "]}");
  const PreparedEndpoint endpoint = prepare(scheme());
  const Sent sent = token("b");
  const auto& found = find(endpoint, sent);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 1u);
  const crypto::SchemeKey* const keys[] = {found->front().get()};
  EXPECT_TRUE(verify(endpoint.scheme(), keys, sent).passed());
  EXPECT_EQ(peer.requests().size(), 1u);
  EXPECT_EQ(peer.requests()[0].method, "GET");
  EXPECT_TRUE(find(endpoint, token("o"))->empty());
  EXPECT_TRUE(find(endpoint, Sent{})->empty());
}

TEST_F(KeySets, have_keys_of_rsa_and_ed25519_as_well) {
  const auto rsa = private_key(kRsaKey);
  const auto ed = private_key(kEdKey);
  const std::string rsa_spki =
      rsa.public_spki();  // of 2048 bits: the modulus after 33 bytes, the exponent last
  const std::string ed_spki = ed.public_spki();
  peer.on("/keys").answer(200, "",
                          R"({"keys":[{"kty":"RSA","kid":"r","use":"sig","e":"AQAB","n":")" +
                              crypto::to_base64url(rsa_spki.substr(33, 256)) +
                              R"("},{"kty":"RSA","kid":"x","use":"enc","e":"AQAB","n":")" +
                              crypto::to_base64url(rsa_spki.substr(33, 256)) +
                              R"("},{"kty":"OKP","crv":"Ed25519","kid":"e","x":")" +
                              crypto::to_base64url(ed_spki.substr(ed_spki.size() - 32)) + "\"}]}");
  const PreparedEndpoint endpoint =
      prepare(R"({"kind":"jwt","alg":["RS256","EdDSA"],"sig":"header:x-token","key":{"jwks":")" +
              peer.url("/keys") + "\"}}");
  const auto passes = [&](const std::string& head, const crypto::PrivateKey& with,
                          crypto::PublicAlgorithm algorithm) {
    const std::string text = crypto::to_base64url(head) + "." + crypto::to_base64url("{}");
    const Sent sent{.headers = {{"X-Token", text + "." + crypto::to_base64url(*with.sign(algorithm, text))}}};
    const auto& found = find(endpoint, sent);
    if (!found || found->empty()) return false;
    const crypto::SchemeKey* const keys[] = {found->front().get()};
    return verify(endpoint.scheme(), keys, sent).passed();
  };
  using enum crypto::PublicAlgorithm;
  EXPECT_TRUE(passes(R"({"alg":"RS256","kid":"r"})", rsa, rsa_sha256));
  EXPECT_TRUE(passes(R"({"alg":"EdDSA","kid":"e"})", ed, ed25519));
  EXPECT_FALSE(passes(R"({"alg":"EdDSA","kid":"r"})", ed, ed25519));
  EXPECT_FALSE(passes(R"({"alg":"RS256","kid":"x"})", rsa, rsa_sha256)) << "a key to encrypt with";
}

TEST_F(KeySets, are_got_anew_for_a_key_they_have_not_but_not_at_once) {
  peer.on("/keys")
      .answer(200, "", R"({"keys":[)" + jwk("a") + "]}")
      .answer(200, "", R"({"keys":[)" + jwk("a") + "," + jwk("c") + "]}");
  const PreparedEndpoint endpoint = prepare(scheme());
  EXPECT_EQ(find(endpoint, token("a"))->size(), 1u);
  EXPECT_TRUE(find(endpoint, token("c"))->empty());
  EXPECT_EQ(peer.requests().size(), 1u);
  clock.advance(61s);
  EXPECT_EQ(find(endpoint, token("c"))->size(), 1u);
  EXPECT_EQ(peer.requests().size(), 2u);
}

TEST_F(KeySets, are_asked_for_one_key_with_the_endpoints_secret) {
  peer.on("/keys")
      .answer(200, "", R"({"key":)" + jwk("p", R"(,"expired_at":null)") + "}")
      .answer(400, "", R"({"error_code":"INVALID_KEY_ID"})")
      .answer(200, "", R"({"key":)" + jwk("old", R"(,"expired_at":1700000000)") + "}");
  const PreparedEndpoint endpoint =
      prepare(scheme(R"(,"ask":"{\"secret\":{json(secret)},\"key_id\":{json(jwt_head:kid)}}")"), "s\"1");
  EXPECT_EQ(find(endpoint, token("p"))->size(), 1u);
  EXPECT_EQ(find(endpoint, token("p"))->size(), 1u);
  ASSERT_EQ(peer.requests().size(), 1u);
  EXPECT_EQ(peer.requests()[0].method, "POST");
  EXPECT_EQ(peer.requests()[0].body, R"({"secret":"s\"1","key_id":"p"})");
  EXPECT_TRUE(find(endpoint, token("q\"}"))->empty());
  EXPECT_EQ(peer.requests()[1].body, R"({"secret":"s\"1","key_id":"q\"}"})");
  EXPECT_TRUE(find(endpoint, token("old"))->empty());
}

TEST_F(KeySets, stay_good_when_their_owner_refuses_for_a_while) {
  const std::string ask = R"(,"ask":"{\"key_id\":{json(jwt_head:kid)}}")";
  peer.on("/keys").answer(200, "", R"({"key":)" + jwk("p") + "}").answer(429);
  const PreparedEndpoint endpoint = prepare(scheme(ask));
  EXPECT_EQ(find(endpoint, token("p"))->size(), 1u);
  clock.advance(2h);
  EXPECT_EQ(find(endpoint, token("p"))->size(), 1u);
  EXPECT_EQ(peer.requests().size(), 2u);
}

TEST_F(KeySets, that_are_none_are_told_from_keys_that_there_are_not) {
  peer.on("/keys").answer(200, "", "<html>").answer(502);
  const PreparedEndpoint endpoint = prepare(scheme());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(find(endpoint, token("a")).error().code, Code::unavailable);
    clock.advance(11s);
  }
}

}  // namespace

}  // namespace inbound
