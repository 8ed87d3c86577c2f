#pragma once
#include <vector>

#include <aixcell/device/transfer.hpp>
#include <aixcell/kernels/gpu/label_pairs.hpp>
#include <aixcell/metrics/overlap.hpp>

namespace aixcell {

/// The processor's table, from label maps [H,W] on a device: pairs are counted there, what comes back grows with the number of
/// objects that touch. Same errors. Waits for the device.
template <GpuDevice Device>
overlap_table overlaps(context<Device>& ctx, const tensor<std::int32_t, Device>& truth,
                       const tensor<std::int32_t, Device>& predicted) {
  require_rank("overlaps", 2, "label maps [H,W]", truth.shape());
  require_equal_shapes("overlaps", truth, predicted);
  const label_pairs_on<Device> there = label_pairs(ctx, truth, predicted);
  detail::require_label(there.least);
  const tensor<std::uint64_t> pairs = to_host(ctx, there.pairs);
  const tensor<std::int32_t> pixels = to_host(ctx, there.pixels);
  std::vector<detail::shared_pixels> shared;
  for (index_t i = 0; i < there.count; ++i)
    shared.push_back(
        {static_cast<std::int32_t>(pairs[i] >> 32), static_cast<std::int32_t>(pairs[i] & 0xffffffffu), pixels[i]});
  return detail::table_of(shared);
}

}  // namespace aixcell
