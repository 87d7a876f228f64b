// Reads Server-Sent Events out of the bytes of a stream.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace cli {

/// One message; event is "" where only the position has moved.
struct SseMessage {
  std::string id{};
  std::string event{};
  std::string data{};
};

/// Fed with pieces cut anywhere; calls back for each block that is complete. Lines end in LF or CRLF.
class SseReader {
 public:
  /// Calls take(message) until it returns false; then the rest is thrown away. Returns what it said last.
  bool feed(std::string_view bytes, const std::function<bool(const SseMessage&)>& take);

 private:
  void field(std::string_view line);

  std::string line_;
  SseMessage message_;
  bool any_ = false;
};

}  // namespace cli
