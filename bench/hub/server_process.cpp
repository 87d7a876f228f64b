#include "hub/server_process.hpp"

#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "core/clock.hpp"
#include "hub/http_client.hpp"
#include "hub/signature.hpp"

namespace bench {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::string_view kDatabase = "crossdock";
constexpr std::int64_t kStartPatienceNs = 30 * kNsPerSecond;
constexpr auto kLookAgainAfter = 5ms;

/// What a program needs to run at all; nothing else of the caller's environment may change the figures.
std::vector<std::string> bare_environment() {
  std::vector<std::string> environment = {"LANG=C.UTF-8"};
  for (const char* name : {"PATH", "HOME", "TMPDIR", "TZ"}) {
    if (const char* value = std::getenv(name)) environment.push_back(std::string(name) + "=" + value);
  }
  return environment;
}

std::string end_of_log(const fs::path& log) {
  constexpr std::size_t kQuotedBytes = 2000;
  std::ifstream file(log);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.size() > kQuotedBytes ? text.substr(text.size() - kQuotedBytes) : text;
}

[[noreturn]] void give_up(const std::string& what, const fs::path& log) {
  throw std::runtime_error(what + "; its log (" + log.string() + ") ends with:\n" + end_of_log(log));
}

std::string postgres_user() { return ::geteuid() == 0 ? "postgres" : ""; }

/// Lets the user of PostgreSQL, who may be another, reach and own its directory.
void make_postgres_directory(const fs::path& work, const fs::path& directory) {
  fs::create_directory(directory);
  if (postgres_user().empty()) return;
  fs::permissions(work, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  const passwd* user = ::getpwnam(postgres_user().c_str());
  if (user == nullptr || ::chown(directory.c_str(), user->pw_uid, user->pw_gid) != 0) {
    throw std::runtime_error(
        "PostgreSQL does not run as root, and its directory cannot be given to user 'postgres'");
  }
}

std::string make_platform_key() {
  constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t kCharacters = 43;  // 256 bits
  std::string key = "cdk_";
  for (const char byte : random_bytes(kCharacters))
    key += kBase62[static_cast<unsigned char>(byte) % kBase62.size()];
  return key;
}

/// A port that was free a moment ago.
std::uint16_t free_port() { return bind_loopback().port; }

Command serve_command(const ServerPlan& plan, const fs::path& log, std::uint16_t port,
                      const std::string& platform_key) {
  Command command{.arguments = {plan.program, "serve", "--data", plan.work / "data", "--listen",
                                "127.0.0.1:" + std::to_string(port)},
                  .environment = bare_environment(),
                  .directory = plan.work,
                  .log = log,
                  .stop_signal = SIGTERM};
  command.environment.push_back("CROSSDOCK_BOOTSTRAP_KEY=" + platform_key);
  command.environment.push_back("INTEGRATION_ENCRYPTION_KEY=k1:" + to_base64(random_bytes(32)));
  command.environment.emplace_back("CROSSDOCK_EGRESS_ALLOW=127.0.0.0/8");
  if (!plan.database_url.empty())
    command.environment.push_back("CROSSDOCK_DATABASE_URL=" + plan.database_url);
  command.environment.insert(command.environment.end(), plan.environment.begin(), plan.environment.end());
  return command;
}

bool is_ready(std::uint16_t port) {
  try {
    return HttpClient(port).request("GET", "/readyz", {}, "").status == 200;
  } catch (const std::exception&) {
    return false;  // not listening yet, or not able to answer
  }
}

}  // namespace

Command PostgresServer::prepare(const fs::path& programs, const fs::path& work) {
  const fs::path directory = work / "postgres";
  const fs::path log = work / "postgres.log";
  make_postgres_directory(work, directory);
  Command command{.arguments = {programs / "initdb", "--pgdata", directory / "data", "--username",
                                "crossdock", "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8"},
                  .environment = bare_environment(),
                  .directory = directory,
                  .log = log,
                  .user = postgres_user(),
                  .stop_signal = SIGINT};  // PostgreSQL's fast shutdown
  if (ChildProcess(command).wait(60s) != "exit code 0") give_up("initdb failed", log);
  command.arguments = {programs / "postgres",
                       "-D",
                       directory / "data",
                       "-c",
                       "listen_addresses=",
                       "-c",
                       "unix_socket_directories=" + directory.string()};
  return command;
}

PostgresServer::PostgresServer(const fs::path& programs, const fs::path& work)
    : directory_(work / "postgres"), process_(prepare(programs, work)) {
  const fs::path log = work / "postgres.log";
  // Its own log, since the tries before the server is up print that they failed.
  const Command create{.arguments = {programs / "createdb", "--host", directory_, "--username", "crossdock",
                                     std::string(kDatabase)},
                       .environment = bare_environment(),
                       .directory = directory_,
                       .log = work / "createdb.log",
                       .stop_signal = SIGTERM};
  const std::int64_t until_ns = now_ns() + kStartPatienceNs;
  while (ChildProcess(create).wait(10s) != "exit code 0") {
    if (process_.ended()) give_up("PostgreSQL ended at once", log);
    if (now_ns() > until_ns) give_up("PostgreSQL takes no connections after 30 s", log);
    std::this_thread::sleep_for(kLookAgainAfter);
  }
}

std::string PostgresServer::url() const {
  return "postgresql://crossdock@/" + std::string(kDatabase) + "?host=" + directory_.string();
}

CrossdockServer::CrossdockServer(const ServerPlan& plan)
    : log_(plan.work / "crossdock.log"),
      platform_key_(make_platform_key()),
      port_(free_port()),
      command_(serve_command(plan, log_, port_, platform_key_)) {
  start();
}

void CrossdockServer::start() {
  const std::int64_t started_ns = now_ns();
  process_.emplace(command_);
  while (!is_ready(port_)) {
    check_alive();
    if (now_ns() - started_ns > kStartPatienceNs) give_up("the server is not ready after 30 s", log_);
    std::this_thread::sleep_for(kLookAgainAfter);
  }
  start_seconds_ = to_seconds(now_ns() - started_ns);
}

void CrossdockServer::kill() { process_->kill(); }

void CrossdockServer::check_alive() {
  if (const auto how = process_->ended()) give_up("the server ended (" + *how + ")", log_);
}

}  // namespace bench
