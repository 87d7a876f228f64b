#include "hub/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "core/clock.hpp"

namespace bench {

namespace {

namespace fs = std::filesystem;

constexpr int kCannotRun = 127;

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

const passwd* find_user(const std::string& name) {
  if (name.empty()) return nullptr;
  const passwd* user = ::getpwnam(name.c_str());
  if (user == nullptr) throw std::runtime_error("there is no user '" + name + "' on this system");
  return user;
}

/// Runs in the child, between fork and exec.
[[noreturn]] void become(const Command& command, const std::string& program, const passwd* user,
                         char* const* arguments, char* const* environment) {
  ::setpgid(0, 0);
  const int log = ::open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int null = ::open("/dev/null", O_RDONLY);
  if (log < 0 || null < 0) ::_exit(kCannotRun);
  ::dup2(null, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  if (user != nullptr && (::initgroups(user->pw_name, user->pw_gid) != 0 || ::setgid(user->pw_gid) != 0 ||
                          ::setuid(user->pw_uid) != 0)) {
    ::_exit(kCannotRun);
  }
  // After setuid, which would clear it.
  ::prctl(PR_SET_PDEATHSIG, command.stop_signal);
  if (::chdir(command.directory.c_str()) != 0) ::_exit(kCannotRun);
  ::execve(program.c_str(), arguments, environment);
  ::_exit(kCannotRun);
}

struct ProcessUsage {
  pid_t parent = 0;
  double cpu_seconds = 0;
};

std::optional<ProcessUsage> usage_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  // The name in parentheses may hold anything, so the fields are counted from its end: state is the third.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string text;
  ProcessUsage usage;
  double ticks = 0;
  for (int field = 3; field <= 17 && fields >> text; ++field) {
    if (field == 4) usage.parent = static_cast<pid_t>(std::atoi(text.c_str()));
    if (field >= 14) ticks += std::atof(text.c_str());  // utime, stime, cutime, cstime
  }
  usage.cpu_seconds = ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return usage;
}

/// "VmHWM:" or "VmRSS:" of a process, in bytes.
std::uint64_t memory_of(pid_t pid, std::string_view what) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(what)) return std::strtoull(line.c_str() + what.size(), nullptr, 10) * 1024;
  }
  return 0;
}

std::map<pid_t, ProcessUsage> all_processes() {
  std::map<pid_t, ProcessUsage> processes;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    if (const auto usage = usage_of(pid)) processes[pid] = *usage;
  }
  return processes;
}

}  // namespace

ChildProcess::ChildProcess(const Command& command) : stop_signal_(command.stop_signal) {
  // The child runs elsewhere, so a relative path means something else there.
  const std::string program = fs::absolute(command.arguments.front());
  if (::access(program.c_str(), X_OK) != 0) {
    throw std::runtime_error("cannot run " + program + ": there is no such program");
  }
  const std::vector<char*> arguments = pointers_to(command.arguments);
  const std::vector<char*> environment = pointers_to(command.environment);
  const passwd* user = find_user(command.user);
  pid_ = ::fork();
  if (pid_ < 0) throw_errno("cannot fork");
  if (pid_ == 0) become(command, program, user, arguments.data(), environment.data());
  // <sys/pidfd.h> of glibc 2.36 does not declare its functions for C++.
  pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_) {
    ::kill(pid_, SIGKILL);
    throw_errno("cannot watch a child process");
  }
}

ChildProcess::~ChildProcess() {
  if (!ended()) stop(std::chrono::seconds(10));
}

std::optional<std::string> ChildProcess::ended() {
  int status = 0;
  if (!ended_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    ended_ = WIFEXITED(status) ? "exit code " + std::to_string(WEXITSTATUS(status))
                               : "signal " + std::to_string(WTERMSIG(status));
  }
  return ended_;
}

bool ChildProcess::wait_until_ended(std::chrono::seconds patience) {
  const std::int64_t until_ns = now_ns() + patience.count() * kNsPerSecond;
  while (!ended()) {
    const std::int64_t rest_ms = (until_ns - now_ns()) / kNsPerMs;
    if (rest_ms <= 0) return false;
    pollfd end{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    ::poll(&end, 1, static_cast<int>(rest_ms) + 1);
  }
  return true;
}

std::string ChildProcess::stop(std::chrono::seconds patience) {
  if (ended()) return *ended_ + " before it was asked to stop";
  ::kill(pid_, stop_signal_);
  return wait(patience);
}

void ChildProcess::kill() {
  ::kill(pid_, SIGKILL);
  wait(std::chrono::seconds(10));
}

std::string ChildProcess::wait(std::chrono::seconds patience) {
  if (wait_until_ended(patience)) return *ended_;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ended_ = "killed after " + std::to_string(patience.count()) + " s";
  return *ended_;
}

TreeUsage usage_of_tree(pid_t root) {
  const std::map<pid_t, ProcessUsage> processes = all_processes();
  TreeUsage usage;
  for (const auto& [pid, process] : processes) {
    pid_t ancestor = pid;
    while (ancestor != root && ancestor > 1) {
      const auto found = processes.find(ancestor);
      ancestor = found == processes.end() ? 0 : found->second.parent;
    }
    if (ancestor != root) continue;
    usage.cpu_seconds += process.cpu_seconds;
    usage.rss_peak_bytes += memory_of(pid, "VmHWM:");
  }
  return usage;
}

std::uint64_t resident_bytes(pid_t pid) { return memory_of(pid, "VmRSS:"); }

void reset_rss_peak(pid_t pid) {
  std::ofstream file("/proc/" + std::to_string(pid) + "/clear_refs");
  file << "5" << std::flush;
}

double own_cpu_seconds() { return to_seconds(read_clock_ns(CLOCK_PROCESS_CPUTIME_ID)); }

WorkDirectory::WorkDirectory(const fs::path& parent) {
  fs::create_directories(parent);
  std::string name = fs::absolute(parent) / "crossdock-bench-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw_errno("cannot make a working directory");
  path_ = name;
}

WorkDirectory::~WorkDirectory() {
  std::error_code ignored;  // a destructor cannot do more about a file that will not go
  if (keeps_logs_) {
    for (const fs::directory_entry& entry : fs::directory_iterator(path_, ignored)) {
      if (entry.path().extension() != ".log") fs::remove_all(entry.path(), ignored);
    }
    fs::remove(path_, ignored);  // goes only where nothing was logged
  } else {
    fs::remove_all(path_, ignored);
  }
}

}  // namespace bench
