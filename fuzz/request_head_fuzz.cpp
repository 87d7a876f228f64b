// Any bytes: the server's session answers each well-formed request in them once and refuses the rest; what it
// hands on holds nothing that another reader could take for the end of a line or of a name, and where the
// bytes are cut on their way makes no difference.
#include <algorithm>

#include "conversation.hpp"
#include "http/message.hpp"

namespace {

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kMarks.contains(c);
  });
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 127; });
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

/// Whether the text has a request line with this end. Of an absolute form the program gets the path, which
/// may be left out where it is all there is.
bool has_line(std::string_view text, const fuzz::Talk::Seen& request, const std::string& version) {
  if (text.contains(request.method + " " + request.target + version)) return true;
  return text.contains("://") && (request.target == "/" || text.contains(request.target + version));
}

void check_request(const fuzz::Talk::Seen& request, std::string_view text) {
  XD_ASSERT(is_token(request.method));
  const bool of_server = request.target == "*" && request.method == "OPTIONS";
  XD_ASSERT(of_server || request.target.starts_with('/'));
  XD_ASSERT(request.target.size() <= base::limits::kTargetBytesMax);
  XD_ASSERT(!has_control(request.target) && !request.target.contains(' '));
  XD_ASSERT(has_line(text, request, " HTTP/1."));
  XD_ASSERT(request.headers.size() <= base::limits::kHeaderCountMax);
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  for (const auto& [name, value] : request.headers) {
    XD_ASSERT(is_token(name) && !has_control(value) && text.contains(value));
    hosts += http::equals_ignoring_case(name, "host") ? 1 : 0;
    lengths += http::equals_ignoring_case(name, "content-length") ? 1 : 0;
    codings += http::equals_ignoring_case(name, "transfer-encoding") ? 1 : 0;
  }
  XD_ASSERT(hosts == 1 || has_line(text, request, " HTTP/1.0"));
  XD_ASSERT(lengths + codings <= 1);
  XD_ASSERT(request.body.empty() || lengths + codings == 1);
  XD_ASSERT(request.body.size() <= fuzz::Peer::kBodyBytesMax);
  XD_ASSERT(codings == 1 || text.contains(request.body));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::Peer peer;
  const std::string_view text(reinterpret_cast<const char*>(data), std::min(size, fuzz::Peer::kSentBytesMax));
  const fuzz::Talk whole = peer.talk(text, {});
  check_answers(whole);
  XD_ASSERT(whole.requests.size() <= count(text, "\r\n\r\n"));
  for (const fuzz::Talk::Seen& request : whole.requests) check_request(request, text);
  check_pieces(peer, text, fuzz::cut_of(text), whole);
  return 0;
}
