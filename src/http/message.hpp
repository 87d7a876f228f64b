// What the server hands to the program and what it gets back.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task.hpp"
#include "http/byte_budget.hpp"

namespace http {

/// One request. The views refer into the connection's buffers and hold until the response is returned; the
/// body is owned and may be moved away.
struct Request {
  std::string_view method{};
  /// As received, "/api/v1/events?limit=5"; of an absolute form what follows the host, which is then the
  /// value of Host. "*" of OPTIONS.
  std::string_view target{};
  std::string_view path{};   ///< the target up to the question mark, not decoded
  std::string_view query{};  ///< after it, not decoded
  std::vector<std::pair<std::string_view, std::string_view>> headers{};
  std::string body{};  ///< empty until the application has read it
  std::string remote_ip{};
  /// The server has more connections than it is meant to have: only what watches over it or administers it is
  /// to be done.
  bool crowded = false;

  /// Sets target, path and query.
  void set_target(std::string_view text);
  /// The first value of the header, in any case; "" when it is absent.
  std::string_view header(std::string_view name) const;
};

/// The body of a request whose head the application has seen. One that is not asked for is not read: it is
/// skipped where it is short, and the connection ends with the response where it is not.
class BodyReader {
 public:
  virtual ~BodyReader() = default;

  /// Reads the body to its end, "" where there is none. Until the response has been sent, the payer is
  /// charged for the body's bytes, and for those of the response where it is long or not taken at once.
  /// Called once. On an error the server answers by itself (400, 408, 413, 503), whatever the application
  /// returns then, and ends the connection. Errors: timeout, where it does not come; too_large; unavailable,
  /// where what its payer has under way leaves it no room; cancelled, where it is malformed or the peer went
  /// away.
  virtual base::Task<std::string> read(Payer payer) = 0;
};

/// Takes a body that is produced over time. Belongs to the connection, on whose thread it is used, and to the
/// one coroutine that produces.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;

  /// Sends a piece and returns when the connection has taken it: who reads slowly is written to slowly, and
  /// nothing piles up. Error: cancelled when the stream is over. It is over when the peer went away or took
  /// no piece within kWriteDeadline, and when the server drains.
  virtual base::Task<void> write(std::string piece) = 0;
  virtual bool over() const = 0;
  /// Calls hook when the stream is over, at once where it is already, so that a producer that waits for
  /// something need not wait for it in vain. Replaces the hook before; what a hook refers to must live until
  /// the production has ended.
  virtual void on_over(std::function<void()> hook) = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body{};
  /// Besides Content-Type, Content-Length, Date and Connection, which are the server's.
  std::vector<std::pair<std::string, std::string>> headers{};
  /// Where set, it produces the body instead: called once after the header was sent, and awaited. The body
  /// ends in order when it returns, and is cut off where it returns an error or throws; no deadline runs
  /// while it writes nothing. It owns what it uses, because the request is gone. The connection ends with it.
  std::function<base::Task<void>(BodyWriter&)> stream{};
};

/// "Not Found" for 404; "" for an unknown status.
std::string_view reason_phrase(int status);

/// Whether answers with this status never have a body (RFC 9110 §15.3.5, §15.3.6, §15.4.5).
bool is_bodiless(int status);

/// A token of RFC 9110 §5.6.2, as the name of a header is one.
bool is_token(std::string_view text);

bool equals_ignoring_case(std::string_view a, std::string_view b);

/// %41 → A. Nothing when an escape is cut or the result holds a NUL byte. plus_is_blank: as in a query.
enum class Plus : unsigned char { literal, blank };
bool percent_decode(std::string_view text, Plus plus, std::string& out);

/// The decoded members of a query string in order; malformed ones are given as they stand.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace http
