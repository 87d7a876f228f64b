#include "outbound/subscription/subscription.hpp"

namespace outbound {

namespace {

constexpr std::size_t kVersionByte = 6;
constexpr std::uint8_t kOrdinaryVersion = 0x70;  // of all ids of ours
constexpr std::uint8_t kDetourVersion = 0x80;

base::Uuid with_version(base::Uuid id, std::uint8_t version) {
  id.bytes[kVersionByte] = static_cast<std::uint8_t>((id.bytes[kVersionByte] & 0x0F) | version);
  return id;
}

}  // namespace

queue::LaneId detour_lane(SubscriptionId id) { return queue::LaneId{with_version(id.uuid, kDetourVersion)}; }

bool is_detour(queue::LaneId lane) { return (lane.uuid.bytes[kVersionByte] & 0xF0) == kDetourVersion; }

SubscriptionId subscription_of(queue::LaneId lane) {
  return SubscriptionId{is_detour(lane) ? with_version(lane.uuid, kOrdinaryVersion) : lane.uuid};
}

queue::LanePolicy Subscription::lane_policy() const {
  queue::LanePolicy policy{.ordered = ordering == Ordering::per_key, .circuit_no = circuit_no};
  if (max_in_flight) policy.in_flight_max = static_cast<std::size_t>(*max_in_flight);
  policy.rate = rate_limit;
  return policy;
}

}  // namespace outbound
