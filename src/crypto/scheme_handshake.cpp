#include <algorithm>

#include "crypto/scheme.hpp"

namespace crypto {

bool Scheme::Answer::signs() const {
  return body.signs() ||
         std::ranges::any_of(headers, [](const auto& header) { return header.second.signs(); });
}

bool Scheme::signs_for_strangers() const {
  return std::ranges::any_of(challenges,
                             [](const Challenge& one) { return !one.checked && one.answer.signs(); });
}

bool is_handshake_text(std::string_view text) {
  return text.size() <= 256 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                  c == '_' || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
         });
}

const Scheme::Challenge* find_challenge(const Scheme& scheme, std::span<const SchemeKey* const> keys,
                                        const RequestView& request) {
  Ingredients from{.request = request, .url = request.url()};
  const auto holds = [&](const Scheme::Condition& condition) {
    const auto values = from.find(condition.at);
    if (condition.absent) return values.empty();
    if (values.empty() || values.front().empty()) return false;
    if (!condition.value) return true;
    from.secret = {};
    bool fits = equal_in_constant_time(condition.value->make(from).text(), values.front());
    for (const SchemeKey* key : keys) {
      from.secret = key->text();
      fits = equal_in_constant_time(condition.value->make(from).text(), values.front()) || fits;
    }
    return fits;
  };
  for (const Scheme::Challenge& challenge : scheme.challenges) {
    if (!challenge.method.empty() && challenge.method != request.method()) continue;
    if (std::ranges::all_of(challenge.when, holds)) return &challenge;
  }
  return nullptr;
}

std::string fill(const Recipe& recipe, const SchemeKey* key, const RequestView& request) {
  Ingredients from{.request = request, .url = request.url()};
  if (key != nullptr) from.key = key->hmac();
  return recipe.make(from, kFilledBytesMax).text();
}

}  // namespace crypto
