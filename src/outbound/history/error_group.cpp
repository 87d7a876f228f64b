#include "outbound/history/error_group.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"

namespace outbound {

namespace {

constexpr std::size_t kMessageBytesMax = 200;
constexpr std::size_t kSignatureBytes = 8;

/// The message with # for every word that has a digit: addresses, ports, lengths and ids differ each time.
std::string without_numbers(std::string_view message) {
  std::string text;
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  while (!message.empty()) {
    const std::size_t length =
        static_cast<std::size_t>(std::ranges::find_if_not(message, is_word) - message.begin());
    const std::string_view word = message.substr(0, std::max<std::size_t>(length, 1));
    const bool has_digit = word.find_first_of("0123456789") != std::string_view::npos;
    text += has_digit ? std::string_view("#") : word;
    message.remove_prefix(word.size());
  }
  return text.substr(0, kMessageBytesMax);
}

}  // namespace

std::string host_of(std::string_view url) {
  const std::size_t begin = url.find("://");
  if (begin == std::string_view::npos) return {};
  url.remove_prefix(begin + 3);
  return base::lower_ascii(url.substr(0, url.find_first_of("/?#")));
}

std::string error_signature(const Attempt& attempt) {
  if (attempt.error_class.empty()) return {};
  const std::string cause = attempt.error_class + "\n" + std::to_string(attempt.response_status.value_or(0)) +
                            "\n" + host_of(attempt.request_url) + "\n" +
                            without_numbers(attempt.error_message);
  return crypto::to_hex(crypto::digest(crypto::Hash::sha256, cause).substr(0, kSignatureBytes));
}

}  // namespace outbound
