#include "scenarios/inbound/request.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace bench {

namespace {

constexpr std::string_view kPathPrefix = "shop-";
constexpr std::size_t kPathDigits = 5;
constexpr std::string_view kIdMiddle = "-cc78-11e3-81ab-";
constexpr std::size_t kLeadingDigits = 8;
constexpr std::size_t kSeqDigits = 12;
constexpr std::size_t kIdCharacters = kLeadingDigits + kIdMiddle.size() + kSeqDigits;
/// What the body says of when it was sent: one number for all, since they are signed before.
constexpr std::int64_t kSentUnixUs = 1'700'000'000'000'000;

void write_decimal(char* out, std::size_t digits, std::uint64_t value) {
  for (std::size_t i = digits; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

void write_hex(char* out, unsigned char byte) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out[0] = kHex[byte >> 4];
  out[1] = kHex[byte & 15];
}

std::optional<std::uint64_t> read_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void write_delivery_id(char* out, std::uint32_t seq, Ids ids) {
  // A UUID of version 1 begins with the low part of the time, in 100 ns: ten thousand a second.
  const std::uint32_t leading = seq * (ids == Ids::scattered ? 2'654'435'761u : 1000u);
  for (std::size_t i = 0; i < kLeadingDigits / 2; ++i)
    write_hex(out + 2 * i, static_cast<unsigned char>(leading >> (24 - 8 * i)));
  std::ranges::copy(kIdMiddle, out + kLeadingDigits);
  write_decimal(out + kLeadingDigits + kIdMiddle.size(), kSeqDigits, seq);
}

}  // namespace

std::string endpoint_path(std::size_t number) {
  std::string path = std::string(kPathPrefix) + std::string(kPathDigits, '0');
  write_decimal(path.data() + kPathPrefix.size(), kPathDigits, number);
  return path;
}

std::optional<std::size_t> endpoint_number(std::string_view path) {
  if (!path.starts_with(kPathPrefix) || path.size() != kPathPrefix.size() + kPathDigits) return std::nullopt;
  return read_decimal(path.substr(kPathPrefix.size()));
}

std::string endpoint_secret(std::size_t number) { return "a secret of " + endpoint_path(number); }

std::string delivery_id(std::uint32_t seq, Ids ids) {
  std::string id(kIdCharacters, '0');
  write_delivery_id(id.data(), seq, ids);
  return id;
}

std::optional<std::uint64_t> seq_of_delivery(std::string_view id) {
  if (id.size() != kIdCharacters) return std::nullopt;
  const auto seq = read_decimal(id.substr(kIdCharacters - kSeqDigits));
  if (!seq || *seq > UINT32_MAX) return std::nullopt;
  const auto number = static_cast<std::uint32_t>(*seq);
  const bool ours = delivery_id(number, Ids::timed) == id || delivery_id(number, Ids::scattered) == id;
  return ours ? seq : std::nullopt;
}

WebhookRequests::WebhookRequests(const Plan& plan)
    : endpoints_(plan.endpoints),
      ids_(plan.ids),
      event_({.api_key = "", .event_type = "order"}, plan.port, plan.body_bytes),
      macs_(plan.webhooks) {
  text_ = "POST /webhooks/" + plan.slug + "/";
  path_at_ = text_.size() + kPathPrefix.size();
  text_ += endpoint_path(0) + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(plan.port) +
           "\r\nUser-Agent: GitHub-Hookshot/044aadd\r\nContent-Type: application/json\r\nX-GitHub-Event: "
           "orders\r\nX-GitHub-Delivery: ";
  id_at_ = text_.size();
  text_ += delivery_id(0, ids_) + "\r\nX-Hub-Signature-256: sha256=";
  mac_at_ = text_.size();
  text_ += std::string(2 * Mac{}.size(), '0') + "\r\nContent-Length: " + std::to_string(plan.body_bytes) +
           "\r\n\r\n";
  body_at_ = text_.size();
  std::string body;
  for (std::size_t endpoint = 0; endpoint < std::min(endpoints_, macs_.size()); ++endpoint) {
    const std::string secret = endpoint_secret(endpoint);
    for (std::size_t seq = endpoint; seq < macs_.size(); seq += endpoints_) {
      body.clear();
      event_.append_body(body, static_cast<std::uint32_t>(seq), kSentUnixUs);
      macs_[seq] = hmac_sha256(secret, body);
    }
  }
}

std::string_view WebhookRequests::stamp(std::uint32_t seq) {
  write_decimal(text_.data() + path_at_, kPathDigits, seq % endpoints_);
  write_delivery_id(text_.data() + id_at_, seq, ids_);
  const Mac& mac = macs_[seq];
  for (std::size_t i = 0; i < mac.size(); ++i) write_hex(text_.data() + mac_at_ + 2 * i, mac[i]);
  text_.resize(body_at_);
  event_.append_body(text_, seq, kSentUnixUs);
  return text_;
}

}  // namespace bench
