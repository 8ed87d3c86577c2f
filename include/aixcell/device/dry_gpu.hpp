#pragma once
#include <memory>

#include <aixcell/core/context.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/device/convolution_choice.hpp>
#include <aixcell/device/core.hpp>

namespace aixcell {

/// A GPU that runs nothing and counts the memory that launchers ask for: what work takes of a GPU is known before it is done.
/// As `dry` does for the processor, whose kernels take other workspace.
struct dry_gpu {
  static constexpr bool runs_kernels = true;
};
static_assert(GpuDevice<dry_gpu>);

/// Blocks lie as in the pool of a GPU, at addresses that nobody reads.
template <>
class memory_pool<dry_gpu> : public memory_pool<dry> {};

template <>
class context<dry_gpu> : public convolution_choice<dry_gpu> {
 public:
  using device = dry_gpu;

  explicit context(const compute_settings& settings = {}) : settings_(settings) {}

  const compute_settings& settings() const noexcept { return settings_; }
  memory_pool<dry_gpu>& memory() noexcept { return *memory_; }

 private:
  compute_settings settings_;
  std::shared_ptr<memory_pool<dry_gpu>> memory_ = std::make_shared<memory_pool<dry_gpu>>();
};

template <Kernel K, class... Argument>
void launch(context<dry_gpu>&, dim, const K&, Argument...) {}

inline void synchronise(context<dry_gpu>&) {}

template <class T>
void copy(context<dry_gpu>&, view<const T, cpu> from, view<T, dry_gpu> to) {
  require_equal_shapes("copy to the device", from, to);
}

}  // namespace aixcell
