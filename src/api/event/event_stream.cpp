// /api/v1/events/stream: what happens in a tenant, as it happens.
#include "api/core/page.hpp"
#include "api/event/feed_stream.hpp"
#include "api/event/routes.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using event::FeedPosition;

/// include: which kinds of messages; without it all that the key may read.
Result<void> read_kinds(const Call& call, std::string_view text, FeedStream& stream) {
  const bool may_read = call.principal.permissions.has(tenant::Permission::deliveries_read);
  stream.deliveries = may_read;
  if (text.empty()) return {};
  stream.events = false;
  stream.deliveries = false;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view kind = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (kind != "event" && kind != "delivery") {
      return fail(Code::invalid, "include is a list of event, delivery", "BAD_REQUEST");
    }
    (kind == "event" ? stream.events : stream.deliveries) = true;
  }
  if (stream.deliveries && !may_read) {
    return fail(Code::forbidden, "this key lacks the scope deliveries:read; ask for include=event");
  }
  return {};
}

/// Where the client was; nothing when it begins.
Result<std::optional<FeedPosition>> read_position(const Call& call, const std::string& cursor) {
  // A browser that comes back asks for the same URL: the field is the younger of the two.
  const std::string_view field = call.request.header("last-event-id");
  const std::string_view text = field.empty() ? std::string_view(cursor) : field;
  if (text.empty()) return std::optional<FeedPosition>{};
  const auto position = FeedPosition::parse(text);
  if (!position) {
    return fail(Code::invalid, "this is no position; send the id of a message as it is", "CURSOR_MISMATCH");
  }
  return position;
}

}  // namespace

base::Task<http::Response> stream_events(Call& call) {
  FeedStream stream{.tenant = call.tenant_id(), .who = call.principal};
  std::string include;
  std::string cursor;
  for (auto& [name, value] : http::parse_query(call.request.query)) {
    if (name == "types") {
      XD_CO_TRY(stream.patterns, read_patterns(value));
    } else if (name == "include") {
      include = std::move(value);
    } else if (name == "cursor") {
      cursor = std::move(value);
    } else {
      co_return fail(Code::invalid, "the stream has no parameter '" + name.substr(0, 50) + "'",
                     "BAD_REQUEST");
    }
  }
  XD_CO_DO(read_kinds(call, include, stream));
  XD_CO_TRY(const auto position, read_position(call, cursor));
  if (position) {
    stream.from = *position;
  } else {
    XD_CO_TRY(stream.from, co_await call.services.store.read(event::feed_now));
  }
  co_return feed_response(call.services, std::move(stream));
}

}  // namespace api
