#include "inbound/receive/identity.hpp"

#include "crypto/encoding.hpp"
#include "inbound/receive/content_key.hpp"
#include "inbound/receive/received.hpp"

namespace inbound {

namespace {

using crypto::Location;

constexpr std::size_t kExternalIdBytesMax = 255;
constexpr auto kBodyKeyWindow = std::chrono::hours{24};

/// What stands at the first of the places that is there.
std::string text_at(const std::vector<Location>& places, const crypto::RequestView& view) {
  for (const Location& place : places) {
    if (place.in == Location::In::constant) return place.name;
    auto found = view.find(place);
    if (!found.empty()) return std::move(found.front());
  }
  return {};
}

/// What is too long or not printable ASCII stands for itself as a hash.
std::string storable(std::string text) {
  const bool plain = text.size() <= kExternalIdBytesMax &&
                     std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 127; });
  return plain ? text : "sha256:" + crypto::to_hex(crypto::digest(crypto::Hash::sha256, text));
}

crypto::EventName name_of(const PreparedEndpoint& endpoint, const crypto::RequestView& view) {
  if (!endpoint.rules->event_id.empty()) return {text_at(endpoint.rules->event_id, view)};
  return crypto::event_id(endpoint.scheme(), view).value_or(crypto::EventName{});
}

/// For how long repeats are recognised: as the endpoint says, but at most a day where that is by the content,
/// or by an id that is made of the body.
std::chrono::seconds dedup_window(const PreparedEndpoint& endpoint, Dedup how,
                                  const crypto::EventName& name) {
  const std::chrono::seconds window = endpoint.config->dedup_window;
  const bool is_of_body = name.is_hash && endpoint.scheme().id_hash->has_body();
  if (how == Dedup::body || (how == Dedup::id && !is_of_body)) return window;
  return std::min<std::chrono::seconds>(window, kBodyKeyWindow);
}

}  // namespace

std::string external_id(const PreparedEndpoint& endpoint, const crypto::RequestView& view) {
  return storable(name_of(endpoint, view).text);
}

Dedup dedup_of(const PreparedEndpoint& endpoint, std::string_view external_id) {
  const std::optional<Dedup> said = endpoint.dedup();
  if (!said) return external_id.empty() ? Dedup::content : Dedup::id;
  return *said == Dedup::id && external_id.empty() ? Dedup::off : *said;
}

Identity Identifier::next(const crypto::RequestView& view, std::string_view body) {
  crypto::EventName name = name_of(endpoint_, view);
  Identity made{.external_id = storable(std::move(name.text)), .body_hash = hash_of_body(body)};
  const Dedup how = dedup_of(endpoint_, made.external_id);
  made.window = dedup_window(endpoint_, how, name);
  const bool suffices = endpoint_.scheme().id_suffices && endpoint_.rules->event_id.empty();
  if (how == Dedup::id && endpoint_.scheme().each && !suffices) {
    const auto [first, fresh] = first_bodies_.try_emplace(made.external_id, made.body_hash);
    // The id is that of the batch.
    if (!fresh && first->second != made.body_hash) made.external_id += "#" + std::to_string(index_);
  }
  switch (how) {
    case Dedup::off: break;
    case Dedup::id: made.key = id_key(made.external_id); break;
    case Dedup::content: made.key = content_key(); break;
    case Dedup::body: made.key = body_key(made.body_hash); break;
  }
  if (how != Dedup::id) made.stored_key = made.key;
  if (how == Dedup::id && suffices) made.body_hash.assign(made.body_hash.size(), '\0');
  ++index_;
  return made;
}

/// Of an element of a batch it is that of the batch, and its place.
std::string Identifier::content_key() {
  if (content_.empty()) content_ = content_hash(endpoint_, request_);
  if (!endpoint_.scheme().each) return "content:" + crypto::to_hex(content_);
  return "content:" + crypto::to_hex(content_) + "/" + std::to_string(index_);
}

std::string order_key(const PreparedEndpoint& endpoint, const crypto::RequestView& view) {
  const std::string id = text_at(endpoint.rules->record_id, view);
  return id.empty() ? id : storable(text_at(endpoint.rules->table, view) + "/" + id);
}

}  // namespace inbound
