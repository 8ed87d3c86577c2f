#pragma once
#include <cmath>
#include <limits>
#include <utility>

#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {

struct first_unusable_kernel {
  static constexpr std::string_view name = "first_unusable";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int count, const float* values, std::int32_t* first) const {
    for (int i = global_rank(t); i < count; i += grid_threads(t))
      if (!(std::abs(values[i]) <= 1e30f)) {
        t.atomic_min(first, i);
        return;  // this thread's others come later
      }
  }
};

struct nothing_found {
  static constexpr std::string_view name = "first_unusable: none yet";
  constexpr std::int32_t operator()(int) const { return std::numeric_limits<std::int32_t>::max(); }
};

}  // namespace detail

/// Place of the first value that is not finite or beyond 1e30, -1 if there is none. Waits for the device.
template <GpuDevice Device>
index_t first_unusable(context<Device>& ctx, view_on<const float, Device> values) {
  const int count = detail::counted("first_unusable", values.size());
  tensor<std::int32_t, Device> first(ctx, {1});
  detail::launch_map(ctx, detail::nothing_found{}, 1, first.data());
  launch(ctx, {count == 0 ? 0 : count / 4096 + 1, 1, 1}, detail::first_unusable_kernel{}, count, values.data(),
         first.data());
  const std::int32_t found = detail::read_one(ctx, first);
  return found == std::numeric_limits<std::int32_t>::max() ? -1 : found;
}

}  // namespace aixcell
