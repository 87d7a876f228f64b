#include "hub/poller.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/clock.hpp"

namespace bench {

namespace {

constexpr std::size_t kInboxBytes = std::size_t{8} << 10;
constexpr std::size_t kInboxBytesMax = std::size_t{32} << 20;
constexpr int kReadyMax = 256;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Fd open_socket(int flags) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!fd) throw_errno("cannot open a socket");
  return fd;
}

void bind_to(BoundPort& bound, sockaddr_in address) {
  socklen_t size = sizeof address;
  if (::bind(bound.fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(bound.fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw_errno("cannot bind a free port of the loopback device");
  }
  bound.port = ntohs(address.sin_port);
}

}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw_errno("cannot make an epoll set");
}

void Poller::add(const Fd& fd, Pollable& pollable) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &pollable;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) throw_errno("cannot watch a socket");
}

void Poller::wait(std::int64_t until_ns) {
  const std::int64_t rest_ns = std::max<std::int64_t>(0, until_ns - now_ns());
  const timespec timeout{.tv_sec = rest_ns / kNsPerSecond, .tv_nsec = rest_ns % kNsPerSecond};
  std::array<epoll_event, kReadyMax> ready;
  const int count = ::epoll_pwait2(epoll_.get(), ready.data(), kReadyMax, &timeout, nullptr);
  if (count < 0 && errno != EINTR) throw_errno("cannot wait for sockets");
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<std::size_t>(i)];
    static_cast<Pollable*>(event.data.ptr)->on_ready(event.events);
  }
}

Inbox::Inbox() : buffer_(std::make_unique_for_overwrite<char[]>(kInboxBytes)), capacity_(kInboxBytes) {}

Inbox::Filled Inbox::fill(const Fd& fd) {
  if (end_ == capacity_) {
    if (capacity_ >= kInboxBytesMax) return Filled::full;
    auto larger = std::make_unique_for_overwrite<char[]>(capacity_ * 2);
    std::memcpy(larger.get(), buffer_.get(), end_);
    buffer_ = std::move(larger);
    capacity_ *= 2;
  }
  const std::size_t room = capacity_ - end_;
  const ssize_t got = ::recv(fd.get(), buffer_.get() + end_, room, 0);
  if (got < 0) {
    if (errno == EINTR) return Filled::some;
    return errno == EAGAIN || errno == EWOULDBLOCK ? Filled::nothing : Filled::closed;
  }
  if (got == 0) return Filled::closed;
  end_ += static_cast<std::size_t>(got);
  // A short read emptied the socket; what comes later is a new edge. This saves one call in two.
  return static_cast<std::size_t>(got) < room ? Filled::drained : Filled::some;
}

void Inbox::consume(std::size_t bytes) {
  begin_ += bytes;
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ > capacity_ / 2) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
}

Fd connect_loopback(std::uint16_t port) {
  Fd fd = open_socket(0);
  const sockaddr_in address = loopback(port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw_errno("cannot connect to the server");
  }
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

BoundPort bind_loopback() {
  BoundPort bound{.fd = open_socket(SOCK_NONBLOCK)};
  const int on = 1;
  ::setsockopt(bound.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  bind_to(bound, loopback(0));
  return bound;
}

BoundPort bind_all_loopback() {
  BoundPort bound{.fd = open_socket(SOCK_NONBLOCK)};
  const int on = 1;
  constexpr std::string_view kDevice = "lo";
  ::setsockopt(bound.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Bound to the device, the socket is not open to the network although it is bound to no address.
  if (::setsockopt(bound.fd.get(), SOL_SOCKET, SO_BINDTODEVICE, kDevice.data(), kDevice.size()) != 0) {
    throw_errno("cannot bind a socket to the loopback device");
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  bind_to(bound, address);
  return bound;
}

Fd listen_beside(const BoundPort& bound) {
  Fd fd = open_socket(SOCK_NONBLOCK);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  char device[IFNAMSIZ] = {};
  socklen_t device_size = sizeof device;
  ::getsockopt(bound.fd.get(), SOL_SOCKET, SO_BINDTODEVICE, device, &device_size);
  if (device_size > 0) ::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, device, device_size);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(bound.fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    throw_errno("cannot listen for webhooks");
  }
  return fd;
}

BlackHole::BlackHole() : listener_(bind_all_loopback()) {
  // A queue of length 0 holds one connection.
  if (::listen(listener_.fd.get(), 0) != 0) throw_errno("cannot listen");
  filler_ = connect_loopback(listener_.port);
}

}  // namespace bench
