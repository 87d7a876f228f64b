// The program: reads the command line and runs a command.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "app/hub.hpp"
#include "app/remote_commands.hpp"
#include "app/signature_commands.hpp"
#include "base/version.hpp"
#include "cli/commands.hpp"

namespace {

struct ServeFlags {
  std::string listen;
  std::string data;
  bool dev = false;
};

int serve(const cli::Values& values) {
  auto config = cli::make_config(values);
  if (!config) return cli::report(config.error());
  base::configure_log(config->log_level, config->log_format);
  std::signal(SIGPIPE, SIG_IGN);
  app::Hub hub(std::move(*config));
  if (auto started = hub.start(); !started) return cli::report(started.error());
  std::printf("crossdock %s ready on %s\n", CROSSDOCK_VERSION, hub.url().c_str());
  if (!hub.first_key().empty())
    std::printf("tenant demo, admin key (shown once): %s\n", hub.first_key().c_str());
  std::fflush(stdout);
  hub.run();
  return 0;
}

/// Adds the flags that name the configuration; they stand for settings.
void add_config_flags(CLI::App& command, std::map<std::string, std::string>& flags,
                      std::string& config_file) {
  command.add_option("--config", config_file, "configuration file (default: crossdock.toml, if it is there)");
  command.add_option_function<std::string>(
      "--data", [&flags](const std::string& text) { flags["CROSSDOCK_DATA"] = text; },
      "data directory (CROSSDOCK_DATA, default ./crossdock-data)");
  command.add_option_function<std::string>(
      "--listen", [&flags](const std::string& text) { flags["CROSSDOCK_LISTEN"] = text; },
      "address to listen on (CROSSDOCK_LISTEN, default 127.0.0.1:8080)");
  command.add_flag_callback(
      "--dev", [&flags] { flags["CROSSDOCK_DEV"] = "true"; },
      "development: deliver to loopback, make a demo tenant and keys on first start");
}

int run(int argc, char** argv) {
  CLI::App program("Crossdock: the one program between your services and every outside system.");
  program.set_version_flag("--version", "crossdock " CROSSDOCK_VERSION);
  program.require_subcommand(1);
  program.footer(
      "Settings come from flags, the environment, crossdock.toml and defaults, in this order;\n"
      "'crossdock config show' prints each with its origin.");
  std::map<std::string, std::string> flags;
  std::string config_file;
  std::string key_name = "k1";
  std::string migrate_action = "up";
  cli::ReceiveOptions receive;

  CLI::App* serve_command = program.add_subcommand("serve", "run the hub until SIGTERM, then drain and exit");
  add_config_flags(*serve_command, flags, config_file);
  CLI::App* migrate_command = program.add_subcommand("migrate", "bring the store's schema up to date");
  migrate_command->add_option("action", migrate_action, "up (default) or status")
      ->check(CLI::IsMember({"up", "status"}));
  add_config_flags(*migrate_command, flags, config_file);
  CLI::App* keys_command = program.add_subcommand("keys", "encryption keys");
  keys_command->require_subcommand(1);
  CLI::App* generate_command =
      keys_command->add_subcommand("generate", "make a key for INTEGRATION_ENCRYPTION_KEY");
  generate_command->add_option("--name", key_name, "name of the key (default k1)");
  CLI::App* config_command = program.add_subcommand("config", "the configuration in force");
  config_command->require_subcommand(1);
  CLI::App* show_command =
      config_command->add_subcommand("show", "print each setting, its origin and its value");
  add_config_flags(*show_command, flags, config_file);
  CLI::App* doctor_command =
      program.add_subcommand("doctor", "check machine and configuration, with what to do");
  add_config_flags(*doctor_command, flags, config_file);
  CLI::App* receive_command =
      program.add_subcommand("receive", "a small receiver: prints each webhook, verified");
  receive_command->add_option("--listen", receive.listen, "address to listen on (default 127.0.0.1:9000)");
  receive_command->add_option(
      "--secret-file", receive.secret_file,
      "file with the signing secrets, one a line (default: CROSSDOCK_RECEIVE_SECRET)");
  receive_command->add_option("--status", receive.status, "status to answer (default 200)");
  receive_command->add_option("--stop-after", receive.stop_after, "end after so many webhooks");

  app::RemoteCommands remote_commands(program);
  app::SignatureCommands signature_commands(program);

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  }
  if (*generate_command) return cli::keys_generate(key_name);
  if (*receive_command) return cli::receive(receive);
  if (const auto status = remote_commands.run()) return *status;
  if (const auto status = signature_commands.run()) return *status;
  const auto values = cli::read_values(flags, config_file);
  if (!values) return cli::report(values.error());
  if (*show_command) return cli::config_show(*values);
  if (*doctor_command) return cli::doctor(*values);
  if (*serve_command) return serve(*values);
  const auto config = cli::make_config(*values);
  if (!config) return cli::report(config.error());
  return cli::migrate(*config, migrate_action);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
