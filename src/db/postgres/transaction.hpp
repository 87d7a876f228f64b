// One transaction on PostgreSQL, from its first statement to its end.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/db.hpp"
#include "db/postgres/connection.hpp"

namespace db {

/// BEGIN goes out together with the first statement, so a transaction of one statement takes two round trips,
/// and one of none takes none. The first error stays: later calls return it without asking the server.
class PostgresTx final : public Tx {
 public:
  enum class Kind : std::uint8_t { write, read };

  /// time: of a read, how long it may take.
  PostgresTx(PostgresConnection& connection, Kind kind, std::chrono::milliseconds time)
      : connection_(connection), kind_(kind), time_(time) {}

  Engine engine() const override { return Engine::postgres; }
  Result<void> each(std::string_view sql, std::size_t width, std::span<const Arg> args,
                    const EachSink& sink) override;
  Result<void> script(std::string_view sql) override;
  void on_commit(std::move_only_function<void()> hook) override { hooks_.push_back(std::move(hook)); }

  /// Runs the closure and commits when it succeeded, else leaves no trace; then calls the hooks. An exception
  /// of the closure is reported and becomes an error.
  Result<void> perform(Db::Work& work);

 protected:
  Result<std::int64_t> run(std::string_view sql, std::span<const Arg> args, const RowSink* sink) override;

 private:
  /// Begins with the first statement; later ones of a read are refused when its time is over.
  Result<void> begin();
  Result<void> run_closure(Db::Work& work);
  /// Sends executions from position `next` on until the buffer is full, and gives their answers to the sink.
  Result<std::size_t> send_some(std::string_view sql, std::size_t width, std::span<const Arg> args,
                                std::size_t next, const EachSink& sink);
  std::unexpected<base::Error> give_up(base::Error error, std::string_view sql);
  base::Error error_of(const PostgresConnection::Answers& answers);

  PostgresConnection& connection_;
  Kind kind_;
  std::chrono::milliseconds time_;
  base::Steady until_{};
  bool begun_ = false;
  std::optional<base::Error> error_;
  PostgresParams params_;
  std::vector<std::move_only_function<void()>> hooks_;
};

}  // namespace db
