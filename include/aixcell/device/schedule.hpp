#pragma once
#include <cstddef>
#include <cstdint>

namespace aixcell {

/// In which order the emulated device lets threads go on: of all that a GPU may do, as much as tests need.
struct schedule {
  enum class order { forward, reverse, shuffled };

  order threads = order::forward;
  int resident = 1;                      ///< blocks in flight at once; their steps interleave
  int preempt_one_in = 0;                ///< at an atomic operation, another thread goes on with this chance; 0: never
  std::uint64_t seed = 1;                ///< a run is a function of it
  std::size_t stack_bytes = 128 * 1024;  ///< of each thread

  static constexpr schedule forward() { return {}; }
  static constexpr schedule reverse() { return {.threads = order::reverse}; }
  static constexpr schedule shuffled(std::uint64_t seed) { return {.threads = order::shuffled, .seed = seed}; }
  /// Several blocks at once, and threads that are interrupted between any two atomic operations.
  static constexpr schedule fuzz(std::uint64_t seed) {
    return {.threads = order::shuffled, .resident = 4, .preempt_one_in = 6, .seed = seed};
  }
};

}  // namespace aixcell
