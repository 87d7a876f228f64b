#include "core/report.hpp"

#include "core/print.hpp"

namespace bench {

namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

}  // namespace

std::string render_machine(const Machine& machine) {
  return print("%s, %u cores, %.1f GiB, %s, %s (fdatasync of 4 KiB: %.2f ms), load %.2f before\n",
               machine.cpu.c_str(), machine.cores, static_cast<double>(machine.memory_bytes) / kGiB,
               machine.kernel.c_str(), machine.filesystem.c_str(), machine.fdatasync_ms,
               machine.load_average) +
         print("%s, revision %s\n", machine.date.c_str(), machine.revision.c_str());
}

JsonWriter open_report(const std::string& name, const Machine& machine) {
  JsonWriter json;
  json.open_object()
      .member("name", name)
      .member("date", machine.date)
      .member("revision", machine.revision)
      .open_object("machine")
      .member("cpu", machine.cpu)
      .member("cores", machine.cores)
      .member("memory_bytes", machine.memory_bytes)
      .member("kernel", machine.kernel)
      .member("filesystem", machine.filesystem)
      .member("fdatasync_4kib_ms", machine.fdatasync_ms)
      .member("load_average_before", machine.load_average)
      .close_object();
  return json;
}

}  // namespace bench
