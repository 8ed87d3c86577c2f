#pragma once
#include <algorithm>

#include <aixcell/kernels/gpu/unmix_stains.hpp>
#include <aixcell/preprocess/colour_deconvolution.hpp>
#include <aixcell/preprocess/gpu/apply.hpp>
#include <aixcell/preprocess/stain_separation.hpp>

namespace aixcell {

namespace detail {

template <GpuDevice Device>
tensor<float, Device> unmixed_on(context<Device>& ctx, std::string_view name, const tensor<float, Device>& rgb,
                                 const std::array<stain, 3>& stains) {
  require_rgb(name, rgb.shape());
  stain_amounts amounts;
  const auto inverse = unmixing_by(stains);
  for (std::size_t s = 0; s < 3; ++s) std::copy(inverse[s].begin(), inverse[s].end(), amounts.amounts[s]);
  tensor<float, Device> out(ctx, rgb.shape());
  unmix_stains(ctx, rgb, amounts, out);
  return out;
}

}  // namespace detail

// The processor's amounts but for the rounding of logarithms.

template <GpuDevice Device, stains S>
tensor<float, Device> apply_on(context<Device>& ctx, const colour_deconvolution<S>&, const no_state&,
                               const tensor<float, Device>& pixels) {
  return detail::unmixed_on(ctx, colour_deconvolution<S>::name, pixels, colour_deconvolution<S>::colours());
}

template <GpuDevice Device>
tensor<float, Device> apply_on(context<Device>& ctx, const stain_separation&, const stain_separation::state& s,
                               const tensor<float, Device>& pixels) {
  return detail::unmixed_on(ctx, stain_separation::name, pixels, stain_separation::colours(s));
}

}  // namespace aixcell
