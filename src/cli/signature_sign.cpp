// crossdock signature sign: a request as its sender would send it.
#include <algorithm>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/json_splice.hpp"
#include "cli/remote.hpp"
#include "cli/signature_input.hpp"
#include "crypto/scheme_signature.hpp"
#include "inbound/receive/message.hpp"

namespace cli {

namespace {

using base::Code;
using base::fail;
using base::Result;
using crypto::Location;
using crypto::Scheme;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// What signing made of a request.
struct Signed {
  inbound::Captured request{};  ///< whole
  Headers added{};              ///< to its headers
  bool headers_only = true;     ///< the rest of it is as it was
  std::string note{};
};

/// What a request is signed with.
struct Means {
  const Scheme& scheme;
  std::vector<crypto::SchemeKey> keys{};
  std::optional<crypto::PrivateKey> private_key{};
  std::string url{};
  crypto::Signing signing{};

  const crypto::SchemeKey* key() const { return keys.empty() ? nullptr : &keys.front(); }
};

/// Where the scheme has its proof; nothing where it has none.
std::optional<Location> place_of(const Scheme& scheme) {
  return scheme.signature.empty() ? std::nullopt : std::optional(scheme.signature.front());
}

/// Whether some algorithm of the scheme is one of key pairs.
bool signs_by_pair(const Scheme& scheme) {
  return scheme.kind == Scheme::Kind::public_key || (scheme.kind == Scheme::Kind::jwt && !scheme.token_hs256);
}

Result<void> check_means(const Means& means) {
  const Scheme& scheme = means.scheme;
  if (scheme.kind == Scheme::Kind::none) return {};
  const bool pair = signs_by_pair(scheme);
  if (pair && !means.private_key) {
    return fail(
        Code::invalid,
        "this sender signs with a private key: give one by --private-key-file. Its own it does not give "
        "away, so requests can be made only for endpoints that were set up with the public half of yours");
  }
  if (!pair && means.keys.empty())
    return fail(Code::invalid, "give the secret by --secret-file or CROSSDOCK_SIGNATURE_SECRET");
  const auto place = place_of(scheme);
  if (place && place->in == Location::In::xml) {
    return fail(Code::invalid, "the proof of this scheme is a text in the XML body, at " + place->name +
                                   ": write the secret there; there is nothing to compute");
  }
  return {};
}

std::string note_of(const Scheme& scheme) {
  using Source = Scheme::KeyRule::Source;
  if (scheme.kind == Scheme::Kind::none) return "this scheme has no signature: every request passes";
  if (scheme.key.source == Source::certificate || scheme.key.source == Source::key_set) {
    return "a hub asks this sender itself for its public keys, so it does not take a signature by another "
           "key";
  }
  return "";
}

Result<Signed> sign_headers(const Means& means, inbound::Captured captured) {
  std::vector<const crypto::SchemeKey*> all;
  for (const crypto::SchemeKey& key : means.keys) all.push_back(&key);
  const http::Request request = captured.request();
  const inbound::Message message(request, means.url);
  Signed made;
  XD_TRY(made.added, crypto::sign(means.scheme, all, message, means.signing));
  made.request = std::move(captured);
  made.request.headers.insert(made.request.headers.end(), made.added.begin(), made.added.end());
  return made;
}

Result<Signed> sign_query(const Means& means, inbound::Captured captured) {
  const http::Request request = captured.request();
  XD_TRY(const std::string proof,
         crypto::signature(means.scheme, means.key(), inbound::Message(request, means.url), means.signing));
  captured.target.append(captured.target.find('?') == std::string::npos ? "?" : "&");
  captured.target.append(percent_encode(means.scheme.signature.front().name))
      .append("=")
      .append(percent_encode(proof));
  return Signed{.request = std::move(captured)};
}

/// A body that is JSON, with a member of the root set.
Result<void> set_in_body(inbound::Captured& captured, const std::string& path, const std::string& text) {
  XD_TRY(const format::Document document, format::parse_json(captured.body));
  XD_TRY(captured.body, set_members(document.root(), {{document.root(), path, text}}));
  return {};
}

/// The time goes into the body before it is signed, where the scheme has it there and the request has none
/// yet.
Result<void> add_time(const Means& means, inbound::Captured& captured) {
  if (!means.scheme.timestamp || means.scheme.timestamp->at.front().in != Location::In::json) return {};
  const Location& at = means.scheme.timestamp->at.front();
  const http::Request request = captured.request();
  if (!inbound::Message(request, means.url).find(at).empty()) return {};
  const std::int64_t micros = base::to_micros(means.signing.at);
  switch (means.scheme.timestamp->unit) {
    case Scheme::Timestamp::Unit::seconds:
      return set_in_body(captured, at.name, std::to_string(micros / 1'000'000));
    case Scheme::Timestamp::Unit::milliseconds:
      return set_in_body(captured, at.name, std::to_string(micros / 1000));
    case Scheme::Timestamp::Unit::iso: break;
  }
  return set_in_body(captured, at.name, format::json_string(base::to_rfc3339(means.signing.at)));
}

/// What the scheme wants to find in the URL beside the signature, such as a hash of the body.
void add_claims(Means& means, inbound::Captured& captured) {
  std::string more;
  const http::Request request = captured.request();
  const inbound::Message message(request, means.url);
  for (const Scheme::Claim& claim : means.scheme.claims) {
    if (claim.at.in != Location::In::query || !message.find(claim.at).empty()) continue;
    more.append(more.empty() ? "" : "&").append(percent_encode(claim.at.name)).append("=");
    more.append(percent_encode(claim.value.make({.request = message}).text()));
  }
  if (more.empty()) return;
  for (std::string* url : {&captured.target, &means.url})
    url->append(url->find('?') == std::string::npos ? "?" : "&").append(more);
}

Result<Signed> sign_body(const Means& means, inbound::Captured captured) {
  const http::Request request = captured.request();
  const inbound::Message message(request, means.url);
  const format::Value* root = message.json();
  if (root == nullptr)
    return fail(Code::invalid, "this scheme has its signature in the body, which must be JSON");
  const std::string& path = means.scheme.signature.front().name;
  std::vector<JsonMember> members;
  const auto add = [&](const format::Value& object, const crypto::RequestView& view) -> Result<void> {
    XD_TRY(const std::string proof, crypto::signature(means.scheme, means.key(), view, means.signing));
    members.push_back({object, path, format::json_string(proof)});
    return {};
  };
  if (means.scheme.signs_elements()) {
    XD_TRY(const auto elements, inbound::elements_of(means.scheme, message));
    for (const inbound::Element& element : elements) XD_DO(add(element.value(), element));
  } else {
    XD_DO(add(*root, message));
  }
  XD_TRY(std::string body, set_members(*root, members));
  captured.body = std::move(body);
  return Signed{.request = std::move(captured)};
}

Result<Signed> sign_at_its_place(const Means& means, inbound::Captured captured) {
  if (means.scheme.kind == Scheme::Kind::none) return Signed{.request = std::move(captured)};
  const auto place = place_of(means.scheme);
  if (!place || place->in == Location::In::header) return sign_headers(means, std::move(captured));
  if (place->in == Location::In::query) return sign_query(means, std::move(captured));
  return sign_body(means, std::move(captured));
}

Result<Signed> sign(const SignatureOptions& options) {
  XD_TRY(const Scheme scheme, find_scheme(options));
  XD_TRY(const std::vector<base::Secret> secrets, read_secrets(options));
  XD_TRY(inbound::Captured captured, read_captured(options));
  XD_TRY(const base::Time now, time_of_check(options));
  Means means{.scheme = scheme, .url = options.url.empty() ? captured.url() : options.url};
  if (!options.private_key_file.empty()) {
    XD_TRY(const std::string pem, read_whole(options.private_key_file));
    XD_TRY(means.private_key, crypto::PrivateKey::from_pem(pem));
  }
  if (!signs_by_pair(scheme)) {
    for (const base::Secret& secret : secrets) {
      XD_TRY(auto key, crypto::SchemeKey::make(scheme, secret.reveal()));
      means.keys.push_back(std::move(key));
    }
  }
  XD_DO(check_means(means));
  means.signing = {
      .id = options.id, .at = now, .private_key = means.private_key ? &*means.private_key : nullptr};
  const std::string target_given = captured.target;
  const std::string body_given = captured.body;
  XD_DO(add_time(means, captured));
  add_claims(means, captured);
  auto made = sign_at_its_place(means, std::move(captured));
  if (!made) return made;
  made->headers_only = made->request.target == target_given && made->request.body == body_given;
  made->note = note_of(scheme);
  return made;
}

void print_request(const inbound::Captured& request) {
  std::printf("%s %s HTTP/1.1\r\n", request.method.c_str(), request.target.c_str());
  for (const auto& [name, value] : request.headers) std::printf("%s: %s\r\n", name.c_str(), value.c_str());
  std::printf("\r\n");
  std::fwrite(request.body.data(), 1, request.body.size(), stdout);
}

}  // namespace

int signature_sign(const SignatureOptions& options) {
  if (!options.format.empty() && options.format != "headers" && options.format != "request")
    return report_usage({Code::invalid, "-o is one of headers, request"});
  const auto made = sign(options);
  if (!made) return report(made.error());
  if (!made->note.empty()) std::fprintf(stderr, "note: %s\n", made->note.c_str());
  if (options.format == "headers" && !made->headers_only) {
    return report({Code::invalid, "this scheme has its signature in the URL or the body: take -o request"});
  }
  if (options.format == "request" || !made->headers_only) {
    print_request(made->request);
    return 0;
  }
  for (const auto& [name, value] : made->added) std::printf("%s: %s\n", name.c_str(), value.c_str());
  return 0;
}

}  // namespace cli
