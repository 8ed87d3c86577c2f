#pragma once
#include <aixcell/device/cuda.cuh>
#include <aixcell/device/transfer.hpp>
#include "support/catch.hpp"

namespace aixcell {

// The same tests on a GPU: their sources are compiled as CUDA with this folder before emulated/.
using device_under_test = cuda;

inline bool thorough() { return true; }
inline bool unhurried() { return true; }

/// A GPU interrupts as it likes.
inline context<cuda> fuzzed_device(std::uint64_t) { return context<cuda>(); }

/// Twice: a kernel must not live on what an earlier one left behind.
template <class Function>
void on_every_device(Function&& f) {
  context<cuda> ctx;
  for (int turn = 0; turn < 2; ++turn) {
    INFO("on the GPU, turn " << turn);
    f(ctx);
    CHECK(ctx.memory().use().live == 0);
  }
}

}  // namespace aixcell
