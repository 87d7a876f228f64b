// The members of a listener: what callers set and see of it, and what the store keeps.
#include "event/pattern_input.hpp"
#include "outbound/listener/listener.hpp"

namespace outbound {

namespace {

using resource::column;
using resource::Member;
using resource::member;
using resource::Said;
using resource::Stored;
using resource::Values;

bool read_types(format::ObjectReader& from, std::string_view name, const Said& said, Listener& to) {
  return event::read_patterns(from, name, said, to.event_types);
}

void write_position(format::JsonWriter& json, const Listener& listener) {
  json.value(listener.position.str());
}

void describe_position(format::JsonWriter& json, const Said& said, bool input) {
  resource::Value<std::string>::schema(json, said, input);
}

/// One of the three columns of its position.
template <std::int64_t event::FeedPosition::* part>
constexpr Member<Listener> position_column(std::string_view name) {
  return column<Listener>(
      name, [](Values& to, const Listener& from, std::string_view) { to.add(from.position.*part); },
      [](const Stored& from, Listener& to) -> base::Result<void> {
        to.position.*part = from.row.integer(from.column);
        return {};
      });
}

constexpr Member<Listener> kMembers[] = {
    member<&Listener::id>("id").shown().key(),
    member<&Listener::tenant>("tenant_id").shown().key(),
    member<&Listener::name>("name", {.max = 64, .required = true, .schema = "ListenerName"}).fixed(),
    member<&Listener::event_types>("event_types", {.sentence = "All events where it is absent.",
                                                   .min = 1,
                                                   .max = base::limits::kStreamPatternsMax,
                                                   .schema = "EventPattern"})
        .read_by(read_types),
    resource::derived<Listener>("position", {.sentence = "Behind the last message that was acknowledged."})
        .shown()
        .written_by(write_position)
        .described_by(describe_position),
    position_column<&event::FeedPosition::commit>("commit_no"),
    position_column<&event::FeedPosition::seq>("seq"),
    position_column<&event::FeedPosition::index>("entry"),
    member<&Listener::session>("session").stored(),
    member<&Listener::acked>("acked_total", {.sentence = "Events whose outcome was recorded.", .min = 0})
        .shown()
        .in_column("acked"),
    member<&Listener::last_ack>("last_ack_at").shown(),
    member<&Listener::last_seen>("last_seen_at").shown(),
    member<&Listener::created>("created_at").shown().fixed(),
    member<&Listener::updated>("updated_at").shown(),
};

}  // namespace

const resource::Table<Listener>& listeners() {
  static const resource::Table<Listener> table("listeners", kMembers);
  return table;
}

}  // namespace outbound
