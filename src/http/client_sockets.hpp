// The client's sockets and what is waited for on each: one epoll of its own, which the event loop watches as
// a whole.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace http {

/// Level-triggered. A socket that nobody waits for any more is kept in the epoll, because a kept-alive
/// connection is waited for again soon: a request on it then costs no epoll_ctl. What arrives on such an idle
/// socket (the peer's close, or bytes that answer nothing) makes it unusable, and it is shut down so that
/// curl finds it dead instead of taking the bytes for the answer to its next request.
class SocketSet {
 public:
  struct Event {
    int fd = -1;
    bool readable = false;
    bool writable = false;
    bool failed = false;
  };

  SocketSet();
  ~SocketSet();
  SocketSet(const SocketSet&) = delete;
  SocketSet& operator=(const SocketSet&) = delete;

  /// Readable while at least one event is there to be taken. Owned by this.
  int descriptor() const { return epoll_; }

  /// The socket is a connection: closed() will be called before its number means another socket. Sockets that
  /// were not announced (curl has some of its own) leave the epoll as soon as nobody waits for them.
  void opened(int fd);
  void closed(int fd);

  /// What is waited for from now on; neither = idle.
  void wait_for(int fd, bool reading, bool writing);

  /// Takes the events that are there, at most 256, without blocking; those of idle sockets are dealt with
  /// here. Valid until the next call.
  std::span<const Event> take();

 private:
  struct Socket {
    std::uint32_t registered = 0;  // events in the epoll, 0 = not in it
    std::uint32_t wanted = 0;
    bool connection = false;
  };
  Socket& socket(int fd);
  void enroll(int fd, Socket& socket, std::uint32_t events);

  int epoll_;
  std::vector<Socket> sockets_;  // by descriptor number
  std::vector<Event> events_;
};

}  // namespace http
