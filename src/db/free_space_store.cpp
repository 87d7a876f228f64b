#include "db/free_space.hpp"

namespace db {

base::Result<std::int64_t> give_back_pages(Tx& tx, std::int64_t pages_max) {
  if (tx.engine() != Engine::sqlite) return 0;
  std::int64_t pages = 0;
  std::int64_t free = 0;
  XD_DO(tx.query("PRAGMA page_count", {}, [&](const Row& row) { pages = row.integer(0); }));
  XD_DO(tx.query("PRAGMA freelist_count", {}, [&](const Row& row) { free = row.integer(0); }));
  const std::int64_t surplus = std::min(pages_max, free - pages / 8);
  if (surplus <= 0) return 0;
  // A row of its answer is a page. As text of its own: a pragma takes no parameters.
  return tx.query("PRAGMA incremental_vacuum(" + std::to_string(surplus) + ")", {}, [](const Row&) {});
}

}  // namespace db
