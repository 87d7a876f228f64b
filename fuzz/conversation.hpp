// The HTTP server's own session over a pair of sockets: what it hands to the program, and what it answers.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "http/server.hpp"
#include "http/session.hpp"

namespace fuzz {

/// What became of some bytes.
struct Talk {
  struct Seen {
    std::string method{};
    std::string target{};
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string body{};
    bool operator==(const Seen&) const = default;
  };
  struct Answer {
    int status = 0;
    bool last = false;  ///< it says that the connection ends with it
  };
  std::vector<Seen> requests{};
  std::vector<Answer> answers{};
};

/// Every answer is a head alone, so nobody's bytes can be taken for one.
inline std::vector<Talk::Answer> answers_of(std::string_view said) {
  std::vector<Talk::Answer> answers;
  while (!said.empty()) {
    const std::size_t end = said.find("\r\n\r\n");
    XD_ASSERT(end != std::string_view::npos && end > 12 && said.starts_with("HTTP/1.1 "));
    const std::string_view head = said.substr(0, end + 2);
    said.remove_prefix(end + 4);
    const int status = std::stoi(std::string(head.substr(9, 3)));
    if (status == 100) continue;  // no answer yet, and said only where the body has not come at once
    answers.push_back({status, head.contains("\r\nConnection: close\r\n")});
  }
  return answers;
}

/// One for the whole run: a server costs more than a connection. It takes bodies of 256 bytes.
class Peer {
 public:
  static constexpr std::size_t kBodyBytesMax = 256;
  /// What a pair of sockets takes at once.
  static constexpr std::size_t kSentBytesMax = 64 << 10;
  static constexpr http::Admission kAdmission{};

  /// Sends the bytes in two pieces, says no more, and waits until the server has ended the connection.
  Talk talk(std::string_view first, std::string_view second) {
    int ends[2];
    XD_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    // Asio asks only the kernel what the socket is; this one needs neither a port nor its minute of rest.
    asio::ip::tcp::socket socket(context_, asio::ip::tcp::v4(), ends[0]);
    seen_.clear();
    context_.restart();
    bool ended = false;
    asio::co_spawn(context_, http::serve_plain(server_, std::move(socket), "192.0.2.1", kAdmission),
                   [&](const std::exception_ptr& thrown) {
                     XD_ASSERT(!thrown);
                     ended = true;
                   });
    std::string said;
    send(ends[1], first);
    context_.poll();
    send(ends[1], second);
    shutdown(ends[1], SHUT_WR);
    const base::Deadline patience = base::steady_now() + std::chrono::seconds{8};
    while (!ended) {
      XD_ASSERT(base::steady_now() < patience);
      context_.run_one_for(std::chrono::seconds{1});
      receive(ends[1], said);
    }
    receive(ends[1], said);
    close(ends[1]);
    return {std::exchange(seen_, {}), answers_of(said)};
  }

 private:
  static void send(int socket, std::string_view bytes) {
    if (!bytes.empty()) (void)::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  static void receive(int socket, std::string& said) {
    char buffer[4096];
    for (ssize_t count = 0; (count = recv(socket, buffer, sizeof buffer, 0)) > 0;) {
      said.append(buffer, static_cast<std::size_t>(count));
    }
  }

  static asio::awaitable<http::Response> answer(Peer& self, http::Request request, http::BodyReader& reader) {
    auto body = co_await reader.read(/*payer=*/0);
    if (!body) co_return http::Response{};
    Talk::Seen seen{.method = std::string(request.method),
                    .target = std::string(request.target),
                    .body = std::move(*body)};
    for (const auto& [name, value] : request.headers) seen.headers.emplace_back(name, value);
    self.seen_.push_back(std::move(seen));
    co_return http::Response{.status = 204};
  }
  static http::Response refuse(int status, std::string_view detail) {
    XD_ASSERT(!detail.empty());
    return {.status = status};
  }

  asio::io_context context_{1};
  std::vector<Talk::Seen> seen_;
  http::Server server_{
      context_.get_executor(),
      {.body_bytes_max = kBodyBytesMax},
      {.answer = [this](http::Request request,
                        http::BodyReader& body) { return answer(*this, std::move(request), body); },
       .refuse = &Peer::refuse}};
};

/// Somewhere in the text, and always at the same place in the same one.
inline std::size_t cut_of(std::string_view text) {
  return std::hash<std::string_view>{}(text) % (text.size() + 1);
}

/// What holds for any bytes: each request is answered once, in order, and after a refusal comes nothing.
inline void check_answers(const Talk& talk) {
  std::size_t refused = 0;
  for (const Talk::Answer& answer : talk.answers) {
    XD_ASSERT(answer.status == 204 || (answer.status >= 400 && answer.status < 500) || answer.status == 505);
    XD_ASSERT(answer.status == 204 || answer.last);
    XD_ASSERT(!answer.last || &answer == &talk.answers.back());
    refused += answer.status == 204 ? 0 : 1;
  }
  XD_ASSERT(talk.answers.size() == talk.requests.size() + refused);
}

/// However the bytes arrive, the program gets the same of them. Which of two faults is seen first, and
/// whether one is seen in a header that never ends, may differ.
inline void check_pieces(Peer& peer, std::string_view text, std::size_t cut, const Talk& whole) {
  const Talk pieces = peer.talk(text.substr(0, cut), text.substr(cut));
  check_answers(pieces);
  XD_ASSERT(pieces.requests == whole.requests);
}

}  // namespace fuzz
