// The egress guard: decides which addresses Crossdock may connect to, so that nobody makes it reach inside.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace http {

/// An allowed range: CIDR, with a port or any (0). "10.1.0.0/16:8443", "[fd00::]/8:443", "127.0.0.1",
/// "[::1]:9000".
struct AllowedRange {
  boost::asio::ip::address network;
  int prefix_bits = 0;
  std::uint16_t port = 0;
};

/// Whether an address is in one of the ranges, whatever their ports. IPv4 that is written as IPv4-mapped IPv6
/// is IPv4.
bool is_in(std::span<const AllowedRange> ranges, const boost::asio::ip::address& address);

/// Refuses private, loopback, link-local, multicast, documentation and other special ranges of IPv4 and IPv6,
/// also where they are wrapped: an IPv4-mapped or NAT64 address is judged by the IPv4 address inside, 6to4
/// and Teredo are refused as a whole. Stateless after construction; thread-safe.
class EgressGuard {
 public:
  /// Nothing private is allowed.
  EgressGuard() = default;
  explicit EgressGuard(std::vector<AllowedRange> allowed) : allowed_(std::move(allowed)) {}

  /// Reads CROSSDOCK_EGRESS_ALLOW: ranges separated by commas or spaces. Error: invalid, naming the entry.
  static base::Result<std::vector<AllowedRange>> parse_allow(std::string_view text);

  /// Why the address may not be connected to ("private network 10.0.0.0/8"), or "" when it may.
  std::string refusal(const boost::asio::ip::address& address, std::uint16_t port) const;

 private:
  std::vector<AllowedRange> allowed_;
};

/// A URL that Crossdock would send to, taken apart by the same parser that the client connects with.
struct TargetUrl {
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< lower case, in ASCII (IDNA), IPv6 without brackets
  std::uint16_t port = 0;
  std::string path_and_query;
  bool host_is_address = false;
};

/// Reads and checks a URL to send to: http or https, a host, which may be an internationalized name, no user
/// info, no fragment, no control characters, at most kUrlBytesMax bytes. Error: invalid, saying what is
/// wrong.
base::Result<TargetUrl> parse_target(std::string_view url);

/// Whether both have the same scheme, host and port (RFC 6454 §4): whoever gets one may get what is meant for
/// the other. False where one of them cannot be sent to.
bool same_origin(std::string_view url, std::string_view other);

/// parse_target, and where the host is an address in any notation ("127.1", "0x7f.1", "2130706433", "[::1]")
/// or a name that always means this machine ("localhost", "*.localhost"), also the guard: reason
/// SSRF_BLOCKED. Names are checked when the connection is made.
base::Result<TargetUrl> check_target(std::string_view url, const EgressGuard& guard);

}  // namespace http
