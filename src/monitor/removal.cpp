#include "monitor/removal.hpp"

#include "base/log.hpp"
#include "format/json.hpp"

namespace monitor {

namespace {

using base::Result;
using operation::Operation;
using operation::OperationId;

constexpr auto kInterval = std::chrono::seconds{1};
/// So long after its beginning somebody may still write for the tenant: a request that was under way, a node
/// that had not heard of it yet.
constexpr auto kGrace = std::chrono::seconds{5};
constexpr std::size_t kSubscriptions = 20;
constexpr std::size_t kEndpoints = 100;
constexpr std::size_t kRows = 1000;

/// Different after each piece, and with the table that the last one has come to.
std::string write_cursor(base::Time now, std::int64_t done, const std::string& table) {
  return std::to_string(base::to_micros(now)) + " " + std::to_string(done) + " " + table;
}

std::string table_of(std::string_view cursor) {
  return cursor.empty() ? "" : std::string(cursor.substr(cursor.rfind(' ') + 1));
}

bool drains(const Operation& operation) {
  const auto parameters = format::parse_json(operation.parameters);
  const format::Value* pending = parameters ? parameters->root().find("pending") : nullptr;
  return pending != nullptr && pending->text() == "drain";
}

}  // namespace

std::string write_removal(Pending pending, const tenant::Tenant& tenant) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object().key("pending").value(pending == Pending::drain ? "drain" : "cancel");
  json.key("slug").value(tenant.slug).key("name").value(tenant.name).end_object();
  return text;
}

/// A piece; returns when the next one is due.
Result<queue::Verdict> RemovalHandler::step(db::Tx& tx, OperationId id) const {
  XD_TRY(const auto known, operation::find_operation(tx, id));
  if (!known || known->ended() || !known->target) return queue::Verdict::done();
  const base::TenantId tenant{*known->target};
  const base::Time now = parts_.clock.now();
  Operation after = *known;
  after.status = operation::Status::running;
  after.started = known->started.value_or(now);
  after.updated = now;
  std::string table = table_of(known->cursor);
  const bool grace = now - *after.started < kGrace;
  base::Time next = now;
  XD_TRY(const std::int64_t waiting,
         drains(*known) ? count_deliverable(tx, tenant) : Result<std::int64_t>(0));
  if (waiting > 0 || (grace && drains(*known))) {
    next = now + kInterval;
  } else {
    XD_TRY(const auto subscriptions, some_subscriptions(tx, tenant, kSubscriptions));
    for (const outbound::SubscriptionId subscription : subscriptions) {
      XD_DO(outbound::remove_subscription(tx, parts_.deleting, tenant, subscription,
                                          {"TENANT_DELETED", "the tenant was deleted", now}));
    }
    // Nothing is received without an endpoint, so nothing comes behind the sweep. Not in one piece with the
    // subscriptions: who closes tasks locks their lanes in another order.
    XD_TRY(const auto endpoints, inbound::some_endpoints(tx, tenant, subscriptions.empty() ? kEndpoints : 0));
    const inbound::Deleting deleting{parts_.deleting.queue, parts_.endpoints};
    for (const inbound::EndpointId endpoint : endpoints)
      XD_DO(inbound::remove_endpoint(tx, deleting, tenant, endpoint));
    const bool emptied = subscriptions.empty() && endpoints.empty();
    after.done += static_cast<std::int64_t>(subscriptions.size() + endpoints.size());
    if (emptied && grace) {
      next = now + kInterval;
    } else if (emptied) {
      XD_TRY(const Removed removed, remove_rows(tx, tenant, table, kRows));
      after.done += removed.rows;
      table = removed.table;
      if (removed.rows == 0) {
        XD_DO(remove_tenant(tx, tenant));
        after.status = operation::Status::completed;
        after.finished = now;
        after.total = after.done;
        tx.on_commit([tenants = &parts_.tenants, tenant] {
          tenants->tell([tenant](tenant::TenantBook& book) { book.remove(tenant); });
        });
      }
    }
  }
  after.cursor = write_cursor(now, after.done, table);
  XD_TRY(const bool ours, operation::advance(tx, parts_.deleting.queue, *known, after));
  if (!ours) return base::fail(base::Code::conflict, "operation " + id.str() + " was changed meanwhile");
  return after.ended() ? queue::Verdict::done() : queue::Verdict::retry_at(next);
}

asio::awaitable<queue::Outcome> RemovalHandler::run(const queue::Task& task) {
  auto verdict =
      co_await parts_.store.write([this, id = OperationId{task.ref}](db::Tx& tx) { return step(tx, id); });
  if (!verdict) {
    base::log(base::LogLevel::warn, "the removal of a tenant cannot go on; it is tried again",
              {{"operation_id", task.ref}, {"error", verdict.error().message}});
  }
  co_return queue::Outcome{verdict.value_or(queue::Verdict::retry_at(parts_.clock.now() + kInterval)),
                           queue::Signal::neutral, std::make_shared<bool>(true)};
}

Result<void> RemovalHandler::record(db::Tx& tx, std::span<const queue::Finished> finished) const {
  return operation::fail_given_up(tx, parts_.deleting.queue, finished, parts_.clock.now());
}

}  // namespace monitor
