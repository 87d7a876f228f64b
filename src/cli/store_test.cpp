#include "cli/store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "db/migration.hpp"
#include "tenant/tenant.hpp"

namespace cli {

namespace {

/// A data directory of its own.
class DataFiles : public ::testing::Test {
 protected:
  DataFiles() {
    std::string path = (std::filesystem::temp_directory_path() / "crossdock-store-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + path);
    config.data_directory = path;
    config.dev = true;
    config.database_url = "postgres://some.test";
  }
  ~DataFiles() override { std::filesystem::remove_all(config.data_directory); }

  std::string path_of(const std::string& file) const { return config.data_directory + "/" + file; }
  void write(const std::string& file, const std::string& text) const {
    std::ofstream(path_of(file), std::ios::trunc) << text;
  }
  std::string name() const {
    const auto name = node_name(config);
    return name ? *name : "(" + name.error().message + ")";
  }
  /// Migrated, with nothing in it.
  std::unique_ptr<db::Db> make_store() const {
    auto store = db::open_sqlite({.path = path_of("core.db")});
    if (!store || !db::migrate(**store, db::core_migrations()))
      throw std::runtime_error("cannot make a store");
    return std::move(*store);
  }
  /// Whether the ring opens what this one has sealed.
  bool opens(const std::string& sealed) const {
    const auto ring = find_key_ring(config);
    return ring && *ring && (*ring)->open(sealed, "here");
  }

  Config config;
};

TEST_F(DataFiles, are_made_at_the_first_start_and_found_at_the_next) {
  const std::string made = name();
  EXPECT_EQ(made.size(), 36u) << made;
  EXPECT_EQ(name(), made);
  const auto ring = make_key_ring(config, *make_store());
  ASSERT_TRUE(ring);
  EXPECT_TRUE(opens(ring->seal("secret", "here")));
}

TEST_F(DataFiles, are_for_their_owner_alone_and_nothing_is_left_beside_them) {
  (void)name();
  struct stat status{};
  ASSERT_EQ(stat(path_of("node").c_str(), &status), 0);

  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const std::filesystem::directory_iterator files(config.data_directory);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(DataFiles, that_a_full_disk_left_empty_are_made_anew) {
  write("node", "");
  write("node.new", "cut o");
  write("encryption.key", "");

  const std::string made = name();
  EXPECT_EQ(made.size(), 36u) << made;
  EXPECT_EQ(name(), made);
  const auto ring = make_key_ring(config, *make_store());
  ASSERT_TRUE(ring);
  EXPECT_TRUE(opens(ring->seal("secret", "here")));
}

TEST_F(DataFiles, that_cannot_be_read_are_not_made_anew) {
  write("node", "\nwhat is this?");

  EXPECT_EQ(name(), "(cannot read " + path_of("node") + "; make it readable, or put it back from a backup)");
}

TEST_F(DataFiles, are_no_key_made_anew_for_a_store_that_holds_secrets) {
  const auto store = make_store();
  inbound::Endpoint endpoint{.id = inbound::EndpointId::make({}), .tenant = base::TenantId::make({})};
  endpoint.path = "code";
  endpoint.secrets.emplace_back();
  const auto ring = crypto::KeyRing::parse(crypto::KeyRing::generate_entry("k1"));
  ASSERT_TRUE(store->write_now([&](db::Tx& tx) -> base::Result<void> {
    XD_DO(tenant::insert_tenant(tx, {.id = endpoint.tenant, .slug = "acme", .name = "Acme"}));
    return inbound::insert_endpoint(tx, *ring, endpoint);
  }));

  const auto made = make_key_ring(config, *store);

  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find(path_of("encryption.key")), std::string::npos) << made.error().message;
  EXPECT_FALSE(std::filesystem::exists(path_of("encryption.key")));
}

TEST_F(DataFiles, are_a_store_only_where_sqlite_wrote_them) {
  const struct {
    std::string text;
    const char* said;
  } cases[] = {{"", "is empty (0 bytes)"},
               {std::string(4096, 'x'), "is no file of SQLite's"},
               {std::string("SQLite format 3\0", 16) + std::string(84, 'x'), ""}};
  for (const auto& c : cases) {
    write("core.db", c.text);

    const auto checked = check_store_file(path_of("core.db"));

    EXPECT_EQ(checked.has_value(), *c.said == '\0');
    if (!checked) {
      EXPECT_NE(checked.error().message.find(path_of("core.db") + " " + c.said + "; put the file back"),
                std::string::npos)
          << checked.error().message;
    }
  }
}

TEST(FirstStart, that_leaves_a_store_without_keys_says_what_to_do) {
  const struct {
    bool dev;
    const char* bootstrap_key;
    bool told;
  } cases[] = {{false, "", true}, {true, "", false}, {false, "a-key-of-twenty-characters", false}};
  for (const auto& c : cases) {
    Config config;
    config.dev = c.dev;
    config.bootstrap_key = base::Secret(c.bootstrap_key);

    EXPECT_EQ(judge_first_start(config).find("crossdock keys admin") != std::string::npos, c.told);
  }
}

TEST_F(DataFiles, with_a_store_that_has_no_key_are_told_of) {
  const auto store = make_store();
  config.dev = false;

  const auto advice =
      store->read_now([&](db::Tx& tx) { return judge_bootstrap_key(tx, config, base::Time{}); });

  ASSERT_TRUE(advice);
  EXPECT_EQ(*advice, judge_first_start(config));
}

outbound::SubscriptionPtr make_subscription(std::string broken, std::string secrets_closed, bool has_secret) {
  auto made = std::make_shared<outbound::Subscription>();
  made->broken = std::move(broken);
  made->secrets_closed = std::move(secrets_closed);
  if (has_secret) made->secrets.emplace_back();
  return made;
}

TEST(CheckRing, finds_a_key_wrong_that_opens_no_secret_at_all) {
  const auto closed = make_subscription("cannot parse paths", "the key 'a' is not known", false);
  const std::vector only{closed};
  const std::vector both{closed, make_subscription("", "", true)};

  const auto wrong = check_ring(only, {});

  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message,
            "INTEGRATION_ENCRYPTION_KEY opens none of the stored secrets; start with the key that they were "
            "stored with");
  EXPECT_TRUE(check_ring(both, {}));
}

TEST(CheckRing, blames_no_key_for_what_is_damaged_otherwise) {
  const std::vector damaged{make_subscription("cannot parse paths", "", false)};
  auto endpoint = std::make_shared<inbound::Endpoint>();
  endpoint->broken = "has a damaged column";
  const std::vector<inbound::EndpointPtr> endpoints{endpoint};

  EXPECT_TRUE(check_ring(damaged, endpoints));
}

}  // namespace

}  // namespace cli
