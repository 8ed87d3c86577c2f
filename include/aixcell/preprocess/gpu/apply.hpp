#pragma once
#include <concepts>

#include <aixcell/device/core.hpp>
#include <aixcell/kernels/gpu/usable_values.hpp>
#include <aixcell/preprocess/apply.hpp>

namespace aixcell {

// A preprocess policy knows nothing of devices. Its twin is a function
//     template <GpuDevice Device>
//     tensor<float, Device> apply_on(context<Device>& ctx, const policy& p, const fitted_state_t<policy>& learned,
//                                    const tensor<float, Device>& pixels);
// which is looked up where a device adds the policy, as kernels are where a layer is instantiated: whoever adds it includes the
// twin before. It does what `apply` of the policy does, with the same errors; the result may share elements with the pixels.

template <class P, class Device>
concept HasPreprocessTwin = Preprocess<P> &&
    requires(context<Device>& ctx, const P& policy, const fitted_state_t<P>& learned,
             const tensor<float, Device>& pixels) {
  { apply_on(ctx, policy, learned, pixels) } -> std::same_as<tensor<float, Device>>;
};

/// The twin of the processor's apply_preprocess, same errors. Waits for the device.
template <GpuDevice Device, HasPreprocessTwin<Device> P>
tensor<float, Device> apply_preprocess(context<Device>& ctx, const P& policy, const fitted_state_t<P>& learned,
                                       const tensor<float, Device>& pixels) {
  require_rank("preprocess", 3, "an image [H,W,C]", pixels.shape());
  if (pixels.empty()) throw shape_error("preprocess: the image is empty " + to_string(pixels.shape()));
  if (const index_t at = first_unusable(ctx, pixels); at >= 0)
    detail::throw_unusable_value({nullptr, pixels.shape()}, at);
  return apply_on(ctx, policy, learned, pixels);
}

}  // namespace aixcell
