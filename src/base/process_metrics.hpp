// What Prometheus' clients tell of their process and their build, under the names that dashboards know.
#pragma once

namespace base {

/// Brings process_* (CPU seconds, memory, file descriptors, threads, start) and crossdock_build_info up to
/// date in the registry. Called before the registry is written out; any thread; reads a few small files of
/// /proc.
void observe_process();

}  // namespace base
