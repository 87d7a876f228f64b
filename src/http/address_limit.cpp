#include "http/address_limit.hpp"

#include <algorithm>

namespace http {

namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t kAlwaysFair = 16;

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

const AddressLimit::Count* AddressLimit::enter(const ip::address& address) {
  static const Count kUncounted = 0;
  if (!counts(address)) return &kUncounted;
  // tidy: allow lock taken when a connection begins or ends, never for a request
  const std::lock_guard lock(mutex_);
  const auto found = connections_.try_emplace(network_of(address), 0).first;
  if (found->second >= connections_max_) return nullptr;
  ++found->second;
  ++total_;
  return &found->second;
}

std::size_t AddressLimit::fair_share() const {
  // tidy: allow lock taken when a connection begins or ends, never for a request
  const std::lock_guard lock(mutex_);
  return connections_.empty() ? kAlwaysFair : std::max(kAlwaysFair, total_ / connections_.size());
}

void AddressLimit::leave(const ip::address& address) {
  if (!counts(address)) return;
  // tidy: allow lock taken when a connection begins or ends, never for a request
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(network_of(address));
  if (found == connections_.end()) return;
  --total_;
  if (--found->second == 0) connections_.erase(found);
}

}  // namespace http
