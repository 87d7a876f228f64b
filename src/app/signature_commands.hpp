// The part of the command line about signatures, which needs no hub.
#pragma once

#include <memory>
#include <optional>

namespace CLI {
class App;
}

namespace app {

/// Adds its commands to a program, which outlives it, and runs the one that was given.
class SignatureCommands {
 public:
  explicit SignatureCommands(CLI::App& program);
  ~SignatureCommands();
  SignatureCommands(const SignatureCommands&) = delete;
  SignatureCommands& operator=(const SignatureCommands&) = delete;

  /// After the line was parsed: the exit status, or nothing where another command was given.
  std::optional<int> run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace app
