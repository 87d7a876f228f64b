#include "hub/sockets.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "hub/poller.hpp"

namespace bench {

namespace {

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

constexpr std::uint32_t kStates = (1U << TCP_ESTABLISHED) | (1U << TCP_SYN_SENT) | (1U << TCP_FIN_WAIT1) |
                                  (1U << TCP_FIN_WAIT2) | (1U << TCP_CLOSE_WAIT) | (1U << TCP_LAST_ACK) |
                                  (1U << TCP_CLOSING);

/// Counts in one datagram of the answer; false when it was the last.
bool count_in(const char* bytes, std::size_t size, const std::vector<std::uint16_t>& ports,
              std::size_t& found) {
  const auto* header = reinterpret_cast<const nlmsghdr*>(bytes);
  for (auto rest = static_cast<int>(size); NLMSG_OK(header, static_cast<unsigned>(rest));
       header = NLMSG_NEXT(header, rest)) {
    if (header->nlmsg_type == NLMSG_DONE) return false;
    if (header->nlmsg_type == NLMSG_ERROR) throw_errno("the kernel does not list its sockets");
    const auto* socket = static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
    found += static_cast<std::size_t>(std::ranges::count(ports, ntohs(socket->id.idiag_dport)));
  }
  return true;
}

}  // namespace

std::size_t count_sockets_to(const std::vector<std::uint16_t>& ports) {
  const Fd fd(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd) throw_errno("cannot ask the kernel for its sockets");
  Question question{};
  question.header = {.nlmsg_len = sizeof question,
                     .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                     .nlmsg_seq = 0,
                     .nlmsg_pid = 0};
  question.body.sdiag_family = AF_INET;
  question.body.sdiag_protocol = IPPROTO_TCP;
  question.body.idiag_states = kStates;
  if (::send(fd.get(), &question, sizeof question, 0) < 0)
    throw_errno("cannot ask the kernel for its sockets");
  std::size_t found = 0;
  alignas(nlmsghdr) std::array<char, 32768> answer;
  for (;;) {
    const ssize_t size = ::recv(fd.get(), answer.data(), answer.size(), 0);
    if (size <= 0) throw_errno("cannot read the kernel's list of sockets");
    if (!count_in(answer.data(), static_cast<std::size_t>(size), ports, found)) return found;
  }
}

}  // namespace bench
