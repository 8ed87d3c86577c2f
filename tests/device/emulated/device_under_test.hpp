#pragma once
#include <cstdlib>
#include <string>

#include <aixcell/device/emulated.hpp>
#include <aixcell/device/transfer.hpp>
#include "support/catch.hpp"

namespace aixcell {

// Tests of kernels are written once. This header runs them on the emulated device, cuda/device_under_test.hpp on a GPU.
using device_under_test = emulated;

/// Whether sanitizers leave time for all sizes.
inline bool thorough() { return !detail::has_thread_sanitizer() && !detail::has_address_sanitizer(); }
inline bool unhurried() { return !detail::has_thread_sanitizer(); }

/// Of the fuzzed schedule; AIXCELL_FUZZ_SEED tries another one.
inline std::uint64_t fuzz_seed() {
  const char* const given = std::getenv("AIXCELL_FUZZ_SEED");
  return given ? std::strtoull(given, nullptr, 10) : 11;
}

inline context<emulated> fuzzed_device(std::uint64_t seed) { return context<emulated>(schedule::fuzz(seed)); }

/// Calls f(context) for every schedule.
template <class Function>
void on_every_device(Function&& f) {
  struct plan {
    const char* name;
    schedule how;
  };
  for (const plan& p : {plan{"forward", schedule::forward()}, plan{"reverse", schedule::reverse()},
                        plan{"shuffled", schedule::shuffled(7)}, plan{"fuzz", schedule::fuzz(fuzz_seed())}}) {
    INFO("schedule " << p.name << ", seed " << p.how.seed);
    context<emulated> ctx(p.how);
    f(ctx);
    CHECK(ctx.memory().use().live == 0);
  }
}

}  // namespace aixcell
