#include "db/log_store_rows.hpp"

namespace db {

base::Result<std::int64_t> forget_exchanges(Tx& tx, const base::Uuid& first_kept, std::size_t limit) {
  return tx.exec(
      "DELETE FROM delivery_exchanges WHERE (delivery_id, attempt_number) IN (SELECT delivery_id, "
      "attempt_number"
      " FROM delivery_exchanges WHERE delivery_id < $1 ORDER BY delivery_id LIMIT $2)",
      {first_kept, limit});
}

}  // namespace db
