#include "outbound/subscription/secret_header.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "format/json.hpp"
#include "http/message.hpp"

namespace outbound {

namespace {

constexpr std::array<std::string_view, 8> kOpening = {"authorization", "cookie", "key",        "token",
                                                      "secret",        "auth",   "credential", "password"};
constexpr std::array<std::string_view, 3> kProving = {"signature", "passwd", "session"};

bool contains_any(std::string_view name, std::span<const std::string_view> words) {
  return std::ranges::any_of(words, [text = base::lower_ascii(name)](std::string_view word) {
    return text.find(word) != std::string::npos;
  });
}

bool tells_a_secret(std::string_view name) { return opens_doors(name) || contains_any(name, kProving); }

bool shows_a_secret(const format::Member& header) {
  return tells_a_secret(header.key) && header.value.is_string() && header.value.text() != base::kHidden;
}

}  // namespace

bool opens_doors(std::string_view name) { return contains_any(name, kOpening); }

bool is_secret_header(const Subscription& subscription, std::string_view name) {
  return tells_a_secret(name) ||
         std::ranges::any_of(subscription.secret_headers, [&](const std::string& secret) {
           return http::equals_ignoring_case(secret, name);
         });
}

std::optional<std::string> with_hidden_headers(const std::string& subscription_json) {
  const auto document = format::parse_json(subscription_json);
  if (!document) return std::nullopt;
  const format::Value* headers = document->root().find("headers");
  if (headers == nullptr || !std::ranges::any_of(headers->members(), shows_a_secret)) return std::nullopt;
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  for (const format::Member& member : document->root().members()) {
    json.key(member.key);
    if (&member.value != headers) {
      json.raw(member.value.raw());
      continue;
    }
    json.begin_object();
    for (const format::Member& header : headers->members()) {
      json.key(header.key).value(shows_a_secret(header) ? base::kHidden : header.value.text());
    }
    json.end_object();
  }
  json.end_object();
  return text;
}

}  // namespace outbound
