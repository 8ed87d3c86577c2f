#pragma once
#include <memory>
#include <string>
#include <utility>

#include <aixcell/core/error.hpp>
#include <aixcell/device/core.hpp>

namespace aixcell {

template <class Device>
class context;
template <class Device>
class convolution_library;  // kernels/gpu/convolution_library.hpp

namespace detail {

/// Why a GPU of this compute capability cannot multiply by wgmma; empty: it can. `compiled`: whether this program's
/// code for it was compiled for 90a.
inline std::string why_no_wgmma(int major, int minor, bool compiled) {
  const std::string capability = std::to_string(major) + "." + std::to_string(minor);
  if (major != 9 || minor != 0)
    return "wgmma needs a GPU of compute capability 9.0 (Hopper), this one has " + capability + "; multiply by mma";
  if (!compiled)
    return "this program was not compiled for wgmma; add 90a-real to AIXCELL_CUDA_ARCHITECTURES, or multiply by mma";
  return {};
}

}  // namespace detail

/// Whose convolutions a context computes with, and how ours multiply: two settings, which layers do not know of. Our
/// own kernels on mma.sync, unless somebody says otherwise; a library that was chosen computes every convolution or
/// says why it can not.
template <class Device>
class convolution_choice {
 public:
  using library = convolution_library<Device>;

  /// From now on; null: our own kernels.
  void convolve_by(std::shared_ptr<library> chosen) noexcept { library_ = std::move(chosen); }
  /// Null: our own kernels.
  const std::shared_ptr<library>& convolutions() const noexcept { return library_; }

  /// From now on, of our own convolutions of bfloat16, forward and to the image, of channels in multiples of 8 in one
  /// group, wide ones: up to 32 channels under filters of up to 3 x 3 and stride 1 memory is the bound, and other
  /// kernels take them, as they take filter gradients, other types and other channels. Throws device_error where the
  /// device has no wgmma.
  void multiply_by(tensor_core_instruction chosen) {
    if (chosen == tensor_core_instruction::wgmma)
      if (const std::string why = why_no_wgmma(static_cast<context<Device>&>(*this)); !why.empty())
        throw device_error("multiply_by: " + why);
    instruction_ = chosen;
  }
  tensor_core_instruction multiplies_by() const noexcept { return instruction_; }

 private:
  std::shared_ptr<library> library_;
  tensor_core_instruction instruction_ = tensor_core_instruction::mma;
};

}  // namespace aixcell
