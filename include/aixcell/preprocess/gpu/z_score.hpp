#pragma once
#include <aixcell/device/transfer.hpp>
#include <aixcell/kernels/gpu/standardise.hpp>
#include <aixcell/preprocess/gpu/apply.hpp>
#include <aixcell/preprocess/z_score.hpp>

namespace aixcell {

/// The processor's but for the order of float64 sums.
template <GpuDevice Device>
tensor<float, Device> apply_on(context<Device>& ctx, const z_score&, const no_state&,
                               const tensor<float, Device>& pixels) {
  tensor<double, Device> moments(ctx, {2, pixels.extent(2)});
  tensor<float, Device> out(ctx, pixels.shape());
  channel_moments(ctx, pixels, moments);
  standardise(ctx, pixels, moments, out);
  return out;
}

/// The same bits as on the processor.
template <GpuDevice Device>
tensor<float, Device> apply_on(context<Device>& ctx, const fitted_z_score&, const fitted_z_score::state& s,
                               const tensor<float, Device>& pixels) {
  const index_t channels = pixels.extent(2);
  fitted_z_score::require_channels(s, channels);
  tensor<double> moments({2, channels});
  for (index_t c = 0; c < channels; ++c) {
    moments(0, c) = static_cast<double>(s.mean[static_cast<std::size_t>(c)]);
    moments(1, c) = static_cast<double>(s.deviation[static_cast<std::size_t>(c)]);
  }
  tensor<float, Device> out(ctx, pixels.shape());
  standardise(ctx, pixels, to_device(ctx, moments), out);
  return out;
}

}  // namespace aixcell
