#include "outbound/history/deletion.hpp"

namespace outbound {

base::Result<std::int64_t> count_waiting(db::Tx& tx, SubscriptionId id) {
  std::int64_t count = 0;
  XD_DO(tx.query("SELECT count(*) FROM tasks WHERE lane_id IN ($1, $2)", {id, detour_lane(id)},
                 [&](const db::Row& row) { count = row.integer(0); }));
  return count;
}

}  // namespace outbound
