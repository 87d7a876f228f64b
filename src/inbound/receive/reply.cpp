#include "inbound/receive/reply.hpp"

#include "format/json.hpp"
#include "inbound/scheme/safety.hpp"

namespace inbound {

namespace {

/// What a scheme fills in, without what would end a header line.
std::string one_line(std::string text) {
  std::erase_if(text, [](unsigned char c) { return (c < ' ' && c != '\t') || c == 127; });
  return text;
}

constexpr std::string_view kNoSniff = "X-Content-Type-Options";

/// Whatever a tenant lets its endpoint answer, no browser is to run it.
void make_harmless(http::Response& response) {
  response.content_type = one_line(std::move(response.content_type));
  response.headers.emplace_back(kNoSniff, "nosniff");
  response.headers.emplace_back("Content-Security-Policy", "sandbox; default-src 'none'");
}

/// Whether a request asks with nothing but tokens.
bool asks_with_tokens(const http::Request& request) {
  if (request.method == "POST") return false;
  return std::ranges::all_of(http::parse_query(request.query),
                             [](const auto& member) { return crypto::is_handshake_text(member.second); });
}

}  // namespace

http::Response answer(const crypto::Scheme& scheme, const Message& message,
                      std::span<const Receipt> receipts) {
  http::Response response;
  const crypto::Scheme::Reply& reply = scheme.reply;
  response.status = reply.ok;
  if (reply.body) {
    if (!reply.type.empty()) response.content_type = reply.type;
    response.body = crypto::fill(*reply.body, nullptr, message);
    make_harmless(response);
    return response;
  }
  if (http::is_bodiless(reply.ok)) return response;
  format::JsonWriter json(response.body);
  json.begin_object();
  if (scheme.each) {
    json.key("ids").begin_array();
    for (const Receipt& receipt : receipts) json.value(receipt.id);
    json.end_array();
    json.key("duplicates").value(std::ranges::count_if(receipts, &Receipt::duplicate));
  } else {
    json.key("id").value(receipts.front().id);
    if (receipts.front().duplicate) json.key("duplicate").value(true);
    if (receipts.front().conflict) json.key("conflict").value(true);
  }
  json.end_object();
  return response;
}

http::Response answer(const crypto::Scheme::Challenge& challenge, const crypto::SchemeKey* key,
                      const Message& message) {
  http::Response response;
  response.status = challenge.answer.status;
  if (!challenge.answer.type.empty()) response.content_type = challenge.answer.type;
  for (const auto& [name, recipe] : challenge.answer.headers) {
    if (is_answer_header(name) && !http::equals_ignoring_case(name, kNoSniff)) {
      response.headers.emplace_back(name, one_line(crypto::fill(recipe, key, message)));
    }
  }
  response.body = crypto::fill(challenge.answer.body, key, message);
  make_harmless(response);
  return response;
}

bool may_ask(const crypto::Scheme::Challenge& challenge, const http::Request& request) {
  return !challenge.answer.signs() || asks_with_tokens(request);
}

}  // namespace inbound
