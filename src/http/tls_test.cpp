#include "http/tls.hpp"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "http/server_fixture.hpp"
#include "testing/eventually.hpp"
#include "testing/imposter_certificate.hpp"

namespace http {

namespace {

using ::testing::Certificate;
using ::testing::eventually;
using ::testing::make_certificate;

/// The memory BIO's text.
template <class Write>
std::string make_pem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  write(bio.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

/// A listener's two files.
class TlsFiles {
 public:
  TlsFiles() {
    std::string path = (std::filesystem::temp_directory_path() / "crossdock-tls-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + path);
    directory_ = path;
    put(first);
  }
  ~TlsFiles() { std::filesystem::remove_all(directory_); }
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  std::string certificate_file() const { return directory_ + "/certificate.pem"; }
  std::string key_file() const { return directory_ + "/key.pem"; }
  void put(const Certificate& certificate) const {
    write(certificate_file(), certificate.pem);
    write(key_file(), certificate.key_pem);
  }
  static void write(const std::string& file, std::string_view text) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  }
  base::Result<std::shared_ptr<TlsIdentity>> load() const {
    return TlsIdentity::load(certificate_file(), key_file());
  }

  const Certificate first = make_certificate("DNS:first.test", false);
  const Certificate second = make_certificate("DNS:second.test", false);

 private:
  std::string directory_;
};

/// A TLS connection that trusts everybody.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, int version = TLS1_3_VERSION) : socket_(port) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_.descriptor());
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  bool connected() const { return connected_; }
  std::string certificate() const {
    const std::unique_ptr<X509, decltype(&X509_free)> peer(SSL_get1_peer_certificate(ssl_.get()), &X509_free);
    if (!peer) return "(none)";
    return make_pem([&](BIO* bio) { PEM_write_bio_X509(bio, peer.get()); });
  }

  void send(std::string_view bytes) { SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())); }
  /// All that comes until the text was seen, or the connection has ended.
  std::string read_until(std::string_view last) {
    std::string received;
    std::array<char, 4096> buffer;
    while (received.find(last) == std::string::npos) {
      const int count = SSL_read(ssl_.get(), buffer.data(), buffer.size());
      ending_ = SSL_get_error(ssl_.get(), count);
      if (count <= 0) break;
      received.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return received;
  }
  /// Whether the peer said that nothing more comes (close_notify), after read_until met the end.
  bool ended_in_order() const { return ending_ == SSL_ERROR_ZERO_RETURN; }

 private:
  RawClient socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};
  bool connected_ = false;
  int ending_ = SSL_ERROR_NONE;
};

TEST(TlsServer, answers_requests_one_after_the_other_on_one_connection) {
  const TlsFiles files;
  ServerFixture fixture({.tls = *files.load()});
  TlsClient client(fixture.port());
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.certificate(), files.first.pem);

  client.send(make_get("/echo?1") + make_post_of("two"));
  const std::string answers = client.read_until("POST /echo two");
  client.send(make_post_of(std::string(100'000, 'x') + "end"));

  EXPECT_NE(answers.find("GET /echo?1 HTTP/1.1 200 OK\r\n"), std::string::npos) << answers;
  EXPECT_EQ(client.read_until("xend").substr(0, 17), "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(fixture.requests().at(1).body, "two");
  EXPECT_EQ(fixture.requests().at(2).body.size(), 100'003u);
  EXPECT_EQ(fixture.requests().at(2).remote_ip, "127.0.0.1");
}

TEST(TlsServer, speaks_1_2_and_1_3_and_nothing_older) {
  const TlsFiles files;
  ServerFixture fixture({.tls = *files.load()});

  EXPECT_TRUE(TlsClient(fixture.port(), TLS1_3_VERSION).connected());
  EXPECT_TRUE(TlsClient(fixture.port(), TLS1_2_VERSION).connected());
  EXPECT_FALSE(TlsClient(fixture.port(), TLS1_1_VERSION).connected());
  EXPECT_FALSE(TlsClient(fixture.port(), TLS1_VERSION).connected());
}

TEST(TlsServer, does_not_answer_plain_http) {
  const TlsFiles files;
  ServerFixture fixture({.tls = *files.load()});
  RawClient plain(fixture.port());
  plain.send(make_get("/echo"));

  const std::string answer = plain.read_to_end();

  EXPECT_EQ(answer.find("HTTP/1.1"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("(silence)"), std::string::npos) << "the connection is ended";
  EXPECT_TRUE(fixture.requests().empty());
  EXPECT_TRUE(eventually([&] { return fixture.connections() == 0; }));
  EXPECT_TRUE(TlsClient(fixture.port()).connected());
}

TEST(TlsServer, gives_up_on_a_handshake_that_does_not_come) {
  const TlsFiles files;
  ServerFixture fixture({.tls = *files.load()});
  RawClient silent(fixture.port());
  ASSERT_TRUE(eventually([&] { return fixture.is_within(base::limits::kHeaderDeadline); }));

  fixture.let_deadline_pass();

  EXPECT_EQ(silent.read_to_end(), "");
}

TEST(TlsServer, survives_peers_that_go_away_in_the_handshake) {
  const TlsFiles files;
  ServerFixture fixture({.tls = *files.load()});
  const std::string_view half_a_hello("\x16\x03\x01\x02\x00\x01", 6);
  for (const std::string_view bytes : {std::string_view(), half_a_hello}) {
    RawClient client(fixture.port());
    client.send(bytes);
    ASSERT_TRUE(eventually([&] { return fixture.connections() == 1; }));

    client.reset();

    EXPECT_TRUE(eventually([&] { return fixture.connections() == 0; }));
  }
  EXPECT_TRUE(TlsClient(fixture.port()).connected());
}

TEST(TlsServer, ends_idle_connections_when_it_drains) {
  const TlsFiles files;
  ServerFixture fixture({.tls = *files.load()});
  TlsClient client(fixture.port());
  client.send(make_get("/echo"));
  client.read_until("GET /echo ");

  fixture.drain(std::chrono::seconds{15}).get();

  EXPECT_EQ(client.read_until("never"), "");
}

TEST(TlsServer, streams_and_ends_the_stream_in_order_whoever_ends_it) {
  const TlsFiles files;
  ServerFixture fixture({.tls = *files.load()});
  TlsClient waiting(fixture.port());
  waiting.send(make_get("/wait"));
  ASSERT_NE(waiting.read_until("one\n").find("one\n"), std::string::npos);
  {
    TlsClient gone(fixture.port());
    gone.send(make_get("/stream/endless"));
    gone.read_until("one\n");
  }
  EXPECT_TRUE(eventually([&] { return fixture.connections() == 1; }));

  fixture.drain(std::chrono::seconds{15}).get();

  EXPECT_EQ(waiting.read_until("(never)"), "0\r\n\r\n");
  EXPECT_TRUE(waiting.ended_in_order());
}

TEST(TlsServer, says_that_nothing_more_comes_before_it_closes) {  // RFC 8446, 6.1; RFC 9112, 9.8
  const TlsFiles files;
  ServerFixture fixture({.tls = *files.load()});
  TlsClient client(fixture.port());
  client.send(make_get("/echo", "Connection: close\r\n"));

  const std::string answer = client.read_until("never");

  EXPECT_TRUE(answer.ends_with("GET /echo ")) << answer;
  EXPECT_TRUE(client.ended_in_order());
}

TEST(TlsIdentity, shows_a_new_certificate_to_the_next_connection_after_a_reload) {
  const TlsFiles files;
  const auto identity = *files.load();
  ServerFixture fixture({.tls = identity});
  TlsClient before(fixture.port());
  files.put(files.second);
  EXPECT_EQ(TlsClient(fixture.port()).certificate(), files.first.pem) << "nobody has reloaded it";

  const auto reloaded = identity->reload();

  EXPECT_TRUE(reloaded) << reloaded.error().message;
  EXPECT_EQ(TlsClient(fixture.port()).certificate(), files.second.pem);
  before.send(make_get("/echo"));
  EXPECT_NE(before.read_until("GET /echo ").find("200 OK"), std::string::npos) << "the old connection lives";
}

/// What is wrong with the files, and what the message must say.
struct BadFiles {
  const char* what;
  void (*spoil)(const TlsFiles&);
  std::string (TlsFiles::*culprit)() const;
  const char* reason;  // "" where OpenSSL's words may change
};

const BadFiles kBadFiles[] = {
    {"no certificate", [](const TlsFiles& files) { std::filesystem::remove(files.certificate_file()); },
     &TlsFiles::certificate_file, "No such file or directory"},
    {"no key", [](const TlsFiles& files) { std::filesystem::remove(files.key_file()); }, &TlsFiles::key_file,
     "No such file or directory"},
    {"an empty certificate", [](const TlsFiles& files) { TlsFiles::write(files.certificate_file(), ""); },
     &TlsFiles::certificate_file, ""},
    {"a garbled certificate",
     [](const TlsFiles& files) {
       TlsFiles::write(files.certificate_file(),
                       "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
     },
     &TlsFiles::certificate_file, ""},
    {"a cut certificate",
     [](const TlsFiles& files) { TlsFiles::write(files.certificate_file(), files.first.pem.substr(0, 200)); },
     &TlsFiles::certificate_file, ""},
    {"an empty key", [](const TlsFiles& files) { TlsFiles::write(files.key_file(), ""); },
     &TlsFiles::key_file, ""},
    {"a certificate for a key",
     [](const TlsFiles& files) { TlsFiles::write(files.key_file(), files.first.pem); }, &TlsFiles::key_file,
     ""},
    {"the key of another certificate",
     [](const TlsFiles& files) { TlsFiles::write(files.key_file(), files.second.key_pem); },
     &TlsFiles::key_file, ""},
    {"a new certificate whose key is not there yet",
     [](const TlsFiles& files) { TlsFiles::write(files.certificate_file(), files.second.pem); },
     &TlsFiles::key_file, ""},
};

TEST(TlsIdentity, says_which_file_cannot_be_used_and_why) {
  for (const BadFiles& bad : kBadFiles) {
    SCOPED_TRACE(bad.what);
    const TlsFiles files;
    bad.spoil(files);

    const auto loaded = files.load();

    ASSERT_FALSE(loaded);
    const std::string& message = loaded.error().message;
    EXPECT_EQ(loaded.error().code, base::Code::invalid);
    EXPECT_NE(message.find((files.*bad.culprit)()), std::string::npos) << message;
    EXPECT_NE(message.find(bad.reason), std::string::npos) << message;
    EXPECT_EQ(message.find("asio"), std::string::npos) << "this tells nobody why: " << message;
  }
}

TEST(TlsIdentity, says_that_a_key_does_not_belong_to_the_certificate) {
  const TlsFiles files;
  TlsFiles::write(files.key_file(), files.second.key_pem);

  EXPECT_EQ(files.load().error().message, "the key in " + files.key_file() +
                                              " does not belong to the certificate in " +
                                              files.certificate_file());
}

TEST(TlsIdentity, keeps_the_old_certificate_where_the_new_files_cannot_be_used) {
  for (const BadFiles& bad : kBadFiles) {
    SCOPED_TRACE(bad.what);
    const TlsFiles files;
    const auto identity = *files.load();
    ServerFixture fixture({.tls = identity});
    bad.spoil(files);

    EXPECT_FALSE(identity->reload());

    EXPECT_EQ(TlsClient(fixture.port()).certificate(), files.first.pem);
    files.put(files.second);
    EXPECT_TRUE(identity->reload());
    EXPECT_EQ(TlsClient(fixture.port()).certificate(), files.second.pem);
  }
}

}  // namespace

}  // namespace http
