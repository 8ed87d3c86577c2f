#!/bin/sh
# From a fresh Debian 12 to something that runs; installs only what is missing.
#   sh cmake/bootstrap.sh demo    trains on synthetic cells and prints how well mono- and binuclear ones are told apart
#   sh cmake/bootstrap.sh test    builds everything and runs all tests, then the quick rooms under ASan and UBSan
#   sh cmake/bootstrap.sh bench   builds and runs the benchmarks
# AIXCELL_DATA=<folder of data sets> lets the tests on real images run; without it they skip with a message.
set -eu

cd "$(dirname "$0")/.."
jobs=$(nproc)

build_packages="g++ cmake ninja-build libeigen3-dev libboost-dev"
component_packages="libstb-dev libjpeg62-turbo-dev libtiff-dev libpugixml-dev nlohmann-json3-dev libnanoflann-dev"
exchange_packages="libonnx-dev libprotobuf-dev libzip-dev libsodium-dev"
example_packages="libcli11-dev"

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    echo "bootstrap: root is needed for: $*; run that as root, then this again" >&2
    exit 2
  fi
}

# install_packages <package>...
install_packages() {
  if ! command -v dpkg >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "bootstrap: this is not Debian; install the equivalents of: $*" >&2
    echo "bootstrap: then: cmake --preset dev && cmake --build --preset dev && ctest --preset dev" >&2
    exit 2
  fi
  missing=""
  for package in "$@"; do
    dpkg -s "$package" 2>/dev/null | grep -q '^Status: .* installed$' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  echo "bootstrap: installing$missing"
  as_root apt-get update -q
  # shellcheck disable=SC2086  # a list of words
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}

# The rooms whose tests touch memory most and are quick enough to run ten times slower. Encoders and decoders are layers
# put together.
sanitized_rooms="core;kernels;layers;losses;optim;metrics;io;data;preprocess;postprocess"

run_tests() {
  # shellcheck disable=SC2086
  install_packages $build_packages $component_packages $exchange_packages $example_packages catch2
  cmake --preset dev
  cmake --build --preset dev -j "$jobs"
  cmake --preset asan -DAIXCELL_TEST_ROOMS="$sanitized_rooms"
  cmake --build --preset asan -j "$jobs"
  ctest --preset asan -j "$jobs" --no-label-summary
  ctest --preset dev -j "$jobs" --no-label-summary
}

run_demo() {
  # shellcheck disable=SC2086
  install_packages $build_packages $component_packages $exchange_packages $example_packages
  cmake --preset release -DAIXCELL_BUILD_BENCHMARKS=OFF
  cmake --build --preset release -j "$jobs" --target aixcell_command
  work=build/demo
  rm -rf "$work"
  mkdir -p "$work"
  aixcell=build/release/examples/aixcell/aixcell
  "$aixcell" synth "$work/cells" --seed 1
  "$aixcell" fit "$work/cells" --out "$work/model" --budget 3min --seed 1
}

run_benchmarks() {
  # shellcheck disable=SC2086
  install_packages $build_packages $component_packages $example_packages libbenchmark-dev
  cmake --preset release -DAIXCELL_BUILD_BENCHMARKS=ON
  cmake --build --preset release -j "$jobs" --target run_benchmarks
}

case "${1:-}" in
  test) run_tests ;;
  demo) run_demo ;;
  bench) run_benchmarks ;;
  *)
    echo "usage: sh cmake/bootstrap.sh demo|test|bench" >&2
    exit 2
    ;;
esac
