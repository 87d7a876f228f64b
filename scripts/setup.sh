#!/usr/bin/env bash
# Installs everything Crossdock needs to be built, tested and run on Debian 12 (bookworm).
# Idempotent: what is there already is left alone. Needs root, or sudo.
set -euo pipefail

packages=(
  # toolchain: g++ 12 miscompiles coroutines, so clang 19 is the only compiler
  clang-19 lld-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev llvm-19
  cmake ninja-build ccache make git python3 pkg-config ca-certificates
  # libraries
  libboost1.81-dev libssl-dev libcurl4-openssl-dev libsqlite3-dev libpq-dev
  rapidjson-dev libspdlog-dev libfmt-dev prometheus-cpp-dev libcli11-dev libtomlplusplus-dev
  libmimalloc-dev libre2-dev libpugixml-dev libidn2-dev zlib1g-dev libbrotli-dev libzstd-dev
  # tests and benches: real databases, fault injection, measuring
  libgtest-dev libgmock-dev libbenchmark-dev postgresql-15 sqlite3
  strace xfsprogs e2fsprogs util-linux openssl curl procps python3-venv
)
# The compat tests run foreign verifiers on Node. A machine that brings its own Node (>= 18) keeps it.
node_major=$(node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/' || true)
if [ -z "$node_major" ] || [ "$node_major" -lt 18 ] || ! command -v npm >/dev/null 2>&1; then
  packages+=(nodejs npm)
fi

if [ ! -r /etc/os-release ] || ! grep -q '^VERSION_CODENAME=bookworm' /etc/os-release; then
  echo "setup: this script knows Debian 12 (bookworm) only; on another system install the equivalents of:" >&2
  printf '  %s\n' "${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
  echo "setup: all ${#packages[@]} packages are installed"
  exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null 2>&1; then
  as_root=(sudo)
else
  echo "setup: run this as root, or install sudo; missing: ${missing[*]}" >&2
  exit 1
fi

echo "setup: installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# The tests start a PostgreSQL of their own; the package shall not start a cluster beside it.
if [[ " ${missing[*]} " == *" postgresql-15 "* ]]; then
  "${as_root[@]}" mkdir -p /etc/postgresql-common/createcluster.d
  echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.d/crossdock.conf >/dev/null
fi
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
echo "setup: done"
