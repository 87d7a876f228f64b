// The HTTP client: what everything that Crossdock sends goes through. One per shard; it lives on the shard's
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"
#include "http/egress.hpp"

namespace http {

/// Why an exchange did not come to a complete answer. The vocabulary of the API's error_class for transport
/// failures.
enum class Failure : std::uint8_t {
  none,              ///< a complete answer of any status
  dns,               ///< the name does not resolve
  connect_refused,   ///< also unreachable, reset before the request was sent
  connect_timeout,   ///< also where no connection was free within the total timeout
  tls,               ///< handshake (also one that takes too long) or certificate
  ssrf_blocked,      ///< the egress guard refused the address
  write,             ///< the connection broke while the request was being sent
  read,              ///< the connection broke before the answer was complete
  read_timeout,      ///< the total timeout ended before the answer was complete
  response_too_big,  ///< header over kResponseHeaderBytesMax
  protocol,          ///< the answer is not HTTP
  cancelled,         ///< the client is stopping
  internal           ///< also a request that cannot be sent: a bad URL, method or header line
};

/// "CONNECT_TIMEOUT" for Failure::connect_timeout, "" for none.
std::string_view error_class(Failure failure);

/// What a request's TLS is made with beyond the client's own. Requests share a connection only where all of
/// this is the same.
struct ClientTls {
  base::Secret identity{};    ///< PEM: the certificate to show, its chain, its private key; empty: none
  std::string authorities{};  ///< PEM: who may have issued the peer's certificate; empty: the client's
};

struct OutboundRequest {
  std::string method = "POST";
  std::string url{};
  /// "Name: value" lines, visible ASCII; the caller has checked them. Content-Length, Host, Connection and
  /// the others that frame the message (TE, Transfer-Encoding, Expect, Upgrade) are the client's: a line that
  /// sets one makes the exchange fail with internal. No Expect header is ever sent. User-Agent is among the
  /// lines, or absent.
  std::vector<std::string> headers{};
  /// Null or empty: no body. Shared so that many requests can send one.
  std::shared_ptr<const std::string> body{};
  std::chrono::milliseconds connect_timeout = base::limits::kConnectTimeout;
  /// Includes reading the body.
  std::chrono::milliseconds total_timeout = base::limits::kRequestTimeoutDefault;
  /// Whether the peer may see the request twice. A kept connection that ends without one byte of answer was
  /// usually closed by the peer while it was idle, so the request is sent again on another; but the peer may
  /// have read it. false: the exchange fails with read instead. (A connection whose end is known before
  /// sending is never used.)
  bool repeatable = true;
  std::shared_ptr<const ClientTls> tls{};  ///< null: nothing but the client's own
};

/// Moments since the start of the exchange, in microseconds; 0 where it did not come so far (or the
/// connection was reused).
struct Timings {
  std::int64_t dns_us = 0;
  std::int64_t connect_us = 0;
  std::int64_t tls_us = 0;
  std::int64_t first_byte_us = 0;
  std::int64_t total_us = 0;
};

struct OutboundResponse {
  Failure failure = Failure::none;
  std::string error{};  ///< what happened, for humans; empty where failure is none
  int status = 0;       ///< 0 where no status line arrived; may be set although failure is not none
  /// Of the final answer, without trailers: lower-case names, in order of arrival. Values as sent, of any
  /// bytes.
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};           ///< at most kResponseBodyBytesMax; as sent (never inflated)
  bool body_truncated = false;  ///< there was more; the connection was closed instead of reading it
  std::string remote_ip{};
  Timings timings{};
  /// How often the request was begun to be written to a connection: 0 where it did not come so far, 2 where a
  /// kept connection ended without an answer. The peer may have read each of them.
  int sendings = 0;

  /// First value of the header, by lower-case name; "" when absent.
  std::string_view header(std::string_view name) const;
};

/// Libcurl's multi interface, driven by the shard's event loop: no thread of its own, no polling. Connections
/// are kept alive and reused. HTTP/1.1 alone is spoken, over TCP and over TLS 1.2 or newer, one exchange per
/// connection at a time: a sick exchange can then be cut off without hurting another. Redirects are not
/// followed, proxies of the environment are ignored, and every new connection passes the egress guard with
/// the address it will really use. An idle client does nothing: no timer, no wake-up. The process ignores
/// SIGPIPE from the first client on, because OpenSSL cannot write without risking it.
class Client {
 public:
  struct Options {
    std::size_t connections_max = 1024;      ///< in use, all hosts together; beyond it requests wait in order
    std::size_t idle_connections_max = 256;  ///< kept alive beside them
    std::string ca_file{};                   ///< PEM, instead of the system's certificate authorities
  };

  /// The executor belongs to a context that one thread runs; send() is awaited on that thread.
  Client(asio::any_io_executor executor, const EgressGuard& guard, Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Performs one exchange. Never throws, never fails as such: everything that can go wrong is a Failure in
  /// the answer.
  asio::awaitable<OutboundResponse> send(OutboundRequest request);

  /// Ends all exchanges with Failure::cancelled and refuses new ones; their coroutines are resumed by a post.
  /// The destructor does the same. Same thread.
  void cancel_all();

  /// Exchanges that have not ended, those that wait for a connection among them.
  std::size_t active() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with the handlers that are under way
};

}  // namespace http
