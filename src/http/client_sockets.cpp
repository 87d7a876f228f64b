#include "http/client_sockets.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace http {

namespace {

constexpr std::size_t kEventsMax = 256;

/// Ends a connection in both directions and throws away what has arrived, so that a look at it shows its end.
void shut_down(int fd) {
  shutdown(fd, SHUT_RDWR);
  std::array<char, 4096> bytes;
  while (recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
  }
}

}  // namespace

SocketSet::SocketSet() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

SocketSet::~SocketSet() { close(epoll_); }

SocketSet::Socket& SocketSet::socket(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= sockets_.size()) sockets_.resize(index + 1);
  return sockets_[index];
}

void SocketSet::opened(int fd) { socket(fd) = {.connection = true}; }

void SocketSet::closed(int fd) { socket(fd) = {}; }  // close() takes it out of the epoll

void SocketSet::enroll(int fd, Socket& socket, std::uint32_t events) {
  if (socket.registered == events) return;
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  const int operation = socket.registered == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  // Where the kernel refuses (no memory for one more watch), the exchange on that socket ends by its own
  // deadline.
  socket.registered = epoll_ctl(epoll_, operation, fd, &event) == 0 ? events : 0;
}

void SocketSet::wait_for(int fd, bool reading, bool writing) {
  Socket& entry = socket(fd);
  entry.wanted = (reading ? EPOLLIN : 0U) | (writing ? EPOLLOUT : 0U);
  const bool may_stay = entry.wanted == 0 && entry.connection && entry.registered == EPOLLIN;
  if (!may_stay) enroll(fd, entry, entry.wanted);
}

std::span<const SocketSet::Event> SocketSet::take() {
  std::array<epoll_event, kEventsMax> ready;
  const int count = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 0);
  events_.clear();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<std::size_t>(i)];
    const int fd = event.data.fd;
    Socket& entry = socket(fd);
    if (entry.wanted == 0) {
      enroll(fd, entry, 0);
      shut_down(fd);
      continue;
    }
    events_.push_back({.fd = fd,
                       .readable = (event.events & EPOLLIN) != 0,
                       .writable = (event.events & EPOLLOUT) != 0,
                       .failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0});
  }
  return events_;
}

}  // namespace http
