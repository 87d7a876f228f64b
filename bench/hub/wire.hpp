// What the bench understands of HTTP/1.1 and JSON: one message framed by Content-Length, found without
// copying.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

/// The id of an event, as the ledger keeps it.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
};

/// Reads the form of 36 characters in either case; nothing for anything else.
std::optional<Uuid> parse_uuid(std::string_view text);

/// A request or an answer at the front of a buffer; the views point into it.
struct Message {
  std::string_view start_line;
  std::string_view body;
  std::string_view webhook_id;
  std::string_view webhook_timestamp;
  std::string_view webhook_signature;
  std::size_t bytes = 0;  ///< head and body together: how much of the buffer it takes
  bool closes = false;    ///< "Connection: close"
};

enum class Framing : std::uint8_t {
  complete,
  partial,  ///< the rest has not arrived
  broken    ///< not HTTP/1.1, or framed in a way that nothing here asks for (chunked)
};

/// Fills message from the front of the buffer. A message without Content-Length has no body.
Framing read_message(std::string_view buffer, Message& message);

/// 202 of "HTTP/1.1 202 Accepted"; 0 for anything that is not a status line.
int status_of(std::string_view start_line);

/// "/hook/3" of "POST /hook/3 HTTP/1.1"; empty for anything that is not a request line.
std::string_view path_of(std::string_view start_line);

/// The number right after the first occurrence of `before` in text, spaces skipped.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view before);

/// The string member `name` of the top level of a JSON object, between its quotes, escapes left as they are.
std::optional<std::string_view> string_member(std::string_view json, std::string_view name);

/// The same with \/ \" and \\ resolved; for keys and secrets, which hold no other escapes.
std::optional<std::string> plain_string_member(std::string_view json, std::string_view name);

}  // namespace bench
