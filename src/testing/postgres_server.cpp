#include "testing/postgres_server.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "db/db.hpp"

namespace testing {

namespace {

namespace fs = std::filesystem;

constexpr const char* kBinaries = "/usr/lib/postgresql/15/bin/";
constexpr const char* kUser = "postgres";
constexpr auto kStartDeadline = std::chrono::seconds{60};
constexpr auto kPoll = std::chrono::milliseconds{20};

[[noreturn]] void fail_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), "test PostgreSQL: " + what);
}

/// Whom the server runs as when we are root; nobody else when we are not.
struct Account {
  bool change = false;
  uid_t user = 0;
  gid_t group = 0;
};

Account server_account() {
  if (geteuid() != 0) return {};
  const passwd* entry = getpwnam(kUser);
  if (entry == nullptr) throw std::runtime_error("test PostgreSQL: no user postgres; run scripts/setup.sh");
  return {true, entry->pw_uid, entry->pw_gid};
}

struct Command {
  std::vector<std::string> words;  // the first is a program of PostgreSQL
  std::string log;                 // file for what it prints
  int death_signal = 0;            // sent to it when our thread ends; 0: it lives on, in a session of its own
};

/// Between fork and exec: only what is safe in the child of a program with threads. Never returns.
[[noreturn]] void become(const Command& command, char* const* words, const Account& account, int log,
                         pid_t parent) {
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (account.change && (setgid(account.group) != 0 || setuid(account.user) != 0)) _exit(126);
  if (command.death_signal == 0) {
    setsid();
  } else {
    // After setuid, which clears it. The parent may be gone already.
    prctl(PR_SET_PDEATHSIG, command.death_signal);
    if (getppid() != parent) _exit(125);
    setpgid(0, 0);
  }
  execv(words[0], words);
  _exit(127);
}

pid_t spawn(const Command& command) {
  const Account account = server_account();
  std::vector<std::string> words = command.words;
  words.front() = kBinaries + words.front();
  if (access(words.front().c_str(), X_OK) != 0)
    fail_errno(words.front() + " is missing; run scripts/setup.sh");
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const int log = open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) fail_errno("cannot write " + command.log);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) become(command, pointers.data(), account, log, parent);
  close(log);
  if (child < 0) fail_errno("fork");
  return child;
}

void give_to_server(const std::string& path) {
  const Account account = server_account();
  if (account.change && chown(path.c_str(), account.user, account.group) != 0)
    fail_errno("cannot chown " + path);
}

std::string temporary_directory() {
  std::string path = (fs::temp_directory_path() / "crossdock-pg-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) fail_errno("cannot make a directory like " + path);
  return path;
}

std::string percent_encoded(const std::string& text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.';
    if (plain) {
      encoded += c;
    } else {
      encoded.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return encoded;
}

}  // namespace

PostgresServer::PostgresServer(PostgresServerOptions options) : options_(std::move(options)) {
  if (options_.directory.empty()) {
    directory_ = temporary_directory();
  } else {
    directory_ = fs::absolute(options_.directory).string();
    fs::create_directories(directory_);
  }
  url_ = postgres_url(directory_);
  give_to_server(directory_);
  initialise();
  launch();
}

PostgresServer::~PostgresServer() {
  if (options_.outlives_us) return;
  stop(SIGQUIT);
  std::error_code ignored;
  if (options_.directory.empty()) fs::remove_all(directory_, ignored);
}

void PostgresServer::initialise() {
  // Linguistic collation, as most servers have it: what silently relied on byte order shows here.
  const pid_t child = spawn(
      {.words = {"initdb", "--pgdata=" + directory_ + "/data", "--username=postgres", "--auth=trust",
                 "--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync"},
       .log = directory_ + "/log",
       .death_signal = SIGKILL});
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) throw std::runtime_error("test PostgreSQL: initdb failed:\n" + log_tail());
}

void PostgresServer::launch() {
  Command command{.words = {"postgres", "-D", directory_ + "/data", "-k", directory_, "-c",
                            "listen_addresses=", "-c", "shared_buffers=16MB", "-c", "fsync=on"},
                  .log = directory_ + "/log",
                  .death_signal = options_.outlives_us ? 0 : SIGQUIT};
  for (const std::string& setting : options_.settings)
    command.words.insert(command.words.end(), {"-c", setting});
  process_ = spawn(command);
  wait_until_ready();
}

void PostgresServer::wait_until_ready() {
  const auto deadline = std::chrono::steady_clock::now() + kStartDeadline;
  while (true) {
    const auto store = db::open_postgres({.url = url_, .writers = 1, .readers = 1});
    if (store) return;
    if (waitpid(process_, nullptr, WNOHANG) == process_) {
      process_ = -1;
      throw std::runtime_error("test PostgreSQL: ended at once:\n" + log_tail());
    }
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("test PostgreSQL: not ready in time: " + store.error().message + "\n" +
                               log_tail());
    }
    std::this_thread::sleep_for(kPoll);  // tidy: allow sleep a process outside has no signal to wait for
  }
}

void PostgresServer::crash() { stop(SIGQUIT); }

void PostgresServer::restart() { launch(); }

void PostgresServer::hide() { fs::rename(socket(), socket() + ".hidden"); }

void PostgresServer::reveal() { fs::rename(socket() + ".hidden", socket()); }

void PostgresServer::stop(int signal) {
  if (process_ < 0) return;
  kill(process_, signal);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
}

const std::string& PostgresServer::shared_url() {
  static const std::string url = [] {
    if (const char* given = std::getenv("CROSSDOCK_TEST_POSTGRES"); given != nullptr && *given != '\0') {
      return std::string(given);
    }
    static PostgresServer server;
    return server.url();
  }();
  return url;
}

std::string PostgresServer::log_tail() const {
  static constexpr std::size_t kShown = 2000;
  std::ifstream file(directory_ + "/log");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.size() <= kShown ? text : text.substr(text.size() - kShown);
}

std::string postgres_url(const std::string& directory) {
  return "postgresql://postgres@/postgres?host=" + percent_encoded(fs::absolute(directory).string());
}

void remove_postgres(const std::string& directory) {
  std::ifstream file(directory + "/data/postmaster.pid");
  pid_t process = 0;
  // A process of that number that is not our server is somebody else's: the file is a leftover.
  if (file >> process) {
    std::ifstream words("/proc/" + std::to_string(process) + "/cmdline");
    const std::string line{std::istreambuf_iterator<char>(words), {}};
    const bool ours = line.find(fs::absolute(directory).string() + "/data") != std::string::npos;
    const auto deadline = std::chrono::steady_clock::now() + kStartDeadline;
    while (ours && kill(process, SIGQUIT) == 0) {
      if (std::chrono::steady_clock::now() > deadline) {
        throw std::runtime_error("test PostgreSQL: process " + std::to_string(process) + " does not end");
      }
      std::this_thread::sleep_for(kPoll);  // tidy: allow sleep a process outside has no signal to wait for
    }
  }
  fs::remove_all(directory);
}

}  // namespace testing
