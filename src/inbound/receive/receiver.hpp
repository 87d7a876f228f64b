// Receiving a webhook: who sends it is checked, and what it holds is durable before it is acknowledged.
#pragma once

#include "base/batcher.hpp"
#include "base/everywhere.hpp"
#include "inbound/receive/key_finder.hpp"
#include "inbound/receive/message.hpp"
#include "inbound/receive/received.hpp"
#include "inbound/receive/refusal_log.hpp"
#include "tenant/tenant.hpp"

namespace inbound {

/// What an address says of who really sends: the peer, or where that is a trusted proxy the last address of
/// X-Forwarded-For that is none.
std::string client_address(const http::Request& request, std::span<const http::AllowedRange> proxies);

/// What the outside calls this server.
struct Origin {
  std::string public_url{};  ///< "https://hooks.example.com"; empty: as the Host header says
  bool tls = false;          ///< of its own listener

  /// The URL that was given out for the request, with the query as it came.
  std::string url_of(const http::Request& request) const;
};

/// One for each shard, on whose thread it lives.
class Receiver {
 public:
  struct Parts {
    const base::Clock& clock;
    db::Db& store;
    queue::Queue& queue;
    const tenant::TenantBook& tenants;
    const Book& book;
    KeyFinder& keys;
    const crypto::KeyRing& ring;
    const base::Everywhere<Book>& books;
    Meters& meters;
    RefusalLog& refusals;
    std::optional<base::Rate> tenant_rate{};  ///< of all endpoints of a tenant together
    Origin origin{};
    std::vector<http::AllowedRange> proxies{};
    std::size_t body_bytes_max = base::limits::kBodyBytesDefault;  ///< also of one that was compressed
  };
  Receiver(base::Gate& gate, Parts parts);

  /// What the head of a request tells before its body is read: an endpoint that is not there, an address that
  /// it may not come from, and a rate that is used up. What may be a handshake that strangers make is let
  /// through from any address as long as it is short, and whatever the rate where it has no body. Errors as
  /// of receive(), which says the rest.
  base::Result<void> check_head(const http::Request& request, std::string_view tenant, std::string_view path);

  /// In this order: the endpoint, a handshake, the addresses it may come from, its signature and age (and
  /// before, the sender's key, where that has to be got), how often it may; then it is stored, and answered
  /// as its sender expects. Errors: not_found, the same for an unknown tenant, an unknown path and an
  /// endpoint that is switched off; invalid with METHOD_NOT_ALLOWED, where it is no POST and cannot be a
  /// handshake; forbidden; unauthenticated; limited; invalid, where a batch is none; too_large, where its
  /// templates make too much of it; those of the store.
  base::Task<http::Response> receive(const http::Request& request, std::string_view tenant,
                                     std::string_view path);

  /// Notes a request that was refused by others, before receive(): its body was not read. Nothing where
  /// there is no such endpoint.
  void note_refused(const http::Request& request, std::string_view tenant, std::string_view path,
                    std::string_view reason, std::string detail);

  /// Whether what came a while ago still waits for the store.
  bool is_behind() const { return batcher_.age(base::steady_now()) > base::limits::kArrivalAgeMax; }

 private:
  using Batcher = base::Batcher<Arrival, std::vector<Receipt>>;
  base::Task<std::vector<std::vector<Receipt>>> store_taken(Batcher::Take take);
  /// Null where nothing is received; find() counts that.
  PreparedEndpointPtr look_up(std::string_view tenant, std::string_view path) const;
  PreparedEndpointPtr find(std::string_view tenant, std::string_view path) const;
  base::Result<void> check_address(const PreparedEndpoint& endpoint, const std::string& address) const;
  enum class Token : std::uint8_t { look, take };
  base::Result<void> check_rate(const PreparedEndpoint& endpoint, Token token);
  base::Task<void> capture(const PreparedEndpoint& endpoint, const crypto::Scheme::Challenge& challenge,
                           const Message& message, const std::string& address);
  /// Who sent a request that is in order.
  struct Sender {
    std::string address{};
    std::size_t key = 0;         ///< of the endpoint's
    std::int64_t deletions = 0;  ///< that the book knew of when it found the endpoint
    std::string problem{};       ///< why the body is still in its content coding
  };
  /// Counts what is refused, and keeps it where there is room.
  void note(const PreparedEndpoint& endpoint, const http::Request& request, const Message& message,
            const Why& why);
  /// Of what is no webhook and no handshake that fits. It is noted.
  base::Error refuse_method(const http::Request& request, const PreparedEndpoint& endpoint,
                            const Message& message);
  /// Asks for the URL by which the sender of a handshake is told yes. Where that fails it is noted.
  base::Task<void> confirm(const http::Request& request, const PreparedEndpoint& endpoint,
                           const Message& message, const crypto::Scheme::Challenge& challenge);
  /// The answer to a handshake. Error: too_large, where it cannot be made of the request.
  base::Result<http::Response> shake(const http::Request& request, const PreparedEndpoint& endpoint,
                                     const Message& message, const crypto::Scheme::Challenge& challenge,
                                     const crypto::SchemeKey* key);
  /// What is verified: as often as it may, and without its content coding.
  base::Task<http::Response> admit(const http::Request& request, const PreparedEndpoint& endpoint,
                                   const Message& message, Sender sender);
  /// Makes it durable. Where that fails it is counted.
  base::Task<std::vector<Receipt>> keep(const PreparedEndpoint& endpoint, Arrival arrival);
  base::Task<http::Response> accept(const http::Request& request, const PreparedEndpoint& endpoint,
                                    const Message& message, Sender sender);

  Parts parts_;
  Batcher batcher_;
  std::unordered_map<TenantId, std::shared_ptr<Meter>> tenant_meters_;
};

}  // namespace inbound
