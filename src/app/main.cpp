// The program: reads the command line and runs a command.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "app/command_line.hpp"
#include "app/hub.hpp"
#include "app/memory.hpp"
#include "app/remote_commands.hpp"
#include "app/signature_commands.hpp"
#include "base/version.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "cli/remote.hpp"

namespace {

int serve(const cli::Values& values) {
  auto config = cli::make_config(values);
  if (!config) return cli::report(config.error());
  base::configure_log(config->log_level, config->log_format);
  app::configure_memory();
  app::Hub hub(std::move(*config));
  if (auto started = hub.start(); !started) return cli::report(started.error());
  std::printf("crossdock %s ready on %s\n", CROSSDOCK_VERSION, hub.url().c_str());
  if (!hub.first_key().empty())
    std::printf("tenant demo, admin key (shown once): %s\n", hub.first_key().c_str());
  if (std::fflush(stdout) != 0) {
    base::log(base::LogLevel::warn, "nobody reads the standard output; the hub goes on without");
    std::clearerr(stdout);
  }
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

/// The commands that run a hub on this machine, or look after one.
class LocalCommands {
 public:
  explicit LocalCommands(CLI::App& program) {
    serve_ = program.add_subcommand("serve", "run the hub until SIGTERM, then drain and exit");
    migrate_ = program.add_subcommand("migrate", "bring the store's schema up to date");
    migrate_->add_option("action", migrate_action_, "up (default) or status")
        ->check(CLI::IsMember({"up", "status"}));
    add_keys(*program.add_subcommand("keys", "make keys: for encryption, for an administrator"));
    CLI::App* config = program.add_subcommand("config", "the configuration in force");
    config->require_subcommand(1);
    show_ = config->add_subcommand("show", "print each setting, its origin and its value");
    doctor_ = program.add_subcommand("doctor", "check machine and configuration, with what to do");
    for (CLI::App* command : {serve_, migrate_, admin_, show_, doctor_})
      add_config_flags(*command, flags_, config_file_);
    add_receive(*program.add_subcommand("receive", "a small receiver: prints each webhook, verified"));
  }
  LocalCommands(const LocalCommands&) = delete;
  LocalCommands& operator=(const LocalCommands&) = delete;

  /// After the line was parsed, where it named one of these.
  int run() {
    if (*generate_) return cli::keys_generate(key_name_);
    if (*receive_) return cli::receive(receiving_);
    const auto values = cli::read_values(flags_, config_file_);
    if (!values) return cli::report(values.error());
    if (*show_) return cli::config_show(*values);
    if (*doctor_) return cli::doctor(*values);
    if (*serve_) return serve(*values);
    const auto config = cli::make_config(*values);
    if (!config) return cli::report(config.error());
    return *admin_ ? cli::keys_admin(*config, admin_key_) : cli::migrate(*config, migrate_action_);
  }

 private:
  void add_keys(CLI::App& keys) {
    keys.require_subcommand(1);
    generate_ = keys.add_subcommand("generate", "make a key for INTEGRATION_ENCRYPTION_KEY");
    generate_->add_option("--name", key_name_, "name of the key (default k1)");
    admin_ = keys.add_subcommand(
        "admin", "make an administrator's API key in the store, for example where all others are lost");
    admin_->add_option("--name", admin_key_.name, "what it is called (default: made on the machine)");
    admin_->add_option("--tenant", admin_key_.tenant,
                       "slug or id: of this tenant (default: of the platform)");
    admin_->footer("On SQLite the hub must be stopped meanwhile; on PostgreSQL it works while hubs run.");
  }

  void add_receive(CLI::App& receive) {
    receive_ = &receive;
    receive.add_option("--listen", receiving_.listen, "address to listen on (default 127.0.0.1:9000)");
    receive.add_option("--secret-file", receiving_.secret_file,
                       "file with the signing secrets, one a line (default: CROSSDOCK_RECEIVE_SECRET)");
    receive.add_option("--status", receiving_.status, "status to answer (default 200)");
    receive.add_option("--stop-after", receiving_.stop_after, "end after so many webhooks");
  }

  std::map<std::string, std::string> flags_;
  std::string config_file_;
  std::string key_name_ = "k1";
  std::string migrate_action_ = "up";
  cli::ReceiveOptions receiving_;
  cli::AdminKeyOptions admin_key_;
  CLI::App* serve_ = nullptr;
  CLI::App* migrate_ = nullptr;
  CLI::App* generate_ = nullptr;
  CLI::App* admin_ = nullptr;
  CLI::App* show_ = nullptr;
  CLI::App* doctor_ = nullptr;
  CLI::App* receive_ = nullptr;
};

int run(int argc, char** argv) {
  CLI::App program("Crossdock: the one program between your services and every outside system.");
  program.set_version_flag("--version", "crossdock " CROSSDOCK_VERSION);
  program.require_subcommand(1);
  program.footer(
      "Settings come from flags, the environment, crossdock.toml and defaults, in this order;\n"
      "'crossdock config show' prints each with its origin.\n\n"
      "Exit status: 0 done, 1 failed, 2 wrong usage; of commands that speak to a hub also 3 not found,\n"
      "4 not allowed, 5 conflict, 6 it cannot be reached; of serve 74, when the disk fails, and 128 and the\n"
      "number of a second signal.");
  LocalCommands local_commands(program);
  app::RemoteCommands remote_commands(program);
  app::SignatureCommands signature_commands(program);

  const std::span<const char* const> words(argv + 1, static_cast<std::size_t>(std::max(argc - 1, 0)));
  if (const std::string unknown = app::unknown_command(program, words); !unknown.empty())
    return cli::report_usage({base::Code::invalid, unknown});
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (program.exit(error) == 0) return 0;
    if (const std::string near = app::near_option(program); !near.empty())
      std::fprintf(stderr, "%s\n", near.c_str());
    return 2;
  }
  if (const auto status = remote_commands.run()) return *status;
  if (const auto status = signature_commands.run()) return *status;
  return local_commands.run();
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that has gone is an error like any other: it is told, and not the program's silent end.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return cli::finish_output(run(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
