// A request as somebody has written it down: to say afterwards what was wrong with it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"

namespace inbound {

/// Owns what it is made of.
struct Captured {
  std::string method = "POST";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};

  /// Reads the text of HTTP: a request line, header lines, an empty line, and the body as it stands. Lines
  /// end with LF or CR LF. Error: invalid, saying which line cannot be read.
  static base::Result<Captured> parse(std::string_view text);

  /// Refers to this.
  http::Request request() const;
  /// http or https, its Host header and its target: a guess at the URL it was sent to.
  std::string url() const;
};

}  // namespace inbound
