#include "inbound/process/processing.hpp"

#include <charconv>

#include "format/json.hpp"
#include "format/utf8.hpp"
#include "inbound/process/extract.hpp"

namespace inbound {

namespace {

using base::Result;

/// Runs that a crash cut off: the next one might end the process again.
constexpr int kCrashesMax = 3;
constexpr auto kEndpointRetry = std::chrono::seconds{5};
constexpr const char* kOrigin = "inbound";

std::int64_t replay_no_of(const queue::Task& task) {
  std::int64_t number = 0;
  std::from_chars(task.args.data(), task.args.data() + task.args.size(), number);
  return number;
}

event::EventPtr make_event(const ReceivedEvent& received, const Extracted& extracted, std::string type,
                           base::Time now) {
  auto made = std::make_shared<event::Event>();
  made->id = event::EventId::make(now);
  made->tenant = received.tenant;
  made->type = std::move(type);
  made->subject = extracted.subject();
  made->ordering_key = made->subject;
  made->data = extracted.record;
  made->changes = extracted.changes;
  made->occurred = received.received;
  made->created = now;
  made->origin = kOrigin;
  return made;
}

/// What the hub tells of what an endpoint received; without its data.
std::shared_ptr<event::Event> make_system_event(const ReceivedEvent& received, const char* type,
                                                base::Time now) {
  auto made = std::make_shared<event::Event>();
  made->id = event::EventId::make(now);
  made->tenant = received.tenant;
  made->type = type;
  made->subject = "endpoint/" + received.endpoint.str();
  made->occurred = received.received;
  made->created = now;
  made->origin = event::kSystemOrigin;
  return made;
}

/// Mission 4's webhook.received: the endpoint and the payload.
event::EventPtr make_received_event(const ReceivedEvent& received, const Extracted& extracted,
                                    base::Time now) {
  auto made = make_system_event(received, "webhook.received", now);
  format::JsonWriter json(made->data);
  json.begin_object().key("endpoint_id").value(received.endpoint).key("received_id").value(received.id);
  json.key("source").value(extracted.source).key("event_type").value(extracted.event_type);
  json.key("table_name").value(extracted.table).key("payload").raw(extracted.record).end_object();
  return made;
}

/// webhook.conflict: another body came with an id that was used before.
event::EventPtr make_conflict_event(const PreparedEndpoint& endpoint, const ReceivedEvent& received,
                                    base::Time now) {
  auto made = make_system_event(received, "webhook.conflict", now);
  format::JsonWriter json(made->data);
  json.begin_object().key("endpoint_id").value(received.endpoint).key("received_id").value(received.id);
  json.key("conflict_of").value(*received.conflict_of).key("external_id").value(received.external_id);
  json.key("source").value(endpoint.rules->said.source);
  json.key("held").value(endpoint.config->on_conflict == OnConflict::hold).end_object();
  return made;
}

}  // namespace

struct ProcessHandler::Report {
  ReceivedResult result{};
  base::Time received{};
  bool conflict = false;
  std::vector<event::Publication> publications{};
};

Result<void> ProcessHandler::hydrate(db::Tx& tx, std::span<queue::Task> tasks) const {
  std::vector<std::pair<TenantId, ReceivedId>> wanted;
  for (const queue::Task& task : tasks) wanted.emplace_back(task.tenant, ReceivedId{task.ref});
  XD_TRY(const auto found, find_received(tx, wanted));
  for (queue::Task& task : tasks) {
    const auto event = found.find(ReceivedId{task.ref});
    if (event == found.end()) continue;
    task.payload_bytes = event->second->bytes();
    task.payload = event->second;
  }
  return {};
}

asio::awaitable<queue::Outcome> ProcessHandler::run(const queue::Task& task) {
  const auto event = std::static_pointer_cast<const ReceivedEvent>(task.payload);
  const PreparedEndpointPtr endpoint = parts_.book.find(EndpointId{task.lane.uuid});
  if (!event) co_return queue::Outcome{};  // removed meanwhile
  // With a deleted endpoint its lane is gone, and this task. So it is one that this node has not heard of
  // yet, or cannot use.
  if (!endpoint) co_return queue::Outcome{queue::Verdict::retry_at(parts_.clock.now() + kEndpointRetry)};
  auto report = std::make_shared<Report>();
  report->received = event->received;
  ReceivedResult& result = report->result;
  result.id = event->id;
  result.tenant = event->tenant;
  result.endpoint = event->endpoint;
  result.replay_no = replay_no_of(task);
  result.source = endpoint->rules->said.source;
  result.processed = parts_.clock.now();
  if (task.unknown_attempts >= kCrashesMax) {
    result.status = ReceivedStatus::failed;
    result.error =
        "Crossdock ended three times while it was being processed; look into the log before you replay it";
  } else {
    report->conflict = event->conflict_of && result.replay_no == 0;
    if (report->conflict) tell_conflict(*endpoint, *event, *report);
    if (report->conflict && endpoint->config->on_conflict == OnConflict::hold) {
      result.status = ReceivedStatus::conflict;
      result.error = "its id was used before, with another body; replay it to have it processed";
    } else {
      process(*endpoint, *event, *report);
    }
  }
  co_return queue::Outcome{queue::Verdict::done(), queue::Signal::success, std::move(report)};
}

void ProcessHandler::tell_conflict(const PreparedEndpoint& endpoint, const ReceivedEvent& event,
                                   Report& report) const {
  if (!parts_.matcher.wants_system(event.tenant, "webhook.conflict")) return;
  report.publications.push_back(
      parts_.matcher.match(make_conflict_event(endpoint, event, report.result.processed)));
}

void ProcessHandler::process(const PreparedEndpoint& endpoint, const ReceivedEvent& event,
                             Report& report) const {
  ReceivedResult& result = report.result;
  const auto fail_with = [&](std::string_view error) {
    result.status = ReceivedStatus::failed;
    result.error = format::storable(error);
  };
  const auto extracted = extract(endpoint, event);
  if (!extracted) return fail_with(extracted.error().message);
  result.event_type = extracted->event_type;
  result.table = extracted->table;
  Decision decision = decide(endpoint.rules->said, *extracted);
  if (decision.ignore) {
    result.status = ReceivedStatus::ignored;
    return;
  }
  if (auto checked = event::check_type(decision.type); !checked) {
    return fail_with("'" + decision.type.substr(0, 100) +
                     "' cannot be an event's type: " + checked.error().message);
  }
  const event::EventPtr made = make_event(event, *extracted, std::move(decision.type), result.processed);
  auto publication = decision.subscription ? parts_.matcher.match_only(made, *decision.subscription)
                                           : std::optional(parts_.matcher.match(made));
  if (!publication) return fail_with("there is no subscription " + decision.subscription->str());
  report.publications.push_back(std::move(*publication));
  if (parts_.matcher.wants_system(event.tenant, "webhook.received")) {
    report.publications.push_back(
        parts_.matcher.match(make_received_event(event, *extracted, result.processed)));
  }
  result.status = ReceivedStatus::processed;
  result.event = made->id;
}

Result<void> ProcessHandler::record(db::Tx& tx, std::span<const queue::Finished> finished) const {
  std::vector<const Report*> reports;
  std::vector<const ReceivedResult*> results;
  for (const queue::Finished& one : finished) {
    const auto* report = static_cast<const Report*>(one.outcome->report.get());
    if (report == nullptr || one.stale) continue;
    reports.push_back(report);
    results.push_back(&report->result);
  }
  if (results.empty()) return {};
  XD_TRY(const auto written, put_results(tx, results));
  std::vector<event::Publication> publications;
  std::map<EndpointId, EndpointStats> stats;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    if (!written[i]) continue;
    for (const event::Publication& one : reports[i]->publications) publications.push_back(one.copy());
    const ReceivedResult& result = *results[i];
    EndpointStats& more = stats[result.endpoint];
    if (result.replay_no == 0) ++more.received;
    if (reports[i]->conflict) ++more.conflicts;
    if (result.status != ReceivedStatus::conflict)
      ++(result.status == ReceivedStatus::failed ? more.failed : more.processed);
    more.last_received = std::max(more.last_received.value_or(base::Time{}), reports[i]->received);
  }
  XD_DO(add_to_stats(tx, stats));
  if (publications.empty()) return {};
  if (parts_.bell != nullptr) tx.on_commit([bell = parts_.bell] { bell->ring(); });
  XD_TRY(const auto published, event::publish(tx, parts_.queue, publications));
  return {};
}

queue::Task make_replay_task(const ReceivedPtr& event, std::int64_t replay_no, base::Time now) {
  queue::Task task;
  task.lane = queue::LaneId{event->endpoint.uuid};
  task.id = queue::TaskId::make(now);
  task.tenant = event->tenant;
  task.kind = kProcessKind;
  task.due = now;
  task.created = now;
  task.ref = event->id.uuid;
  task.args = std::to_string(replay_no);
  task.payload_bytes = event->bytes();
  task.payload = event;
  return task;
}

}  // namespace inbound
