// A tenant's feed as Server-Sent Events: what happened since a position, and then what happens, as it does.
#pragma once

#include "api/core/call.hpp"
#include "event/feed.hpp"

namespace api {

/// What one connection follows. Owns all it needs: the request ends before the stream does.
struct FeedStream {
  base::TenantId tenant{};
  Principal who{};                      ///< who follows; the stream ends when the key does
  std::vector<std::string> patterns{};  ///< of event types; empty: all
  bool events = true;
  bool deliveries = true;
  event::FeedPosition from{};
  /// Where to go on when the position is too old: the oldest that is kept, or what comes next.
  enum class WhenLost : std::uint8_t { oldest, newest } when_lost = WhenLost::newest;
  base::Uuid name{};  ///< by which it is nudged, beside its key and its tenant; nil: none
  /// Asked at the beginning, every 15 s and after each nudge; a text that is not empty is sent as the last
  /// message.
  std::function<base::Task<std::string>()> check{};
};

/// The response that streams it. Error: limited, when the tenant or the shard follows enough already.
Result<http::Response> feed_response(Services& services, FeedStream wanted);

/// "id: …", "event: …" and "data: …" of one message. data is JSON.
void append_message(std::string& out, const std::string& id, std::string_view event, std::string data);

/// Patterns of event types, parted by commas. Error: invalid with BAD_REQUEST.
Result<std::vector<std::string>> read_patterns(std::string_view text);

}  // namespace api
