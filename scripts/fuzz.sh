#!/usr/bin/env bash
# Runs every fuzz target of a build for a while; stops at the first finding and says where it is.
# usage: scripts/fuzz.sh BUILD_DIRECTORY SECONDS
set -euo pipefail
build=${1:?build directory}
seconds=${2:-60}
examples=$(dirname "$0")/../fuzz/corpus
found=0
for target in "$build"/fuzz/*_fuzz; do
  [ -x "$target" ] || continue
  found=$((found + 1))
  name=$(basename "$target")
  corpus="$build/fuzz/corpus/$name"
  mkdir -p "$corpus"
  seeds=()
  [ -d "$examples/$name" ] && seeds=("$examples/$name")
  echo "fuzz: $name for $seconds s"
  "$target" "$corpus" "${seeds[@]}" -max_total_time="$seconds" -rss_limit_mb=512 -timeout=5 -print_final_stats=1 \
    -artifact_prefix="$build/fuzz/$name-" 2>&1 | tail -n 12
done
[ "$found" -gt 0 ] || { echo "fuzz: no targets in $build/fuzz" >&2; exit 1; }
