#include "http/request_head.hpp"

#include <algorithm>
#include <ranges>

#include "base/limits.hpp"
#include "http/message.hpp"

namespace http {

namespace {

namespace beast = boost::beast;

/// Beast takes a list of equal numbers for one of them; whoever is in front of us may take another.
bool is_one_number(const beast::http::fields& head) {
  const auto [begin, end] = head.equal_range(beast::http::field::content_length);
  if (begin == end) return true;
  const std::string_view value(begin->value());
  return std::next(begin) == end && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_user_info_or_blank(char c) { return c == '@' || c <= ' '; }

}  // namespace

Refusal refusal_of(const boost::system::error_code& error) {
  using beast::http::error;
  if (error == error::header_limit)
    return {431, "the header is larger than 32 KiB; send fewer or shorter fields"};
  if (error == error::body_limit) return {413, "the body is larger than this server accepts"};
  if (error.category() == beast::http::make_error_code(error::bad_version).category()) {
    return {400, "not a well-formed HTTP/1.1 request: " + error.message()};
  }
  return {};
}

bool has_folded_line(std::string_view head) {
  if (head.starts_with("\r\n")) return false;  // its lines have been read, and this is its end
  for (std::size_t end = head.find("\r\n"); end != std::string_view::npos; end = head.find("\r\n", end + 2)) {
    const std::string_view next = head.substr(end + 2);
    if (next.starts_with("\r\n")) return false;
    if (next.starts_with(' ') || next.starts_with('\t')) return true;
  }
  return false;
}

bool names_another_version(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t blank = line.find(' ', std::min(line.find(' '), line.size() - 1) + 1);
  if (blank == std::string_view::npos) return false;
  const std::string_view word = line.substr(blank + 1);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return word.size() == 8 && word.starts_with("HTTP/") && digit(word[5]) && word[6] == '.' && digit(word[7]);
}

std::optional<Refusal> check_head(const RequestParser& parser, std::size_t body_bytes_max) {
  const auto& head = parser.get();
  if (head.target().size() > base::limits::kTargetBytesMax)
    return Refusal{414, "the target is longer than 8 KiB"};
  if (std::distance(head.begin(), head.end()) > static_cast<std::ptrdiff_t>(base::limits::kHeaderCountMax)) {
    return Refusal{431, "more than 100 header fields; send fewer"};
  }
  if (!read_request_target(std::string_view(head.method_string()), std::string_view(head.target()))) {
    return Refusal{400, "the target must be a path that begins with /, or an http(s) URL"};
  }
  if (head.version() >= 11 && head.count(beast::http::field::host) != 1) {
    return Refusal{400, "HTTP/1.1 needs exactly one Host field"};
  }
  // Beast takes a coding it does not know for none, and what follows for another request (RFC 9112 §6.1).
  const auto codings = head.count(beast::http::field::transfer_encoding);
  const std::string_view coding(head[beast::http::field::transfer_encoding]);
  if (codings > 1 || (codings == 1 && !equals_ignoring_case(coding, "chunked"))) {
    return Refusal{400, "the only Transfer-Encoding that is understood is: chunked"};
  }
  if (codings > 0 && head.version() < 11)
    return Refusal{400, "HTTP/1.0 has no Transfer-Encoding; send a Content-Length"};
  if (!is_one_number(head)) return Refusal{400, "Content-Length must be one number, once"};
  const auto length = parser.content_length();
  if (length && *length > body_bytes_max) return refusal_of(beast::http::error::body_limit);
  return std::nullopt;
}

std::optional<RequestTarget> read_request_target(std::string_view method, std::string_view target) {
  if (target.starts_with('/')) return RequestTarget{target};
  if (target == "*" && method == "OPTIONS") return RequestTarget{target};
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    const std::string_view authority = rest.substr(0, end);
    if (authority.empty() || std::ranges::any_of(authority, is_user_info_or_blank)) return std::nullopt;
    if (end == rest.size()) return RequestTarget{"/", authority};
    // Without a path there is nothing that could take a query.
    if (rest[end] != '/') return std::nullopt;
    return RequestTarget{rest.substr(end), authority};
  }
  return std::nullopt;
}

}  // namespace http
