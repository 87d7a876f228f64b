// A plain blocking HTTP client for setting the server up; the load does not go through it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/poller.hpp"

namespace bench {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

/// One keep-alive connection to 127.0.0.1:port, opened when needed.
class HttpClient {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  explicit HttpClient(std::uint16_t port) : port_(port) {}

  /// Sends one request and waits up to 30 s for its answer. Throws when there is none.
  HttpAnswer request(std::string_view method, std::string_view path, const Headers& headers,
                     std::string_view body);

 private:
  void send_all(std::string_view text);
  HttpAnswer read_answer();

  std::uint16_t port_;
  Fd fd_;
  Inbox inbox_;
};

}  // namespace bench
