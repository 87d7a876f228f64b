#include "http/address_limit.hpp"

#include <algorithm>

namespace http {

namespace {

namespace ip = boost::asio::ip;

/// What stands for an address and its neighbours that are nobody else's.
ip::address network_of(const ip::address& address) {
  if (!address.is_v6()) return address;
  const ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6);
  ip::address_v6::bytes_type bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return ip::address_v6(bytes);
}

}  // namespace

bool AddressLimit::counts(const ip::address& address) const {
  return connections_max_ > 0 && !is_in(exempt_, address);
}

bool AddressLimit::enter(const ip::address& address) {
  if (!counts(address)) return true;
  // tidy: allow lock taken when a connection begins or ends, never for a request
  const std::lock_guard lock(mutex_);
  std::size_t& connections = connections_[network_of(address)];
  if (connections >= connections_max_) return false;
  ++connections;
  return true;
}

void AddressLimit::leave(const ip::address& address) {
  if (!counts(address)) return;
  // tidy: allow lock taken when a connection begins or ends, never for a request
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(network_of(address));
  if (found != connections_.end() && --found->second == 0) connections_.erase(found);
}

}  // namespace http
