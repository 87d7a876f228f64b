#include "inbound/receive/masking.hpp"

#include "base/text.hpp"
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

bool names(const Location& place, Location::In in, std::string_view name) {
  if (place.in != in) return false;
  const std::string_view wanted = place.name;
  if (!wanted.ends_with('*')) return http::equals_ignoring_case(wanted, name);
  const std::string_view family = wanted.substr(0, wanted.size() - 1);  // of headers
  return http::equals_ignoring_case(family, name.substr(0, family.size()));
}

/// Whether what is asked is so of a place in which a sender shows, or tells in a handshake, the secret
/// itself.
template <class Asked>
bool any_secret_place(const crypto::Scheme& scheme, const Asked& asked) {
  return (shows_secret(scheme) && std::ranges::any_of(scheme.signature, asked)) ||
         std::ranges::any_of(scheme.challenges, [&](const crypto::Scheme::Challenge& challenge) {
           return std::ranges::any_of(challenge.capture,
                                      [&](const auto& told) { return asked(told.second); });
         });
}

/// Whether a query may have a secret in it.
bool has_secret_query(const crypto::Scheme& scheme, Standing standing) {
  return standing == Standing::refused ||
         any_secret_place(scheme, [](const Location& place) { return place.in == Location::In::query; });
}

bool is_named_like_secret(std::string_view name) {
  const std::string lower = base::lower_ascii(name);
  const auto holds = [&](std::string_view part) { return lower.contains(part); };
  return std::ranges::any_of(
             std::array{"token", "secret", "passw", "credential", "authoriz", "cookie", "apikey"}, holds) ||
         lower == "key" || lower.ends_with("-key") || lower.ends_with("_key");
}

/// Whether the scheme needs what stands there to say what is wrong with a request.
bool looks_at(const crypto::Scheme& scheme, Location::In in, std::string_view name) {
  const auto named = [&](const Location& place) { return names(place, in, name); };
  return std::ranges::any_of(scheme.signature, named) || std::ranges::any_of(scheme.id, named) ||
         (scheme.timestamp && std::ranges::any_of(scheme.timestamp->at, named));
}

bool is_secret(const crypto::Scheme& scheme, Location::In in, std::string_view name, Standing standing) {
  if (in == Location::In::header) {
    for (const std::string_view always : {"authorization", "cookie"}) {
      if (http::equals_ignoring_case(name, always)) return true;
    }
    if (base::lower_ascii(name).ends_with("-authorization")) return true;
  }
  if (any_secret_place(scheme, [&](const Location& place) { return names(place, in, name); })) return true;
  return standing == Standing::refused && is_named_like_secret(name) && !looks_at(scheme, in, name);
}

/// The names of places of one kind in which the scheme has its secret.
std::vector<std::string> secret_names(const crypto::Scheme& scheme, Location::In in) {
  std::vector<std::string> found;
  any_secret_place(scheme, [&](const Location& place) {
    if (place.in == in) found.push_back(place.name);
    return false;
  });
  return found;
}

/// A text of name=value pairs, without the values of those that are secrets by their name or by what they
/// are. Names are decoded to be told.
std::string with_hidden_pairs(const crypto::Scheme& scheme, const KnownSecrets& known, Location::In in,
                              std::string_view text, std::string_view between,
                              Standing standing = Standing::verified) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(between), text.size());
    const std::string_view pair = text.substr(0, end);
    const std::string_view name = pair.substr(0, pair.find('='));
    const bool secret = is_secret(scheme, in, format::form_decoded(name), standing) || known.stand_in(pair);
    secret ? out.append(name).append("=").append(base::kHidden) : out.append(pair);
    if (end < text.size()) out += text[end];
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// A header that may name URLs, without the secrets of their queries.
std::string with_hidden_query(const crypto::Scheme& scheme, const KnownSecrets& known, std::string_view value,
                              Standing standing) {
  const std::size_t mark = value.find('?');
  return std::string(value.substr(0, mark + 1)) + with_hidden_pairs(scheme, known, Location::In::query,
                                                                    value.substr(mark + 1), "&?;, \"'<>",
                                                                    standing);
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

/// Whether one of the endpoint's secrets stands somewhere in a text, plain, in base64 or with escapes.
bool holds_secret(const PreparedEndpoint& endpoint, std::string_view text) {
  const std::string decoded = format::form_decoded(text);
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

std::string stored_headers(const PreparedEndpoint& endpoint, const http::Request& request,
                           Standing standing) {
  const crypto::Scheme& scheme = endpoint.scheme();
  const KnownSecrets known(endpoint);
  const bool queries = has_secret_query(scheme, standing);
  std::string text;
  format::JsonWriter json(text);
  json.begin_array();
  for (const auto& [name, value] : request.headers) {
    json.begin_array().value(name);
    if (is_secret(scheme, Location::In::header, name, standing)) {
      json.value(base::kHidden);
    } else if (queries && value.contains('?')) {
      json.value(known.without(with_hidden_query(scheme, known, value, standing)));
    } else if (known.stand_in(value)) {
      json.value(base::kHidden);
    } else {
      json.value(value);
    }
    json.end_array();
  }
  json.end_array();
  return text;
}

std::string stored_target(const PreparedEndpoint& endpoint, const http::Request& request, Standing standing) {
  const crypto::Scheme& scheme = endpoint.scheme();
  const KnownSecrets known(endpoint);
  if (request.query.empty() || !(has_secret_query(scheme, standing) || known.stand_in(request.query)))
    return printable(known.without(request.target));
  return printable(known.without(request.path) + "?" +
                   with_hidden_pairs(scheme, known, Location::In::query, request.query, "&", standing));
}

namespace {

/// Without what stands at the places where the scheme has its secret.
std::string body_without_places(const PreparedEndpoint& endpoint, const Message& message) {
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
    body = xml->with_texts_replaced(body, in_xml, base::kHidden).value_or(std::string(base::kHidden));
  } else if (parted && message.parts()) {
    std::vector<std::string_view> contents;
    for (const format::Part& part : *message.parts()) {
      if (is_secret(scheme, Location::In::form, part.name, Standing::verified))
        contents.push_back(part.content);
    }
    return with_hidden_pieces(message.body(), std::move(contents), base::kHidden);
  } else if ((!in_json.empty() || !in_xml.empty() || parted) && holds_secret(endpoint, body)) {
    return std::string(base::kHidden);
  }
  if (in_form.empty()) return body;
  return with_hidden_pairs(scheme, KnownSecrets(endpoint), Location::In::form, body, "&");
}

}  // namespace

std::string stored_body(const PreparedEndpoint& endpoint, const Message& message) {
  return KnownSecrets(endpoint).without(body_without_places(endpoint, message));
}

std::string refused_body(const PreparedEndpoint& endpoint, const Message& message) {
  constexpr std::size_t kReadBytesMax = 64 << 10;
  constexpr std::size_t kBeginning = 8 << 10;  // twice what is kept: a secret may stand across the cut
  const crypto::Scheme& scheme = endpoint.scheme();
  const std::string_view body = message.body();
  const std::string_view beginning = body.substr(0, kBeginning);
  if (holds_secret(endpoint, beginning) || KnownSecrets(endpoint).stand_in(beginning))
    return std::string(base::kHidden);
  const bool in_json = !secret_names(scheme, Location::In::json).empty();
  const bool in_xml = !secret_names(scheme, Location::In::xml).empty();
  const bool in_form = !secret_names(scheme, Location::In::form).empty();
  if (body.empty() || (!in_json && !in_xml && !in_form)) return std::string(body);
  if (body.size() > kReadBytesMax) return std::string(base::kHidden);
  const bool read = (in_json && message.json() != nullptr) || (in_xml && message.xml() != nullptr) ||
                    (in_form && (!message.is_multipart() || message.parts()));
  return read ? stored_body(endpoint, message) : std::string(base::kHidden);
}

std::string stored_element(const crypto::Scheme& scheme, const KnownSecrets& known, const Element& element) {
  std::vector<std::string_view> values;
  add_values(element.value(), secret_names(scheme, Location::In::json), values);
  return known.without(with_hidden_pieces(element.value().raw(), std::move(values), kHiddenJson));
}

}  // namespace inbound
