#pragma once
#include <algorithm>
#include <chrono>

#include <aixcell/core/cost.hpp>
#include <aixcell/kernels/cpu/conv2d.hpp>

namespace aixcell {

/// What this machine reaches on the work a network consists of.
struct machine_speed {
  double flops_per_s = 0;  ///< in a 3x3 convolution of 32 channels
  double bytes_per_s = 0;  ///< read and written once, from memory

  /// Arithmetic and traffic do not overlap perfectly; their sum is an honest upper estimate.
  double seconds(const cost& c) const { return c.flops / flops_per_s + c.bytes / bytes_per_s; }
};

/// Measures for some 0.1 s; the best of a few repetitions, because other work on the machine only slows.
inline machine_speed measure_machine_speed(context<cpu>& ctx) {
  const auto best_seconds = [](auto&& work) {
    double best = 1e9;
    for (int repetition = 0; repetition < 4; ++repetition) {
      const auto start = std::chrono::steady_clock::now();
      work();
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
  };
  machine_speed speed;
  tensor<float> x({1, 128, 128, 32}), filter({32, 3, 3, 32}), y({1, 128, 128, 32});
  x.fill(1), filter.fill(1);
  speed.flops_per_s = conv2d_cost(x.shape(), filter.shape(), y.shape(), sizeof(float)).flops /
                      best_seconds([&] { conv2d<float>(ctx, x, filter, {.stride = 1, .padding = 1}, {}, y); });
  tensor<float> from({1 << 23}), to({1 << 23});
  speed.bytes_per_s = 8.0 * static_cast<double>(from.size()) / best_seconds([&] {
                        parallel_ranges(ctx, from.size(), 1 << 18, [&](index_t begin, index_t end) {
                          std::copy(from.data() + begin, from.data() + end, to.data() + begin);
                        });
                      });
  return speed;
}

}  // namespace aixcell
