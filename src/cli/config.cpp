#include "cli/config.hpp"

#include <toml++/toml.h>

#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "format/utf8.hpp"

namespace cli {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr Setting kSettings[] = {
    {"CROSSDOCK_LISTEN", "127.0.0.1:8080", false, "address and port to listen on"},
    {"CROSSDOCK_METRICS_LISTEN", "", false,
     "address and port for /metrics, /livez and /readyz alone, without TLS; empty: with everything else"},
    {"CROSSDOCK_DRAIN_DELAY_SECONDS", "0", false,
     "at the end /readyz says no for so long before the listener closes, 0 to 300"},
    {"CROSSDOCK_DATA", "./crossdock-data", false, "directory of the embedded store and the logs"},
    {"CROSSDOCK_DEV", "false", false,
     "development: loopback may be delivered to, keys are made on first start"},
    {"CROSSDOCK_DATABASE_URL", "", true,
     "postgresql://… for a shared store; empty: SQLite in the data directory"},
    {"CROSSDOCK_LOG_DATABASE_URL", "", true, "the same for wire logs; empty: beside the store"},
    {"CROSSDOCK_NODE", "", false,
     "name of this node among those that share a store, the same after a restart; empty: kept in the data "
     "directory"},
    {"CROSSDOCK_BOOTSTRAP_KEY", "", true,
     "becomes a platform administrator's API key on a store without keys"},
    {"CROSSDOCK_EGRESS_ALLOW", "", false, "private ranges that may be sent to: CIDR[:port], …"},
    {"CROSSDOCK_CA_FILE", "", false,
     "PEM file of the authorities that others' certificates may be from; empty: the system's"},
    {"CROSSDOCK_PUBLIC_URL", "", false, "what the outside calls this server"},
    {"CROSSDOCK_TRUSTED_PROXIES", "", false, "whose X-Forwarded-For is believed: CIDR, …"},
    {"CROSSDOCK_TLS_CERTIFICATE", "", false,
     "PEM file of the listener's certificate chain; read again on SIGHUP"},
    {"CROSSDOCK_TLS_KEY", "", false, "PEM file of its key"},
    {"CROSSDOCK_MAX_BODY_BYTES", "1048576", false, "largest request body, at most 26214400"},
    {"CROSSDOCK_CONNECTIONS_PER_ADDRESS", "2000", false,
     "connections that one address may have; those of trusted proxies are not counted. 0: any number"},
    {"CROSSDOCK_AUTO_DISABLE_FAILURES", "10", false,
     "consecutive failed attempts that switch a subscription off"},
    {"CROSSDOCK_AUTO_DISABLE_FLOOR_SECONDS", "900", false,
     "and how long it must have been failing; 0: no matter"},
    {"CROSSDOCK_LOG_LEVEL", "info", false, "debug, info, warn or error"},
    {"CROSSDOCK_LOG_FORMAT", "json", false, "json or text"},
    {"INTEGRATION_ENCRYPTION_KEY", "", true,
     "name:base64 of 32 bytes[,name:…]; the first encrypts, all decrypt"},
    {"WEBHOOK_TIMEOUT_SECONDS", "30", false, "default timeout of a delivery attempt, 1 to 120"},
    {"WEBHOOK_MAX_RETRIES", "5", false, "default number of retries after the first try, 0 to 20"},
    {"WEBHOOK_QUEUE_SIZE", "1000", false, "events that may wait for the store on each thread; more get 503"},
    {"CROSSDOCK_RECEIVE_RATE", "0", false,
     "webhooks a second that all endpoints of a tenant take together; more get 503. 0: any number"},
    {"WEBHOOK_WORKERS", "4", false, "threads that serve and deliver; no more than there are cores"},
    {"CIRCUIT_FAILURE_THRESHOLD", "5", false, "failures in a row that open a circuit"},
    {"CIRCUIT_TIMEOUT_SECONDS", "60", false,
     "how long it stays open before it is probed; doubles while probes fail"},
    {"CROSSDOCK_RETENTION_EVENTS_DAYS", "30", false, "days that events are kept, at most 3650; 0: for good"},
    {"CROSSDOCK_RETENTION_DELIVERIES_DAYS", "30", false,
     "the same for finished deliveries, their attempts and the causes of failures"},
    {"CROSSDOCK_RETENTION_STATISTICS_DAYS", "395", false, "the same for statistics by the hour"},
    {"LOG_RETENTION_DAYS", "30", false, "the same for wire logs: headers and bodies of attempts"},
    {"LOG_RESPONSE_BODIES", "true", false, "keep what receivers answer, for people to look at"},
};

/// CROSSDOCK_LISTEN → listen, WEBHOOK_WORKERS → webhook_workers
std::string toml_name(std::string_view name) {
  if (name.starts_with("CROSSDOCK_")) name.remove_prefix(10);
  return base::lower_ascii(name);
}

/// What to do about a name that the file has and no setting is called by there.
std::string unknown_entry(std::string_view entry) {
  const auto meant = std::ranges::find_if(kSettings, [&](const Setting& row) {
    const std::string lower = base::lower_ascii(entry);
    return lower == base::lower_ascii(row.name) || lower == toml_name(row.name);
  });
  if (meant != std::end(kSettings)) return "; here it is called '" + toml_name(meant->name) + "'";
  return "; crossdock config show lists those there are, and here they are called in lower case, without "
         "crossdock_";
}

Result<void> read_file(const std::string& path, Values& values) {
  try {
    std::ifstream file(path);
    if (!file) return fail(Code::invalid, "cannot read " + path + ": " + std::strerror(errno));
    const toml::table table = toml::parse(file, path);
    for (const auto& [key, node] : table) {
      const auto setting = std::ranges::find(kSettings, std::string(key.str()),
                                             [](const Setting& row) { return toml_name(row.name); });
      if (setting == std::end(kSettings)) {
        return fail(Code::invalid, path + " has an unknown entry '" + std::string(key.str()) + "'" +
                                       unknown_entry(key.str()));
      }
      std::string text;
      if (const auto value = node.value<std::string>()) {
        text = *value;
      } else if (const auto number = node.value<std::int64_t>()) {
        text = node.is_boolean() ? (*number != 0 ? "true" : "false") : std::to_string(*number);
      } else {
        return fail(Code::invalid,
                    path + ": '" + std::string(key.str()) + "' must be a string, a number or a boolean");
      }
      values.by_name[std::string(setting->name)] = {text, Origin::file};
    }
  } catch (const toml::parse_error& error) {
    return fail(Code::invalid, path + " is not TOML: " + std::string(error.description()) + " in line " +
                                   std::to_string(error.source().begin.line));
  }
  return {};
}

/// Reads texts into types and says what is wrong with which setting.
class Reader {
 public:
  explicit Reader(const Values& values) : values_(values) {}

  std::int64_t integer(std::string_view name, std::int64_t min, std::int64_t max) {
    const std::string& text = values_.text(name);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < min || number > max) {
      refuse(name, "it is a number from " + std::to_string(min) + " to " + std::to_string(max));
    }
    return number;
  }
  bool boolean(std::string_view name) {
    const std::string& text = values_.text(name);
    if (text != "true" && text != "false" && text != "1" && text != "0") refuse(name, "it is true or false");
    return text == "true" || text == "1";
  }
  void refuse(std::string_view setting, const std::string& what) {
    if (problem_.empty()) {
      const auto& value = values_.by_name.find(setting)->second;
      problem_ = std::string(setting) + " (from " + std::string(name(value.origin)) + "): " + what;
    }
  }
  const std::string& problem() const { return problem_; }

 private:
  const Values& values_;
  std::string problem_;
};

struct Address {
  std::string host{};
  std::uint16_t port = 0;
};

Address read_address(Reader& reader, std::string_view setting, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::string host = text.substr(0, std::min(colon, text.size()));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  int port = -1;
  if (colon != std::string::npos) {
    const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) port = -1;
  }
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(host, not_an_address);
  if (not_an_address || port < 0 || port > 65535) {
    reader.refuse(setting, "it is IP-ADDRESS:PORT, such as 0.0.0.0:8080 or [::1]:8080");
  }
  return {host, static_cast<std::uint16_t>(port)};
}

void read_listeners(Reader& reader, const Values& values, Config& config) {
  const Address main = read_address(reader, "CROSSDOCK_LISTEN", values.text("CROSSDOCK_LISTEN"));
  config.host = main.host;
  config.port = main.port;
  if (const std::string& text = values.text("CROSSDOCK_METRICS_LISTEN"); !text.empty()) {
    const Address metrics = read_address(reader, "CROSSDOCK_METRICS_LISTEN", text);
    config.metrics_host = metrics.host;
    config.metrics_port = metrics.port;
    if (metrics.port != 0 && metrics.port == main.port)
      reader.refuse("CROSSDOCK_METRICS_LISTEN", "it needs another port than CROSSDOCK_LISTEN");
  }
  config.drain_delay = std::chrono::seconds{reader.integer("CROSSDOCK_DRAIN_DELAY_SECONDS", 0, 300)};
}

/// What the outside calls this server, and who stands between.
void read_outside(Reader& reader, const Values& values, Config& config) {
  auto proxies = http::EgressGuard::parse_allow(values.text("CROSSDOCK_TRUSTED_PROXIES"));
  if (!proxies) {
    reader.refuse("CROSSDOCK_TRUSTED_PROXIES", proxies.error().message);
  } else if (std::ranges::any_of(*proxies, [](const auto& range) { return range.port != 0; })) {
    reader.refuse("CROSSDOCK_TRUSTED_PROXIES", "addresses and ranges without a port");
  } else {
    config.trusted_proxies = std::move(*proxies);
  }
  config.node = values.text("CROSSDOCK_NODE");
  if (config.node.size() > 100 || !format::is_storable(config.node)) {
    reader.refuse("CROSSDOCK_NODE", "at most 100 bytes of UTF-8");
  }
  config.public_url = values.text("CROSSDOCK_PUBLIC_URL");
  while (config.public_url.ends_with('/')) config.public_url.pop_back();
  if (!config.public_url.empty()) {
    const auto url = http::parse_target(config.public_url);
    if (!url) reader.refuse("CROSSDOCK_PUBLIC_URL", url.error().message);
  }
}

}  // namespace

std::span<const Setting> settings() { return kSettings; }

std::string_view name(Origin origin) {
  switch (origin) {
    case Origin::fallback: return "default";
    case Origin::file: return "crossdock.toml";
    case Origin::environment: return "environment";
    case Origin::flag: return "flag";
  }
  return "";
}

Result<Values> read_values(const std::map<std::string, std::string>& flags, const std::string& config_file) {
  Values values;
  for (const Setting& setting : kSettings) {
    values.by_name[std::string(setting.name)] = {std::string(setting.fallback), Origin::fallback};
  }
  if (!config_file.empty() || std::filesystem::exists("crossdock.toml")) {
    XD_DO(read_file(config_file.empty() ? "crossdock.toml" : config_file, values));
  }
  for (const Setting& setting : kSettings) {
    const char* text = std::getenv(std::string(setting.name).c_str());
    if (text != nullptr && *text != '\0')
      values.by_name[std::string(setting.name)] = {text, Origin::environment};
  }
  for (const auto& [setting, text] : flags) values.by_name[setting] = {text, Origin::flag};
  return values;
}

Result<Config> make_config(const Values& values) {
  using base::LogFormat;
  using base::LogLevel;
  Reader reader(values);
  Config config;
  read_listeners(reader, values, config);
  config.data_directory = values.text("CROSSDOCK_DATA");
  config.dev = reader.boolean("CROSSDOCK_DEV");
  config.database_url = values.text("CROSSDOCK_DATABASE_URL");
  config.log_database_url = values.text("CROSSDOCK_LOG_DATABASE_URL");
  config.encryption_key = base::Secret(values.text("INTEGRATION_ENCRYPTION_KEY"));
  config.bootstrap_key = base::Secret(values.text("CROSSDOCK_BOOTSTRAP_KEY"));
  if (!config.bootstrap_key.empty() && config.bootstrap_key.reveal().size() < 20) {
    reader.refuse("CROSSDOCK_BOOTSTRAP_KEY", "it has at least 20 characters");
  }
  std::string allow = values.text("CROSSDOCK_EGRESS_ALLOW");
  if (config.dev) allow += (allow.empty() ? "" : ",") + std::string("127.0.0.0/8,[::1]");
  auto ranges = http::EgressGuard::parse_allow(allow);
  if (!ranges) reader.refuse("CROSSDOCK_EGRESS_ALLOW", ranges.error().message);
  if (ranges) config.egress_allow = std::move(*ranges);
  read_outside(reader, values, config);
  config.ca_file = values.text("CROSSDOCK_CA_FILE");
  if (!config.ca_file.empty() && !std::ifstream(config.ca_file))
    reader.refuse("CROSSDOCK_CA_FILE", "the file cannot be read");
  config.tls_certificate = values.text("CROSSDOCK_TLS_CERTIFICATE");
  config.tls_key = values.text("CROSSDOCK_TLS_KEY");
  if (config.tls_certificate.empty() != config.tls_key.empty()) {
    reader.refuse("CROSSDOCK_TLS_KEY", "certificate and key are set together");
  }
  config.body_bytes_max = static_cast<std::size_t>(reader.integer(
      "CROSSDOCK_MAX_BODY_BYTES", 1024, static_cast<std::int64_t>(base::limits::kBodyBytesMax)));
  config.connections_per_address =
      static_cast<std::size_t>(reader.integer("CROSSDOCK_CONNECTIONS_PER_ADDRESS", 0, 1'000'000));
  config.circuit.failures = static_cast<int>(reader.integer("CIRCUIT_FAILURE_THRESHOLD", 1, 1'000'000));
  config.circuit.open = std::chrono::seconds{reader.integer("CIRCUIT_TIMEOUT_SECONDS", 1, 86'400)};
  config.intake_waiting_max = static_cast<std::size_t>(reader.integer("WEBHOOK_QUEUE_SIZE", 1, 20'000));
  if (const std::int64_t rate = reader.integer("CROSSDOCK_RECEIVE_RATE", 0, 1'000'000); rate > 0)
    config.receive_rate = {static_cast<std::size_t>(rate), std::chrono::seconds{1}};
  config.shards = std::min<std::size_t>(static_cast<std::size_t>(reader.integer("WEBHOOK_WORKERS", 1, 64)),
                                        std::max(1U, std::thread::hardware_concurrency()));
  config.webhook_timeout = std::chrono::seconds{reader.integer("WEBHOOK_TIMEOUT_SECONDS", 1, 120)};
  config.webhook_max_retries = static_cast<int>(reader.integer("WEBHOOK_MAX_RETRIES", 0, 20));
  config.log_response_bodies = reader.boolean("LOG_RESPONSE_BODIES");
  config.health.failures = reader.integer("CROSSDOCK_AUTO_DISABLE_FAILURES", 1, 1'000'000);
  config.health.floor =
      std::chrono::seconds{reader.integer("CROSSDOCK_AUTO_DISABLE_FLOOR_SECONDS", 0, 30 * 86'400)};
  const auto days = [&](std::string_view name) { return std::chrono::days{reader.integer(name, 0, 3650)}; };
  config.retention = {.events = days("CROSSDOCK_RETENTION_EVENTS_DAYS"),
                      .deliveries = days("CROSSDOCK_RETENTION_DELIVERIES_DAYS"),
                      .logs = days("LOG_RETENTION_DAYS"),
                      .statistics = days("CROSSDOCK_RETENTION_STATISTICS_DAYS")};
  const std::string& level = values.text("CROSSDOCK_LOG_LEVEL");
  config.log_level = level == "debug"   ? LogLevel::debug
                     : level == "warn"  ? LogLevel::warn
                     : level == "error" ? LogLevel::error
                                        : LogLevel::info;
  if (config.log_level == LogLevel::info && level != "info") {
    reader.refuse("CROSSDOCK_LOG_LEVEL", "it is debug, info, warn or error");
  }
  const std::string& log_format = values.text("CROSSDOCK_LOG_FORMAT");
  if (log_format != "json" && log_format != "text")
    reader.refuse("CROSSDOCK_LOG_FORMAT", "it is json or text");
  config.log_format = log_format == "text" ? LogFormat::text : LogFormat::json;
  if (!reader.problem().empty()) return fail(Code::invalid, reader.problem());
  return config;
}

}  // namespace cli
