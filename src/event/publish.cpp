#include "event/publish.hpp"

#include <charconv>
#include <set>

#include "base/assert.hpp"
#include "event/event_store.hpp"
#include "queue/queue_store.hpp"

namespace event {

namespace {

using base::Result;

IdempotencyKey key_of(const Publication& publication) {
  return {publication.event->tenant, "events", publication.event->idempotency_key, publication.body_hash};
}

/// "id created deliveries": what an answer is rebuilt from.
std::string remember(const Published& published) {
  return published.id.str() + " " + std::to_string(base::to_micros(published.created)) + " " +
         std::to_string(published.deliveries);
}

Published recall(const std::string& text) {
  Published published;
  published.replayed = true;
  const auto id = EventId::parse(std::string_view(text).substr(0, 36));
  XD_ASSERT(id && text.size() > 38);
  published.id = *id;
  std::int64_t micros = 0;
  const char* end = text.data() + text.size();
  const auto created = std::from_chars(text.data() + 37, end, micros);
  published.created = base::from_micros(micros);
  std::from_chars(created.ptr + 1, end, published.deliveries);
  return published;
}

/// The answer when the key says that this was done before, or may not be done; nothing when it is new.
Result<std::optional<Published>> check_key(db::Tx& tx, const Publication& publication,
                                           const Published& fresh) {
  if (publication.event->idempotency_key.empty()) return std::optional<Published>{};
  const IdempotencyKey key = key_of(publication);
  auto earlier = begin_idempotent(tx, key, publication.event->created);
  if (!earlier && earlier.error().reason == "IDEMPOTENCY_KEY_REUSED") {
    Published refused;
    refused.key_reused = true;
    return std::optional(refused);
  }
  if (!earlier) return std::unexpected(earlier.error());
  if (*earlier) return std::optional(recall((*earlier)->body));
  XD_DO(store_answer(tx, key, {202, remember(fresh)}));
  return std::optional<Published>{};
}

using Companions = std::vector<std::unique_ptr<Companion>>;

void add(Companions& companions, const Companion& one) {
  const bool absorbed =
      std::ranges::any_of(companions, [&](const auto& known) { return known->absorb(one); });
  if (!absorbed) companions.push_back(one.clone());
}

/// For each, whether it would overtake earlier events of its key, and goes behind them.
Result<std::vector<bool>> who_waits(db::Tx& tx, std::span<const Publication> publications) {
  std::vector<queue::KeyInLane> keys;
  for (const Publication& one : publications) {
    if (one.behind) keys.push_back({one.behind->lane, one.behind->order_key});
  }
  std::vector<bool> waits(publications.size());
  if (keys.empty()) return waits;
  XD_TRY(const std::vector<bool> waiting, queue::has_tasks_of(tx, keys));
  // Those that wait, of earlier publications as well.
  std::set<std::pair<queue::LaneId, std::string>> lanes;
  std::size_t asked = 0;
  for (std::size_t i = 0; i < publications.size(); ++i) {
    const Publication& one = publications[i];
    if (one.behind) {
      waits[i] = waiting[asked++] || lanes.contains({one.behind->lane, one.behind->order_key});
      if (waits[i]) lanes.emplace(one.behind->lane, one.behind->order_key);
      continue;
    }
    for (const queue::Task& task : one.tasks) {
      if (!task.order_key.empty()) lanes.emplace(task.lane, task.order_key);
    }
  }
  return waits;
}

}  // namespace

Result<std::vector<Published>> publish(db::Tx& tx, queue::Queue& queue,
                                       std::span<const Publication> publications) {
  XD_TRY(const std::vector<bool> waits, who_waits(tx, publications));
  std::vector<Published> answers;
  std::vector<EventPtr> events;
  std::vector<std::int64_t> deliveries;
  std::vector<queue::Task> tasks;
  Companions companions;
  answers.reserve(publications.size());
  events.reserve(publications.size());
  for (std::size_t i = 0; i < publications.size(); ++i) {
    const Publication& publication = publications[i];
    const Published fresh{publication.event->id, publication.event->created, publication.deliveries};
    XD_TRY(const auto known, check_key(tx, publication, fresh));
    answers.push_back(known.value_or(fresh));
    if (known) continue;
    events.push_back(publication.event);
    deliveries.push_back(publication.deliveries);
    if (waits[i]) {
      tasks.push_back(*publication.behind);
      continue;
    }
    tasks.insert(tasks.end(), publication.tasks.begin(), publication.tasks.end());
    if (publication.companion) add(companions, *publication.companion);
  }
  XD_DO(insert_events(tx, events, deliveries));
  for (const auto& companion : companions) XD_DO(companion->write(tx));
  if (!tasks.empty()) XD_DO(queue.enqueue(tx, std::move(tasks)));
  return answers;
}

queue::Task make_fanout_task(const EventPtr& event, base::Time now) {
  queue::Task task;
  task.lane = fanout_lane(event->tenant);
  task.id = queue::TaskId::make(now);
  task.tenant = event->tenant;
  task.kind = kFanoutKind;
  task.due = now;
  task.created = now;
  task.order_key = event->ordering_key;
  task.ref = event->id.uuid;
  if (event->bytes() <= base::limits::kFanoutHeldBytes) {
    task.payload_bytes = event->bytes();
    task.payload = event;
  }
  return task;
}

Result<std::vector<Published>> publish(db::Tx& tx, queue::Queue& queue, std::span<const EventPtr> events,
                                       base::Time now) {
  std::vector<Publication> publications;
  publications.reserve(events.size());
  for (const EventPtr& event : events)
    publications.push_back({.event = event, .tasks = {make_fanout_task(event, now)}});
  return publish(tx, queue, publications);
}

Intake::Intake(base::Gate& gate, db::Db& store, queue::Queue& queue, const Bell* bell)
    : store_(store),
      queue_(queue),
      bell_(bell),
      batcher_(gate, "publish", [this](auto take) { return publish_taken(std::move(take)); }) {
  stored_events();  // there from the start, at 0
}

Result<std::vector<Published>> Intake::publish_in(db::Tx& tx, std::span<const Publication> publications) {
  if (bell_ != nullptr) tx.on_commit([bell = bell_] { bell->ring(); });
  return event::publish(tx, queue_, publications);
}

base::Task<std::vector<Published>> Intake::publish_taken(Batcher::Take take) {
  co_return co_await store_.write(
      [this, take = std::move(take)](db::Tx& tx) mutable { return publish_in(tx, take()); });
}

base::Task<std::vector<Published>> Intake::publish_some(std::span<const Publication> publications) {
  co_return co_await store_.write([this, publications](db::Tx& tx) { return publish_in(tx, publications); });
}

asio::awaitable<std::vector<Result<Published>>> Intake::publish_all(std::vector<Publication> publications) {
  if (publications.empty()) co_return std::vector<Result<Published>>{};
  auto published = co_await publish_some(publications);
  co_return co_await base::each_answer<Publication, Published>(
      publications, std::move(published),
      [this](std::span<const Publication> part) { return publish_some(part); });
}

}  // namespace event
