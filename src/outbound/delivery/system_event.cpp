#include "outbound/delivery/system_event.hpp"

#include "event/publish.hpp"
#include "format/json.hpp"

namespace outbound {

namespace {

constexpr std::string_view kSubjectPrefix = "subscription/";

std::shared_ptr<event::Event> make_event(TenantId tenant, SubscriptionId about, std::string type,
                                         base::Time now) {
  auto made = std::make_shared<event::Event>();
  made->id = event::EventId::make(now);
  made->tenant = tenant;
  made->type = std::move(type);
  made->subject = std::string(kSubjectPrefix) + about.str();
  made->occurred = now;
  made->created = now;
  made->origin = event::kSystemOrigin;
  return made;
}

}  // namespace

event::EventPtr make_delivery_event(const DeliveryNews& news, base::Time now) {
  const queue::Task& task = *news.task;
  const Attempt& attempt = *news.attempt;
  const SubscriptionId subscription = subscription_of(task.lane);
  auto made = make_event(task.tenant, subscription,
                         news.status == "DELIVERED" ? "webhook.delivered" : "webhook.failed", now);
  made->hop = news.hop + 1;
  format::JsonWriter json(made->data);
  json.begin_object().key("subscription_id").value(subscription).key("delivery_id").value(task.id);
  json.key("event_id").value(task.ref).key("event_type").value(news.event_type);
  json.key("status").value(news.status).key("attempt_number").value(attempt.number);
  json.key("response_status").value(attempt.response_status).key("error_class");
  attempt.error_class.empty() ? json.null() : json.value(attempt.error_class);
  json.key("error_message");
  attempt.error_message.empty() ? json.null() : json.value(attempt.error_message);
  json.end_object();
  return made;
}

event::EventPtr make_circuit_event(TenantId tenant, SubscriptionId id,
                                   const std::optional<queue::Breaker::Open>& open, base::Time now) {
  auto made = make_event(tenant, id, open ? "circuit.opened" : "circuit.closed", now);
  format::JsonWriter json(made->data);
  json.begin_object().key("subscription_id").value(id);
  json.key("state").value(open ? "OPEN" : "CLOSED").key("probe_at");
  open ? json.value(open->until) : json.null();
  json.end_object();
  return made;
}

event::EventPtr make_disabled_event(TenantId tenant, SubscriptionId id, std::string_view reason,
                                    base::Time now) {
  auto made = make_event(tenant, id, "webhook.disabled", now);
  format::JsonWriter json(made->data);
  json.begin_object().key("subscription_id").value(id).key("reason").value(reason).end_object();
  return made;
}

std::optional<SubscriptionId> subject_of(const event::Event& event) {
  if (event.origin != event::kSystemOrigin || !event.subject.starts_with(kSubjectPrefix)) return std::nullopt;
  return SubscriptionId::parse(std::string_view(event.subject).substr(kSubjectPrefix.size()));
}

base::Result<void> publish_system(db::Tx& tx, queue::Queue& queue, const std::vector<SystemEvent>& events) {
  if (events.empty()) return {};
  std::vector<event::Publication> publications;
  for (const SystemEvent& one : events) {
    event::Publication publication{.event = one.event};
    if (one.wanted) publication.tasks.push_back(event::make_fanout_task(one.event, one.event->created));
    publications.push_back(std::move(publication));
  }
  XD_TRY(const auto published, event::publish(tx, queue, publications));
  return {};
}

}  // namespace outbound
