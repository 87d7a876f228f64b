#include "inbound/receive/received.hpp"

#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"

namespace inbound {

std::string id_key(std::string_view external_id) { return "id:" + std::string(external_id); }

std::string body_key(std::string_view body_hash) { return "body:" + crypto::to_hex(body_hash); }

std::string conflict_key(std::string_view key, std::string_view body_hash) {
  return std::string(key) + "#" + crypto::to_hex(body_hash);
}

std::string hash_of_body(std::string_view body) {
  return crypto::digest(crypto::Hash::sha256, body).substr(0, 16);
}

}  // namespace inbound
