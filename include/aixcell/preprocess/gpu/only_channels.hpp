#pragma once
#include <array>
#include <string>

#include <aixcell/kernels/gpu/take_channels.hpp>
#include <aixcell/preprocess/gpu/apply.hpp>
#include <aixcell/preprocess/only_channels.hpp>

namespace aixcell {

template <GpuDevice Device, int... Channel>
tensor<float, Device> apply_on(context<Device>& ctx, const only_channels<Channel...>&, const no_state&,
                               const tensor<float, Device>& pixels) {
  only_channels<Channel...>::require_channels(pixels.extent(2));
  constexpr std::array<int, sizeof...(Channel)> kept{Channel...};
  tensor<float, Device> out(ctx, {pixels.extent(0), pixels.extent(1), std::ssize(kept)});
  take_channels(ctx, pixels, kept, out);
  return out;
}

}  // namespace aixcell
