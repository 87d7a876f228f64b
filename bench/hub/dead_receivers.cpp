#include "hub/dead_receivers.hpp"

namespace bench {

DeadReceivers::DeadReceivers(Receiver& receiver)
    : resetting_(receiver.listen(Behaviour::reset, Reach::all_loopback)),
      failing_(receiver.listen(Behaviour::fail, Reach::all_loopback)),
      hanging_(receiver.listen(Behaviour::hang, Reach::all_loopback)) {}

std::vector<std::uint16_t> DeadReceivers::ports() const {
  return {hole_.port(), resetting_, failing_, hanging_};
}

std::string DeadReceivers::url(std::size_t number) const {
  const std::uint16_t in_turn[] = {hole_.port(), resetting_,   hole_.port(), failing_, hole_.port(),
                                   hanging_,     hole_.port(), resetting_,   failing_, hanging_};
  const std::uint16_t port = in_turn[number % std::size(in_turn)];
  return "http://" + loopback_address(number) + ":" + std::to_string(port) + "/hook/" +
         std::to_string(number);
}

std::string loopback_address(std::size_t number) {
  constexpr std::size_t kHosts = 250;
  constexpr std::size_t kNets = 256;
  const std::size_t net = number / kHosts;
  return "127." + std::to_string(1 + net / kNets) + "." + std::to_string(net % kNets) + "." +
         std::to_string(1 + number % kHosts);
}

}  // namespace bench
