// Any bytes behind a good header that says "chunked": what the program gets is what RFC 9112 §7.1 says they
// are, to the byte, or they are refused; and the next request begins where they end.
#include <algorithm>
#include <charconv>
#include <optional>

#include "conversation.hpp"
#include "http/message.hpp"

namespace {

constexpr std::string_view kHead = "POST /in HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

struct Decoded {
  std::string body{};
  std::size_t size = 0;  ///< of all of it, with its trailers
};

/// The next line without its end; nothing where there is none, or it holds what no line may.
std::optional<std::string_view> next_line(std::string_view bytes, std::size_t& at) {
  const std::size_t end = bytes.find("\r\n", at);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = bytes.substr(at, end - at);
  at = end + 2;
  const bool plain =
      std::ranges::none_of(line, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 127; });
  return plain ? std::optional(line) : std::nullopt;
}

std::optional<std::size_t> chunk_size(std::string_view line) {
  std::size_t size = 0;
  const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view extension = line.substr(static_cast<std::size_t>(stop - line.data()));
  const std::size_t begin = extension.find_first_not_of(" \t");
  const bool good = extension.empty() || (begin != std::string_view::npos && extension[begin] == ';');
  return good ? std::optional(size) : std::nullopt;
}

/// Written a second time, by the RFC alone.
std::optional<Decoded> decode(std::string_view bytes) {
  Decoded decoded;
  std::size_t& at = decoded.size;
  for (;;) {
    const auto line = next_line(bytes, at);
    const auto size = line ? chunk_size(*line) : std::nullopt;
    if (!size) return std::nullopt;
    if (*size == 0) break;
    if (bytes.size() - at < 2 || *size > bytes.size() - at - 2) return std::nullopt;
    decoded.body += bytes.substr(at, *size);
    at += *size;
    if (bytes.substr(at, 2) != "\r\n") return std::nullopt;
    at += 2;
  }
  for (bool first = true;; first = false) {
    const auto trailer = next_line(bytes, at);
    if (!trailer) return std::nullopt;
    if (trailer->empty()) return decoded;
    const bool goes_on = !first && (trailer->front() == ' ' || trailer->front() == '\t');
    const std::size_t colon = trailer->find(':');
    if (!goes_on && (colon == std::string_view::npos || colon == 0)) return std::nullopt;
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::Peer peer;
  const std::string_view bytes(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 16 << 10));
  const std::string text = std::string(kHead).append(bytes);
  const fuzz::Talk whole = peer.talk(text, {});
  check_answers(whole);
  check_pieces(peer, text, kHead.size() + fuzz::cut_of(bytes), whole);
  if (whole.requests.empty()) return 0;

  const fuzz::Talk::Seen& first = whole.requests.front();
  const auto decoded = decode(bytes);
  XD_ASSERT(decoded.has_value());
  XD_ASSERT(first.body == decoded->body && first.body.size() <= fuzz::Peer::kBodyBytesMax);
  XD_ASSERT(first.method == "POST" && first.target == "/in");
  static const decltype(first.headers) sent = {{"Host", "a"}, {"Transfer-Encoding", "chunked"}};
  XD_ASSERT(first.headers == sent);  // trailers are none of them
  if (whole.requests.size() == 1) return 0;
  std::string_view rest = bytes.substr(decoded->size);
  while (rest.starts_with("\r\n")) rest.remove_prefix(2);
  XD_ASSERT(rest.starts_with(whole.requests[1].method + " " + whole.requests[1].target + " HTTP/1."));
  return 0;
}
