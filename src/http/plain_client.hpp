// The HTTP client of commands: one exchange after the other, on the thread that asks. Servers use Client.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace http {

struct PlainRequest {
  std::string method = "GET";
  std::string url{};
  std::vector<std::string> headers{};  ///< "Name: value" lines
  std::string body{};
  std::chrono::milliseconds total_timeout{30'000};  ///< 0: none
  std::chrono::milliseconds silence_max{
      0};  ///< an answer that says nothing for so long is given up; 0: never
};

struct PlainResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers{};  ///< lower-case names
  std::string body{};
  std::chrono::milliseconds took{};

  /// First value of the header, by lower-case name; "" when absent.
  std::string_view header(std::string_view name) const;
};

/// Keeps its connection between exchanges. Speaks HTTP/1.1, checks certificates, follows no redirects, uses
/// the proxies of the environment but for this machine. No egress guard: a person at a terminal says where
/// to.
class PlainClient {
 public:
  /// stop: set (by a signal handler) to end the exchange under way, within a second. ca_file: PEM of the
  /// authorities that certificates may be from; empty: the system's.
  explicit PlainClient(const std::atomic<bool>& stop, std::string ca_file = {});
  ~PlainClient();
  PlainClient(const PlainClient&) = delete;
  PlainClient& operator=(const PlainClient&) = delete;

  /// Gets a body of status 2xx piece by piece, instead of the response; false ends the exchange.
  using Sink = std::function<bool(std::string_view)>;
  /// Errors: unavailable, when there was no complete answer (its message says why); cancelled, when it was
  /// stopped, by the sink too; too_large, when a body without a sink exceeds 64 MiB.
  base::Result<PlainResponse> send(const PlainRequest& request, const Sink& sink = nullptr);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace http
