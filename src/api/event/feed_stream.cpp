#include "api/event/feed_stream.hpp"

#include "api/core/auth.hpp"
#include "api/event/event_json.hpp"
#include "api/outbound/delivery_json.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "event/pattern.hpp"
#include "outbound/history/history.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using event::FeedKind;
using event::FeedPosition;

constexpr auto kStoreRetry = std::chrono::seconds{1};

/// What one read gives a connection to send.
struct Batch {
  std::string text{};
  FeedPosition end{};
  bool more = false;
};

bool wants(const FeedStream& stream, std::string_view type) {
  return stream.patterns.empty() || std::ranges::any_of(stream.patterns, [&](const std::string& pattern) {
           return event::pattern_matches(pattern, type);
         });
}

std::string event_json(const event::StoredEvent& stored) {
  std::string text;
  format::JsonWriter json(text);
  const event::Event& event = stored.event;
  if (event.data.size() + event.changes.size() <= base::limits::kStreamMessageBytesMax) {
    json.begin_object();
    write_event_members(json, stored);
    json.end_object();
    if (text.size() <= base::limits::kStreamMessageBytesMax) return text;
    text.clear();
  }
  format::JsonWriter cut(text);
  cut.begin_object().key("id").value(event.id).key("type").value(event.type);
  cut.key("occurred_at").value(event.occurred).key("created_at").value(event.created);
  cut.key("data_bytes").value(event.data.size()).key("truncated").value(true).end_object();
  return text;
}

/// The message of an entry; empty where it is not wanted, or what it is about was removed meanwhile.
Result<std::string> message_of(db::Tx& tx, const FeedStream& stream, const event::FeedEntry& entry) {
  std::string text;
  if (entry.kind == FeedKind::event) {
    const event::EventId id{entry.id};
    if (!stream.patterns.empty()) {
      XD_TRY(const std::string type, event::type_of_event(tx, stream.tenant, id));
      if (!wants(stream, type)) return text;
    }
    XD_TRY(const auto stored, event::find_event(tx, stream.tenant, id));
    if (stored) append_message(text, entry.position.str(), "event", event_json(*stored));
  } else {
    XD_TRY(const auto delivery, outbound::find_finished(tx, stream.tenant, outbound::DeliveryId{entry.id}));
    if (!delivery || !wants(stream, delivery->event_type)) return text;
    std::string data;
    format::JsonWriter json(data);
    write_delivery(json, *delivery);
    append_message(text, entry.position.str(), "delivery", std::move(data));
  }
  return text;
}

/// Tells that something may be missing, and where it goes on.
Result<Batch> start_anew(db::Tx& tx, const FeedStream& stream) {
  Batch batch{.more = true};
  const bool oldest = stream.when_lost == FeedStream::WhenLost::oldest;
  XD_TRY(batch.end, oldest ? event::feed_start(tx) : event::feed_now(tx));
  append_message(batch.text, batch.end.str(), "reset",
                 std::string(R"({"reason":"POSITION_TOO_OLD","continues_with":")") +
                     (oldest ? "OLDEST" : "NEWEST") + "\"}");
  return batch;
}

Result<Batch> read_batch(db::Tx& tx, const FeedStream& stream, FeedPosition from) {
  XD_TRY(const event::FeedPage page, event::read_feed(tx, stream.tenant, from));
  if (page.lost) return start_anew(tx, stream);
  Batch batch{.end = page.end, .more = page.more};
  for (const event::FeedEntry& entry : page.entries) {
    if (!(entry.kind == FeedKind::event ? stream.events : stream.deliveries)) continue;
    XD_TRY(const std::string message, message_of(tx, stream, entry));
    batch.text += message;
    if (batch.text.size() < base::limits::kStreamBytesPerRead) continue;
    batch.end = entry.position;
    batch.more = true;
    break;
  }
  return batch;
}

/// Whether who follows still may.
base::Task<bool> may_go_on(Services& services, const FeedStream& stream) {
  XD_CO_TRY(const auto key, co_await services.store.read([&stream](db::Tx& tx) {
    return tenant::find_key(tx, stream.who.tenant, stream.who.key);
  }));
  const auto tenant = services.tenants.find(stream.tenant);
  co_return tenant&& check_usable(*tenant, stream.who).has_value() && key &&
      key->usable(services.clock.now());
}

/// When it is looked at next whether who follows still may: after a while, or when the key expires.
base::Deadline next_look(const Services& services, const FeedStream& stream) {
  const base::Deadline beat = base::steady_now() + base::limits::kStreamHeartbeat;
  if (!stream.who.expires) return beat;
  // Counted anew each time, for the clock of the world may have been set.
  return std::min(
      beat, base::steady_now() + services.clock.until(*stream.who.expires) + std::chrono::milliseconds{1});
}

/// The last message of a stream that has to end; empty when it goes on.
base::Task<std::string> last_words(Services& services, const FeedStream& stream, FeedPosition position) {
  XD_CO_TRY(const bool may, co_await may_go_on(services, stream));
  std::string text;
  if (!may) append_message(text, position.str(), "end", R"({"reason":"UNAUTHENTICATED"})");
  if (!may || !stream.check) co_return text;
  co_return co_await stream.check();
}

base::Counter& bytes_sent() {
  static base::Counter& counter =
      base::metrics().counter("crossdock_stream_bytes_total", "Bytes of messages given to streams of events");
  return counter;
}

base::Task<void> follow(Services& services, FeedStream stream, http::BodyWriter& writer) {
  event::Tail::Reader reader(services.tail, stream.tenant, stream.from, {stream.name, stream.who.key.uuid});
  writer.on_over([&reader] { reader.wake(); });
  const auto place = [&reader] { return "id: " + reader.position().str() + "\n\n"; };
  std::string sign_of_life = "retry: 2000\n";
  // At once too: the key may have been revoked between the request and the reader that hears of it.
  base::Deadline look = base::steady_now();
  while (!writer.over()) {
    if (reader.take_nudge() || base::steady_now() >= look) {
      auto last = co_await last_words(services, stream, reader.position());
      if (last && !last->empty()) co_return co_await writer.write(std::move(*last));
      // The position goes with it, so that who follows something rare need not look through all else again.
      XD_CO_DO(co_await writer.write(std::exchange(sign_of_life, ":hb\n") + place()));
      look = next_look(services, stream);
    }
    reader.begin();
    auto batch = co_await services.store.read(
        [&stream, from = reader.position()](db::Tx& tx) { return read_batch(tx, stream, from); });
    if (batch) {
      bytes_sent().add(static_cast<double>(batch->text.size()));
      XD_CO_DO(co_await writer.write(std::move(batch->text)));
      reader.done(batch->end);
      if (!batch->more) co_await reader.wait(look);
    } else {
      base::log(base::LogLevel::warn, "a stream cannot read; it tries again",
                {{"tenant_id", stream.tenant}, {"error", batch.error().message}});
      co_await base::sleep_for(kStoreRetry);
    }
  }
  co_return Result<void>{};
}

}  // namespace

Result<std::vector<std::string>> read_patterns(std::string_view text) {
  std::vector<std::string> patterns;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view pattern = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (auto shaped = event::check_pattern(pattern); !shaped) {
      return fail(Code::invalid, "types: " + shaped.error().message, "BAD_REQUEST");
    }
    patterns.emplace_back(pattern);
  }
  if (patterns.size() > base::limits::kStreamPatternsMax) {
    return fail(Code::invalid, "types: at most 50 patterns", "BAD_REQUEST");
  }
  return patterns;
}

void append_message(std::string& out, const std::string& id, std::string_view event, std::string data) {
  // What was published may be written in lines; a message has one.
  std::ranges::replace_if(data, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  out.append("id: ").append(id).append("\nevent: ").append(event);
  out.append("\ndata: ").append(data).append("\n\n");
}

Result<http::Response> feed_response(Services& services, FeedStream wanted) {
  if (services.tail.readers_of(wanted.tenant) >= base::limits::kStreamsPerTenant ||
      services.tail.readers() >= base::limits::kStreamsPerShard) {
    return fail(Code::limited, "too many streams are open; close some, or try again in a second",
                "OVERLOADED");
  }
  http::Response response;
  response.content_type = "text/event-stream; charset=utf-8";
  response.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  response.stream = [&services, wanted = std::move(wanted)](http::BodyWriter& writer) {
    return follow(services, wanted, writer);
  };
  return response;
}

}  // namespace api
