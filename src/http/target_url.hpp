// What makes a URL unfit to send to, by its characters alone: the part of the check that the client repeats.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace http {

/// Why no URL parser should be asked about this text, or "" when one may: other schemes than http and https,
/// user info, a fragment, and everything that parsers are known to read differently (backslashes, control
/// characters, spaces, an escaped host, more or fewer than two slashes, characters outside ASCII but in the
/// host). No allocation.
std::string_view url_problem(std::string_view url);

/// The URL with its host as DNS knows it, "xn--bcher-kva.example" for "bücher.example": what is checked, and
/// what is connected to. Only then is it known what the host is, for other characters may stand for those of
/// "localhost" or of an address. Error: invalid, where it has no such form.
base::Result<std::string> ascii_url(std::string_view url);

}  // namespace http
