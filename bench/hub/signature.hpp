// Standard Webhooks signatures, written a second time: the bench must not trust the server's own code.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

/// The key bytes of "whsec_<base64>"; nothing when it is not of that form.
std::optional<std::string> key_of_secret(std::string_view secret);

using Mac = std::array<unsigned char, 32>;
Mac hmac_sha256(std::string_view key, std::string_view content);

/// base64(HMAC-SHA256(key, "<id>.<timestamp>.<body>")).
std::string sign_webhook(std::string_view key, std::string_view id, std::string_view timestamp,
                         std::string_view body);

/// True when one of the space-separated signatures "v1,<base64>" of the header is right.
bool is_signed(std::string_view header, std::string_view key, std::string_view id, std::string_view timestamp,
               std::string_view body);

/// `count` bytes of the system's randomness.
std::string random_bytes(std::size_t count);

/// Standard base64 with padding.
std::string to_base64(std::string_view bytes);

}  // namespace bench
