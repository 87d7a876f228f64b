// Any bytes: as a scheme's document they are refused with places or become a scheme; as a request they are
// looked at by it without a crash, and pass no scheme with a secret.
#include <string>

#include "base/assert.hpp"
#include "format/json.hpp"
#include "inbound/receive/message.hpp"
#include "inbound/scheme/document.hpp"
#include "inbound/scheme/preset.hpp"

namespace {

/// The first line is the headers' values (by blanks: signature, timestamp, id), the rest the body.
struct Sent {
  explicit Sent(std::string_view text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    signature = text.substr(0, end);
    if (end < text.size()) body = text.substr(end + 1);
  }
  http::Request request() const {
    http::Request made;
    made.method = "POST";
    made.set_target("/webhooks/acme/in?code=");
    for (const char* name : {"x-sig", "stripe-signature", "webhook-signature", "webhook-id",
                             "webhook-timestamp", "x-webhook-signature", "gcms-signature"}) {
      made.headers.emplace_back(name, signature);
    }
    made.body = body;
    return made;
  }
  std::string_view signature;
  std::string body;
};

void look(const crypto::Scheme& scheme, const Sent& sent) {
  const auto key = crypto::SchemeKey::make(scheme, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  if (!key) return;
  const crypto::SchemeKey* const keys[] = {&*key};
  const http::Request request = sent.request();
  const inbound::Message message(request, "https://hub.example.com/webhooks/acme/in?code=");
  (void)find_challenge(scheme, keys, message);
  (void)event_id(scheme, message);
  const auto checked = check(scheme, keys, message, base::Time{std::chrono::seconds{1'800'000'000}});
  const bool signs = scheme.kind == crypto::Scheme::Kind::hmac || scheme.kind == crypto::Scheme::Kind::jwt;
  XD_ASSERT(!signs || !checked.passed());
  if (!scheme.each) return;
  if (const auto elements = elements_of(scheme, message)) {
    for (const inbound::Element& element : *elements) (void)event_id(scheme, element);
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const std::vector<crypto::Scheme> known = [] {
    std::vector<crypto::Scheme> made;
    for (const inbound::Preset& preset : inbound::presets()) {
      auto scheme = inbound::preset_scheme(preset.name, {{"verify_token", "v"},
                                                         {"webhook_id", "w"},
                                                         {"key_id", "k"},
                                                         {"topic_arn", "t"},
                                                         {"client_id", "c"}});
      XD_ASSERT(scheme.has_value());
      made.push_back(std::move(*scheme));
    }
    return made;
  }();
  if (data[0] < known.size()) {
    look(known[data[0]], Sent(text));
    return 0;
  }
  const std::size_t end = std::min(text.find('\0'), text.size());
  const auto document = format::parse_json(std::string(text.substr(0, end)));
  if (!document) return 0;
  const auto scheme = inbound::read_scheme(document->root(), {});
  if (!scheme) {
    XD_ASSERT(!scheme.error().fields.empty());
    return 0;
  }
  look(*scheme, Sent(end < text.size() ? text.substr(end + 1) : std::string_view{}));
  return 0;
}
