#include "inbound/masking.hpp"

#include "crypto/encoding.hpp"
#include "format/json.hpp"
#include "format/xml.hpp"

namespace inbound {

namespace {

using crypto::Location;

/// The kinds of schemes whose signature is a secret itself.
bool shows_secret(const crypto::Scheme& scheme) {
  using enum crypto::Scheme::Kind;
  return scheme.kind == token || scheme.kind == basic || scheme.kind == jwt;
}

bool is_secret(const crypto::Scheme& scheme, Location::In in, std::string_view name) {
  if (in == Location::In::header) {
    for (const std::string_view always : {"authorization", "proxy-authorization", "cookie"}) {
      if (http::equals_ignoring_case(name, always)) return true;
    }
  }
  return shows_secret(scheme) && std::ranges::any_of(scheme.signature, [&](const Location& place) {
           if (place.in != in) return false;
           const std::string_view wanted = place.name;
           if (!wanted.ends_with('*')) return http::equals_ignoring_case(wanted, name);
           const std::string_view family = wanted.substr(0, wanted.size() - 1);  // of headers
           return http::equals_ignoring_case(family, name.substr(0, family.size()));
         });
}

}  // namespace

std::string printable(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    if (c > ' ' && c < 127) {
      text += c;
    } else {
      text += "%" + crypto::to_hex(std::string_view(&c, 1));
    }
  }
  return text;
}

std::string stored_headers(const crypto::Scheme& scheme, const http::Request& request) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_array();
  for (const auto& [name, value] : request.headers) {
    json.begin_array().value(name);
    json.value(is_secret(scheme, Location::In::header, name) ? kHidden : value).end_array();
  }
  json.end_array();
  return text;
}

std::string stored_target(const crypto::Scheme& scheme, const http::Request& request) {
  if (!shows_secret(scheme) || request.query.empty()) return printable(request.target);
  std::string text = std::string(request.path) + "?";
  for (std::string_view rest = request.query; !rest.empty();) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view member = rest.substr(0, end);
    const std::string_view name = member.substr(0, member.find('='));
    const auto decoded = http::parse_query(name);
    if (!decoded.empty() && is_secret(scheme, Location::In::query, decoded.front().first)) {
      text.append(name).append("=").append(kHidden);
    } else {
      text.append(member);
    }
    if (end < rest.size()) text += '&';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return printable(text);
}

void hide_secret(const PreparedEndpoint& endpoint, std::size_t key, std::string& body) {
  const bool inside = std::ranges::any_of(endpoint.scheme().signature, [](const Location& place) {
    return place.in == Location::In::json || place.in == Location::In::form || place.in == Location::In::xml;
  });
  if (!shows_secret(endpoint.scheme()) || !inside || key >= endpoint.keys.size()) return;
  const std::string text(endpoint.keys[key].key.text());
  const std::string quoted = format::json_string(text);
  for (const std::string& secret : {text, quoted.substr(1, quoted.size() - 2), format::xml_text(text)}) {
    for (std::size_t at = body.find(secret); !secret.empty() && at != body.npos; at = body.find(secret, at)) {
      body.replace(at, secret.size(), kHidden);
      at += kHidden.size();
    }
  }
}

}  // namespace inbound
