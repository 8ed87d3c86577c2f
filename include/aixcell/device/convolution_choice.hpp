#pragma once
#include <memory>
#include <utility>

namespace aixcell {

template <class Device>
class convolution_library;  // kernels/gpu/convolution_library.hpp

/// Whose convolutions a context computes with: one setting, which layers do not know of. Our own kernels, unless somebody
/// says otherwise; a library that was chosen computes every convolution or says why it can not.
template <class Device>
class convolution_choice {
 public:
  using library = convolution_library<Device>;

  /// From now on; null: our own kernels.
  void convolve_by(std::shared_ptr<library> chosen) noexcept { library_ = std::move(chosen); }
  /// Null: our own kernels.
  const std::shared_ptr<library>& convolutions() const noexcept { return library_; }

 private:
  std::shared_ptr<library> library_;
};

}  // namespace aixcell
