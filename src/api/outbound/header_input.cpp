#include "api/outbound/header_input.hpp"

#include "outbound/send/request.hpp"
#include "outbound/subscription/secret_header.hpp"

namespace api {

namespace {

using outbound::Subscription;

bool has_header(const Subscription& subscription, std::string_view name) {
  return std::ranges::any_of(subscription.headers, [&](const auto& header) {
    return http::equals_ignoring_case(header.first, name);
  });
}

/// What of the stored headers matters to a change.
struct Known {
  explicit Known(const Subscription& subscription) : headers(subscription.headers) {
    for (const auto& [name, value] : headers) {
      if (outbound::is_secret_header(subscription, name)) secrets.push_back(name);
    }
  }
  const std::string* find(std::string_view name) const {
    const auto found = std::ranges::find_if(
        headers, [&](const auto& header) { return http::equals_ignoring_case(header.first, name); });
    return found == headers.end() ? nullptr : &found->second;
  }
  bool is_secret(std::string_view name) const { return contains(secrets, name); }

  static bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::any_of(
        names, [&](const std::string& each) { return http::equals_ignoring_case(each, name); });
  }

  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> secrets;
};

void read_names(Input& input, Subscription& subscription) {
  const format::Value* names = input.any("secret_headers");
  if (names == nullptr) return subscription.secret_headers.clear();
  if (!names->is_array() || names->elements().size() > base::limits::kCustomHeadersMax) {
    return input.error("secret_headers", "WRONG_TYPE", "this must be an array of at most 30 header names");
  }
  subscription.secret_headers.clear();
  for (const format::Value& name : names->elements()) {
    subscription.secret_headers.emplace_back(name.is_string() ? name.text() : "");
  }
}

/// The value that a header gets, where "***" may stand for the stored one. `kept` collects the names of those
/// that were secrets and stay what they are.
std::string value_of(Input& input, const Known& known, const Subscription& subscription,
                     const format::Member& header, std::vector<std::string>& kept) {
  const std::string_view given = header.value.text();
  const bool secret = known.is_secret(header.key) || outbound::is_secret_header(subscription, header.key);
  if (given != base::kHidden || !secret) return std::string(given);
  const std::string* stored = known.find(header.key);
  if (stored == nullptr) {
    input.error_at("headers" + pointer_part(header.key), "INVALID",
                   "*** stands for the stored value, and there is none; give the value");
    return {};
  }
  if (known.is_secret(header.key)) kept.emplace_back(header.key);
  return *stored;
}

void read_values(Input& input, const Known& known, Subscription& subscription,
                 std::vector<std::string>& kept) {
  subscription.headers.clear();
  const format::Value* headers = input.any("headers");
  if (headers == nullptr) return;
  if (!headers->is_object())
    return input.error("headers", "WRONG_TYPE", "this must be {\"Name\": \"value\"}");
  if (headers->members().size() > base::limits::kCustomHeadersMax) {
    return input.error("headers", "OUT_OF_RANGE", "at most 30 headers");
  }
  for (const format::Member& header : headers->members()) {
    const std::string name = "headers" + pointer_part(header.key.substr(0, 100));
    if (!is_header_name(header.key)) {
      input.error_at(name, "INVALID", "a header name is made of letters, digits and !#$%&'*+-.^_`|~");
    } else if (outbound::is_reserved_header(header.key)) {
      input.error_at(name, "RESERVED", "this header is set by Crossdock; choose another name");
    } else if (!header.value.is_string() || !is_header_value(header.value.text())) {
      input.error_at(name, "INVALID",
                     "a header value is a string of visible ASCII characters and blanks, at most 4 KiB");
    } else if (has_header(subscription, header.key)) {
      input.error_at(name, "INVALID", "another header has this name; case does not tell names apart");
    } else {
      subscription.headers.emplace_back(header.key, value_of(input, known, subscription, header, kept));
    }
  }
}

}  // namespace

void read_headers(Input& input, Members& members, Subscription& subscription) {
  const Known known(subscription);
  std::vector<std::string> kept;
  const bool names_given = members.touches("secret_headers");
  if (names_given) read_names(input, subscription);
  if (members.touches("headers")) {
    read_values(input, known, subscription, kept);
  } else {
    kept = known.secrets;
  }
  const auto is_there = [&](const std::string& name) { return has_header(subscription, name); };
  if (names_given && !std::ranges::all_of(subscription.secret_headers, is_there))
    input.error("secret_headers", "INVALID", "each must be the name of one of headers");
  std::erase_if(subscription.secret_headers, [&](const std::string& name) { return !is_there(name); });
  for (const std::string& name : kept) {
    if (outbound::is_secret_header(subscription, name)) continue;
    input.error("secret_headers", "INVALID",
                name + " is a secret; to make it readable, give its value anew in headers");
  }
}

}  // namespace api
