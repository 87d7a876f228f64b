// Rows through the store's door: written by one transaction and removed by the next, fsync on.
#include "db/db.hpp"

#include <benchmark/benchmark.h>

#include <latch>

#include "base/id.hpp"
#include "testing/test_db.hpp"

namespace db {
namespace {

constexpr std::size_t kBodyBytes = 1024;

void check(const base::Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().message);
}

/// Runs the statement once for each group of arguments, in `callers` writes at the same time.
void run_all(Db& store, const char* sql, std::size_t width, const std::vector<std::vector<Arg>>& callers) {
  std::latch answered(static_cast<std::ptrdiff_t>(callers.size()));
  std::vector<base::Result<void>> results(callers.size());
  for (std::size_t i = 0; i < callers.size(); ++i) {
    store.submit_write([&, i](Tx& tx) { return tx.each(sql, width, callers[i]); },
                       [&, i](base::Result<void> result) {
                         results[i] = std::move(result);
                         answered.count_down();
                       });
  }
  answered.wait();
  for (const auto& result : results) check(result);
}

/// range(0): rows of one transaction; range(1): transactions at the same time.
void insert_and_delete(benchmark::State& state, Engine engine) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const auto callers = static_cast<std::size_t>(state.range(1));
  testing::TestDb store(engine);
  check(store->write_now([](Tx& tx) {
    return tx.script(
        "CREATE TABLE task (id UUID PRIMARY KEY, lane BIGINT NOT NULL, body BYTEA NOT NULL)"
        " /*sqlite WITHOUT ROWID*/; CREATE INDEX task_lane ON task (lane, id)");
  }));
  const std::string body(kBodyBytes, 'b');
  std::vector<base::Uuid> ids(batch * callers);
  for (auto _ : state) {
    std::vector<std::vector<Arg>> inserts(callers);
    std::vector<std::vector<Arg>> deletes(callers);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      ids[i] = base::make_uuid(base::SystemClock{}.now());
      inserts[i / batch].insert(inserts[i / batch].end(), {ids[i], i % 10, Arg::blob(body)});
      deletes[i / batch].emplace_back(ids[i]);
    }
    run_all(*store, "INSERT INTO task (id, lane, body) VALUES ($1, $2, $3)", 3, inserts);
    run_all(*store, "DELETE FROM task WHERE id = $1", 1, deletes);
  }
  // A row counts once: written and removed.
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ids.size()));
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "callers"})->ArgsProduct({{1, 16, 64, 256}, {1, 4}})->UseRealTime();
}

BENCHMARK_CAPTURE(insert_and_delete, sqlite, Engine::sqlite)->Apply(sizes);
BENCHMARK_CAPTURE(insert_and_delete, postgres, Engine::postgres)->Apply(sizes);

/// One row by its key: what a single statement costs.
void read_one(benchmark::State& state, Engine engine) {
  testing::TestDb store(engine);
  check(store->write_now([](Tx& tx) {
    return tx.script(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, name TEXT); INSERT INTO item VALUES (1, 'one')");
  }));
  for (auto _ : state) {
    check(store->read_now([](Tx& tx) -> base::Result<void> {
      XD_DO(tx.query("SELECT name FROM item WHERE id = $1", {1},
                     [](const Row& row) { benchmark::DoNotOptimize(row.text(0).data()); }));
      return {};
    }));
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(read_one, sqlite, Engine::sqlite)->UseRealTime();
BENCHMARK_CAPTURE(read_one, postgres, Engine::postgres)->UseRealTime();

}  // namespace
}  // namespace db
