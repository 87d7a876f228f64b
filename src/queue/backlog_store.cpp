#include "queue/backlog.hpp"

namespace queue {

base::Result<std::vector<Backlog>> count_backlog(db::Tx& tx) {
  std::vector<Backlog> counted;
  // By lanes first, for that is the order of the table: nothing is sorted.
  XD_DO(tx.query(
      "SELECT l.kind, l.state, CAST(SUM(s.tasks) AS BIGINT), MIN(s.due_at)"
      " FROM (SELECT lane_id, COUNT(*) AS tasks, MIN(due_at) AS due_at FROM tasks GROUP BY lane_id) s"
      " JOIN lanes l ON l.id = s.lane_id GROUP BY l.kind, l.state ORDER BY l.kind, l.state",
      {}, [&](const db::Row& row) {
        counted.push_back({row.string(0), row.text(1) == "PAUSED" ? LaneState::paused : LaneState::active,
                           row.integer(2), row.time(3)});
      }));
  return counted;
}

}  // namespace queue
