#include "cli/config.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "cli/commands.hpp"

namespace cli {

namespace {

using namespace std::chrono_literals;

struct Names {
  const char* setting;
  const char* in_file;
};

/// Every setting; the program's table is checked against it.
constexpr Names kNames[] = {
    {"CROSSDOCK_LISTEN", "listen"},
    {"CROSSDOCK_METRICS_LISTEN", "metrics_listen"},
    {"CROSSDOCK_DRAIN_DELAY_SECONDS", "drain_delay_seconds"},
    {"CROSSDOCK_DATA", "data"},
    {"CROSSDOCK_DEV", "dev"},
    {"CROSSDOCK_DATABASE_URL", "database_url"},
    {"CROSSDOCK_LOG_DATABASE_URL", "log_database_url"},
    {"CROSSDOCK_NODE", "node"},
    {"CROSSDOCK_BOOTSTRAP_KEY", "bootstrap_key"},
    {"CROSSDOCK_EGRESS_ALLOW", "egress_allow"},
    {"CROSSDOCK_CA_FILE", "ca_file"},
    {"CROSSDOCK_PUBLIC_URL", "public_url"},
    {"CROSSDOCK_TRUSTED_PROXIES", "trusted_proxies"},
    {"CROSSDOCK_TLS_CERTIFICATE", "tls_certificate"},
    {"CROSSDOCK_TLS_KEY", "tls_key"},
    {"CROSSDOCK_MAX_BODY_BYTES", "max_body_bytes"},
    {"CROSSDOCK_CONNECTIONS_PER_ADDRESS", "connections_per_address"},
    {"CROSSDOCK_AUTO_DISABLE_FAILURES", "auto_disable_failures"},
    {"CROSSDOCK_AUTO_DISABLE_FLOOR_SECONDS", "auto_disable_floor_seconds"},
    {"CROSSDOCK_LOG_LEVEL", "log_level"},
    {"CROSSDOCK_LOG_FORMAT", "log_format"},
    {"INTEGRATION_ENCRYPTION_KEY", "integration_encryption_key"},
    {"WEBHOOK_TIMEOUT_SECONDS", "webhook_timeout_seconds"},
    {"WEBHOOK_MAX_RETRIES", "webhook_max_retries"},
    {"WEBHOOK_QUEUE_SIZE", "webhook_queue_size"},
    {"CROSSDOCK_RECEIVE_RATE", "receive_rate"},
    {"WEBHOOK_WORKERS", "webhook_workers"},
    {"CIRCUIT_FAILURE_THRESHOLD", "circuit_failure_threshold"},
    {"CIRCUIT_TIMEOUT_SECONDS", "circuit_timeout_seconds"},
    {"CROSSDOCK_RETENTION_EVENTS_DAYS", "retention_events_days"},
    {"CROSSDOCK_RETENTION_DELIVERIES_DAYS", "retention_deliveries_days"},
    {"CROSSDOCK_RETENTION_STATISTICS_DAYS", "retention_statistics_days"},
    {"LOG_RETENTION_DAYS", "log_retention_days"},
    {"LOG_RESPONSE_BODIES", "log_response_bodies"},
};

/// A working directory of its own and an environment without settings, both given back at the end.
class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() : before_(std::filesystem::current_path()) {
    std::string path = (std::filesystem::temp_directory_path() / "crossdock-config-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + path);
    directory_ = path;
    std::filesystem::current_path(directory_);
    clear_environment();
  }
  ~ConfigTest() override {
    clear_environment();
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(directory_);
  }

  static void clear_environment() {
    for (const Names& names : kNames) unsetenv(names.setting);
  }
  static void set_environment(const char* setting, const char* text) { setenv(setting, text, 1); }
  static void write_file(const std::string& text, const std::string& file = "crossdock.toml") {
    std::ofstream(file, std::ios::trunc) << text;
  }
  using Flags = std::map<std::string, std::string>;
  static Values read(const Flags& flags = {}, const std::string& file = "") {
    auto values = read_values(flags, file);
    if (!values) throw std::runtime_error(values.error().message);
    return std::move(*values);
  }
  /// What is wrong with the file; "" where nothing is.
  static std::string file_problem(const std::string& text) {
    write_file(text);
    const auto values = read_values({}, "");
    if (values) return "";
    EXPECT_EQ(values.error().code, base::Code::invalid);
    return values.error().message;
  }
  static base::Result<Config> make(const Flags& flags) { return make_config(read(flags)); }
  /// What is wrong with the settings; "" where nothing is.
  static std::string problem(const Flags& flags) {
    const auto config = make(flags);
    if (config) return "";
    EXPECT_EQ(config.error().code, base::Code::invalid);
    return config.error().message;
  }

 private:
  std::filesystem::path before_;
  std::string directory_;
};

using Settings = ConfigTest;
using ConfigFile = ConfigTest;
using ConfigShow = ConfigTest;

TEST_F(Settings, are_those_that_are_known) {
  std::vector<std::string_view> known;
  for (const Names& names : kNames) known.push_back(names.setting);
  std::vector<std::string_view> there;
  for (const Setting& setting : settings()) {
    there.push_back(setting.name);
    EXPECT_NE(setting.meaning, "") << setting.name;
  }

  EXPECT_EQ(there, known);
}

TEST_F(Settings, come_from_the_flag_then_the_environment_then_the_file_then_the_default) {
  for (const Setting& setting : settings()) {
    const std::string name(setting.name);
    SCOPED_TRACE(name);
    const char* in_file = std::ranges::find(kNames, name, &Names::setting)->in_file;
    const auto value = [&](const Flags& flags) { return read(flags).by_name.at(name); };
    write_file("");
    EXPECT_EQ(value({}).text, setting.fallback);
    EXPECT_EQ(value({}).origin, Origin::fallback);

    write_file(std::string(in_file) + " = 'of the file'");
    EXPECT_EQ(value({}).text, "of the file");
    EXPECT_EQ(value({}).origin, Origin::file);

    set_environment(name.c_str(), "of the environment");
    EXPECT_EQ(value({}).text, "of the environment");
    EXPECT_EQ(value({}).origin, Origin::environment);

    EXPECT_EQ(value({{name, "of the flag"}}).text, "of the flag");
    EXPECT_EQ(value({{name, "of the flag"}}).origin, Origin::flag);
    clear_environment();
  }
}

TEST_F(Settings, that_are_empty_in_the_environment_are_not_set_there) {
  write_file("data = 'of the file'");
  set_environment("CROSSDOCK_DATA", "");

  EXPECT_EQ(read().text("CROSSDOCK_DATA"), "of the file");
}

TEST_F(ConfigFile, is_read_from_the_working_directory_or_where_it_is_said_to_be) {
  write_file("data = 'here'");
  write_file("data = 'there'", "other.toml");

  EXPECT_EQ(read().text("CROSSDOCK_DATA"), "here");
  EXPECT_EQ(read({}, "other.toml").text("CROSSDOCK_DATA"), "there");
}

TEST_F(ConfigFile, may_be_absent_unless_it_was_asked_for) {
  EXPECT_TRUE(read_values({}, ""));

  const auto missing = read_values({}, "none.toml");

  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("none.toml"), std::string::npos) << missing.error().message;
}

TEST_F(ConfigFile, that_cannot_be_read_is_not_called_malformed) {
  const auto missing = read_values({}, "none.toml");

  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message.find("is not TOML"), std::string::npos) << missing.error().message;
}

TEST_F(ConfigFile, may_hold_numbers_and_booleans_without_quotes) {
  write_file(
      "webhook_workers = 3\ndev = true\nlog_response_bodies = false\nauto_disable_floor_seconds = 0\n");

  const Values values = read();

  EXPECT_EQ(values.text("WEBHOOK_WORKERS"), "3");
  EXPECT_EQ(values.text("CROSSDOCK_DEV"), "true");
  EXPECT_EQ(values.text("LOG_RESPONSE_BODIES"), "false");
  EXPECT_EQ(values.text("CROSSDOCK_AUTO_DISABLE_FLOOR_SECONDS"), "0");
}

TEST_F(ConfigFile, may_hold_no_unknown_entry) {
  const std::string advice =
      "; crossdock config show lists those there are, and here they are called in lower case, without "
      "crossdock_";
  for (const std::string entry : {"listne", "workers"}) {
    EXPECT_EQ(file_problem("data = 'x'\n" + entry + " = '1'"),
              "crossdock.toml has an unknown entry '" + entry + "'" + advice);
  }
  EXPECT_EQ(file_problem("[server]\nlisten = '0.0.0.0:80'"),
            "crossdock.toml has an unknown entry 'server'" + advice);
}

TEST_F(ConfigFile, that_names_a_setting_as_the_environment_does_is_told_what_it_is_called_here) {
  const struct {
    const char* entry;
    const char* here;
  } cases[] = {{"LISTEN", "listen"},
               {"CROSSDOCK_LISTEN", "listen"},
               {"crossdock_listen", "listen"},
               {"WEBHOOK_WORKERS", "webhook_workers"},
               {"INTEGRATION_ENCRYPTION_KEY", "integration_encryption_key"}};
  for (const auto& c : cases) {
    EXPECT_EQ(file_problem(std::string(c.entry) + " = '1'"),
              std::string("crossdock.toml has an unknown entry '") + c.entry + "'; here it is called '" +
                  c.here + "'");
  }
}

TEST_F(ConfigFile, may_hold_no_other_types) {
  for (const std::string value : {"1.5", "['a']", "{a = 1}", "2026-01-01"}) {
    EXPECT_EQ(file_problem("data = " + value),
              "crossdock.toml: 'data' must be a string, a number or a boolean")
        << value;
  }
}

TEST_F(ConfigFile, that_is_not_toml_is_refused_with_the_line) {
  for (const std::string text : {"listen: 0.0.0.0:80", "listen = 0.0.0.0:80", "listen = 'a", "data = '1'"}) {
    const std::string told = file_problem("data = 'x'\n" + text);

    EXPECT_EQ(told.find("crossdock.toml is not TOML: "), 0u) << told;
    EXPECT_TRUE(told.ends_with(" in line 2")) << told;
  }
}

TEST_F(ConfigTest, has_its_defaults) {
  const auto config = make({});

  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->host, "127.0.0.1");
  EXPECT_EQ(config->port, 8080);
  EXPECT_EQ(config->metrics_host, "");
  EXPECT_EQ(config->drain_delay, 0s);
  EXPECT_EQ(config->data_directory, "./crossdock-data");
  EXPECT_FALSE(config->dev);
  EXPECT_EQ(config->shards, std::min(4U, std::max(1U, std::thread::hardware_concurrency())));
  EXPECT_EQ(config->database_url + config->log_database_url, "");
  EXPECT_TRUE(config->encryption_key.empty());
  EXPECT_TRUE(config->bootstrap_key.empty());
  EXPECT_TRUE(config->egress_allow.empty());
  EXPECT_EQ(config->tls_certificate + config->tls_key, "");
  EXPECT_EQ(config->body_bytes_max, 1'048'576u);
  EXPECT_EQ(config->intake_waiting_max, 1000u);
  EXPECT_EQ(config->webhook_timeout, 30s);
  EXPECT_EQ(config->webhook_max_retries, 5);
  EXPECT_TRUE(config->log_response_bodies);
  EXPECT_EQ(config->health.failures, 10);
  EXPECT_EQ(config->health.floor, 900s);
  EXPECT_EQ(config->retention.events, std::chrono::days{30});
  EXPECT_EQ(config->retention.deliveries, std::chrono::days{30});
  EXPECT_EQ(config->retention.logs, std::chrono::days{30});
  EXPECT_EQ(config->retention.statistics, std::chrono::days{395});
  EXPECT_EQ(config->log_level, base::LogLevel::info);
  EXPECT_EQ(config->log_format, base::LogFormat::json);
}

TEST_F(ConfigTest, takes_every_setting) {
  const auto config = make({{"CROSSDOCK_LISTEN", "0.0.0.0:9"},
                            {"CROSSDOCK_METRICS_LISTEN", "[::1]:10"},
                            {"CROSSDOCK_DRAIN_DELAY_SECONDS", "300"},
                            {"CROSSDOCK_DATA", "/data"},
                            {"CROSSDOCK_DATABASE_URL", "postgresql://a"},
                            {"CROSSDOCK_LOG_DATABASE_URL", "postgresql://b"},
                            {"CROSSDOCK_BOOTSTRAP_KEY", "twenty-characters-xx"},
                            {"CROSSDOCK_EGRESS_ALLOW", "10.1.0.0/16:8443"},
                            {"CROSSDOCK_TLS_CERTIFICATE", "c.pem"},
                            {"CROSSDOCK_TLS_KEY", "k.pem"},
                            {"CROSSDOCK_MAX_BODY_BYTES", "26214400"},
                            {"CROSSDOCK_AUTO_DISABLE_FAILURES", "3"},
                            {"CROSSDOCK_AUTO_DISABLE_FLOOR_SECONDS", "0"},
                            {"CROSSDOCK_LOG_LEVEL", "warn"},
                            {"CROSSDOCK_LOG_FORMAT", "text"},
                            {"INTEGRATION_ENCRYPTION_KEY", "k1:abc"},
                            {"WEBHOOK_TIMEOUT_SECONDS", "120"},
                            {"WEBHOOK_MAX_RETRIES", "0"},
                            {"WEBHOOK_QUEUE_SIZE", "20000"},
                            {"WEBHOOK_WORKERS", "1"},
                            {"LOG_RESPONSE_BODIES", "false"}});

  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->host, "0.0.0.0");
  EXPECT_EQ(config->port, 9);
  EXPECT_EQ(config->metrics_host, "::1");
  EXPECT_EQ(config->metrics_port, 10);
  EXPECT_EQ(config->drain_delay, 300s);
  EXPECT_EQ(config->data_directory, "/data");
  EXPECT_EQ(config->database_url, "postgresql://a");
  EXPECT_EQ(config->log_database_url, "postgresql://b");
  EXPECT_EQ(config->bootstrap_key.reveal(), "twenty-characters-xx");
  ASSERT_EQ(config->egress_allow.size(), 1u);
  EXPECT_EQ(config->egress_allow[0].network.to_string(), "10.1.0.0");
  EXPECT_EQ(config->egress_allow[0].prefix_bits, 16);
  EXPECT_EQ(config->egress_allow[0].port, 8443);
  EXPECT_EQ(config->tls_certificate, "c.pem");
  EXPECT_EQ(config->tls_key, "k.pem");
  EXPECT_EQ(config->body_bytes_max, 26'214'400u);
  EXPECT_EQ(config->health.failures, 3);
  EXPECT_EQ(config->health.floor, 0s);
  EXPECT_EQ(config->log_level, base::LogLevel::warn);
  EXPECT_EQ(config->log_format, base::LogFormat::text);
  EXPECT_EQ(config->encryption_key.reveal(), "k1:abc");
  EXPECT_EQ(config->webhook_timeout, 120s);
  EXPECT_EQ(config->webhook_max_retries, 0);
  EXPECT_EQ(config->intake_waiting_max, 20'000u);
  EXPECT_EQ(config->shards, 1u);
  EXPECT_FALSE(config->log_response_bodies);
}

TEST_F(ConfigTest, reads_addresses_of_both_families_and_localhost) {
  const struct {
    const char* listen;
    const char* host;
    int port;
  } cases[] = {{"0.0.0.0:80", "0.0.0.0", 80},
               {"localhost:0", "127.0.0.1", 0},
               {"[::1]:65535", "::1", 65535},
               {"[::]:8080", "::", 8080}};
  for (const auto& c : cases) {
    const auto config = make({{"CROSSDOCK_LISTEN", c.listen}});

    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->host, c.host);
    EXPECT_EQ(config->port, c.port);
  }
}

TEST_F(ConfigTest, lets_development_send_to_this_machine_besides_what_is_allowed) {
  const auto alone = make({{"CROSSDOCK_DEV", "1"}});
  const auto added = make({{"CROSSDOCK_DEV", "true"}, {"CROSSDOCK_EGRESS_ALLOW", "10.0.0.0/8"}});

  ASSERT_TRUE(alone && added);
  EXPECT_TRUE(alone->dev);
  ASSERT_EQ(alone->egress_allow.size(), 2u);
  EXPECT_EQ(alone->egress_allow[0].network.to_string(), "127.0.0.0");
  EXPECT_EQ(alone->egress_allow[1].network.to_string(), "::1");
  ASSERT_EQ(added->egress_allow.size(), 3u);
  EXPECT_EQ(added->egress_allow[0].network.to_string(), "10.0.0.0");
}

TEST_F(ConfigTest, has_no_more_shards_than_the_machine_has_cores) {
  EXPECT_EQ(make({{"WEBHOOK_WORKERS", "64"}})->shards,
            std::min(64U, std::max(1U, std::thread::hardware_concurrency())));
}

TEST_F(ConfigTest, knows_all_log_levels) {
  EXPECT_EQ(make({{"CROSSDOCK_LOG_LEVEL", "debug"}})->log_level, base::LogLevel::debug);
  EXPECT_EQ(make({{"CROSSDOCK_LOG_LEVEL", "info"}})->log_level, base::LogLevel::info);
  EXPECT_EQ(make({{"CROSSDOCK_LOG_LEVEL", "error"}})->log_level, base::LogLevel::error);
}

TEST_F(ConfigTest, refuses_what_is_out_of_range_or_no_value_of_the_setting) {
  const struct {
    const char* setting;
    std::vector<const char*> values;
    const char* allowed;
  } cases[] = {
      {"CROSSDOCK_LISTEN",
       {"", "8080", ":8080", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:80x", "[::1]",
        "example.com:80", "1.2.3:80"},
       "it is IP-ADDRESS:PORT, such as 0.0.0.0:8080 or [::1]:8080"},
      {"CROSSDOCK_METRICS_LISTEN",
       {"9090", "metrics:9090"},
       "it is IP-ADDRESS:PORT, such as 0.0.0.0:8080 or [::1]:8080"},
      {"CROSSDOCK_METRICS_LISTEN", {"127.0.0.1:8080"}, "it needs another port than CROSSDOCK_LISTEN"},
      {"CROSSDOCK_DRAIN_DELAY_SECONDS", {"-1", "301", "5s"}, "it is a number from 0 to 300"},
      {"CROSSDOCK_DEV", {"", "yes", "TRUE", "2"}, "it is true or false"},
      {"CIRCUIT_FAILURE_THRESHOLD", {"0", "many"}, "it is a number from 1 to 1000000"},
      {"CIRCUIT_TIMEOUT_SECONDS", {"0", "86401"}, "it is a number from 1 to 86400"},
      {"LOG_RESPONSE_BODIES", {"", "no"}, "it is true or false"},
      {"LOG_RETENTION_DAYS", {"", "-1", "3651"}, "it is a number from 0 to 3650"},
      {"CROSSDOCK_MAX_BODY_BYTES",
       {"", "1023", "26214401", "1e6", "1M", " 2000", "99999999999999999999"},
       "it is a number from 1024 to 26214400"},
      {"WEBHOOK_QUEUE_SIZE", {"0", "20001", "-1"}, "it is a number from 1 to 20000"},
      {"WEBHOOK_WORKERS", {"0", "65", "four"}, "it is a number from 1 to 64"},
      {"WEBHOOK_TIMEOUT_SECONDS", {"0", "121", "30s"}, "it is a number from 1 to 120"},
      {"WEBHOOK_MAX_RETRIES", {"-1", "21"}, "it is a number from 0 to 20"},
      {"CROSSDOCK_AUTO_DISABLE_FAILURES", {"0", "1000001"}, "it is a number from 1 to 1000000"},
      {"CROSSDOCK_AUTO_DISABLE_FLOOR_SECONDS", {"-1", "2592001"}, "it is a number from 0 to 2592000"},
      {"CROSSDOCK_LOG_LEVEL", {"", "warning", "INFO"}, "it is debug, info, warn or error"},
      {"CROSSDOCK_LOG_FORMAT", {"", "xml"}, "it is json or text"},
      {"CROSSDOCK_EGRESS_ALLOW", {"10.0.0.0/33"}, "egress allow list: \"10.0.0.0/33\": "},
  };
  for (const auto& c : cases) {
    for (const char* value : c.values) {
      const std::string told = problem({{c.setting, value}});

      const std::string expected = std::string(c.setting) + " (from flag): " + c.allowed;
      EXPECT_TRUE(told.starts_with(expected)) << c.setting << "=" << value << " gives: " << told;
    }
  }
}

TEST_F(ConfigTest, wants_certificate_and_key_together) {
  for (const char* half : {"CROSSDOCK_TLS_CERTIFICATE", "CROSSDOCK_TLS_KEY"}) {
    const std::string told = problem({{half, "x.pem"}});

    EXPECT_TRUE(told.starts_with("CROSSDOCK_TLS_")) << told;
    EXPECT_TRUE(told.ends_with(": certificate and key are set together")) << told;
  }
}

TEST_F(ConfigTest, says_where_a_bad_value_came_from) {
  write_file("webhook_workers = 0");
  EXPECT_EQ(problem({}), "WEBHOOK_WORKERS (from crossdock.toml): it is a number from 1 to 64");

  set_environment("WEBHOOK_WORKERS", "x");
  EXPECT_EQ(problem({}), "WEBHOOK_WORKERS (from environment): it is a number from 1 to 64");
}

TEST_F(ConfigTest, tells_nothing_of_a_bootstrap_key_that_is_too_short) {
  EXPECT_EQ(problem({{"CROSSDOCK_BOOTSTRAP_KEY", "nineteen-characters"}}),
            "CROSSDOCK_BOOTSTRAP_KEY (from flag): it has at least 20 characters");
}

/// What config show prints, and its exit status.
std::pair<std::string, int> show(const Values& values) {
  ::testing::internal::CaptureStdout();
  const int status = config_show(values);
  return {::testing::internal::GetCapturedStdout(), status};
}

TEST_F(ConfigShow, prints_each_setting_with_its_origin_and_value) {
  write_file("listen = '0.0.0.0:80'");
  set_environment("WEBHOOK_WORKERS", "1");

  const auto [text, status] = show(read({{"CROSSDOCK_DATA", "/data"}}));

  EXPECT_EQ(status, 0);
  EXPECT_EQ(std::ranges::count(text, '\n'), std::ssize(settings()));
  for (const std::string line : {"CROSSDOCK_LISTEN                      crossdock.toml  0.0.0.0:80\n",
                                 "WEBHOOK_WORKERS                       environment     1\n",
                                 "CROSSDOCK_DATA                        flag            /data\n",
                                 "CROSSDOCK_EGRESS_ALLOW                default         -\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "is not in\n" << text;
  }
}

TEST_F(ConfigShow, shows_no_secret) {
  Flags flags;
  for (const char* secret : {"CROSSDOCK_DATABASE_URL", "CROSSDOCK_LOG_DATABASE_URL",
                             "CROSSDOCK_BOOTSTRAP_KEY", "INTEGRATION_ENCRYPTION_KEY"}) {
    flags[secret] = "a-secret-of-many-characters";
  }

  const std::string text = show(read(flags)).first;

  EXPECT_EQ(text.find("a-secret"), std::string::npos) << text;
  for (const auto& [name, value] : flags) {
    const std::string line = text.substr(text.find("\n" + name) + 1);
    EXPECT_TRUE(line.substr(0, line.find('\n')).ends_with("flag            ***")) << line;
  }
}

TEST_F(ConfigShow, fails_where_a_value_is_wrong_but_shows_all) {
  const auto [text, status] = show(read({{"WEBHOOK_WORKERS", "many"}}));

  EXPECT_EQ(status, 1);
  EXPECT_NE(text.find("flag            many\n"), std::string::npos) << text;
}

}  // namespace

}  // namespace cli
