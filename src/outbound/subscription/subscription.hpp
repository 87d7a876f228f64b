// A subscription: which events of a tenant go to which URL, and how.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "crypto/key_ring.hpp"
#include "db/db.hpp"
#include "db/page.hpp"
#include "queue/backoff.hpp"
#include "queue/task.hpp"
#include "resource/table.hpp"
#include "tenant/signing_secret.hpp"

namespace outbound {

using base::name;
using base::TenantId;
using tenant::SigningSecret;
using SubscriptionId = base::Id<struct SubscriptionTag>;

enum class AuthType : std::uint8_t { none, basic, api_key, hmac, oauth2 };
/// STANDARD and ENTITY are envelopes of ours, RAW is the event's data alone, CLOUDEVENTS the structured JSON
/// form of CloudEvents 1.0, CLOUDEVENTS_BINARY its headers with the data as the body.
enum class PayloadFormat : std::uint8_t { standard, entity, raw, cloudevents, cloudevents_binary };
/// How a delivery is signed. STANDARD: Standard Webhooks v1; STANDARD_V1A: its Ed25519 form; GITHUB, STRIPE:
/// the schemes of those senders; HMAC_HEADER: a MAC in a header, as signing_config says.
enum class SigningScheme : std::uint8_t { standard, standard_v1a, github, stripe, hmac_header };
/// PER_KEY: deliveries of one ordering_key are attempted strictly in the order of their events.
enum class Ordering : std::uint8_t { none, per_key };
/// ACTIVE: delivers. PAUSED by somebody; FAILED: disabled by itself. Both keep their deliveries (HELD).
/// DELETING: takes no more events, delivers what waits, and is removed then.
enum class SubscriptionStatus : std::uint8_t { active, paused, failed, deleting };

inline constexpr base::Word<AuthType> kAuthTypes[] = {{AuthType::none, "NONE"},
                                                      {AuthType::basic, "BASIC"},
                                                      {AuthType::api_key, "API_KEY"},
                                                      {AuthType::hmac, "HMAC"},
                                                      {AuthType::oauth2, "OAUTH2"}};
constexpr std::span<const base::Word<AuthType>> words_of(AuthType) { return kAuthTypes; }
inline constexpr base::Word<PayloadFormat> kPayloadFormats[] = {
    {PayloadFormat::standard, "STANDARD"},
    {PayloadFormat::entity, "ENTITY"},
    {PayloadFormat::raw, "RAW"},
    {PayloadFormat::cloudevents, "CLOUDEVENTS"},
    {PayloadFormat::cloudevents_binary, "CLOUDEVENTS_BINARY"}};
constexpr std::span<const base::Word<PayloadFormat>> words_of(PayloadFormat) { return kPayloadFormats; }
inline constexpr base::Word<SigningScheme> kSigningSchemes[] = {{SigningScheme::standard, "STANDARD"},
                                                                {SigningScheme::standard_v1a, "STANDARD_V1A"},
                                                                {SigningScheme::github, "GITHUB"},
                                                                {SigningScheme::stripe, "STRIPE"},
                                                                {SigningScheme::hmac_header, "HMAC_HEADER"}};
constexpr std::span<const base::Word<SigningScheme>> words_of(SigningScheme) { return kSigningSchemes; }
inline constexpr base::Word<Ordering> kOrderings[] = {{Ordering::none, "NONE"},
                                                      {Ordering::per_key, "PER_KEY"}};
constexpr std::span<const base::Word<Ordering>> words_of(Ordering) { return kOrderings; }
inline constexpr base::Word<SubscriptionStatus> kSubscriptionStatuses[] = {
    {SubscriptionStatus::active, "ACTIVE"},
    {SubscriptionStatus::paused, "PAUSED"},
    {SubscriptionStatus::failed, "FAILED"},
    {SubscriptionStatus::deleting, "DELETING"}};
constexpr std::span<const base::Word<SubscriptionStatus>> words_of(SubscriptionStatus) {
  return kSubscriptionStatuses;
}

/// Deliveries that go to another URL have a lane of their own, made with the first of them: they are not held
/// by the subscription's circuit, order or pace, nor do they hold up its others. Its id is the subscription's
/// with another version (8, RFC 9562 §5.8).
queue::LaneId detour_lane(SubscriptionId id);
bool is_detour(queue::LaneId lane);
/// The URL that was asked for; empty where it is the subscription's own, which is no detour.
inline std::string detour_url(const std::string& asked, const std::string& own) {
  return asked == own ? std::string() : asked;
}
/// Whose deliveries wait in a lane, whichever of the two it is.
SubscriptionId subscription_of(queue::LaneId lane);

/// Mission 4, webhook_subscriptions. Immutable once it is in a Book; a change makes a new one with version
/// + 1.
struct Subscription {
  SubscriptionId id{};
  TenantId tenant{};
  std::string name{};
  std::optional<std::string> description{};
  std::string url{};
  std::vector<std::string> event_types{};
  AuthType auth_type = AuthType::none;
  base::Secret auth_config{};  ///< JSON, as it was given; empty for none
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers{};  ///< some of them secrets: secret_header.hpp
  std::vector<std::string> secret_headers{};  ///< names of headers that are secrets beside those that tell so
  PayloadFormat payload_format = PayloadFormat::standard;
  std::string filter{};  ///< JSON, as it was given; empty: every event of its types
  SigningScheme signing_scheme = SigningScheme::standard;
  std::string signing_config{};  ///< JSON, as it was given; empty where the scheme needs none
  Ordering ordering = Ordering::none;
  std::optional<int> max_in_flight{};      ///< attempts at once; none: what the lane's window allows
  std::optional<base::Rate> rate_limit{};  ///< of attempts; what is over waits
  base::Secret client_certificate{};       ///< PEM: certificate chain and private key; empty for none
  std::string ca_certificate{};            ///< PEM: who may have issued the receiver's; empty: the system's
  std::chrono::seconds timeout{30};
  bool retry_enabled = true;
  int max_retries = 5;
  std::vector<std::chrono::seconds> retry_intervals{std::begin(queue::kRetryIntervals),
                                                    std::end(queue::kRetryIntervals)};
  SubscriptionStatus status = SubscriptionStatus::active;
  bool is_enabled = true;
  std::optional<std::string> disabled_reason{};
  std::optional<base::Time> disabled{};
  /// Counts up when its circuit is to begin closed: it was reset, or the URL changed. A circuit of a lower
  /// number is over.
  std::int64_t circuit_no = 0;
  std::int64_t version = 1;
  std::optional<base::Uuid> created_by{};
  base::Time created{};
  base::Time updated{};
  std::vector<SigningSecret> secrets{};  ///< newest first
  /// Why it cannot be used: what of its row cannot be read. Then nothing may write it but its deletion. Empty
  /// for all others.
  std::string broken{};
  /// Why its secrets cannot be opened, where it has some and none can be.
  std::string secrets_closed{};

  /// Its tasks run.
  bool delivers() const {
    return is_enabled && (status == SubscriptionStatus::active || status == SubscriptionStatus::deleting);
  }
  /// New events get a delivery, if only a HELD one. Those of one that somebody disabled or deletes are
  /// SKIPPED.
  bool takes_events() const {
    return status != SubscriptionStatus::deleting && (is_enabled || status == SubscriptionStatus::failed);
  }
  queue::LaneState lane_state() const {
    return delivers() ? queue::LaneState::active : queue::LaneState::paused;
  }
  queue::LanePolicy lane_policy() const;
  tenant::SecretOwner secret_owner() const { return {tenant, "subscription", id.uuid}; }
  /// The lane of a subscription has its id.
  queue::LaneId lane() const { return queue::LaneId{id.uuid}; }

  Subscription copy() const;
};
using SubscriptionPtr = std::shared_ptr<const Subscription>;

/// Mission 4's counters. sent counts attempts; each attempt is either delivered or failed.
struct SubscriptionStats {
  std::int64_t sent = 0;
  std::int64_t delivered = 0;
  std::int64_t failed = 0;
  std::optional<base::Time> last_triggered{};
  std::optional<base::Time> last_success{};
  std::optional<base::Time> last_failure{};
  std::int64_t consecutive_failures = 0;
  std::optional<queue::Breaker::Open> circuit{};  ///< its circuit breaker, while that is not closed
};

/// Its members, and the table webhook_subscriptions.
const resource::Table<Subscription>& subscriptions();
/// Where a secret of it stands, for the key ring.
std::string secret_place(const Subscription& subscription, std::string_view column);

// The tables webhook_subscriptions and subscription_stats, with the secrets. Those pass the key ring on their
// way. One that cannot be read stops none of the others: it comes as `broken`.
base::Result<void> insert_subscription(db::Tx& tx, const crypto::KeyRing& ring,
                                       const Subscription& subscription);
/// Writes everything but the secrets, where the stored version is one less; false when it is not.
base::Result<bool> update_subscription(db::Tx& tx, const crypto::KeyRing& ring,
                                       const Subscription& subscription);
base::Result<bool> delete_subscription(db::Tx& tx, TenantId tenant, SubscriptionId id);
base::Result<SubscriptionPtr> find_subscription(db::Tx& tx, const crypto::KeyRing& ring, TenantId tenant,
                                                SubscriptionId id);
base::Result<std::vector<SubscriptionPtr>> all_subscriptions(db::Tx& tx, const crypto::KeyRing& ring);
base::Result<std::vector<SubscriptionPtr>> list_subscriptions(db::Tx& tx, const crypto::KeyRing& ring,
                                                              TenantId tenant, const db::Page& page);
/// Encrypts the secret headers among the next `limit` subscriptions after this one that lie there in the
/// clear; returns the last one looked at, nothing when there is none behind it.
base::Result<std::optional<SubscriptionId>> seal_headers_after(db::Tx& tx, const crypto::KeyRing& ring,
                                                               SubscriptionId after, std::size_t limit);
/// Makes the lane of its detours, unless it is there, in the state of its own lane, which it locks.
base::Result<void> ensure_detour_lane(db::Tx& tx, TenantId tenant, SubscriptionId id);
/// A text that differs after any subscription of any tenant was made, changed or deleted.
base::Result<std::string> mark_of_subscriptions(db::Tx& tx);
base::Result<std::int64_t> count_subscriptions(db::Tx& tx, TenantId tenant);
base::Result<SubscriptionStats> find_stats(db::Tx& tx, SubscriptionId id);

/// Of a lane l and its subscription s: what read_circuit() wants, null where the circuit is closed.
inline constexpr std::string_view kCircuitColumns =
    "CASE WHEN l.circuit_no >= COALESCE(s.circuit_no, 0) THEN l.circuit_until END, l.circuit_seconds,"
    " l.circuit_since";
std::optional<queue::Breaker::Open> read_circuit(const db::Row& row, int first);

/// Adds what a batch of attempts did to a subscription's counters, in the order of their ends.
struct StatsChange {
  SubscriptionId id{};
  std::int64_t delivered = 0;
  std::int64_t failed = 0;
  std::int64_t failed_at_end = 0;  ///< failures after the last success of the batch
  std::optional<base::Time> last_success{};
  std::optional<base::Time> last_failure{};
  std::optional<base::Time> first_failure_at_end{};
};
struct Failing {
  std::int64_t consecutive = 0;
  std::optional<base::Time> since{};
};
base::Result<Failing> change_stats(db::Tx& tx, const StatsChange& change);

}  // namespace outbound
