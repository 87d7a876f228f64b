// Bytes as text: hexadecimal and base64.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace crypto {

/// Lower case.
std::string to_hex(std::string_view bytes);
/// Either case; nothing for an odd length or another character.
std::optional<std::string> from_hex(std::string_view text);

/// RFC 4648 §4, padded.
std::string to_base64(std::string_view bytes);
/// Strict: padded, no blanks, no stray bits; nothing otherwise.
std::optional<std::string> from_base64(std::string_view text);

/// RFC 4648 §5, without padding: for tokens and cursors.
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace crypto
