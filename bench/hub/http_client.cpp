#include "hub/http_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>

#include "hub/wire.hpp"

namespace bench {

namespace {

constexpr int kPatienceMs = 30'000;

void wait_for(const Fd& fd, short events) {
  pollfd wanted{.fd = fd.get(), .events = events, .revents = 0};
  const int ready = ::poll(&wanted, 1, kPatienceMs);
  if (ready < 0) throw_errno("cannot wait for the server");
  if (ready == 0) throw std::runtime_error("the server gave no answer within 30 s");
}

bool is_closed(const Fd& fd) {
  pollfd state{.fd = fd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&state, 1, 0) != 0;  // between requests, anything to read can only be the end
}

}  // namespace

HttpAnswer HttpClient::request(std::string_view method, std::string_view path, const Headers& headers,
                               std::string_view body) {
  if (!fd_ || is_closed(fd_)) {
    inbox_.clear();
    fd_ = connect_loopback(port_);
  }
  std::string text;
  text.append(method)
      .append(" ")
      .append(path)
      .append(" HTTP/1.1\r\nHost: 127.0.0.1:")
      .append(std::to_string(port_));
  for (const auto& [name, value] : headers) text.append("\r\n").append(name).append(": ").append(value);
  if (!body.empty()) text.append("\r\nContent-Type: application/json");
  text.append("\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  try {
    send_all(text);
    return read_answer();
  } catch (...) {
    fd_.close();  // whatever still comes belongs to no request
    throw;
  }
}

void HttpClient::send_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_for(fd_, POLLOUT);
    } else if (errno != EINTR) {
      throw_errno("cannot send to the server");
    }
  }
}

HttpAnswer HttpClient::read_answer() {
  Message message;
  for (;;) {
    switch (read_message(inbox_.text(), message)) {
      case Framing::complete: {
        HttpAnswer answer{.status = status_of(message.start_line), .body = std::string(message.body)};
        inbox_.consume(message.bytes);
        if (message.closes) fd_.close();
        return answer;
      }
      case Framing::broken:
        throw std::runtime_error("the server's answer is not HTTP/1.1 with a Content-Length");
      case Framing::partial: break;
    }
    const Inbox::Filled filled = inbox_.fill(fd_);
    if (filled == Inbox::Filled::nothing) wait_for(fd_, POLLIN);
    if (filled == Inbox::Filled::closed || filled == Inbox::Filled::full) {
      throw std::runtime_error("the server closed the connection instead of answering");
    }
  }
}

}  // namespace bench
