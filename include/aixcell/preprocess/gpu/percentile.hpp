#pragma once
#include <aixcell/device/transfer.hpp>
#include <aixcell/kernels/gpu/percentile.hpp>
#include <aixcell/preprocess/gpu/apply.hpp>
#include <aixcell/preprocess/percentile.hpp>

namespace aixcell {

/// The same bits as on the processor.
template <GpuDevice Device>
tensor<float, Device> apply_on(context<Device>& ctx, const percentile& p, const no_state&,
                               const tensor<float, Device>& pixels) {
  detail::require_percentages(percentile::name, p.low, p.high);
  tensor<double, Device> ranges(ctx, {pixels.extent(2), 2});
  tensor<float, Device> out(ctx, pixels.shape());
  percentile_ranges(ctx, pixels, p.low, p.high, ranges);
  scale_to_ranges(ctx, pixels, ranges, out);
  return out;
}

/// The same bits as on the processor.
template <GpuDevice Device>
tensor<float, Device> apply_on(context<Device>& ctx, const fitted_percentile&, const fitted_percentile::state& s,
                               const tensor<float, Device>& pixels) {
  const index_t channels = pixels.extent(2);
  fitted_percentile::require_channels(s, channels);
  tensor<double> ranges({channels, 2});
  for (index_t c = 0; c < channels; ++c) {
    ranges(c, 0) = static_cast<double>(s.low[static_cast<std::size_t>(c)]);
    ranges(c, 1) = static_cast<double>(s.high[static_cast<std::size_t>(c)]);
  }
  tensor<float, Device> out(ctx, pixels.shape());
  scale_to_ranges(ctx, pixels, to_device(ctx, ranges), out);
  return out;
}

}  // namespace aixcell
