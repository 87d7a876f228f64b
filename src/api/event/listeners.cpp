// /api/v1/listeners: consumers whose place in the feed is kept for them, as `crossdock listen` is one.
#include "api/core/auth.hpp"
#include "api/core/input.hpp"
#include "api/core/once.hpp"
#include "api/core/page.hpp"
#include "api/event/feed_stream.hpp"
#include "api/event/routes.hpp"
#include "outbound/listener/listener.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using outbound::Listener;

constexpr std::size_t kErrorBytesMax = 500;
constexpr std::int64_t kTimeMsMax = 24 * 3600 * 1000;

void write_listener(format::JsonWriter& json, const Listener& listener) {
  json.begin_object();
  outbound::listeners().write(json, listener);
  json.end_object();
}

std::string listener_json(const Listener& listener) {
  std::string text;
  format::JsonWriter json(text);
  write_listener(json, listener);
  return text;
}

Result<Listener> find_or_fail(const Call& call, db::Tx& tx) {
  XD_TRY(auto known, outbound::find_listener(tx, call.tenant_id(), call.param("name")));
  if (!known)
    return fail(Code::not_found, "there is no listener of this name; POST /api/v1/listeners makes one");
  return std::move(*known);
}

/// Where a new listener begins.
struct Beginning {
  bool oldest = false;
  std::optional<base::Time> time{};
};

Result<Beginning> read_listener(Input& input, Listener& listener) {
  Beginning beginning;
  outbound::listeners().read(input, Reading::whole, {.event_types = {"*"}}, listener);
  if (auto fits = outbound::check_listener_name(listener.name); !listener.name.empty() && !fits) {
    input.error("name", "INVALID", fits.error().message);
  }
  const std::string from = input.text("from", 64).value_or("now");
  beginning.oldest = from == "start";
  if (from != "now" && from != "start") {
    auto time = base::parse_rfc3339(from);
    if (!time) input.error("from", "INVALID", "now, start, or a time as 2025-08-19T09:30:00Z");
    if (time) beginning.time = *time;
  }
  XD_DO(input.finish());
  return beginning;
}

Result<Answer> make_listener(const Call& call, db::Tx& tx, Listener wanted, const Beginning& beginning) {
  XD_TRY(auto known, outbound::find_listener(tx, wanted.tenant, wanted.name));
  if (known) {
    known->event_types = wanted.event_types;
    XD_DO(outbound::set_listener_types(tx, *known, wanted.created));
    XD_TRY(known, outbound::find_listener(tx, wanted.tenant, wanted.name));
    return Answer{200, listener_json(*known)};
  }
  XD_TRY(const std::int64_t count, outbound::count_listeners(tx, wanted.tenant));
  if (count >= static_cast<std::int64_t>(base::limits::kListenersPerTenantMax)) {
    return fail(Code::conflict, "a tenant can have at most 100 listeners; delete some");
  }
  if (beginning.time) {
    XD_TRY(wanted.position, event::feed_position_at(tx, *beginning.time));
  } else {
    XD_TRY(wanted.position, beginning.oldest ? event::feed_start(tx) : event::feed_now(tx));
  }
  XD_DO(outbound::insert_listener(tx, wanted));
  auto entry = call.audit("listener.created", "listener", wanted.id.uuid);
  entry.after = listener_json(wanted);
  XD_DO(tenant::insert_audit(tx, entry));
  return Answer{201, listener_json(wanted)};
}

/// The last message of a session that no longer follows.
base::Task<std::string> last_words(Services& services, Listener listener, base::Uuid session) {
  const base::Time now = services.clock.now();
  XD_CO_TRY(const auto standing, co_await services.store.write([&](db::Tx& tx) {
    return outbound::touch_listener(tx, listener, session, now);
  }));
  std::string text;
  if (standing == outbound::Standing::superseded) {
    append_message(text, listener.position.str(), "superseded", R"({"reason":"ANOTHER_SESSION"})");
  } else if (standing == outbound::Standing::deleted) {
    append_message(text, listener.position.str(), "end", R"({"reason":"DELETED"})");
  }
  co_return text;
}

}  // namespace

base::Task<http::Response> create_listener(Call& call) {
  XD_CO_TRY(const auto document, co_await read_json(call));
  Input input(document.root(), "#");
  const base::Time now = call.services.clock.now();
  Listener wanted{.id = outbound::ListenerId::make(now), .tenant = call.tenant_id()};
  wanted.last_seen = now;
  wanted.created = now;
  wanted.updated = now;
  XD_CO_TRY(const Beginning beginning, read_listener(input, wanted));
  co_return co_await change_once(call,
                                 [&](db::Tx& tx) { return make_listener(call, tx, wanted, beginning); });
}

base::Task<http::Response> list_listeners(Call& call) {
  XD_CO_TRY(const PageRequest page, read_page(call));
  XD_CO_TRY(auto listeners, co_await call.services.store.read([&](db::Tx& tx) {
    return outbound::list_listeners(tx, call.tenant_id(), page.rows());
  }));
  co_return list_response(
      page, std::move(listeners), [](const Listener& listener) { return listener.id.uuid; }, write_listener);
}

base::Task<http::Response> get_listener(Call& call) {
  XD_CO_TRY(const Listener listener,
            co_await call.services.store.read([&](db::Tx& tx) { return find_or_fail(call, tx); }));
  co_return json_response(200, listener_json(listener));
}

base::Task<http::Response> delete_listener(Call& call) {
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    XD_TRY(const Listener listener, find_or_fail(call, tx));
    XD_DO(outbound::delete_listener(tx, listener));
    auto entry = call.audit("listener.deleted", "listener", listener.id.uuid);
    entry.before = listener_json(listener);
    XD_DO(tenant::insert_audit(tx, entry));
    tx.on_commit([bell = &call.services.bell, id = listener.id.uuid] { bell->nudge(id); });
    return Answer{204};
  });
}

base::Task<http::Response> stream_listener(Call& call) {
  // Who follows takes the place of whoever did, so the route asks for the right to change it; and it reads.
  XD_CO_DO(require(call, tenant::Permission::events_read));
  const base::Uuid session = base::make_uuid(call.services.clock.now());
  XD_CO_TRY(Listener listener, co_await call.services.store.write([&](db::Tx& tx) -> Result<Listener> {
    XD_TRY(const Listener known, find_or_fail(call, tx));
    if (!known.broken.empty()) {
      return fail(Code::conflict,
                  "this listener cannot be read; POST /api/v1/listeners with its name and "
                  "event_types mends it: " +
                      known.broken);
    }
    XD_DO(outbound::take_listener(tx, known, session, call.services.clock.now()));
    // Whoever followed until now learns of it at once.
    tx.on_commit([bell = &call.services.bell, id = known.id.uuid] { bell->nudge(id); });
    return known;
  }));
  FeedStream stream{.tenant = listener.tenant,
                    .who = call.principal,
                    .patterns = listener.event_types,
                    .deliveries = false,
                    .from = listener.position,
                    .when_lost = FeedStream::WhenLost::oldest,
                    .name = listener.id.uuid};
  stream.check = [&services = call.services, listener, session] {
    return last_words(services, listener, session);
  };
  co_return feed_response(call.services, std::move(stream));
}

base::Task<http::Response> acknowledge_listener(Call& call) {
  XD_CO_TRY(const auto document, co_await read_json(call));
  Input input(document.root(), "#");
  const auto position = event::FeedPosition::parse(input.required_text("position", 64).value_or(""));
  if (!position && input.has("position")) {
    input.error("position", "INVALID", "send the id of a message of the listener's stream as it is");
  }
  std::optional<outbound::ListenerAnswer> answer;
  const auto event = event::EventId::parse(input.text("event_id", 36).value_or(""));
  if (!event && input.has("event_id")) input.error("event_id", "INVALID", "this is not a UUID");
  if (const format::Value* outcome = input.any("outcome")) {
    Input inner(*outcome, "#/outcome");
    answer.emplace();
    answer->status = inner.integer("status", 100, 599);
    answer->time_ms = inner.integer("time_ms", 0, kTimeMsMax).value_or(0);
    answer->error = inner.text("error", kErrorBytesMax).value_or("");
    answer->url = inner.text("url", base::limits::kUrlBytesMax).value_or("");
    if (auto finished = inner.finish(); !finished) input.take_errors(finished.error());
    if (!input.has("event_id")) input.error("event_id", "REQUIRED", "an outcome is that of an event");
    if (event) answer->event = *event;
  }
  XD_CO_DO(input.finish());
  XD_CO_TRY(const Listener listener, co_await call.services.store.write([&](db::Tx& tx) -> Result<Listener> {
    XD_TRY(const Listener known, find_or_fail(call, tx));
    XD_TRY(const bool moved, outbound::acknowledge(tx, known, *position, answer, call.services.clock.now()));
    if (moved && answer) tx.on_commit([bell = &call.services.bell] { bell->ring(); });
    return find_or_fail(call, tx);
  }));
  co_return json_response(200, listener_json(listener));
}

}  // namespace api
