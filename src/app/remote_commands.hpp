// The part of the command line that speaks to a hub: listen, trigger, deliveries.
#pragma once

#include <memory>
#include <optional>

namespace CLI {
class App;
}

namespace app {

/// Adds its commands to a program, which outlives it, and runs the one that was given.
class RemoteCommands {
 public:
  explicit RemoteCommands(CLI::App& program);
  ~RemoteCommands();
  RemoteCommands(const RemoteCommands&) = delete;
  RemoteCommands& operator=(const RemoteCommands&) = delete;

  /// After the line was parsed: the exit status, or nothing where another command was given.
  std::optional<int> run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace app
