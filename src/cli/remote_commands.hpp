// The commands that speak to a hub over its API. Each returns the exit status: 0 done, 1 failed, 2 wrong
// usage, 3 not found, 4 not allowed, 5 conflict, 6 the hub cannot be reached.
#pragma once

#include "cli/output.hpp"
#include "cli/remote.hpp"

namespace cli {

struct ListenOptions {
  RemoteOptions remote{};
  std::string format{};
  std::vector<std::string> patterns{};  ///< empty: all
  std::string forward_to{};             ///< empty: events are printed only
  std::string name{};    ///< empty: made of this machine, the patterns and the URL, so that it is found again
  std::string since{};   ///< where a new listener begins: "1h", or a time
  std::string secret{};  ///< "whsec_…"; empty: made of the key and the name, always the same
  bool from_start = false;
  bool print_secret = false;
  int reconnects_max = 20;  ///< failures to connect, one after the other
};
/// Gives each event to a URL as a signed webhook and acknowledges it when that has answered, or prints it and
/// acknowledges it then; goes on where it was after whatever interrupts it.
int listen(const ListenOptions& options);

struct TriggerOptions {
  RemoteOptions remote{};
  std::string format{};
  std::string type{};
  std::string data{};               ///< JSON, or "@file"; empty: {}
  std::vector<std::string> sets{};  ///< "order.total=19.90"
  std::string subject{};
};
/// Publishes an event.
int trigger(const TriggerOptions& options);

/// The data of an event: a document with members set in it. A value is JSON where it reads as such, else a
/// text. Error: invalid.
base::Result<std::string> make_data(const std::string& base, const std::vector<std::string>& sets);

struct DeliveriesOptions {
  RemoteOptions remote{};
  std::string format{};
  std::vector<std::pair<std::string, std::string>> filters{};  ///< parameters of the API's list
  std::string since{};                                         ///< as of listen
  std::string until{};
  std::size_t limit = 50;
  std::string id{};   ///< of get and replay
  std::string url{};  ///< of replay: another one than the subscription's
};
int deliveries_list(const DeliveriesOptions& options);
int deliveries_get(const DeliveriesOptions& options);
int deliveries_replay(const DeliveriesOptions& options);

}  // namespace cli
