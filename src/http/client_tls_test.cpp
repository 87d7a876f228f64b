// Certificates of single requests: what is shown to the peer, whom is trusted, and who shares a connection.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "http/client_fixture.hpp"
#include "testing/imposter.hpp"
#include "testing/imposter_certificate.hpp"

namespace http {

namespace {

using ::testing::Certificate;
using ::testing::Imposter;
using ::testing::make_certificate;
using Tls = std::shared_ptr<const ClientTls>;

Tls make_tls(const Certificate* identity, std::string authorities) {
  auto tls = std::make_shared<ClientTls>();
  if (identity != nullptr) tls->identity = base::Secret(identity->pem + "\n" + identity->key_pem);
  tls->authorities = std::move(authorities);
  return tls;
}

class ClientCertificates : public ::testing::Test {
 protected:
  OutboundResponse get(const Tls& tls, const std::string& target = "/") {
    return fixture.send({.method = "GET", .url = peer.url(target), .tls = tls});
  }
  /// What the peer was shown by its last request.
  std::string shown() const {
    return peer.requests().empty() ? "(nothing)" : peer.requests().back().certificate;
  }

  const Certificate first = make_certificate("DNS:first.test", false);
  const Certificate second = make_certificate("DNS:second.test", false);
  const Certificate stranger = make_certificate("DNS:stranger.test", false);
  Imposter peer{{.tls = true, .clients = first.pem + second.pem}};
  const Tls as_first = make_tls(&first, peer.certificate_pem());
  const Tls as_second = make_tls(&second, peer.certificate_pem());
  const Tls as_nobody = make_tls(nullptr, peer.certificate_pem());
  ClientFixture fixture;
};

TEST_F(ClientCertificates, are_shown_to_a_peer_that_asks) {
  const OutboundResponse response = get(as_first);

  EXPECT_EQ(response.failure, Failure::none) << response.error;
  EXPECT_EQ(shown(), first.pem);
}

TEST_F(ClientCertificates, are_missed_as_a_failure_of_tls) {
  for (const Tls& tls : {as_nobody, make_tls(&stranger, peer.certificate_pem())}) {
    const OutboundResponse response = get(tls);

    EXPECT_EQ(response.failure, Failure::tls) << response.error;
  }
  EXPECT_TRUE(peer.requests().empty());
}

TEST_F(ClientCertificates, never_share_a_connection) {
  for (int i = 0; i < 3; ++i) {
    for (const auto& [tls, certificate] : {std::pair(as_first, &first), {as_second, &second}}) {
      const OutboundResponse response = get(tls);
      ASSERT_EQ(response.failure, Failure::none) << response.error;
      EXPECT_EQ(shown(), certificate->pem);
    }
    EXPECT_EQ(get(as_nobody).failure, Failure::tls) << "a connection of somebody else is not taken";
    EXPECT_NE(get(nullptr).failure, Failure::none);
  }
  std::set<std::pair<std::size_t, std::string>> connections;
  for (const auto& request : peer.requests()) connections.emplace(request.connection, request.certificate);
  EXPECT_EQ(connections.size(), 2u) << "each keeps a connection of its own";
}

TEST_F(ClientCertificates, never_share_a_session_that_is_resumed) {
  const auto answer = ::testing::make_answer(200, "Connection: close");
  peer.on("/close").reply({.head = answer.head, .ending = ::testing::Ending::close});
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(get(as_first, "/close").failure, Failure::none);
    EXPECT_EQ(shown(), first.pem);
    ASSERT_EQ(get(as_second, "/close").failure, Failure::none);
    EXPECT_EQ(shown(), second.pem);
    EXPECT_EQ(get(as_nobody, "/close").failure, Failure::tls);
  }
}

TEST_F(ClientCertificates, share_a_connection_where_they_are_the_same) {
  ASSERT_EQ(get(as_first).failure, Failure::none);
  ASSERT_EQ(get(make_tls(&first, peer.certificate_pem())).failure, Failure::none);

  EXPECT_EQ(peer.connections(), 1u);
}

TEST_F(ClientCertificates, that_cannot_be_used_are_a_failure_of_tls) {
  Certificate mixed = first;
  mixed.key_pem = second.key_pem;
  Certificate garbled = first;
  garbled.pem = "nonsense";
  for (const Certificate* certificate : {&mixed, &garbled}) {
    EXPECT_EQ(get(make_tls(certificate, peer.certificate_pem())).failure, Failure::tls);
  }
  EXPECT_EQ(get(as_first).failure, Failure::none);
}

TEST(ClientHandshakes, exchange_keys_over_curves_alone) {
  for (const auto& [groups, failure] :
       {std::pair("ffdhe2048", Failure::tls), {"ffdhe8192", Failure::tls}, {"P-384", Failure::none}}) {
    Imposter peer({.tls = true, .groups = groups});
    ClientFixture fixture;
    const Tls tls = make_tls(nullptr, peer.certificate_pem());
    const OutboundResponse response = fixture.send({.method = "GET", .url = peer.url(), .tls = tls});

    EXPECT_EQ(response.failure, failure) << groups << ": " << response.error;
  }
}

TEST(ClientAuthorities, are_trusted_instead_of_the_clients) {
  Imposter peer({.tls = true});
  Imposter other({.tls = true});
  std::string path = "/tmp/crossdock_ca_XXXXXX";
  close(mkstemp(path.data()));
  std::ofstream(path) << peer.certificate_pem();
  ClientFixture fixture({.ca_file = path});
  const auto get = [&](const Imposter& to, const Tls& tls) {
    return fixture.send({.method = "GET", .url = to.url(), .tls = tls}).failure;
  };

  EXPECT_EQ(get(peer, nullptr), Failure::none);
  EXPECT_EQ(get(peer, make_tls(nullptr, other.certificate_pem())), Failure::tls);
  EXPECT_EQ(get(other, make_tls(nullptr, other.certificate_pem())), Failure::none);
  EXPECT_EQ(get(other, nullptr), Failure::tls) << "neither the connection nor the trust of another is taken";
  EXPECT_EQ(get(peer, nullptr), Failure::none);
  unlink(path.c_str());
}

}  // namespace

}  // namespace http
