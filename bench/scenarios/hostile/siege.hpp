// The hostile neighbour: one tenant, and strangers, who do what costs a server most. A process of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "hub/process.hpp"

namespace bench {

/// Who is attacked, and by whom.
struct SiegePlan {
  std::uint16_t port = 0;
  std::string api_key{};  ///< of the tenant that attacks
};

/// Subscriptions with heavy filters, and events of the largest size, for what is to come. Throws where the
/// server refuses them.
void prepare_siege(const SiegePlan& plan);

/// Attacks until SIGTERM, then prints what it did. At full force: whatever ends begins again after a second.
/// - events of 198 kB whose 99,000 elements 4,000 filters look through
/// - pages of events of 1 MB that are asked for and never read
/// - bodies that lack one byte, from strangers and with a key
/// - connections that do nothing, more than a server can have
/// It gives way to others on the processors, for it stands for machines that are elsewhere.
int besiege(const SiegePlan& plan);

/// The same as a child process, with its output in <work>/siege.log.
class Siege {
 public:
  Siege(const SiegePlan& plan, const std::filesystem::path& work);
  /// Ends it and gives back what it printed.
  std::string stop();

 private:
  std::filesystem::path log_;
  ChildProcess process_;
};

}  // namespace bench
