// What makes a URL unfit to send to, by its characters alone: the part of the check that the client repeats.
#pragma once

#include <string_view>

namespace http {

/// Why no URL parser should be asked about this text, or "" when one may: other schemes than http and https,
/// user info, a fragment, and everything that parsers are known to read differently (backslashes, control and
/// non-ASCII characters, spaces, an escaped host, more or fewer than two slashes). No allocation.
std::string_view url_problem(std::string_view url);

}  // namespace http
