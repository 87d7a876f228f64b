#include "inbound/identity.hpp"

#include "crypto/encoding.hpp"

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

/// Whether what stands for the event's id is made of its body.
bool is_of_body(const PreparedEndpoint& endpoint, const crypto::RequestView& view) {
  return endpoint.rules->event_id.empty() && endpoint.scheme().id_hash &&
         std::ranges::all_of(endpoint.scheme().id, [&](const Location& at) { return view.find(at).empty(); });
}

}  // namespace

std::string external_id(const PreparedEndpoint& endpoint, const crypto::RequestView& view) {
  std::string id = endpoint.rules->event_id.empty() ? crypto::event_id(endpoint.scheme(), view).value_or("")
                                                    : text_at(endpoint.rules->event_id, view);
  return storable(std::move(id));
}

std::chrono::seconds dedup_window(const PreparedEndpoint& endpoint, const crypto::RequestView& view,
                                  std::string_view external_id) {
  const std::chrono::seconds window = endpoint.config->dedup_window;
  if (!external_id.empty() && !is_of_body(endpoint, view)) return window;
  return std::min<std::chrono::seconds>(window, kBodyKeyWindow);
}

std::string order_key(const PreparedEndpoint& endpoint, const crypto::RequestView& view) {
  const std::string id = text_at(endpoint.rules->record_id, view);
  return id.empty() ? id : storable(text_at(endpoint.rules->table, view) + "/" + id);
}

}  // namespace inbound
