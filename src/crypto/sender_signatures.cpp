#include "crypto/sender_signatures.hpp"

#include <algorithm>
#include <array>

#include "crypto/encoding.hpp"
#include "crypto/standard_webhooks.hpp"

namespace crypto {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr std::string_view kGithubPrefix = "sha256=";
constexpr std::size_t kItemsMax = 16;
constexpr std::size_t kContentBytesMax = 200;
constexpr std::array<std::string_view, 3> kHoles = {"{id}", "{timestamp}", "{body}"};

std::unexpected<base::Error> no_fit() {
  return fail(Code::unauthenticated, "no signature fits: wrong secret, or the body was changed");
}

}  // namespace

std::string sign_github(const HmacKey& key, std::string_view body) {
  return std::string(kGithubPrefix) + to_hex(key.sign({body}));
}

Result<void> verify_github(const HmacKey& key, std::string_view value, std::string_view body) {
  if (!value.starts_with(kGithubPrefix)) return fail(Code::unauthenticated, "the signature has no sha256=");
  const auto given = from_hex(value.substr(kGithubPrefix.size()));
  if (!given || !equal_in_constant_time(*given, key.sign({body}))) return no_fit();
  return {};
}

std::string sign_stripe(std::span<const HmacKey* const> keys, std::string_view timestamp,
                        std::string_view body) {
  std::string value = "t=" + std::string(timestamp);
  for (const HmacKey* key : keys) value.append(",v1=").append(to_hex(key->sign({timestamp, ".", body})));
  return value;
}

Result<void> verify_stripe(std::span<const HmacKey* const> keys, std::string_view value,
                           std::string_view body, base::Time now, std::chrono::seconds tolerance) {
  std::string_view timestamp;
  std::vector<std::string> given;
  for (std::size_t i = 0; i < kItemsMax && !value.empty(); ++i) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view item = value.substr(0, comma);
    if (item.starts_with("t=")) timestamp = item.substr(2);
    if (item.starts_with("v1=")) {
      if (auto bytes = from_hex(item.substr(3))) given.push_back(std::move(*bytes));
    }
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  if (timestamp.empty()) return fail(Code::unauthenticated, "the signature has no t=");
  XD_DO(check_timestamp("t", timestamp, now, tolerance));
  bool fits = false;
  for (const HmacKey* key : keys) {
    const std::string wanted = key->sign({timestamp, ".", body});
    for (const std::string& signature : given) fits |= equal_in_constant_time(signature, wanted);
  }
  if (!fits) return no_fit();
  return {};
}

Result<SignedContent> SignedContent::parse(std::string_view text) {
  if (text.size() > kContentBytesMax) return fail(Code::invalid, "the content has at most 200 bytes");
  SignedContent content;
  std::array<int, kHoles.size()> seen{};
  while (!text.empty()) {
    const std::size_t brace = std::min(text.find_first_of("{}"), text.size());
    Piece piece{std::string(text.substr(0, brace)), std::nullopt};
    text.remove_prefix(brace);
    if (!text.empty()) {
      const auto hole = std::ranges::find_if(kHoles, [&](auto name) { return text.starts_with(name); });
      if (hole == kHoles.end())
        return fail(Code::invalid, "the content knows {id}, {timestamp} and {body}, and no other brace");
      piece.hole = static_cast<Hole>(hole - kHoles.begin());
      ++seen[static_cast<std::size_t>(*piece.hole)];
      text.remove_prefix(hole->size());
    }
    content.pieces_.push_back(std::move(piece));
  }
  if (seen[static_cast<std::size_t>(Hole::body)] != 1 || std::ranges::max(seen) > 1)
    return fail(Code::invalid, "the content has {body} once, {id} and {timestamp} at most once");
  return content;
}

std::string SignedContent::mac(const HmacKey& key, const Message& message) const {
  std::array<std::string_view, 2 * (kHoles.size() + 1)> parts;
  std::size_t count = 0;
  for (const Piece& piece : pieces_) {
    parts[count++] = piece.literal;
    if (!piece.hole) continue;
    parts[count++] = *piece.hole == Hole::id          ? message.id
                     : *piece.hole == Hole::timestamp ? message.timestamp
                                                      : message.body;
  }
  return key.sign(std::span(parts).first(count));
}

std::string HmacHeader::value(const HmacKey& key, const SignedContent::Message& message) const {
  const std::string raw = content.mac(key, message);
  return prefix + (encoding == Encoding::base64 ? to_base64(raw) : to_hex(raw));
}

Result<void> HmacHeader::verify(const HmacKey& key, std::string_view value,
                                const SignedContent::Message& message) const {
  if (!value.starts_with(prefix)) return fail(Code::unauthenticated, "the signature has not its prefix");
  value.remove_prefix(prefix.size());
  const auto given = encoding == Encoding::base64 ? from_base64(value) : from_hex(value);
  if (!given || !equal_in_constant_time(*given, content.mac(key, message))) return no_fit();
  return {};
}

}  // namespace crypto
