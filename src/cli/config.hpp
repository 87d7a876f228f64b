// The program's settings: where each value comes from (flag, environment, crossdock.toml, default) and what
// it means.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "http/egress.hpp"
#include "monitor/housekeeping.hpp"
#include "outbound/subscription/health.hpp"
#include "queue/breaker.hpp"
#include "queue/task.hpp"

namespace cli {

/// One setting: a row of the table that `config show` prints and the documentation is checked against.
struct Setting {
  std::string_view
      name;  ///< of the environment variable; in crossdock.toml without CROSSDOCK_ and in lower case
  std::string_view fallback;
  bool secret;
  std::string_view meaning;
};
std::span<const Setting> settings();

enum class Origin : std::uint8_t { fallback, file, environment, flag };
std::string_view name(Origin origin);

/// Every setting's text and origin.
struct Values {
  struct Value {
    std::string text;
    Origin origin = Origin::fallback;
  };
  std::map<std::string, Value, std::less<>> by_name;

  const std::string& text(std::string_view name) const { return by_name.find(name)->second.text; }
};

/// Reads all sources. flags are by setting name. config_file "": crossdock.toml in the working directory, if
/// it is there. Error: invalid, naming an unknown or wrong entry of the file.
base::Result<Values> read_values(const std::map<std::string, std::string>& flags,
                                 const std::string& config_file);

/// The settings with their types. What is a secret leaves Values for a Secret.
struct Config {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string metrics_host{};  ///< of a listener for metrics alone; empty: they are served with the rest
  std::uint16_t metrics_port = 0;
  std::chrono::seconds drain_delay{};  ///< between /readyz saying no and the listener closing
  std::string data_directory{};
  bool dev = false;
  std::size_t shards = 1;
  std::string database_url{};
  std::string log_database_url{};
  base::Secret encryption_key{};
  base::Secret bootstrap_key{};
  std::vector<http::AllowedRange> egress_allow{};
  std::vector<http::AllowedRange> trusted_proxies{};
  std::optional<base::Rate> receive_rate{};  ///< of all endpoints of a tenant; none: any number
  std::string node{};                        ///< its name; empty: one that the data directory keeps
  std::string ca_file{};                     ///< PEM; empty: the system's certificate authorities
  std::string public_url{};                  ///< without a slash at its end; empty: not known
  std::string tls_certificate{};
  std::string tls_key{};
  std::size_t body_bytes_max = 0;
  std::size_t connections_per_address = 0;  ///< 0: any number
  std::size_t intake_waiting_max = 0;
  std::chrono::seconds webhook_timeout{};
  int webhook_max_retries = 0;
  bool log_response_bodies = true;
  outbound::HealthPolicy health{};
  monitor::Retention retention{};
  queue::Breaker::Policy circuit{};
  base::LogLevel log_level = base::LogLevel::info;
  base::LogFormat log_format = base::LogFormat::json;
};
/// Error: invalid, naming the setting, where it came from, and what it may be.
base::Result<Config> make_config(const Values& values);

}  // namespace cli
