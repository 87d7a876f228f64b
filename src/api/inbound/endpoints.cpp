// /api/v1/webhooks/endpoints: where outside systems send to.
#include "api/core/change.hpp"
#include "api/core/page.hpp"
#include "api/inbound/endpoint_input.hpp"
#include "api/inbound/routes.hpp"
#include "inbound/endpoint/deletion.hpp"
#include "queue/queue_store.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using inbound::Endpoint;
using inbound::EndpointId;
using inbound::EndpointPtr;
using inbound::EndpointStatus;

constexpr std::int64_t kOverlapDefault = 24 * 3600;
constexpr std::int64_t kOverlapMax = 30 * 24 * 3600;

void tell_everybody(db::Tx& tx, Services& services, EndpointPtr endpoint) {
  tx.on_commit([books = &services.inbound.books(), endpoint = std::move(endpoint)] {
    books->tell([endpoint](inbound::Book& book) { book.put(endpoint); });
  });
}

std::unexpected<base::Error> path_taken(const Endpoint& endpoint) {
  return fail(Code::conflict, "the path '" + endpoint.path + "' is another endpoint's", "UNIQUE_VIOLATION");
}

/// If-Match, the new version, lane, audit and all shards' books.
Result<Answer> change(Call& call, db::Tx& tx, EndpointId id, const char* action,
                      const std::function<Result<void>(Endpoint&)>& edit) {
  XD_DO(queue::lock_lane(tx, call.tenant_id(), queue::LaneId{id.uuid}));
  XD_TRY(const EndpointPtr known, find_endpoint_or_fail(call, tx, id));
  // It may be well, and only the key or this version be wrong.
  if (!known->broken.empty())
    return fail(Code::conflict, "this endpoint cannot be read, so it can only be deleted: " + known->broken);
  return change_resource<Endpoint>(
      call, tx, *known,
      {.action = action,
       .type = "endpoint",
       .edit = edit,
       .write = [&](const Endpoint& changed) -> Result<bool> {
         auto written = inbound::update_endpoint(tx, changed);
         if (!written && written.error().code == Code::conflict) return path_taken(changed);
         return written;
       },
       .then = [&](const Endpoint& before, const Endpoint& changed) -> Result<void> {
         if (changed.lane_state() == before.lane_state()) return {};
         return call.services.queue.set_state(tx, changed.lane(), changed.lane_state());
       },
       .json = [&](const Endpoint& endpoint) -> Result<std::string> {
         XD_TRY(const auto stats, inbound::find_endpoint_stats(tx, id));
         return endpoint_json(call, endpoint, stats);
       },
       .tell = [&](EndpointPtr changed) { tell_everybody(tx, call.services, std::move(changed)); }});
}

/// Sets the patterns of a scheme up where that holds nobody up.
base::Task<void> check_patterns_aside(Call& call, const inbound::SaidScheme& said) {
  co_return co_await call.services.offload.run(call.tenant_id().uuid,
                                               [&said] { return inbound::check_patterns(said); });
}

/// A secret that a change brings counts instead of those before, at once. Where the sender is to tell it from
/// now on, those before end as well: they were not told by it.
Result<void> replace_secrets(Call& call, db::Tx& tx, const Endpoint& before, Endpoint& endpoint,
                             const base::Secret& text) {
  using Source = crypto::Scheme::KeyRule::Source;
  const base::Time now = call.services.clock.now();
  const auto at_once = [now](const tenant::SigningSecret&) { return now; };
  if (text.empty()) {
    const auto captures = [](const Endpoint& one) {
      const auto scheme = inbound::scheme_of(one);
      return scheme && scheme->key.source == Source::capture;
    };
    if (captures(before) || !captures(endpoint)) return {};
    return tenant::retire_secrets(tx, endpoint.secret_owner(), endpoint.secrets, now, at_once);
  }
  // Of all that have ended there is none left, so there is room.
  XD_DO(tenant::rotate_secrets(tx, call.services.ring, endpoint.secret_owner(), endpoint.secrets,
                               tenant::make_signing_secret(text.clone(), now), at_once));
  return {};
}

base::Task<http::Response> change_from_body(Call& call, Reading reading) {
  XD_CO_TRY(const auto id, id_param<EndpointId>(call, "id"));
  XD_CO_TRY(const auto document, co_await read_json(call));
  // What it will say, before the transaction in which others wait.
  XD_CO_TRY(const auto checked,
            co_await call.services.store.read([&](db::Tx& tx) -> Result<inbound::SaidScheme> {
              XD_TRY(const EndpointPtr known, find_endpoint_or_fail(call, tx, id));
              Endpoint endpoint = known->copy();
              Input input(document.root(), "#");
              read_endpoint(input, reading, endpoint);
              read_changed_secret(input, *known, endpoint);
              XD_DO(input.finish());
              return endpoint.said_scheme();
            }));
  XD_CO_DO(co_await check_patterns_aside(call, checked));
  co_return co_await change_once(call, [&](db::Tx& tx) {
    return change(call, tx, id, "endpoint.updated", [&](Endpoint& endpoint) -> Result<void> {
      const Endpoint before = endpoint.copy();
      Input input(document.root(), "#");
      read_endpoint(input, reading, endpoint);
      const base::Secret secret = read_changed_secret(input, before, endpoint);
      XD_DO(input.finish());
      if (endpoint.said_scheme() != checked) XD_DO(inbound::check_patterns(endpoint.said_scheme()));
      XD_DO(replace_secrets(call, tx, before, endpoint, secret));
      XD_DO(inbound::check_endpoint(std::make_shared<const Endpoint>(endpoint.copy())));
      return {};
    });
  });
}

base::Task<http::Response> change_by(Call& call, const char* action,
                                     std::function<Result<void>(Endpoint&)> edit) {
  XD_CO_TRY(const auto id, id_param<EndpointId>(call, "id"));
  co_return co_await change_once(call, [&](db::Tx& tx) { return change(call, tx, id, action, edit); });
}

/// The fresh secret counts from now on; those before it for the overlap. Without a fresh one, which only
/// schemes whose sender tells it do without, the next handshake brings it.
Result<void> rotate(Call& call, db::Tx& tx, Endpoint& endpoint, const base::Secret& text,
                    std::chrono::seconds overlap) {
  const base::Time now = call.services.clock.now();
  const auto until = [&](const tenant::SigningSecret&) { return now + overlap; };
  if (text.empty()) return tenant::retire_secrets(tx, endpoint.secret_owner(), endpoint.secrets, now, until);
  const auto same = [&](const tenant::SigningSecret& known) {
    return known.active(now) && known.text.reveal() == text.reveal();
  };
  if (std::ranges::any_of(endpoint.secrets, same))
    return fail(Code::conflict, "this secret counts already; give another, or none");
  XD_TRY(const bool room,
         tenant::rotate_secrets(tx, call.services.ring, endpoint.secret_owner(), endpoint.secrets,
                                tenant::make_signing_secret(text.clone(), now), until));
  if (!room)
    return fail(Code::conflict, "four secrets count already; wait until the overlap of one has ended");
  XD_DO(inbound::check_endpoint(std::make_shared<const Endpoint>(endpoint.copy())));
  return {};
}

}  // namespace

base::Task<http::Response> create_endpoint(Call& call) {
  XD_CO_TRY(const auto document, co_await read_json(call));
  Input input(document.root(), "#");
  const base::Time now = call.services.clock.now();
  auto made = std::make_shared<Endpoint>();
  made->id = EndpointId::make(now);
  made->tenant = call.tenant_id();
  made->created_by = call.principal.key.uuid;
  made->created = now;
  made->updated = now;
  read_endpoint(input, Reading::whole, *made);
  const base::Secret secret = read_endpoint_secret(input, *made);
  XD_CO_DO(input.finish());
  if (!secret.empty()) made->secrets.push_back(tenant::make_signing_secret(secret.clone(), now));
  XD_CO_DO(inbound::check_endpoint(made));
  XD_CO_DO(co_await check_patterns_aside(call, made->said_scheme()));
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const std::int64_t count, inbound::count_endpoints(tx, made->tenant));
    if (count >= static_cast<std::int64_t>(base::limits::kEndpointsPerTenantMax)) {
      return fail(Code::conflict, "a tenant can have at most 10,000 endpoints; delete some");
    }
    if (auto inserted = inbound::insert_endpoint(tx, call.services.ring, *made); !inserted) {
      if (inserted.error().code == Code::conflict) return path_taken(*made);
      return std::unexpected(inserted.error());
    }
    XD_DO(call.services.queue.create_lane(tx, made->lane(), made->tenant, inbound::kProcessKind,
                                          made->lane_state()));
    auto entry = call.audit("endpoint.created", "endpoint", made->id.uuid);
    entry.after = endpoint_json(call, *made, {});
    XD_DO(tenant::insert_audit(tx, entry));
    tell_everybody(tx, call.services, made);
    return Answer{201, endpoint_json(call, *made, {}, secret.reveal()), made->version};
  });
}

base::Task<http::Response> list_endpoints(Call& call) {
  XD_CO_TRY(const PageRequest page, read_page(call));
  using Row = std::pair<EndpointPtr, inbound::EndpointStats>;
  XD_CO_TRY(auto rows, co_await call.services.store.read([&](db::Tx& tx) -> Result<std::vector<Row>> {
    XD_TRY(auto endpoints, inbound::list_endpoints(tx, call.services.ring, call.tenant_id(), page.rows()));
    std::vector<EndpointId> ids;
    for (const EndpointPtr& endpoint : endpoints) ids.push_back(endpoint->id);
    XD_TRY(const auto stats, inbound::find_endpoint_stats(tx, ids));
    std::vector<Row> result;
    for (EndpointPtr& endpoint : endpoints) {
      const auto own = stats.find(endpoint->id);
      result.emplace_back(std::move(endpoint), own == stats.end() ? inbound::EndpointStats{} : own->second);
    }
    return result;
  }));
  co_return list_response(
      page, std::move(rows), [](const Row& row) { return row.first->id.uuid; },
      [&call](format::JsonWriter& json, const Row& row) {
        json.raw(endpoint_json(call, *row.first, row.second));
      });
}

base::Task<http::Response> get_endpoint(Call& call) {
  XD_CO_TRY(const auto id, id_param<EndpointId>(call, "id"));
  XD_CO_TRY(const Answer answer, co_await call.services.store.read([&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const EndpointPtr known, find_endpoint_or_fail(call, tx, id));
    XD_TRY(const auto stats, inbound::find_endpoint_stats(tx, id));
    return Answer{200, endpoint_json(call, *known, stats), known->version};
  }));
  co_return json_response(200, answer.body, *answer.version);
}

base::Task<http::Response> replace_endpoint(Call& call) { return change_from_body(call, Reading::whole); }
base::Task<http::Response> patch_endpoint(Call& call) { return change_from_body(call, Reading::patch); }

base::Task<http::Response> delete_endpoint(Call& call) {
  XD_CO_TRY(const auto id, id_param<EndpointId>(call, "id"));
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    // First, so that nobody changes it between the look at its version and the deletion.
    XD_DO(queue::lock_lane(tx, call.tenant_id(), queue::LaneId{id.uuid}));
    XD_TRY(const EndpointPtr known, find_endpoint_or_fail(call, tx, id));
    XD_DO(check_if_match(call, known->version));
    XD_TRY(const auto stats, inbound::find_endpoint_stats(tx, id));
    XD_DO(inbound::remove_endpoint(tx, {call.services.queue, call.services.inbound.books()}, call.tenant_id(),
                                   id));
    auto entry = call.audit("endpoint.deleted", "endpoint", id.uuid);
    entry.before = endpoint_json(call, *known, stats);
    XD_DO(tenant::insert_audit(tx, entry));
    return Answer{204};
  });
}

base::Task<http::Response> enable_endpoint(Call& call) {
  return change_by(call, "endpoint.enabled", [](Endpoint& endpoint) -> Result<void> {
    endpoint.is_enabled = true;
    endpoint.status = EndpointStatus::active;
    return {};
  });
}

base::Task<http::Response> disable_endpoint(Call& call) {
  return change_by(call, "endpoint.disabled", [](Endpoint& endpoint) -> Result<void> {
    endpoint.is_enabled = false;
    return {};
  });
}

base::Task<http::Response> rotate_endpoint_secret(Call& call) {
  XD_CO_TRY(const auto id, id_param<EndpointId>(call, "id"));
  XD_CO_TRY(const auto document, co_await read_json_if_any(call));
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    base::Secret secret;
    const auto edit = [&](Endpoint& endpoint) -> Result<void> {
      Input input(document.root(), "#");
      const std::chrono::seconds overlap{
          input.integer("overlap_seconds", 0, kOverlapMax).value_or(kOverlapDefault)};
      secret = read_endpoint_secret(input, endpoint);
      XD_DO(input.finish());
      return rotate(call, tx, endpoint, secret, overlap);
    };
    XD_TRY(const Answer changed, change(call, tx, id, "endpoint.secret_rotated", edit));
    XD_TRY(const EndpointPtr known, find_endpoint_or_fail(call, tx, id));
    XD_TRY(const auto stats, inbound::find_endpoint_stats(tx, id));
    return Answer{200, endpoint_json(call, *known, stats, secret.reveal()), changed.version};
  });
}

base::Task<http::Response> reveal_endpoint_secret(Call& call) {
  XD_CO_TRY(const auto id, id_param<EndpointId>(call, "id"));
  XD_CO_TRY(std::string body, co_await call.services.store.write([&](db::Tx& tx) -> Result<std::string> {
    XD_TRY(const EndpointPtr known, find_endpoint_or_fail(call, tx, id));
    const base::Time now = call.services.clock.now();
    const auto current =
        std::ranges::find_if(known->secrets, [&](const auto& one) { return one.active(now); });
    if (current == known->secrets.end())
      return fail(Code::conflict, "the sender has not told its secret yet; let it send its handshake");
    if (!current->is_captured)
      return fail(Code::conflict,
                  "this secret is not one that the sender has told; it was shown when it was made");
    XD_DO(tenant::insert_audit(tx, call.audit("endpoint.secret_revealed", "endpoint", id.uuid)));
    std::string text;
    format::JsonWriter json(text);
    json.begin_object().key("secret_key").value(current->text.reveal()).end_object();
    return text;
  }));
  http::Response response = json_response(200, std::move(body));
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

}  // namespace api
