#include <unordered_map>

#include "format/json.hpp"
#include "outbound/delivery.hpp"
#include "outbound/secret_header.hpp"
#include "queue/backoff.hpp"
#include "queue/queue_store.hpp"

namespace outbound {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr const char* kSelect =
    "SELECT id, tenant_id, name, description, url, event_types, auth_type, auth_config, content_type, "
    "headers, "
    "payload_format, timeout_seconds, retry_enabled, max_retries, retry_intervals, status, is_enabled, "
    "disabled_reason, disabled_at, version, created_by, created_at, updated_at, filter, signing_scheme, "
    "signing_config, ordering, max_in_flight, rate_limit_requests, rate_limit_window, client_certificate, "
    "ca_certificate, secret_headers, secret_header_values, circuit_no FROM webhook_subscriptions";

/// Stands for a filter that cannot be read: JSON, but no filter.
constexpr const char* kUnreadFilter = "null";

std::string place_of(const Subscription& subscription, std::string_view column) {
  return subscription.tenant.str() + "|webhook_subscriptions|" + subscription.id.str() + "|" +
         std::string(column);
}

std::optional<std::string> sealed(const crypto::KeyRing& ring, const Subscription& subscription,
                                  const base::Secret& secret, std::string_view column) {
  if (secret.empty()) return std::nullopt;
  return ring.seal(secret.reveal(), place_of(subscription, column));
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::string texts_json(const std::vector<std::string>& texts) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_array();
  for (const std::string& each : texts) json.value(each);
  json.end_array();
  return text;
}

/// What may be read of them: null for each that is a secret.
std::string headers_json(const Subscription& subscription) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  for (const auto& [key, value] : subscription.headers) {
    json.key(key);
    is_secret_header(subscription, key) ? json.null() : json.value(value);
  }
  json.end_object();
  return text;
}

/// The others; empty where there are none.
base::Secret secret_headers_json(const Subscription& subscription) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  bool any = false;
  for (const auto& [key, value] : subscription.headers) {
    if (!is_secret_header(subscription, key)) continue;
    json.key(key).value(value);
    any = true;
  }
  json.end_object();
  return base::Secret(any ? std::move(text) : std::string());
}

std::string intervals_json(const Subscription& subscription) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_array();
  for (const auto interval : subscription.retry_intervals) json.value(interval.count());
  json.end_array();
  return text;
}

/// What we wrote ourselves must read; if it does not, the store is damaged.
Result<format::Document> stored_json(const db::Row& row, int column) {
  auto document = format::parse_json(row.string(column));
  if (document) return document;
  return fail(Code::corrupt, "subscription " + row.uuid(0).str() + " has a damaged column; restore a backup");
}

std::vector<std::string> texts_of(const format::Document& document) {
  std::vector<std::string> texts;
  for (const format::Value& each : document.root().elements()) texts.emplace_back(each.text());
  return texts;
}

Result<void> read_headers(const db::Row& row, const crypto::KeyRing& ring, Subscription& result) {
  if (!row.is_null(32)) {
    XD_TRY(const auto names, stored_json(row, 32));
    result.secret_headers = texts_of(names);
  }
  std::optional<format::Document> secrets;
  if (!row.is_null(33)) {
    XD_TRY(const base::Secret opened, ring.open(row.text(33), place_of(result, "secret_header_values")));
    XD_TRY(secrets, format::parse_json(std::string(opened.reveal())));
  }
  XD_TRY(const auto headers, stored_json(row, 9));
  for (const format::Member& header : headers.root().members()) {
    const format::Value* value = &header.value;
    if (value->is_null()) value = secrets ? secrets->root().find(header.key) : nullptr;
    if (value == nullptr) {
      return fail(Code::corrupt, "the secret header " + std::string(header.key) + " of subscription " +
                                     result.id.str() + " has no value; give it anew");
    }
    result.headers.emplace_back(header.key, value->text());
  }
  return {};
}

/// The value of a column that holds a word. Error: corrupt, where it is none that this version knows.
template <class T>
Result<T> stored_word(const db::Row& row, int column, std::optional<T> (*parse)(std::string_view)) {
  if (const std::optional<T> known = parse(row.text(column))) return *known;
  return fail(Code::corrupt, "'" + row.string(column) +
                                 "' stands in a column, which this version of Crossdock "
                                 "does not know; run the version that wrote it, or delete the subscription");
}

/// JSON that is kept as its text; empty for none.
Result<std::string> stored_text(const db::Row& row, int column) {
  if (row.is_null(column)) return std::string();
  XD_DO(stored_json(row, column));
  return row.string(column);
}

/// The columns behind filter.
Result<void> read_settings(const db::Row& row, const crypto::KeyRing& ring, Subscription& result) {
  XD_TRY(result.signing_scheme, stored_word(row, 24, parse_signing_scheme));
  XD_TRY(result.signing_config, stored_text(row, 25));
  if (const auto most = row.maybe_integer(27)) result.max_in_flight = static_cast<int>(*most);
  if (!row.is_null(28)) {
    result.rate_limit = {static_cast<int>(row.integer(28)), std::chrono::seconds{row.integer(29)}};
  }
  if (!row.is_null(30)) {
    XD_TRY(result.client_certificate, ring.open(row.text(30), place_of(result, "client_certificate")));
  }
  result.ca_certificate = row.maybe_string(31).value_or("");
  result.circuit_no = row.integer(34);
  return read_headers(row, ring, result);
}

/// Everything that may be damaged, or closed to the keys that there are: first what events are matched by,
/// then what their deliveries wait by.
Result<void> read_parts(const db::Row& row, const crypto::KeyRing& ring, Subscription& result) {
  XD_TRY(const auto types, stored_json(row, 5));
  result.event_types = texts_of(types);
  result.filter = kUnreadFilter;
  XD_TRY(result.filter, stored_text(row, 23));
  XD_TRY(const auto intervals, stored_json(row, 14));
  result.retry_intervals.clear();
  for (const format::Value& interval : intervals.root().elements()) {
    result.retry_intervals.emplace_back(interval.integer().value_or(60));
  }
  XD_TRY(result.ordering, stored_word(row, 26, parse_ordering));
  XD_TRY(result.status, stored_word(row, 15, parse_subscription_status));
  XD_TRY(result.auth_type, stored_word(row, 6, parse_auth_type));
  if (!row.is_null(7)) {
    XD_TRY(result.auth_config, ring.open(row.text(7), place_of(result, "auth_config")));
  }
  XD_TRY(result.payload_format, stored_word(row, 10, parse_payload_format));
  return read_settings(row, ring, result);
}

Subscription read_subscription(const db::Row& row, const crypto::KeyRing& ring) {
  Subscription result;
  result.id = row.id<SubscriptionId>(0);
  result.tenant = row.id<TenantId>(1);
  result.name = row.string(2);
  result.description = row.maybe_string(3);
  result.url = row.string(4);
  result.content_type = row.string(8);
  result.timeout = std::chrono::seconds{row.integer(11)};
  result.retry_enabled = row.flag(12);
  result.max_retries = static_cast<int>(row.integer(13));
  result.retry_intervals.assign(std::begin(queue::kRetryIntervals), std::end(queue::kRetryIntervals));
  result.is_enabled = row.flag(16);
  result.disabled_reason = row.maybe_string(17);
  result.disabled = row.maybe_time(18);
  result.version = row.integer(19);
  if (!row.is_null(20)) result.created_by = row.uuid(20);
  result.created = row.time(21);
  result.updated = row.time(22);
  if (auto read = read_parts(row, ring, result); !read) result.broken = read.error().message;
  return result;
}

Result<std::vector<SubscriptionPtr>> with_secrets(db::Tx& tx, const crypto::KeyRing& ring,
                                                  std::vector<Subscription> read) {
  std::vector<SubscriptionPtr> result;
  for (Subscription& subscription : read) {
    XD_TRY(auto found, tenant::find_secrets(tx, ring, subscription.secret_owner()));
    subscription.secrets = std::move(found.secrets);
    if (subscription.broken.empty()) subscription.broken = found.broken;
    subscription.secrets_closed = std::move(found.broken);
    result.push_back(std::make_shared<const Subscription>(std::move(subscription)));
  }
  return result;
}

Result<std::vector<SubscriptionPtr>> select(db::Tx& tx, const crypto::KeyRing& ring, db::PageQuery query) {
  std::vector<Subscription> read;
  XD_DO(query.run(tx, read, [&](const db::Row& row) { return read_subscription(row, ring); }));
  return with_secrets(tx, ring, std::move(read));
}

/// At most what is shown of it takes: a page that was cut for its bytes must look full to the list.
std::size_t shown_bytes(const Subscription& subscription) {
  std::size_t bytes = subscription.filter.size() + subscription.signing_config.size() +
                      subscription.ca_certificate.size() + subscription.url.size();
  for (const std::string& type : subscription.event_types) bytes += type.size();
  for (const auto& [key, value] : subscription.headers)
    bytes += key.size() + (is_secret_header(subscription, key) ? 0 : value.size());
  return bytes;
}

/// Of headers as they are stored: whether a value lies there that tells to be a secret.
Result<bool> has_plain_secret(const std::string& headers) {
  if (headers == "{}") return false;
  const auto document = format::parse_json(headers);
  if (!document) return false;  // of one that cannot be read, and is not written
  return std::ranges::any_of(document->root().members(), [](const format::Member& header) {
    static const Subscription kNobody;
    return !header.value.is_null() && is_secret_header(kNobody, header.key);
  });
}

constexpr db::Page kAll{.limit = std::numeric_limits<std::int64_t>::max()};

/// The columns that a change may change, as the table holds them. Owns the texts its arguments point to.
struct Settings {
  Settings(const crypto::KeyRing& ring, const Subscription& given)
      : s(given),
        types(texts_json(s.event_types)),
        auth(sealed(ring, s, s.auth_config, "auth_config")),
        headers(headers_json(s)),
        intervals(intervals_json(s)),
        filter(unless_empty(s.filter)),
        signing(unless_empty(s.signing_config)),
        certificate(sealed(ring, s, s.client_certificate, "client_certificate")),
        ca(unless_empty(s.ca_certificate)),
        secret_values(sealed(ring, s, secret_headers_json(s), "secret_header_values")) {
    if (!s.secret_headers.empty()) secret_names = texts_json(s.secret_headers);
    if (s.rate_limit) rate = {s.rate_limit->requests, s.rate_limit->window.count()};
  }

  /// $1 is the id, $2 the tenant, $3 … $33 the columns that the statements below name.
  std::vector<db::Arg> args() const {
    return {s.id,
            s.tenant,
            s.name,
            s.description,
            s.url,
            types,
            name(s.auth_type),
            auth,
            s.content_type,
            headers,
            name(s.payload_format),
            s.timeout.count(),
            s.retry_enabled,
            s.max_retries,
            intervals,
            name(s.status),
            s.is_enabled,
            s.disabled_reason,
            s.disabled,
            s.version,
            s.updated,
            filter,
            name(s.signing_scheme),
            signing,
            name(s.ordering),
            s.max_in_flight,
            rate.first,
            rate.second,
            certificate,
            ca,
            secret_names,
            secret_values,
            s.circuit_no};
  }

  const Subscription& s;
  std::string types;
  std::optional<std::string> auth;
  std::string headers;
  std::string intervals;
  std::optional<std::string> filter;
  std::optional<std::string> signing;
  std::optional<std::string> certificate;
  std::optional<std::string> ca;
  std::optional<std::string> secret_values;
  std::optional<std::string> secret_names;
  std::pair<std::optional<std::int64_t>, std::optional<std::int64_t>> rate;
};

}  // namespace

Result<void> insert_subscription(db::Tx& tx, const crypto::KeyRing& ring, const Subscription& subscription) {
  const Settings settings(ring, subscription);
  std::vector<db::Arg> args = settings.args();
  args.insert(args.end(), {subscription.created_by, subscription.created});
  XD_DO(tx.exec(
      "INSERT INTO webhook_subscriptions (id, tenant_id, name, description, url, event_types,"
      " auth_type, auth_config, content_type, headers, payload_format, timeout_seconds, retry_enabled,"
      " max_retries, retry_intervals, status, is_enabled, disabled_reason, disabled_at, version,"
      " updated_at, filter, signing_scheme, signing_config, ordering, max_in_flight,"
      " rate_limit_requests, rate_limit_window, client_certificate, ca_certificate, secret_headers,"
      " secret_header_values, circuit_no, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8,"
      " $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28,"
      " $29, $30, $31, $32, $33, $34, $35)",
      args));
  for (const SigningSecret& secret : subscription.secrets) {
    XD_DO(tenant::insert_secret(tx, ring, subscription.secret_owner(), secret));
  }
  XD_DO(
      tx.exec("INSERT INTO subscription_stats (subscription_id, total_sent, total_delivered, total_failed,"
              " consecutive_failures) VALUES ($1, 0, 0, 0, 0)",
              {subscription.id}));
  return {};
}

Result<bool> update_subscription(db::Tx& tx, const crypto::KeyRing& ring, const Subscription& subscription) {
  const Settings settings(ring, subscription);
  XD_TRY(
      const auto changed,
      tx.exec("UPDATE webhook_subscriptions SET name = $3, description = $4, url = $5, event_types = $6,"
              " auth_type = $7, auth_config = $8, content_type = $9, headers = $10, payload_format = $11,"
              " timeout_seconds = $12, retry_enabled = $13, max_retries = $14, retry_intervals = $15,"
              " status = $16, is_enabled = $17, disabled_reason = $18, disabled_at = $19, version = $20,"
              " updated_at = $21, filter = $22, signing_scheme = $23, signing_config = $24, ordering = $25,"
              " max_in_flight = $26, rate_limit_requests = $27, rate_limit_window = $28,"
              " client_certificate = $29, ca_certificate = $30, secret_headers = $31,"
              " secret_header_values = $32, circuit_no = $33"
              " WHERE id = $1 AND tenant_id = $2 AND version = $20 - 1",
              settings.args()));
  return changed == 1;
}

Result<void> ensure_detour_lane(db::Tx& tx, TenantId tenant, SubscriptionId id) {
  // Whoever pauses the subscription at this moment is waited for.
  XD_DO(queue::lock_lane(tx, tenant, queue::LaneId{id.uuid}));
  XD_DO(
      tx.exec("INSERT INTO lanes (id, tenant_id, kind, state, epoch) SELECT $1, tenant_id, kind, state, 0"
              " FROM lanes WHERE id = $2 ON CONFLICT (id) DO NOTHING",
              {detour_lane(id), id}));
  return {};
}

Result<std::optional<SubscriptionId>> seal_headers_after(db::Tx& tx, const crypto::KeyRing& ring,
                                                         SubscriptionId after, std::size_t limit) {
  struct Known {
    SubscriptionId id;
    TenantId tenant;
    std::string headers;
  };
  std::vector<Known> all;
  XD_DO(
      tx.query("SELECT id, tenant_id, headers FROM webhook_subscriptions WHERE id > $1 ORDER BY id LIMIT $2",
               {after, limit}, [&](const db::Row& row) {
                 all.push_back({row.id<SubscriptionId>(0), row.id<TenantId>(1), row.string(2)});
               }));
  for (const Known& known : all) {
    XD_TRY(const bool plain, has_plain_secret(known.headers));
    if (!plain) continue;
    XD_TRY(const SubscriptionPtr subscription, find_subscription(tx, ring, known.tenant, known.id));
    if (!subscription || !subscription->broken.empty()) continue;
    const Settings settings(ring, *subscription);
    XD_DO(
        tx.exec("UPDATE webhook_subscriptions SET headers = $3, secret_header_values = $4"
                " WHERE id = $1 AND tenant_id = $2 AND headers = $5",
                {known.id, known.tenant, settings.headers, settings.secret_values, known.headers}));
  }
  return all.empty() ? std::nullopt : std::optional(all.back().id);
}

Result<bool> delete_subscription(db::Tx& tx, TenantId tenant, SubscriptionId id) {
  XD_TRY(const auto deleted,
         tx.exec("DELETE FROM webhook_subscriptions WHERE id = $1 AND tenant_id = $2", {id, tenant}));
  if (deleted == 0) return false;
  XD_DO(tenant::drop_secrets(tx, Subscription{.id = id, .tenant = tenant}.secret_owner()));
  XD_DO(tx.exec("DELETE FROM subscription_stats WHERE subscription_id = $1", {id}));
  return true;
}

Result<SubscriptionPtr> find_subscription(db::Tx& tx, const crypto::KeyRing& ring, TenantId tenant,
                                          SubscriptionId id) {
  XD_TRY(auto found,
         select(tx, ring, {std::string(kSelect) + " WHERE id = $1 AND tenant_id = $2", {id, tenant}, kAll}));
  return found.empty() ? nullptr : std::move(found.front());
}

Result<std::vector<SubscriptionPtr>> all_subscriptions(db::Tx& tx, const crypto::KeyRing& ring) {
  return select(tx, ring, {std::string(kSelect) + " WHERE 1 = 1", {}, kAll});
}

Result<std::vector<SubscriptionPtr>> list_subscriptions(db::Tx& tx, const crypto::KeyRing& ring,
                                                        TenantId tenant, const db::Page& page) {
  db::PageQuery query(std::string(kSelect) + " WHERE tenant_id = $1", {tenant}, page);
  std::vector<Subscription> read;
  XD_DO(query.run_within_bytes(
      tx, read, [&](const db::Row& row) { return read_subscription(row, ring); }, shown_bytes,
      [](const Subscription& subscription) { return subscription.id.uuid; }));
  return with_secrets(tx, ring, std::move(read));
}

Result<std::string> mark_of_subscriptions(db::Tx& tx) {
  std::string mark;
  XD_DO(
      tx.query("SELECT count(*), CAST(COALESCE(sum(version), 0) AS BIGINT), COALESCE(max(updated_at), 0)"
               " FROM webhook_subscriptions",
               {}, [&](const db::Row& row) {
                 for (int column = 0; column < 3; ++column) mark += std::to_string(row.integer(column)) + "/";
               }));
  return mark;
}

Result<std::int64_t> count_subscriptions(db::Tx& tx, TenantId tenant) {
  std::int64_t count = 0;
  XD_DO(tx.query("SELECT count(*) FROM webhook_subscriptions WHERE tenant_id = $1", {tenant},
                 [&](const db::Row& row) { count = row.integer(0); }));
  return count;
}

std::optional<queue::Breaker::Open> read_circuit(const db::Row& row, int first) {
  if (row.is_null(first)) return std::nullopt;
  return queue::Breaker::Open{row.time(first), std::chrono::seconds{row.integer(first + 1)},
                              row.time(first + 2)};
}

Result<SubscriptionStats> find_stats(db::Tx& tx, SubscriptionId id) {
  SubscriptionStats stats;
  XD_DO(
      tx.query("SELECT t.total_sent, t.total_delivered, t.total_failed, t.last_triggered_at,"
               " t.last_success_at, t.last_failure_at, t.consecutive_failures, " +
                   std::string(kCircuitColumns) +
                   " FROM subscription_stats t JOIN webhook_subscriptions s ON s.id = t.subscription_id"
                   " LEFT JOIN lanes l ON l.id = s.id WHERE t.subscription_id = $1",
               {id}, [&](const db::Row& row) {
                 stats = {row.integer(0),    row.integer(1),    row.integer(2), row.maybe_time(3),
                          row.maybe_time(4), row.maybe_time(5), row.integer(6), read_circuit(row, 7)};
               }));
  return stats;
}

}  // namespace outbound
