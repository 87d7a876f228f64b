#include "inbound/received.hpp"

#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"

namespace inbound {

namespace {

constexpr std::pair<ReceivedStatus, std::string_view> kStatuses[] = {{ReceivedStatus::pending, "PENDING"},
                                                                     {ReceivedStatus::processed, "PROCESSED"},
                                                                     {ReceivedStatus::failed, "FAILED"},
                                                                     {ReceivedStatus::ignored, "IGNORED"},
                                                                     {ReceivedStatus::conflict, "CONFLICT"}};

}  // namespace

std::string id_key(std::string_view external_id) { return "id:" + std::string(external_id); }

std::string body_key(std::string_view body_hash) { return "body:" + crypto::to_hex(body_hash); }

std::string conflict_key(std::string_view key, std::string_view body_hash) {
  return std::string(key) + "#" + crypto::to_hex(body_hash);
}

std::string hash_of_body(std::string_view body) {
  return crypto::digest(crypto::Hash::sha256, body).substr(0, 16);
}

std::string_view name(ReceivedStatus status) {
  return std::ranges::find(kStatuses, status, &std::pair<ReceivedStatus, std::string_view>::first)->second;
}

std::optional<ReceivedStatus> parse_received_status(std::string_view text) {
  for (const auto& [status, word] : kStatuses) {
    if (word == text) return status;
  }
  return std::nullopt;
}

}  // namespace inbound
