// What the command line says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace bench {

struct Options {
  std::filesystem::path server;
  std::filesystem::path data;     ///< each run makes and removes a directory of its own below this
  std::filesystem::path results;  ///< where <name>.json goes
  std::filesystem::path postgres_programs;
  std::string name;  ///< empty: named after the scenario
  bool postgres = false;
  bool isolation = false;
  unsigned warm_up_seconds = 5;
  unsigned seconds = 60;
  unsigned drain_seconds = 60;
  std::size_t connections = 256;
  std::uint64_t events_per_second = 0;  ///< 0: as fast as the server answers
  std::size_t tenants = 4;
  std::size_t subscriptions_per_tenant = 4;
  std::size_t payload_bytes = 1024;
  std::uint64_t verify_every = 100;
  std::size_t healthy = 100;  ///< subscriptions of the isolation scenario
  std::size_t sick = 100;
  std::vector<std::string> server_environment;
};

}  // namespace bench
