#include "db/page.hpp"

#include "db/conformance_test.hpp"

namespace db {
namespace {

using base::limits::kPageBytesMax;
using base::limits::kPageRowsPerRead;

constexpr std::size_t kLarge = kPageBytesMax / kPageRowsPerRead + 1;

struct Item {
  base::Uuid id{};
  std::string body{};
};

/// Counts the rows that the store gives.
struct CountingTx {
  base::Result<std::int64_t> query(std::string_view sql, const std::vector<Arg>& args,
                                   const Tx::RowSink& sink) {
    return tx.query(sql, args, [&](const Row& row) {
      ++given;
      sink(row);
    });
  }

  Tx& tx;
  std::size_t given = 0;
};

class PageWithinBytes : public StoreTest {
 protected:
  void SetUp() override { script("CREATE TABLE item (id UUID PRIMARY KEY, body TEXT NOT NULL)"); }

  /// The first in the list is the newest.
  void put(const std::vector<std::size_t>& sizes) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      base::Uuid id;
      id.bytes.back() = static_cast<std::uint8_t>(sizes.size() - i);
      must(exec("INSERT INTO item (id, body) VALUES ($1, $2)", {id, std::string(sizes[i], 'x')}));
    }
  }
  /// The sizes of what is on the page, newest first.
  std::vector<std::size_t> read(const Page& page) {
    std::vector<Item> items;
    must(store->read_now([&](Tx& tx) -> base::Result<void> {
      CountingTx counting{tx};
      PageQuery query("SELECT id, body FROM item WHERE 1 = 1", {}, page);
      XD_DO(query.run_within_bytes(
          counting, items, [](const Row& row) { return Item{row.uuid(0), row.string(1)}; },
          [](const Item& item) { return item.body.size(); }, [](const Item& item) { return item.id; }));
      given = counting.given;
      return {};
    }));
    std::vector<std::size_t> sizes;
    for (const Item& item : items) sizes.push_back(item.body.size());
    return sizes;
  }

  std::size_t given = 0;
};

INSTANTIATE_TEST_SUITE_P(Engines, PageWithinBytes, testing::both_engines(), testing::engine_name);

TEST_P(PageWithinBytes, has_all_rows_up_to_its_limit_where_they_are_small) {
  put({1, 2, 3, 4, 5});

  EXPECT_EQ(read({.limit = 4}), (std::vector<std::size_t>{1, 2, 3, 4}));
  EXPECT_EQ(read({.after = base::Uuid{}, .limit = 3}), (std::vector<std::size_t>{3, 4, 5}));
  EXPECT_EQ(read({.limit = 9}), (std::vector<std::size_t>{1, 2, 3, 4, 5}));
}

TEST_P(PageWithinBytes, keeps_no_row_beyond_the_one_that_fills_it) {
  put({1, 1, 1, kPageBytesMax, kPageBytesMax, kPageBytesMax, kPageBytesMax});

  EXPECT_EQ(read({}), (std::vector<std::size_t>{1, 1, 1, kPageBytesMax}));
}

TEST_P(PageWithinBytes, shows_with_a_second_row_that_there_are_more) {
  put({kPageBytesMax + 1, 1, 1});

  EXPECT_EQ(read({}), (std::vector<std::size_t>{kPageBytesMax + 1, 1}));
}

TEST_P(PageWithinBytes, asks_for_one_row_at_a_time_once_one_was_large) {
  put({1, kLarge, kLarge, kLarge, kLarge, kLarge, kLarge, kLarge, kLarge, kLarge, kLarge, kLarge});

  EXPECT_EQ(read({}).size(), 1 + kPageRowsPerRead);
  EXPECT_EQ(given, 1 + kPageRowsPerRead);
}

}  // namespace
}  // namespace db
