// The scripted remote: an HTTP peer that answers, lies, stalls and breaks off as a test tells it, and
// remembers requests.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace testing {

struct ImposterRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers{};  ///< lower-case names, in order of arrival
  std::string body{};
  std::size_t connection = 0;  ///< which of the accepted connections it came by, from 0
  std::string certificate{};   ///< PEM: what the client has shown; "" where it was not asked

  /// First value of the header, by lower-case name; "" when absent.
  std::string_view header(std::string_view name) const;
};

/// What becomes of the connection after a reply.
enum class Ending : std::uint8_t {
  keep,   ///< the next request is read from it
  close,  ///< FIN (over TLS with close_notify)
  reset,  ///< RST
  hang    ///< nothing more is said; it stays open until the peer closes it
};

struct Reply {
  std::chrono::milliseconds delay{0};  ///< before the first byte
  std::string head{};
  std::string body{};                          ///< after the head; left out of the answer to a HEAD
  std::chrono::milliseconds byte_interval{0};  ///< over 0: byte by byte, each after such a pause
  std::string endless{};                       ///< after the body, again and again until the peer is gone
  Ending ending = Ending::keep;
};

/// A complete answer with Content-Length. headers: "Name: value" lines, parted by CRLF.
Reply make_answer(int status, std::string_view headers = "", std::string_view body = "");

/// Replies in the order of requests; the last one stays for all that follow.
class Script {
 public:
  explicit Script(std::mutex& mutex) : mutex_(mutex) {}

  Script& reply(Reply reply);
  Script& answer(int status, std::string_view headers = "", std::string_view body = "");
  Script& redirect(std::string_view location, int status = 302);
  /// These bytes instead of an answer.
  Script& raw(std::string bytes, Ending ending = Ending::keep);
  /// Without a byte.
  Script& end(Ending ending) { return raw("", ending); }

 private:
  friend class Imposter;
  Reply next();  // with the mutex held

  std::mutex& mutex_;
  std::deque<Reply> replies_;
};

/// Listens on a port of its own from construction to destruction; one thread accepts, one serves each
/// connection. Reads bodies by Content-Length only. A path without a script is answered with 200.
class Imposter {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    bool tls = false;                               ///< with a self-signed certificate made for this run
    std::string certificate_name = "IP:127.0.0.1";  ///< subjectAltName: "DNS:example.com", "IP:127.0.0.1"
    bool certificate_expired = false;
    bool tls_1_0_alone = false;
    std::string groups{};   ///< in which keys are exchanged: "ffdhe2048"; "": as OpenSSL has them
    std::string clients{};  ///< PEM: the certificates of clients, one of which must be shown; "": nobody asks
  };

  Imposter() : Imposter(Options{}) {}
  explicit Imposter(Options options);
  ~Imposter();
  Imposter(const Imposter&) = delete;
  Imposter& operator=(const Imposter&) = delete;

  std::uint16_t port() const { return port_; }
  /// "http://127.0.0.1:40001/hook" for "/hook".
  std::string url(std::string_view target = "/") const;
  /// The certificate in PEM, for a client that shall trust it.
  const std::string& certificate_pem() const { return certificate_pem_; }

  /// The script of a path (the target without its query). The reference lives as long as the imposter.
  Script& on(const std::string& path);
  /// What happens to a connection before its first request; an Ending other than keep leaves none.
  Script& on_connect() { return connect_; }

  /// Sends bytes that nobody asked for on an open connection (without TLS), beside what its script does.
  void say(std::size_t connection, std::string_view bytes);

  std::vector<ImposterRequest> requests() const;
  std::size_t connections() const;
  /// Wait up to ten seconds until so many requests were read, or so many connections have ended; whether they
  /// were.
  [[nodiscard]] bool wait_for(std::size_t requests) const;
  [[nodiscard]] bool wait_for_ended(std::size_t connections) const;

 private:
  class Connection;
  void accept();
  void serve(Connection& connection);

  Options options_;
  int listener_ = -1;
  int stop_ = -1;  // an eventfd that is readable from the destructor's beginning
  std::uint16_t port_ = 0;
  std::string certificate_pem_;
  std::shared_ptr<void> tls_;  // SSL_CTX
  mutable std::mutex mutex_;   // of all below
  mutable std::condition_variable changed_;
  std::map<std::string, Script> scripts_;
  Script connect_{mutex_};
  std::vector<ImposterRequest> requests_;
  std::map<std::size_t, int> open_;  // sockets by number of the connection
  std::size_t accepted_ = 0;
  std::size_t ended_ = 0;
  std::list<std::thread> connections_;  // touched by the accepting thread, then by the destructor
  std::thread acceptor_;
};

/// A port of 127.0.0.1 where nobody answers.
class DeadPort {
 public:
  enum class Kind : std::uint8_t {
    refusing,  ///< connections are refused
    dropping   ///< packets are dropped: a listener whose backlog is full
  };
  explicit DeadPort(Kind kind);
  ~DeadPort();
  DeadPort(const DeadPort&) = delete;
  DeadPort& operator=(const DeadPort&) = delete;

  std::string url() const;

 private:
  int socket_ = -1;
  int filler_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace testing
