// The head of a request as the server reads it: what is refused before anybody looks at the request.
#pragma once

#include <boost/beast/http/parser.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "http/request_body.hpp"

namespace http {

using RequestParser = boost::beast::http::request_parser<RequestBody>;

/// Why a request cannot be answered by the program; ends the connection.
struct Refusal {
  int status = 0;  ///< 0: nothing can be said, only closed
  std::string detail{};
};

/// What an error of the parser is answered with; status 0 where the connection itself failed.
Refusal refusal_of(const boost::system::error_code& error);

/// Whether a line begins with a blank: it goes on with the one before (RFC 9112 §5.2); others read it
/// otherwise.
bool has_folded_line(std::string_view head);

/// Whether the first line ends in a version of HTTP. Beast calls every other third word a bad version too.
bool names_another_version(std::string_view head);

/// A whole head by the rules of RFC 9110 and 9112, and the limits of the server. 413, where nothing else is
/// wrong with it.
std::optional<Refusal> check_head(const RequestParser& parser, std::size_t body_bytes_max);

/// A request target taken apart (RFC 9112 §3.2).
struct RequestTarget {
  std::string_view origin_form{};  ///< "/path?query", or "*" of OPTIONS
  std::string_view authority{};    ///< of the absolute form, which counts instead of the Host field
};

/// nullopt where it is in none of the forms that an origin server takes: the origin form, the absolute form
/// of http and https, and for OPTIONS the asterisk.
std::optional<RequestTarget> read_request_target(std::string_view method, std::string_view target);

}  // namespace http
