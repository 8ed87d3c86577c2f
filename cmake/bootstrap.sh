#!/bin/sh
# From a fresh Debian 12 to something that runs; installs only what is missing.
#   sh cmake/bootstrap.sh demo    trains on synthetic cells and prints how well mono- and binuclear ones are told apart
#   sh cmake/bootstrap.sh test    builds everything and runs all tests, then the quick rooms under ASan and UBSan
#   sh cmake/bootstrap.sh bench   builds and runs the benchmarks beside what is installed of their peers (python3-scipy, -skimage,
#                                 -opencv, -torch, libdnnl-dev, libdlib-dev, libopenblas-dev) and writes docs/benchmarks.md
#   sh cmake/bootstrap.sh gpu     on a machine with an NVIDIA GPU and nvcc: builds for it, tests, checks with compute-sanitizer,
#                                 measures, and prints one table; elsewhere it says what is missing and exits with 2
# AIXCELL_DATA=<folder of data sets> lets the tests on real images run; without it they skip with a message.
set -eu

cd "$(dirname "$0")/.."
jobs=$(nproc)

build_packages="g++ cmake ninja-build libeigen3-dev libboost-dev"
component_packages="libstb-dev zlib1g-dev libjpeg62-turbo-dev libtiff-dev libpugixml-dev nlohmann-json3-dev libnanoflann-dev"
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
  install_packages $build_packages $component_packages $exchange_packages $example_packages catch2 libbenchmark-dev
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
  install_packages $build_packages $component_packages $example_packages libbenchmark-dev python3 python3-numpy
  cmake --preset release -DAIXCELL_BUILD_BENCHMARKS=ON
  cmake --build --preset release -j "$jobs" --target benchmarks
  # Debian's own, which sees Debian's packages, whatever comes first in PATH.
  /usr/bin/python3 benchmarks/write_document.py --build build/release
}

# row <what> <command>...: runs the command, its output into a log, and adds a line to the table; goes on after a failure.
row() {
  what=$1
  shift
  log="$gpu_work/$(echo "$what" | tr -c 'a-zA-Z0-9\n' '_').log"
  echo "bootstrap: $what"
  if "$@" >"$log" 2>&1; then
    result="passed"
  else
    result="FAILED ($log)"
    gpu_failed=1
  fi
  printf '%-44s %s\n' "$what" "$result" >>"$gpu_table"
}

# The same two epochs on the processor and on the GPU, in float32: the losses that log.jsonl holds must agree within 1e-3.
same_losses() {
  for device in cpu cuda; do
    rm -rf "$gpu_work/fit_$device"
    "$aixcell" fit "$gpu_work/cells" --out "$gpu_work/fit_$device" --pipeline percentile+resnet18+unet+interior_border \
      --epochs 2 --seed 1 --precision float32 --device "$device"
  done
  for device in cpu cuda; do
    sed -n 's/.*"loss": *\([0-9.e+-]*\).*/\1/p' "$gpu_work/fit_$device/log.jsonl" >"$gpu_work/loss_$device"
  done
  paste "$gpu_work/loss_cpu" "$gpu_work/loss_cuda"
  paste "$gpu_work/loss_cpu" "$gpu_work/loss_cuda" |
    awk '{ d = $1 - $2; if (d < 0) d = -d; if (!($1 > 0) || d > 1e-3 * $1) wrong = 1 } END { exit wrong || NR == 0 }'
}

# The model of same_losses on the images that it did not see, on the processor and on the GPU, in float32: as many objects within
# 2 % (floods tie, and rounding moves pixels across thresholds), and on the GPU no stage on the processor.
same_objects() {
  for device in cpu cuda; do
    rm -rf "$gpu_work/found_$device"
    "$aixcell" predict "$gpu_work/fit_cpu/model.safetensors" "$gpu_work/cells/test/images" --out "$gpu_work/found_$device" \
      --precision float32 --device "$device" | tee "$gpu_work/predict_$device"
  done
  ! grep 'on the processor' "$gpu_work/predict_cuda" || return 1
  cpu=$(wc -l <"$gpu_work/found_cpu/measurements.csv") cuda=$(wc -l <"$gpu_work/found_cuda/measurements.csv")
  echo "rows of measurements.csv: $cpu on the processor, $cuda on the GPU"
  awk -v a="$cpu" -v b="$cuda" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(a > 1 && d <= 0.02 * a) }'
}

# Twenty runs of one epoch on the GPU must leave one and the same file of weights.
same_bits() {
  rm -f "$gpu_work/sums"
  for turn in $(seq 20); do
    rm -rf "$gpu_work/again"
    "$aixcell" fit "$gpu_work/cells" --out "$gpu_work/again" --pipeline percentile+plain4x16+unet+interior_border \
      --epochs 1 --seed 1 --device cuda
    # The weights alone: the rest of the file holds times.
    "$aixcell" export "$gpu_work/again/model.safetensors" --to safetensors --out "$gpu_work/weights_$turn"
    sha256sum <"$gpu_work/weights_$turn" >>"$gpu_work/sums"
    rm -f "$gpu_work/weights_$turn"
  done
  cat "$gpu_work/sums"
  [ "$(sort -u "$gpu_work/sums" | wc -l)" -eq 1 ]
}

run_gpu() {
  nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null || true)
  if [ -z "$nvcc" ]; then
    echo "bootstrap: no nvcc; install NVIDIA's CUDA toolkit 12.8 or later (Debian: cuda-toolkit from developer.nvidia.com)" >&2
    exit 2
  fi
  if ! command -v nvidia-smi >/dev/null 2>&1 || ! nvidia-smi -L 2>/dev/null | grep -q '^GPU'; then
    echo "bootstrap: no GPU that nvidia-smi sees; this needs one, with NVIDIA's driver. Nothing was built or measured." >&2
    exit 2
  fi
  # shellcheck disable=SC2086
  install_packages $build_packages $component_packages $exchange_packages $example_packages catch2
  gpu_work=build/cuda/report
  mkdir -p "$gpu_work"
  gpu_table=$gpu_work/table.txt
  gpu_failed=0
  : >"$gpu_table"
  # Hopper has instructions (wgmma) that only code for 90a may use; `native` would be 90.
  architectures=native
  [ "$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | sort -u)" != 9.0 ] || architectures=90a-real
  cmake --preset cuda -DCMAKE_CUDA_COMPILER="$nvcc" -DAIXCELL_CUDA_ARCHITECTURES="$architectures"
  cmake --build --preset cuda -j "$jobs" --target test_device_cuda test_kernels_gpu_cuda benchmark_gpu aixcell_command
  gpu_cudnn=yes
  # The file that CMake found, or a line that ends in NOTFOUND, or none.
  grep -q '^AIXCELL_CUDNN_LIBRARY:FILEPATH=/' build/cuda/CMakeCache.txt || gpu_cudnn=
  [ -z "$gpu_cudnn" ] || cmake --build --preset cuda -j "$jobs" --target test_kernels_cudnn_cuda benchmark_cudnn
  tests=build/cuda/tests
  aixcell=build/cuda/examples/aixcell/aixcell
  primitives=$tests/device/test_device_cuda
  kernels=$tests/kernels/gpu/test_kernels_gpu_cuda
  "$aixcell" doctor
  # Until the primitives have passed, trust no kernel.
  row "primitives against the manual" "$primitives"
  row "every kernel against its reference" "$kernels"
  if [ -n "$gpu_cudnn" ]; then
    row "cuDNN's convolutions beside our own" "$tests/kernels/cudnn/test_kernels_cudnn_cuda"
  else
    printf '%-44s %s\n' "cuDNN's convolutions beside our own" "not run: no cuDNN with headers" >>"$gpu_table"
  fi
  sanitizer=$(command -v compute-sanitizer || ls "$(dirname "$nvcc")/compute-sanitizer" 2>/dev/null || true)
  for tool in memcheck racecheck synccheck initcheck; do
    if [ -z "$sanitizer" ]; then
      printf '%-44s %s\n' "compute-sanitizer $tool" "not run: not installed" >>"$gpu_table"
      continue
    fi
    row "compute-sanitizer $tool, primitives" "$sanitizer" --tool "$tool" --error-exitcode 1 "$primitives"
    row "compute-sanitizer $tool, kernels" "$sanitizer" --tool "$tool" --error-exitcode 1 "$kernels" \
      "gpu: channels*,gpu: gates*,gpu: normalisation over*,gpu: value by value*,gpu: AdamW*,gpu: binary*,gpu: bitonic*"
  done
  "$aixcell" synth "$gpu_work/cells" --images 12 --size 128x128 --seed 1 >/dev/null 2>&1 || true
  row "two epochs: losses of processor and GPU" same_losses
  row "predictions of processor and GPU" same_objects
  row "twenty runs give the same bits" same_bits
  row "kernels and networks, measured" build/cuda/benchmarks/gpu/benchmark_gpu
  [ -z "$gpu_cudnn" ] || row "our convolutions beside cuDNN, measured" build/cuda/benchmarks/gpu/benchmark_cudnn
  if python3 -c 'import torch, torchvision, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    row "the same network in PyTorch, measured" python3 benchmarks/gpu/torch_step.py
  else
    printf '%-44s %s\n' "the same network in PyTorch" "not run: no torch with CUDA and torchvision" >>"$gpu_table"
  fi
  echo
  cat "$gpu_table"
  for log in "$gpu_work"/kernels_and_networks*.log "$gpu_work"/our_convolutions*.log "$gpu_work"/the_same_network*.log; do
    [ ! -f "$log" ] || { echo && cat "$log"; }
  done
  exit "$gpu_failed"
}

case "${1:-}" in
  test) run_tests ;;
  demo) run_demo ;;
  bench) run_benchmarks ;;
  gpu) run_gpu ;;
  *)
    echo "usage: sh cmake/bootstrap.sh demo|test|bench|gpu" >&2
    exit 2
    ;;
esac
