// How many connections one address may have, over all servers of the process.
#pragma once

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

  /// False where the address has as many as it may; otherwise leave() follows.
  bool enter(const boost::asio::ip::address& address);
  void leave(const boost::asio::ip::address& address);

  std::size_t connections_max() const { return connections_max_; }

 private:
  bool counts(const boost::asio::ip::address& address) const;

  std::size_t connections_max_;
  std::vector<AllowedRange> exempt_;
  std::mutex mutex_;  // tidy: allow lock taken when a connection begins or ends, never for a request
  std::unordered_map<boost::asio::ip::address, std::size_t> connections_;
};

}  // namespace http
