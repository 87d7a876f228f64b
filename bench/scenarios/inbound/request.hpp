// The webhooks that the inbound scenario sends: signed as GitHub does, each with an id of its own, and signed
// before the load, so that the sender is not what is measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/payload.hpp"
#include "hub/signature.hpp"

namespace bench {

/// "shop-00042": what stands behind the tenant's slug in the URL of endpoint `number` (below 100,000).
std::string endpoint_path(std::size_t number);
/// The number in it.
std::optional<std::size_t> endpoint_number(std::string_view path);
/// Each endpoint has a secret of its own.
std::string endpoint_secret(std::size_t number);

/// What ids begin with: the time, as GitHub's do (UUIDs of version 1), or anything, so that nothing in the
/// store gets them in order (version 4).
enum class Ids : std::uint8_t { timed, scattered };
/// X-GitHub-Delivery of webhook `seq`: of the form of a UUID, all distinct.
std::string delivery_id(std::uint32_t seq, Ids ids);
/// The number in it.
std::optional<std::uint64_t> seq_of_delivery(std::string_view id);

/// Whole requests `POST /webhooks/<slug>/<endpoint_path>`; webhook n is for endpoint n % endpoints. Their
/// bodies are those of EventRequest and differ in one number.
class WebhookRequests {
 public:
  struct Plan {
    std::string slug;
    std::uint16_t port = 0;
    std::size_t endpoints = 1;
    std::size_t body_bytes = 1024;
    Ids ids = Ids::timed;
    std::size_t webhooks = 0;  ///< so many are signed ahead
  };
  /// Throws when body_bytes is less than the fields take.
  explicit WebhookRequests(const Plan& plan);

  /// The request of webhook `seq`, below plan.webhooks; valid until the next call.
  std::string_view stamp(std::uint32_t seq);

 private:
  std::size_t endpoints_;
  Ids ids_;
  EventRequest event_;
  std::string text_;
  std::size_t path_at_;
  std::size_t id_at_;
  std::size_t mac_at_;
  std::size_t body_at_;
  std::vector<Mac> macs_;
};

}  // namespace bench
