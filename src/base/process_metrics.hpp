// What Prometheus' clients tell of their process and their build, under the names that dashboards know.
#pragma once

#include "base/clock.hpp"

namespace base {

/// Brings process_* (CPU seconds, memory, file descriptors, threads, start) and crossdock_build_info up to
/// date in the registry, at most once a second: it reads files of /proc and counts open files, and whoever
/// asks for metrics need not be known. Called before the registry is written out; any thread.
void observe_process(Steady now);

}  // namespace base
