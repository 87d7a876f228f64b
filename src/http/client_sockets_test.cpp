#include "http/client_sockets.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace http {

namespace {

/// A connection: ours, and the peer's end.
class SocketPair {
 public:
  SocketPair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds_.data()), 0); }
  ~SocketPair() {
    close(fds_[0]);
    close(fds_[1]);
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;

  int ours() const { return fds_[0]; }
  void peer_sends(std::string_view bytes) {
    EXPECT_EQ(send(fds_[1], bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  /// What curl would find when it looks whether the connection is alive: 0 = ended, -1 = nothing to read.
  ssize_t peek() const {
    char byte = 0;
    return recv(fds_[0], &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  }

 private:
  std::array<int, 2> fds_{};
};

bool readable(int fd) {
  pollfd wait{fd, POLLIN, 0};
  return poll(&wait, 1, 0) == 1;
}

TEST(SocketSet, tells_what_is_ready_until_it_is_dealt_with) {
  SocketPair pair;
  SocketSet sockets;
  sockets.opened(pair.ours());
  sockets.wait_for(pair.ours(), true, false);
  EXPECT_TRUE(sockets.take().empty());
  EXPECT_FALSE(readable(sockets.descriptor()));

  pair.peer_sends("x");

  EXPECT_TRUE(readable(sockets.descriptor()));
  for (int i = 0; i < 2; ++i) {
    const auto events = sockets.take();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].fd, pair.ours());
    EXPECT_TRUE(events[0].readable);
    EXPECT_FALSE(events[0].writable);
  }
}

TEST(SocketSet, tells_writable_only_where_that_is_waited_for) {
  SocketPair pair;
  SocketSet sockets;
  sockets.opened(pair.ours());

  sockets.wait_for(pair.ours(), false, true);
  ASSERT_EQ(sockets.take().size(), 1u);
  EXPECT_TRUE(sockets.take()[0].writable);

  sockets.wait_for(pair.ours(), true, false);
  EXPECT_TRUE(sockets.take().empty());
}

TEST(SocketSet, ends_an_idle_connection_on_which_something_comes_unasked) {
  SocketPair pair;
  SocketSet sockets;
  sockets.opened(pair.ours());
  sockets.wait_for(pair.ours(), true, false);
  sockets.wait_for(pair.ours(), false, false);
  EXPECT_TRUE(sockets.take().empty());
  EXPECT_EQ(pair.peek(), -1);

  pair.peer_sends("HTTP/1.1 200 OK\r\n\r\n");

  EXPECT_TRUE(sockets.take().empty());
  EXPECT_EQ(pair.peek(), 0);
  EXPECT_FALSE(readable(sockets.descriptor())) << "it is not looked at again";
}

TEST(SocketSet, keeps_an_idle_connection_that_stays_silent) {
  SocketPair pair;
  SocketSet sockets;
  sockets.opened(pair.ours());
  sockets.wait_for(pair.ours(), true, false);
  sockets.wait_for(pair.ours(), false, false);
  sockets.take();
  sockets.wait_for(pair.ours(), true, false);

  pair.peer_sends("x");

  EXPECT_EQ(sockets.take().size(), 1u);
  EXPECT_EQ(pair.peek(), 1);
}

TEST(SocketSet, forgets_a_socket_that_is_no_connection_as_soon_as_nobody_waits_for_it) {
  SocketPair pair;
  SocketSet sockets;
  sockets.wait_for(pair.ours(), true, false);
  sockets.wait_for(pair.ours(), false, false);

  pair.peer_sends("x");

  EXPECT_FALSE(readable(sockets.descriptor()));
  EXPECT_TRUE(sockets.take().empty());
  EXPECT_EQ(pair.peek(), 1) << "it is not ours to end";
}

TEST(SocketSet, takes_a_number_that_is_used_again_for_a_new_socket) {
  SocketSet sockets;
  int number = -1;
  {
    SocketPair first;
    number = first.ours();
    sockets.opened(number);
    sockets.wait_for(number, true, false);
    sockets.wait_for(number, false, false);
    sockets.closed(number);
  }
  SocketPair second;
  ASSERT_EQ(second.ours(), number);
  sockets.opened(number);
  sockets.wait_for(number, true, false);

  second.peer_sends("x");

  EXPECT_EQ(sockets.take().size(), 1u);
}

}  // namespace

}  // namespace http
