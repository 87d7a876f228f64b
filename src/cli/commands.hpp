// The program's commands other than serve. Each prints data to standard output, talk to standard error, and
// returns the exit status: 0 done, 1 failed, 2 wrong usage.
#pragma once

#include <string>

#include "cli/config.hpp"

namespace cli {

int keys_generate(const std::string& key_name);

struct AdminKeyOptions {
  std::string name = "made on the machine";
  std::string tenant{};  ///< slug or id; empty: an administrator of the platform
};
/// Makes an administrator's API key in the store and prints it, for who may read the store anyhow. On SQLite
/// while no server runs on it.
int keys_admin(const Config& config, const AdminKeyOptions& options);

int config_show(const Values& values);
/// action: "up" applies, "status" lists.
int migrate(const Config& config, const std::string& action);
/// Checks the machine and the configuration, a line each with what to do. Finds what serve would refuse;
/// changes nothing.
int doctor(const Values& values);

struct ReceiveOptions {
  std::string listen = "127.0.0.1:9000";
  std::string secret_file{};  ///< holds whsec_…; empty: CROSSDOCK_RECEIVE_SECRET, and without that nothing is
                              ///< verified
  int status = 200;           ///< what is answered
  std::size_t stop_after = 0;  ///< ends after so many webhooks; 0: never
};
/// A small receiver: prints a line for each webhook and whether its signature fits.
int receive(const ReceiveOptions& options);

/// "error: …" on standard error; returns 1.
int report(const base::Error& error);

}  // namespace cli
