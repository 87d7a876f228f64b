#include "inbound/masking.hpp"

#include "crypto/encoding.hpp"
#include "format/form.hpp"
#include "format/json.hpp"
#include "format/xml.hpp"

namespace inbound {

namespace {

using crypto::Location;

constexpr std::string_view kHiddenJson = "\"***\"";

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

/// The names of places of one kind in which the scheme has its secret.
std::vector<std::string> secret_names(const crypto::Scheme& scheme, Location::In in) {
  std::vector<std::string> names;
  if (!shows_secret(scheme)) return names;
  for (const Location& place : scheme.signature) {
    if (place.in == in) names.push_back(place.name);
  }
  return names;
}

/// A text of name=value pairs, without the values of those that are secrets. Names are decoded to be told.
std::string with_hidden_pairs(const crypto::Scheme& scheme, Location::In in, std::string_view text,
                              std::string_view between) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(between), text.size());
    const std::string_view pair = text.substr(0, end);
    const std::string_view name = pair.substr(0, pair.find('='));
    const auto decoded = format::parse_form(name);
    const bool secret = !decoded.empty() && is_secret(scheme, in, decoded.front().name);
    secret ? out.append(name).append("=").append(kHidden) : out.append(pair);
    if (end < text.size()) out += text[end];
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// A header that may name URLs, without the secrets of their queries.
std::string with_hidden_query(const crypto::Scheme& scheme, std::string_view value) {
  const std::size_t mark = value.find('?');
  if (mark == std::string_view::npos || !shows_secret(scheme)) return std::string(value);
  return std::string(value.substr(0, mark + 1)) +
         with_hidden_pairs(scheme, Location::In::query, value.substr(mark + 1), "&?;, \"'<>");
}

/// A text without some of its pieces.
std::string with_hidden_pieces(std::string_view text, std::vector<std::string_view> pieces,
                               std::string_view hidden) {
  std::ranges::sort(pieces, {}, [](std::string_view piece) { return piece.data(); });
  std::string out;
  const char* at = text.data();
  for (const std::string_view piece : pieces) {
    if (piece.data() < at) continue;  // it lies in the one before
    out.append(at, piece.data()).append(hidden);
    at = piece.data() + piece.size();
  }
  return out.append(at, text.data() + text.size());
}

void add_values(const format::Value& root, const std::vector<std::string>& paths,
                std::vector<std::string_view>& values) {
  for (const std::string& path : paths) {
    const format::Value* value = value_at(root, path);
    if (value != nullptr && !value->is_null()) values.push_back(value->raw());
  }
}

/// What backslashes stand for, as far as it is ASCII.
std::string without_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else if (const auto code = text[i + 1] == 'u' ? crypto::from_hex(text.substr(i + 2, 4)) : std::nullopt;
               code && code->size() == 2 && code->front() == 0) {
      out += code->back();
      i += 5;
    } else {
      out += text[++i];
    }
  }
  return out;
}

/// Whether one of the endpoint's secrets stands somewhere in a text, plain, in base64 or with escapes.
bool holds_secret(const PreparedEndpoint& endpoint, std::string_view text) {
  std::string decoded;
  for (const auto& field : format::parse_form(text))
    decoded.append(field.name).append("=").append(field.value);
  const std::string unescaped = without_escapes(text);
  return std::ranges::any_of(endpoint.keys, [&](const PreparedEndpoint::Key& one) {
    const std::string_view secret = one.key.text();
    const std::string coded = crypto::to_base64(secret);
    return !secret.empty() &&
           std::ranges::any_of(
               std::array{text, std::string_view(decoded), std::string_view(unescaped)},
               [&](std::string_view form) { return form.contains(secret) || form.contains(coded); });
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
    is_secret(scheme, Location::In::header, name) ? json.value(kHidden)
                                                  : json.value(with_hidden_query(scheme, value));
    json.end_array();
  }
  json.end_array();
  return text;
}

std::string stored_target(const crypto::Scheme& scheme, const http::Request& request) {
  if (!shows_secret(scheme) || request.query.empty()) return printable(request.target);
  return printable(std::string(request.path) + "?" +
                   with_hidden_pairs(scheme, Location::In::query, request.query, "&"));
}

std::string stored_body(const PreparedEndpoint& endpoint, const Message& message) {
  const crypto::Scheme& scheme = endpoint.scheme();
  const auto in_json = secret_names(scheme, Location::In::json);
  const auto in_xml = secret_names(scheme, Location::In::xml);
  const auto in_form = secret_names(scheme, Location::In::form);
  const format::Value* root = in_json.empty() ? nullptr : message.json();
  const format::Xml* xml = in_xml.empty() ? nullptr : message.xml();
  const bool parted = !in_form.empty() && message.is_multipart();
  std::string body(message.body());
  if (root != nullptr) {
    std::vector<std::string_view> values;
    const auto elements = scheme.each ? elements_of(scheme, message) : std::vector<Element>{};
    if (scheme.each && elements) {
      for (const Element& element : *elements) add_values(element.value(), in_json, values);
    } else {
      add_values(*root, in_json, values);
    }
    body = with_hidden_pieces(root->raw(), std::move(values), kHiddenJson);
  } else if (xml != nullptr) {
    body = xml->with_texts_replaced(body, in_xml, kHidden).value_or(std::string(kHidden));
  } else if (parted && message.parts()) {
    std::vector<std::string_view> contents;
    for (const format::Part& part : *message.parts()) {
      if (is_secret(scheme, Location::In::form, part.name)) contents.push_back(part.content);
    }
    return with_hidden_pieces(message.body(), std::move(contents), kHidden);
  } else if ((!in_json.empty() || !in_xml.empty() || parted) && holds_secret(endpoint, body)) {
    return std::string(kHidden);
  }
  return in_form.empty() ? body : with_hidden_pairs(scheme, Location::In::form, body, "&");
}

std::string stored_element(const crypto::Scheme& scheme, const Element& element) {
  std::vector<std::string_view> values;
  add_values(element.value(), secret_names(scheme, Location::In::json), values);
  return with_hidden_pieces(element.value().raw(), std::move(values), kHiddenJson);
}

}  // namespace inbound
