#!/usr/bin/env bash
# The crash test with all it needs built before: quick, as ctest runs it, or full: many kills, disks that break
# and lose power, both engines, and the proof that the known mutants are caught. JOBS limits the compilers.
set -euo pipefail
cd "$(dirname "$0")/../.."

jobs=${JOBS:-$(nproc)}

build() {  # preset target …
  local preset=$1
  shift
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset"
  ninja -C "build/$preset" -j "$jobs" "$@"
}

crash() {
  echo "== crash.py $*"
  python3 tests/crash/crash.py "$@" || {
    local status=$?
    [ "$status" -eq 77 ] || failed="$failed\n  crash.py $*"
  }
}

failed=""
case "${1:-quick}" in
  quick)
    build dev crossdock crossdock_test_postgres
    crash --server build/dev/crossdock --kills 8
    crash --server build/dev/crossdock --engine postgres --kills 4
    crash --server build/dev/crossdock --ordered --kills 3 --rate 700
    crash --server build/dev/crossdock --inbound --kills 2 --rate 300
    crash --server build/dev/crossdock --power-cut 2
    ;;
  full)
    build release crossdock crossdock_test_postgres
    build mutants crossdock
    python3 tests/crash/reconcile_test.py
    python3 tests/crash/inbound_test.py
    crash --server build/release/crossdock --kills 60 --broken-disks 6 --rate-min 1000
    crash --server build/release/crossdock --power-cut 25 --rate-min 1000
    crash --server build/release/crossdock --engine postgres --kills 12 --rate-min 1000
    crash --server build/release/crossdock --ordered --kills 20 --seconds-between 3,6 --events-min 100000
    crash --server build/release/crossdock --engine postgres --ordered --kills 6
    crash --server build/release/crossdock --inbound --kills 20 --rate 400 --events-min 20000
    crash --server build/release/crossdock --engine postgres --inbound --kills 6 --rate 400
    python3 tests/crash/mutants.py || failed="$failed\n  mutants.py"
    ;;
  *)
    echo "usage: tests/crash/run.sh [quick|full]" >&2
    exit 2
    ;;
esac

if [ -n "$failed" ]; then
  echo -e "FAILED:$failed" >&2
  exit 1
fi
echo "all crash tests passed"
