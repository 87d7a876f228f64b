#include "core/machine.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <openssl/sha.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/clock.hpp"
#include "core/fd.hpp"

namespace bench {

namespace {

namespace fs = std::filesystem;

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string filesystem_of(const fs::path& path) {
  struct statfs info{};
  if (::statfs(path.c_str(), &info) != 0) throw_errno("cannot look at the data directory");
  constexpr unsigned kXfs = 0x58465342;
  constexpr unsigned kZfs = 0x2fc12fc1;
  switch (static_cast<unsigned>(info.f_type)) {
    case EXT4_SUPER_MAGIC: return "ext4";
    case BTRFS_SUPER_MAGIC: return "btrfs";
    case OVERLAYFS_SUPER_MAGIC: return "overlay";
    case kXfs: return "xfs";
    case kZfs: return "zfs";
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
      throw std::runtime_error(path.string() +
                               " lies in memory, where fsync costs nothing; name a disk with --data");
    default: {
      std::ostringstream text;
      text << "0x" << std::hex << info.f_type;
      return text.str();
    }
  }
}

double measure_fdatasync_ms(const fs::path& directory) {
  constexpr std::size_t kAppends = 100;
  const fs::path path = directory / "fdatasync.probe";
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!file) throw_errno("cannot write below the data directory");
  const std::vector<char> block(4096, 'x');
  std::vector<std::int64_t> times_ns;
  for (std::size_t i = 0; i < kAppends; ++i) {
    const std::int64_t begin_ns = now_ns();
    if (::write(file.get(), block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
        ::fdatasync(file.get()) != 0) {
      throw_errno("cannot write below the data directory");
    }
    times_ns.push_back(now_ns() - begin_ns);
  }
  fs::remove(path);
  std::nth_element(times_ns.begin(), times_ns.begin() + kAppends / 2, times_ns.end());
  return static_cast<double>(times_ns[kAppends / 2]) / static_cast<double>(kNsPerMs);
}

std::string find_revision() {
  if (const char* given = std::getenv("CROSSDOCK_REVISION"); given != nullptr && *given != '\0') return given;
  const std::string command =
      "git -C '" CROSSDOCK_BENCH_SOURCE "' describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 128> line{};
  if (!pipe || ::fgets(line.data(), line.size(), pipe.get()) == nullptr) return "unknown";
  const std::string text = line.data();
  return text.substr(0, text.find('\n'));
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace

Machine describe_machine(const fs::path& data) {
  utsname names{};
  ::uname(&names);
  Machine machine{.cpu = cpu_model(),
                  .cores = std::thread::hardware_concurrency(),
                  .memory_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                                  static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE)),
                  .kernel = std::string(names.sysname) + " " + names.release,
                  .filesystem = filesystem_of(data),
                  .revision = find_revision(),
                  .date = utc_now()};
  ::getloadavg(&machine.load_average, 1);
  machine.fdatasync_ms = measure_fdatasync_ms(data);
  return machine;
}

MachineTime machine_time() {
  std::ifstream file("/proc/stat");
  std::string name;
  // user nice system idle iowait irq softirq steal; guest time is part of user.
  std::array<double, 8> ticks{};
  file >> name;
  for (double& value : ticks) file >> value;
  const auto per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return {.busy_seconds = (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / per_second,
          .stolen_seconds = ticks[7] / per_second};
}

double measure_core_ms() {
  const std::vector<unsigned char> block(1U << 20U, 'x');
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  const std::int64_t begin_ns = now_ns();
  for (int i = 0; i < 64; ++i) SHA256(block.data(), block.size(), digest.data());
  return static_cast<double>(now_ns() - begin_ns) / static_cast<double>(kNsPerMs);
}

fs::path default_results() { return fs::path(CROSSDOCK_BENCH_SOURCE) / "results"; }

}  // namespace bench
