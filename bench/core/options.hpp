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
  bool isolation = false;  ///< of e2e: the small one
  bool filters = false;    ///< of e2e: each subscription has a filter, which its events pass
  unsigned warm_up_seconds = 5;
  unsigned seconds = 60;
  unsigned drain_seconds = 60;
  std::size_t connections = 256;
  std::uint64_t events_per_second = 0;  ///< 0: as fast as the server answers
  std::size_t tenants = 4;
  std::size_t subscriptions_per_tenant = 4;
  std::size_t payload_bytes = 1024;
  std::uint64_t verify_every = 100;
  std::size_t healthy = 100;                 ///< subscriptions of the isolation scenarios
  std::size_t sick = 100;                    ///< of the small one
  std::size_t dead = 10'000;                 ///< of the other
  std::uint64_t sick_events_per_second = 0;  ///< 0: as many as the healthy get
  std::uint64_t share = 0;                   ///< of a tenant in events/s, for fairness; 0: by measuring
  std::size_t tasks = 1'000'000;             ///< of the recovery scenario
  std::size_t destinations = 1'000;
  unsigned hold_seconds = 10;  ///< from the last accepted event to the receivers' return
  unsigned answer_delay_ms = 5;
  bool restart = false;             ///< the server is killed and started again before the receivers return
  std::size_t samples = 1'000'000;  ///< of the timing scenario, for each scheme
  std::size_t endpoints = 5;        ///< of the inbound scenario
  std::size_t many_endpoints = 5'000;
  bool scattered_ids = false;  ///< the webhooks' ids are in no order
  unsigned rounds = 3;         ///< how often it repeats each run
  std::vector<std::string> server_environment;
};

}  // namespace bench
