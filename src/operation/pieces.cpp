#include "operation/pieces.hpp"

#include "base/log.hpp"

namespace operation {

namespace {

using base::Code;
using base::Result;

constexpr auto kStoreRetry = std::chrono::seconds{1};
constexpr auto kAhead = std::chrono::seconds{1};
constexpr std::int64_t kPieceSeconds = 2;

bool is_final(Code code) { return code == Code::invalid || code == Code::corrupt || code == Code::not_found; }

}  // namespace

std::string write_cursor(const Cursor& cursor) {
  return cursor.after.str() + " " + std::to_string(base::to_micros(cursor.next));
}

Cursor read_cursor(std::string_view text) {
  Cursor cursor;
  const std::size_t blank = std::min(text.find(' '), text.size());
  cursor.after = base::Uuid::parse(text.substr(0, blank)).value_or(base::Uuid{});
  if (blank < text.size()) {
    cursor.next = base::from_micros(std::strtoll(std::string(text.substr(blank)).c_str(), nullptr, 10));
  }
  return cursor;
}

std::size_t Pace::most(std::optional<std::int64_t> per_second, std::int64_t piece) {
  return static_cast<std::size_t>(std::min(per_second.value_or(piece) * kPieceSeconds, piece));
}

void Pace::take(queue::Task& task) {
  task.due = due_;
  task.timed = due_ > now_;
  due_ += step_;
}

base::Time Pace::next_piece() const { return std::max(now_, due_ - kAhead); }

base::Task<queue::Verdict> PieceHandler::perform(OperationId id) {
  XD_CO_TRY(const auto known, co_await store_.read([id](db::Tx& tx) { return find_operation(tx, id); }));
  if (!known || known->ended() || !known->tenant) co_return queue::Verdict::done();
  co_return co_await perform(*known);
}

asio::awaitable<queue::Outcome> PieceHandler::run(const queue::Task& task) {
  const OperationId id{task.ref};
  auto verdict = co_await perform(id);
  if (!verdict && is_final(verdict.error().code)) {
    if (auto failed = co_await fail(id, verdict.error())) verdict = queue::Verdict::done();
  }
  if (!verdict) verdict = queue::Verdict::retry_at(clock_.now() + kStoreRetry);
  // With a report, so that record() can tell it from one that never came to its end.
  co_return queue::Outcome{*verdict, queue::Signal::neutral, std::make_shared<bool>(true)};
}

base::Task<void> PieceHandler::fail(OperationId id, base::Error error) {
  base::log(base::LogLevel::error, "operation failed", {{"operation_id", id}, {"error", error.message}});
  std::string message =
      error.internal ? "an error of Crossdock itself; its log has it under this id" : error.message;
  co_return co_await store_.write([this, id, message = std::move(message)](db::Tx& tx) {
    return operation::fail(tx, queue_, id, message, clock_.now());
  });
}

Result<void> PieceHandler::record(db::Tx& tx, std::span<const queue::Finished> finished) const {
  return fail_given_up(tx, queue_, finished, clock_.now());
}

PieceHandler::Step PieceHandler::begin_step(const Operation& before,
                                            std::optional<std::int64_t> per_second) const {
  const base::Time now = clock_.now();
  Step step{.after = before, .pace = Pace(per_second, read_cursor(before.cursor).next, now)};
  step.after.status = Status::running;
  step.after.started = before.started.value_or(now);
  step.after.updated = now;
  return step;
}

base::Result<base::Time> PieceHandler::end_step(db::Tx& tx, const Operation& before, Step step,
                                                const base::Uuid& reached, bool last) const {
  Operation& after = step.after;
  after.cursor = write_cursor({reached, step.pace.next()});
  if (last) {
    after.status = Status::completed;
    after.finished = after.updated;
    after.total = after.done;
  }
  XD_TRY(const bool ours, advance(tx, queue_, before, after));
  if (!ours) {
    return base::fail(base::Code::conflict, "operation " + before.id.str() + " was changed meanwhile");
  }
  XD_DO(queue_.enqueue(tx, std::move(step.tasks)));
  return step.pace.next_piece();
}

}  // namespace operation
