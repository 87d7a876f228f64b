#include "http/target_url.hpp"

#include <curl/curl.h>
#include <idn2.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <memory>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "http/egress.hpp"

namespace http {

namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t kHostBytesMax = 253;  // RFC 1035 §2.3.4, without the root's dot
constexpr std::size_t kLabelBytesMax = 63;

std::unexpected<base::Error> refused(std::string_view why) {
  return base::fail(base::Code::invalid, "the URL cannot be sent to: " + std::string(why));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 128; }
bool is_name_char(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_'; }

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && base::lower_ascii(text.substr(0, prefix.size())) == prefix;
}

/// Host and port: what stands between "//" and the path or query.
std::string_view authority_of(std::string_view url) {
  url.remove_prefix(url.find("//") + 2);
  return url.substr(0, url.find_first_of("/?"));
}

using ParsedUrl = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

/// One part as curl reads it; nullopt where the URL has none.
std::optional<std::string> part(const ParsedUrl& url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return std::nullopt;
  std::string copy = text;
  curl_free(text);
  return copy;
}

/// The WHATWG rule "ends in a number": such a host is an IPv4 address or nothing.
bool ends_in_a_number(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') + 1);  // npos + 1 is 0
  if (last.starts_with("0x")) {
    return last.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
  }
  return std::ranges::all_of(last, is_digit);
}

std::string_view name_problem(std::string_view host) {
  if (host.size() > kHostBytesMax) return "the host name is longer than 253 characters";
  while (true) {
    const std::string_view label = host.substr(0, host.find('.'));
    if (label.empty()) return "the host name has an empty part";
    if (label.size() > kLabelBytesMax) return "a part of the host name is longer than 63 characters";
    if (!std::ranges::all_of(label, is_name_char)) return "the host name has a character that no name has";
    if (label.size() == host.size()) return "";
    host.remove_prefix(label.size() + 1);
  }
}

/// Fills host and host_is_address from the host as curl gives it: numbers already turned into a dotted quad,
/// IPv6 in brackets and shortened.
base::Result<void> read_host(TargetUrl& target, std::string host) {
  host = base::lower_ascii(host);
  boost::system::error_code error;
  if (host.starts_with('[')) {
    target.host = host.substr(1, host.size() - 2);
    target.host_is_address = true;
    ip::make_address_v6(target.host, error);
    if (error) return refused("the host is not an IPv6 address");
    return {};
  }
  ip::make_address_v4(host, error);
  target.host_is_address = !error;
  if (host.ends_with('.')) host.pop_back();
  if (!target.host_is_address && ends_in_a_number(host)) {
    return refused("the host ends in a number but is not an IPv4 address");
  }
  if (const std::string_view problem = name_problem(host); !problem.empty()) return refused(problem);
  target.host = std::move(host);
  return {};
}

base::Result<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  if (port == 0) return refused("the port is a number from 1 to 65535");
  return port;
}

bool names_this_machine(std::string_view host) { return host == "localhost" || host.ends_with(".localhost"); }

/// Why none of the addresses that the host certainly means may be connected to; "" where one may, or none is
/// known.
std::string certain_refusal(const TargetUrl& target, const EgressGuard& guard) {
  if (target.host_is_address) return guard.refusal(ip::make_address(target.host), target.port);
  if (!names_this_machine(target.host)) return {};
  const std::string refusal = guard.refusal(ip::address_v4::loopback(), target.port);
  return guard.refusal(ip::address_v6::loopback(), target.port).empty() ? std::string{} : refusal;
}

/// A host name as DNS knows it (UTS 46, as browsers do it).
base::Result<std::string> ascii_host(std::string_view host) {
  std::uint8_t* found = nullptr;
  const int code = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(std::string(host).c_str()), &found,
                                  IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  if (code != IDN2_OK) {
    return refused("the host is not an internationalized domain name: " + std::string(idn2_strerror(code)));
  }
  std::string ascii(reinterpret_cast<const char*>(found));
  idn2_free(found);
  // Some characters stand for several, such as "a/c": none of them may end the host.
  if (!std::ranges::all_of(ascii, [](char c) { return is_name_char(c) || c == '.'; })) {
    return refused("the host name has a character that no name has");
  }
  return ascii;
}

}  // namespace

base::Result<std::string> ascii_url(std::string_view url) {
  if (std::ranges::all_of(url, is_ascii)) return std::string(url);
  if (const std::string_view problem = url_problem(url); !problem.empty()) return refused(problem);
  const std::string_view authority = authority_of(url);
  const std::string_view host = authority.substr(0, authority.rfind(':'));
  XD_TRY(const std::string ascii, ascii_host(host));
  const auto begin = static_cast<std::size_t>(host.data() - url.data());
  return std::string(url.substr(0, begin)) + ascii + std::string(url.substr(begin + host.size()));
}

std::string_view url_problem(std::string_view url) {
  const bool scheme = starts_with_ignoring_case(url, "http://") || starts_with_ignoring_case(url, "https://");
  if (!scheme) return "it does not start with http:// or https://";
  const std::string_view host_and_port = authority_of(url);
  for (const char& c : url) {
    const bool in_host = &c >= host_and_port.data() && &c < host_and_port.data() + host_and_port.size();
    if (!is_ascii(c) && in_host) continue;  // an internationalized name
    if (c <= ' ' || c > '~')
      return "it has a space, a control character or one outside ASCII; escape it with %";
    if (c == '\\') return "it has a backslash; write / or %5C";
    if (c == '#') return "it has a fragment (#)";
  }
  if (host_and_port.empty() || host_and_port.starts_with(':')) return "it has no host";
  if (host_and_port.contains('@')) return "it has user info (@); put credentials into the headers";
  if (host_and_port.contains('%')) return "its host is escaped or has a zone (%)";
  if (host_and_port.ends_with(':')) return "its port is empty";
  return "";
}

base::Result<TargetUrl> parse_target(std::string_view url) {
  if (url.size() > base::limits::kUrlBytesMax) {
    return refused("it is longer than " + std::to_string(base::limits::kUrlBytesMax) + " bytes");
  }
  if (const std::string_view problem = url_problem(url); !problem.empty()) return refused(problem);
  XD_TRY(const std::string ascii, ascii_url(url));

  const ParsedUrl parsed(curl_url(), &curl_url_cleanup);
  if (!parsed) return base::fail(base::Code::internal, "no memory to read a URL");
  const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, ascii.c_str(), CURLU_DISALLOW_USER);
  if (code != CURLUE_OK) return refused(curl_url_strerror(code));

  TargetUrl target;
  target.scheme = base::lower_ascii(part(parsed, CURLUPART_SCHEME).value_or(""));
  XD_DO(read_host(target, part(parsed, CURLUPART_HOST).value_or("")));
  XD_TRY(target.port, read_port(part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("")));
  target.path_and_query = part(parsed, CURLUPART_PATH).value_or("/");
  if (const auto query = part(parsed, CURLUPART_QUERY)) target.path_and_query += "?" + *query;
  return target;
}

bool same_origin(std::string_view url, std::string_view other) {
  const auto one = parse_target(url);
  const auto two = parse_target(other);
  return one && two && one->scheme == two->scheme && one->host == two->host && one->port == two->port;
}

base::Result<TargetUrl> check_target(std::string_view url, const EgressGuard& guard) {
  XD_TRY(TargetUrl target, parse_target(url));
  const std::string refusal = certain_refusal(target, guard);
  if (!refusal.empty()) {
    return base::fail(base::Code::invalid,
                      "the URL points to " + target.host + ", which is not allowed: " + refusal,
                      "SSRF_BLOCKED");
  }
  return target;
}

}  // namespace http
