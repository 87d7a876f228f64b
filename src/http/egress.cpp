#include "http/egress.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <charconv>
#include <optional>

namespace http {

namespace {

namespace ip = boost::asio::ip;

struct Denied {
  const char* range;
  const char* what;
};

// IANA's special-purpose registries of IPv4 and IPv6, and addresses by which cloud platforms talk to their
// own guests. The first match gives the reason, so a special case stands before the range that holds it.
constexpr Denied kDenied[] = {
    {"0.0.0.0/8", "this network"},
    {"10.0.0.0/8", "private network"},
    {"100.64.0.0/10", "shared address space"},
    {"127.0.0.0/8", "loopback"},
    {"168.63.129.16/32", "cloud platform service"},
    {"169.254.169.254/32", "cloud metadata service"},
    {"169.254.0.0/16", "link-local"},
    {"172.16.0.0/12", "private network"},
    {"192.0.0.0/24", "IETF protocol assignments"},
    {"192.0.2.0/24", "documentation"},
    {"192.88.99.0/24", "6to4 relay"},
    {"192.168.0.0/16", "private network"},
    {"198.18.0.0/15", "benchmarking"},
    {"198.51.100.0/24", "documentation"},
    {"203.0.113.0/24", "documentation"},
    {"224.0.0.0/4", "multicast"},
    {"255.255.255.255/32", "broadcast"},
    {"240.0.0.0/4", "reserved"},
    {"::/128", "unspecified"},
    {"::1/128", "loopback"},
    {"::/96", "IPv4-compatible"},
    {"64:ff9b:1::/48", "local-use NAT64"},
    {"100::/64", "discard only"},
    {"2001::/32", "Teredo"},
    {"2001::/23", "IETF protocol assignments"},
    {"2001:db8::/32", "documentation"},
    {"2002::/16", "6to4"},
    {"3fff::/20", "documentation"},
    {"5f00::/16", "segment routing"},
    {"fd00:ec2::254/128", "cloud metadata service"},
    {"fc00::/7", "private network"},
    {"fe80::/10", "link-local"},
    {"fec0::/10", "site-local"},
    {"ff00::/8", "multicast"},
    // All that is unicast and routed today lies in 2000::/3; the rest is refused until it is given a meaning.
    {"::/3", "not global unicast"},
    {"4000::/2", "not global unicast"},
    {"8000::/1", "not global unicast"},
};

/// The address as 16 bytes; IPv4 stands in the first four.
std::array<std::uint8_t, 16> bytes_of(const ip::address& address) {
  std::array<std::uint8_t, 16> bytes{};
  if (address.is_v4()) {
    std::ranges::copy(address.to_v4().to_bytes(), bytes.begin());
  } else {
    std::ranges::copy(address.to_v6().to_bytes(), bytes.begin());
  }
  return bytes;
}

bool contains(const AllowedRange& range, const ip::address& address) {
  if (range.network.is_v4() != address.is_v4()) return false;
  const auto network = bytes_of(range.network);
  const auto bytes = bytes_of(address);
  const auto whole = static_cast<std::size_t>(range.prefix_bits / 8);
  if (!std::equal(bytes.begin(), bytes.begin() + whole, network.begin())) return false;
  const int rest = range.prefix_bits % 8;
  return rest == 0 || (bytes[whole] ^ network[whole]) >> (8 - rest) == 0;
}

/// What the kernel would really connect to: IPv4 where it is written as IPv4-mapped IPv6, and no zone.
ip::address unwrapped(const ip::address& address) {
  if (address.is_v4()) return address;
  const ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6);
  return ip::address_v6(v6.to_bytes());
}

/// The IPv4 address that a translator of RFC 6052's well-known prefix 64:ff9b::/96 would connect to.
std::optional<ip::address_v4> nat64_target(const ip::address& address) {
  static const AllowedRange kNat64{ip::make_address("64:ff9b::"), 96};
  if (!contains(kNat64, address)) return std::nullopt;
  const auto bytes = bytes_of(address);
  return ip::address_v4({bytes[12], bytes[13], bytes[14], bytes[15]});
}

std::unexpected<base::Error> bad_entry(std::string_view entry, const std::string& why) {
  return base::fail(base::Code::invalid, "egress allow list: \"" + std::string(entry) + "\": " + why);
}

std::optional<int> parse_number(std::string_view text, int max) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && text.front() != '-';
  if (!whole || value > max || text.size() > 5) return std::nullopt;
  return value;
}

/// An entry before its parts were read: "10.0.0.0" "8" "443".
struct Parts {
  std::string_view address;
  std::optional<std::string_view> prefix;
  std::optional<std::string_view> port;
};

std::optional<Parts> split(std::string_view entry) {
  Parts parts;
  std::string_view rest;
  if (entry.starts_with('[')) {
    const std::size_t close = entry.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    parts.address = entry.substr(1, close - 1);
    rest = entry.substr(close + 1);
  } else {
    // Without brackets a colon may belong to an IPv6 address; only a prefix after it makes the end certain.
    const std::size_t end = entry.find('/') != std::string_view::npos ? entry.find('/') : entry.find(':');
    parts.address = entry.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : entry.substr(end);
  }
  if (rest.starts_with('/')) {
    const std::size_t colon = rest.find(':');
    parts.prefix = rest.substr(1, colon == std::string_view::npos ? colon : colon - 1);
    rest = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon);
  }
  if (rest.starts_with(':')) {
    parts.port = rest.substr(1);
    rest = {};
  }
  if (!rest.empty()) return std::nullopt;
  return parts;
}

base::Result<AllowedRange> parse_entry(std::string_view entry) {
  const std::optional<Parts> parts = split(entry);
  if (!parts) return bad_entry(entry, "write it as 10.0.0.0/8, 10.0.0.1:8080, [fd00::]/8 or [::1]:8080");
  boost::system::error_code error;
  AllowedRange range;
  range.network = ip::make_address(std::string(parts->address), error);
  if (error || parts->address.contains('%')) {
    return bad_entry(entry, "not an IPv4 address, nor an IPv6 address in brackets");
  }
  if (range.network.is_v6() && range.network.to_v6().is_v4_mapped()) {
    return bad_entry(entry, "an IPv4 address inside IPv6; write it as IPv4");
  }
  const int bits = range.network.is_v4() ? 32 : 128;
  range.prefix_bits = bits;
  if (parts->prefix) {
    const auto prefix = parse_number(*parts->prefix, bits);
    if (!prefix) return bad_entry(entry, "the prefix is a number from 0 to " + std::to_string(bits));
    range.prefix_bits = *prefix;
  }
  if (parts->port) {
    const auto port = parse_number(*parts->port, 65535);
    if (!port || *port == 0) return bad_entry(entry, "the port is a number from 1 to 65535");
    range.port = static_cast<std::uint16_t>(*port);
  }
  const auto bytes = bytes_of(range.network);
  for (int bit = range.prefix_bits; bit < bits; ++bit) {
    if (bytes[static_cast<std::size_t>(bit / 8)] >> (7 - bit % 8) & 1) {
      return bad_entry(entry,
                       "the address has bits set beyond its prefix; write the first address of the range");
    }
  }
  return range;
}

/// What the operator would have to say for it.
std::string advice(const std::string& range) {
  return "; whoever runs the hub can allow it: CROSSDOCK_EGRESS_ALLOW=" + range;
}

struct DeniedRange {
  AllowedRange range;
  std::string reason;
  std::string written;
};

const std::vector<DeniedRange>& denied_ranges() {
  static const std::vector<DeniedRange> kRanges = [] {
    std::vector<DeniedRange> ranges;
    for (const Denied& denied : kDenied) {
      auto range = parse_entry(denied.range);
      ranges.push_back({range.value(), std::string(denied.what) + " " + denied.range, denied.range});
    }
    return ranges;
  }();
  return kRanges;
}

const DeniedRange* denial(const ip::address& address) {
  const auto denied = std::ranges::find_if(
      denied_ranges(), [&](const DeniedRange& each) { return contains(each.range, address); });
  return denied == denied_ranges().end() ? nullptr : &*denied;
}

}  // namespace

bool is_in(std::span<const AllowedRange> ranges, const ip::address& address) {
  const ip::address plain = unwrapped(address);
  return std::ranges::any_of(ranges, [&](const AllowedRange& range) { return contains(range, plain); });
}

base::Result<std::vector<AllowedRange>> EgressGuard::parse_allow(std::string_view text) {
  constexpr std::string_view kSeparators = ", \t\r\n";
  std::vector<AllowedRange> ranges;
  while (true) {
    const std::size_t begin = text.find_first_not_of(kSeparators);
    if (begin == std::string_view::npos) return ranges;
    text.remove_prefix(begin);
    const std::string_view entry = text.substr(0, text.find_first_of(kSeparators));
    text.remove_prefix(entry.size());
    XD_TRY(AllowedRange range, parse_entry(entry));
    ranges.push_back(std::move(range));
  }
}

std::string EgressGuard::refusal(const ip::address& address, std::uint16_t port) const {
  const ip::address target = unwrapped(address);
  for (const AllowedRange& range : allowed_) {
    if ((range.port == 0 || range.port == port) && contains(range, target)) return {};
  }
  if (const auto translated = nat64_target(target)) {
    const DeniedRange* behind = denial(*translated);
    return behind == nullptr
               ? std::string()
               : behind->reason + " behind NAT64 64:ff9b::/96" + advice(target.to_string() + "/128");
  }
  const DeniedRange* denied = denial(target);
  return denied == nullptr ? std::string() : denied->reason + advice(denied->written);
}

}  // namespace http
