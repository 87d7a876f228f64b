// The contract of values: what goes in comes out.
#include <cmath>
#include <limits>

#include "base/id.hpp"
#include "db/conformance_test.hpp"

namespace db {
namespace {

class StoreValue : public StoreTest {
 protected:
  void SetUp() override {
    script(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, amount DOUBLE PRECISION, title TEXT, body BYTEA, owner "
        "UUID)");
  }

  /// Writes the arguments as the columns of row 1, and reads that row.
  void round_trip(std::initializer_list<Arg> columns, const Tx::RowSink& sink) {
    std::vector<Arg> args(columns);
    const auto rows = must(store->write_now([&](Tx& tx) {
      return tx.query(
          "INSERT INTO item (id, amount, title, body, owner) VALUES ($1, $2, $3, $4, $5)"
          " RETURNING id, amount, title, body, owner",
          args, sink);
    }));
    ASSERT_EQ(rows, 1);
    const auto read = must(store->read_now(
        [&](Tx& tx) { return tx.query("SELECT id, amount, title, body, owner FROM item", {}, sink); }));
    ASSERT_EQ(read, 1);
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, StoreValue, testing::both_engines(), testing::engine_name);

const auto kSomeTime = base::from_micros(1'700'000'000'123'456);

TEST_P(StoreValue, of_every_kind_comes_back_as_it_was) {
  const base::Uuid owner = base::make_uuid(kSomeTime);
  round_trip({7, 2.5, "title", Arg::blob("bytes"), owner}, [&](const Row& row) {
    EXPECT_EQ(row.integer(0), 7);
    EXPECT_EQ(row.real(1), 2.5);
    EXPECT_EQ(row.text(2), "title");
    EXPECT_EQ(row.blob(3), "bytes");
    EXPECT_EQ(row.uuid(4), owner);
  });
}

TEST_P(StoreValue, null_reads_as_nothing) {
  round_trip({1, nullptr, nullptr, std::nullopt, nullptr}, [](const Row& row) {
    for (int column = 1; column < 5; ++column) EXPECT_TRUE(row.is_null(column)) << column;
    EXPECT_EQ(row.real(1), 0);
    EXPECT_EQ(row.text(2), "");
    EXPECT_EQ(row.blob(3), "");
    EXPECT_TRUE(row.uuid(4).is_nil());
    EXPECT_EQ(row.maybe_string(2), std::nullopt);
  });
}

TEST_P(StoreValue, null_integer_reads_as_zero) {
  script("CREATE TABLE counter (value BIGINT); INSERT INTO counter VALUES (NULL)");
  must(store->read_now([](Tx& tx) {
    return tx.query("SELECT value FROM counter", {}, [](const Row& row) {
      EXPECT_TRUE(row.is_null(0));
      EXPECT_EQ(row.integer(0), 0);
      EXPECT_FALSE(row.flag(0));
      EXPECT_EQ(row.maybe_integer(0), std::nullopt);
      EXPECT_EQ(row.maybe_time(0), std::nullopt);
    });
  }));
}

TEST_P(StoreValue, that_is_empty_is_not_null) {
  // A default string_view points nowhere; it is an empty text all the same.
  round_trip({1, 0.0, std::string_view{}, Arg::blob({}), base::Uuid{}}, [](const Row& row) {
    for (int column = 1; column < 5; ++column) EXPECT_FALSE(row.is_null(column)) << column;
    EXPECT_EQ(row.text(2), "");
    EXPECT_EQ(row.blob(3), "");
    EXPECT_TRUE(row.uuid(4).is_nil());
  });
}

TEST_P(StoreValue, bytes_may_be_any_bytes) {
  std::string all(256, '\0');
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
  const std::string zeros(3, '\0');
  round_trip({1, nullptr, nullptr, Arg::blob(all + zeros), nullptr},
             [&](const Row& row) { EXPECT_EQ(row.blob(3), all + zeros); });
}

TEST_P(StoreValue, text_may_be_any_utf8) {
  const std::string text =
      "Ünï\xcc\x88 \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x9a\x80 'quote' \"name\" \\ \n\t\x7f\x01 $1 ?";
  round_trip({1, nullptr, text, nullptr, nullptr}, [&](const Row& row) { EXPECT_EQ(row.text(2), text); });
}

TEST_P(StoreValue, integers_keep_their_limits) {
  using Limits = std::numeric_limits<std::int64_t>;
  script("CREATE TABLE number (value BIGINT)");
  must(exec("INSERT INTO number VALUES ($1), ($2), ($3), ($4)",
            {Limits::min(), -1, std::int64_t{1} << 53, Limits::max()}));
  EXPECT_EQ(integers("SELECT value FROM number ORDER BY value"),
            (std::vector<std::int64_t>{Limits::min(), -1, std::int64_t{1} << 53, Limits::max()}));
}

TEST_P(StoreValue, reals_keep_every_bit) {
  using Limits = std::numeric_limits<double>;
  const std::vector<double> values = {0.1,   -2.5, Limits::max(), Limits::lowest(), Limits::denorm_min(),
                                      1e-300};
  std::vector<Arg> args;
  for (std::size_t i = 0; i < values.size(); ++i) {
    args.push_back(i);
    args.push_back(values[i]);
  }
  must(store->write_now(
      [&](Tx& tx) { return tx.each("INSERT INTO item (id, amount) VALUES ($1, $2)", 2, args); }));
  std::vector<double> found;
  must(store->read_now([&](Tx& tx) {
    return tx.query("SELECT amount FROM item ORDER BY id", {},
                    [&](const Row& row) { found.push_back(row.real(0)); });
  }));
  EXPECT_EQ(found, values);
}

TEST_P(StoreValue, ids_are_ordered_as_their_bytes) {
  const auto make = [](std::uint8_t first, std::uint8_t last) {
    base::Uuid uuid;
    uuid.bytes.front() = first;
    uuid.bytes.back() = last;
    return uuid;
  };
  const std::vector<base::Uuid> ordered = {make(0, 1), make(0x7f, 0), make(0x80, 0), make(0x80, 0xff),
                                           make(0xff, 0)};
  for (const std::size_t i : {3U, 0U, 4U, 2U, 1U})
    must(exec("INSERT INTO item (id, owner) VALUES ($1, $2)", {i, ordered[i]}));
  EXPECT_EQ(integers("SELECT id FROM item ORDER BY owner"), (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(integers("SELECT id FROM item WHERE owner = $1", {ordered[2]}), (std::vector<std::int64_t>{2}));
}

TEST_P(StoreValue, ids_and_times_have_their_types) {
  const auto tenant = base::TenantId::make(kSomeTime);
  must(exec("INSERT INTO item (id, owner) VALUES ($1, $2)", {kSomeTime, tenant}));
  must(store->read_now([&](Tx& tx) {
    return tx.query("SELECT id, owner FROM item", {}, [&](const Row& row) {
      EXPECT_EQ(row.time(0), kSomeTime);
      EXPECT_EQ(row.maybe_time(0), kSomeTime);
      EXPECT_EQ(row.id<base::TenantId>(1), tenant);
    });
  }));
}

TEST_P(StoreValue, optional_arguments_are_values_or_null) {
  const std::optional<std::string> title = "there";
  const std::optional<double> amount;
  round_trip({1, amount, title, std::optional<std::string_view>{}, std::optional<base::TenantId>{}},
             [](const Row& row) {
               EXPECT_TRUE(row.is_null(1));
               EXPECT_EQ(row.text(2), "there");
               EXPECT_TRUE(row.is_null(3));
               EXPECT_TRUE(row.is_null(4));
             });
}

TEST_P(StoreValue, may_have_5_mib) {
  std::string large(5 << 20, 'x');
  for (std::size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>('a' + i % 26);
  round_trip({1, nullptr, large, Arg::blob(large), nullptr}, [&](const Row& row) {
    EXPECT_TRUE(row.text(2) == large);
    EXPECT_TRUE(row.blob(3) == large);
  });
}

TEST_P(StoreValue, truth_reads_as_a_flag) {
  must(store->read_now([](Tx& tx) {
    return tx.query("SELECT EXISTS (SELECT 1 FROM item), NOT EXISTS (SELECT 1 FROM item)", {},
                    [](const Row& row) {
                      EXPECT_FALSE(row.flag(0));
                      EXPECT_TRUE(row.flag(1));
                    });
  }));
}

TEST_P(StoreValue, counts_and_cast_sums_are_integers) {
  must(exec("INSERT INTO item (id) VALUES (1), (2), (3)"));
  EXPECT_EQ(integer("SELECT COUNT(*) FROM item"), 3);
  EXPECT_EQ(integer("SELECT MAX(id) FROM item"), 3);
  EXPECT_EQ(integer("SELECT CAST(SUM(id) AS BIGINT) FROM item"), 6);
  EXPECT_EQ(integer("SELECT LENGTH('four')"), 4);
}

TEST_P(StoreValue, null_parameter_is_cast_where_no_column_gives_it_a_type) {
  must(exec("INSERT INTO item (id) VALUES (1), (2), (3)"));
  const char* const sql = "SELECT id FROM item WHERE CAST($1 AS BIGINT) IS NULL OR id > $1 ORDER BY id";
  EXPECT_EQ(integers(sql, {nullptr}), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(integers(sql, {2}), (std::vector<std::int64_t>{3}));
  EXPECT_EQ(integers(sql, {std::optional<std::int64_t>{}}), (std::vector<std::int64_t>{1, 2, 3}));
}

TEST_P(StoreValue, parameters_may_come_in_any_order_and_twice) {
  must(store->read_now([](Tx& tx) {
    return tx.query("SELECT CAST($2 AS BIGINT), CAST($1 AS TEXT), CAST($2 AS BIGINT)", {"one", 2},
                    [](const Row& row) {
                      EXPECT_EQ(row.integer(0), 2);
                      EXPECT_EQ(row.text(1), "one");
                      EXPECT_EQ(row.integer(2), 2);
                    });
  }));
}

}  // namespace
}  // namespace db
