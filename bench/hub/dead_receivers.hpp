// The receivers of the dead: each with an address of its own, none of any use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hub/poller.hpp"
#include "hub/receiver.hpp"

namespace bench {

/// Four in ten cannot be connected to (a black hole), two reset the connection, two answer 500, and two
/// accept a request and never answer (reliability F22).
class DeadReceivers {
 public:
  explicit DeadReceivers(Receiver& receiver);

  std::string url(std::size_t number) const;
  /// Ports that only the dead are reached by.
  std::vector<std::uint16_t> ports() const;

 private:
  BlackHole hole_;
  std::uint16_t resetting_;
  std::uint16_t failing_;
  std::uint16_t hanging_;
};

/// An address of 127.0.0.0/8 for each number below four million.
std::string loopback_address(std::size_t number);

}  // namespace bench
