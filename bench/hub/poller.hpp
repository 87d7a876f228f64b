// Sockets of the bench without a library between: an epoll set, ports, and what has arrived on a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/fd.hpp"

namespace bench {

/// Something whose descriptor can become ready. It must outlive every wait() that may still name it.
class Pollable {
 public:
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~Pollable() = default;
};

/// An edge-triggered epoll set. One thread.
class Poller {
 public:
  Poller();

  /// From now on `pollable` hears of reading, writing and hanging up, until the descriptor is closed.
  void add(const Fd& fd, Pollable& pollable);
  /// Sleeps until something is ready or the moment comes, then tells everyone who is ready.
  void wait(std::int64_t until_ns);

 private:
  Fd epoll_;
};

/// Bytes that arrived on one connection and were not consumed yet.
class Inbox {
 public:
  enum class Filled : std::uint8_t {
    some,     ///< more may be waiting
    drained,  ///< all that was waiting
    nothing,  ///< nothing was waiting
    closed,   ///< the peer closed, or the connection broke
    full      ///< more than a message may take
  };

  Inbox();
  /// One read from the socket.
  Filled fill(const Fd& fd);
  std::string_view text() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes);
  void clear() { begin_ = end_ = 0; }

 private:
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// A connection to 127.0.0.1:port with Nagle off. Throws when it is refused. Blocks until connected; the
/// socket given back does not block.
Fd connect_loopback(std::uint16_t port);

/// A socket bound to a free port of 127.0.0.1, not listening: whoever connects to it is refused. It does not
/// block.
struct BoundPort {
  Fd fd;
  std::uint16_t port = 0;
};
BoundPort bind_loopback();

/// The same on every address of 127.0.0.0/8 at once, so that each of many peers can have an address of its
/// own.
BoundPort bind_all_loopback();

/// A second socket on a port that is bound already, listening.
Fd listen_beside(const BoundPort& bound);

/// A port on every address of 127.0.0.0/8 to which no connection is ever made: its listener's queue is full
/// and never emptied, so the kernel drops what else knocks.
class BlackHole {
 public:
  BlackHole();
  std::uint16_t port() const { return listener_.port; }

 private:
  BoundPort listener_;
  Fd filler_;
};

}  // namespace bench
