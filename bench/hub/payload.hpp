// The requests that the generator sends: built once per route, two numbers of fixed width changed per event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

/// One event type of one tenant and the one subscription that wants it.
struct Route {
  std::string api_key;
  std::string event_type;
  std::string signing_key;  ///< the subscription's key bytes, decoded
};

/// A whole HTTP request `POST /api/v1/events` whose body has an order of about twenty fields, padded to a
/// size.
class EventRequest {
 public:
  /// Throws when body_bytes is less than the fields take.
  EventRequest(const Route& route, std::uint16_t port, std::size_t body_bytes);

  /// The request for event `seq`; valid until the next call.
  std::string_view stamp(std::uint32_t seq, std::int64_t sent_unix_us);
  /// The body alone of event `seq`, for a batch.
  void append_body(std::string& to, std::uint32_t seq, std::int64_t sent_unix_us) const;

 private:
  std::string text_;
  std::size_t body_at_;
  std::size_t seq_at_;
  std::size_t time_at_;
};

/// The event's number, read back from whatever body the server made of its data.
std::optional<std::uint64_t> seq_of(std::string_view body);

}  // namespace bench
