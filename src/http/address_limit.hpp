// How many connections one address may have, over all servers of the process.
#pragma once

#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "http/egress.hpp"

namespace http {

/// Thread-safe. An IPv6 network of 64 bits counts as one address, because whoever has one address there has
/// all of them.
class AddressLimit {
 public:
  /// connections_max 0: any number. Addresses in exempt are not counted: proxies that speak for many.
  AddressLimit(std::size_t connections_max, std::vector<AllowedRange> exempt)
      : connections_max_(connections_max), exempt_(std::move(exempt)) {}

  /// What an address has, itself included, until it has left; of one that is not counted 0.
  using Count = std::atomic<std::size_t>;
  /// Null where the address has as many as it may; otherwise leave() follows.
  const Count* enter(const boost::asio::ip::address& address);
  void leave(const boost::asio::ip::address& address);

  std::size_t connections_max() const { return connections_max_; }
  /// What an address may have where there is no room for all: as many as others have, and always a few.
  std::size_t fair_share() const;

 private:
  bool counts(const boost::asio::ip::address& address) const;

  std::size_t connections_max_;
  std::vector<AllowedRange> exempt_;
  mutable std::mutex mutex_;  // tidy: allow lock taken when a connection begins or ends, never for a request
  std::unordered_map<boost::asio::ip::address, Count> connections_;
  std::size_t total_ = 0;
};

}  // namespace http
