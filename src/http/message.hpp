// What the server hands to the program and what it gets back.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace http {

/// One request, complete. The views refer into the connection's buffers and hold until the response is
/// returned; the body is owned and may be moved away.
struct Request {
  std::string_view method{};
  std::string_view target{};  ///< as received, "/api/v1/events?limit=5"
  std::string_view path{};    ///< the target up to the question mark, not decoded
  std::string_view query{};   ///< after it, not decoded
  std::vector<std::pair<std::string_view, std::string_view>> headers{};
  std::string body{};
  std::string remote_ip{};

  /// The first value of the header, in any case; "" when it is absent.
  std::string_view header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body{};
  /// Besides Content-Type, Content-Length, Date and Connection, which are the server's.
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// "Not Found" for 404; "" for an unknown status.
std::string_view reason_phrase(int status);

bool equals_ignoring_case(std::string_view a, std::string_view b);

/// %41 → A. Nothing when an escape is cut or the result holds a NUL byte. plus_is_blank: as in a query.
enum class Plus : unsigned char { literal, blank };
bool percent_decode(std::string_view text, Plus plus, std::string& out);

/// The decoded members of a query string in order; malformed ones are given as they stand.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace http
