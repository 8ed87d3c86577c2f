#pragma once
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <tuple>
#include <type_traits>

#include <aixcell/core/context.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/device/convolution_choice.hpp>
#include <aixcell/device/emulated_thread.hpp>
#include <aixcell/device/memory_error.hpp>

namespace aixcell {

/// A GPU that this processor pretends to be, for tests and debugging: every CUDA thread is a fiber. Never a production
/// device: it is a thousand times slower than a CPU twin.
struct emulated {
  static constexpr bool runs_kernels = true;
};
static_assert(GpuDevice<emulated>);

/// Every block is an allocation of its own, so that AddressSanitizer knows its end, and all its bits are set, so that
/// results that nobody wrote are NaN or -1.
template <>
class memory_pool<emulated> : public std::enable_shared_from_this<memory_pool<emulated>> {
 public:
  static constexpr std::size_t alignment = 256;  // what cudaMalloc promises

  /// Throws device_memory_error beyond the limit.
  std::shared_ptr<void> allocate(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes > limit_ - use_.live) throw device_memory_error("emulated device", bytes, limit_ - use_.live, limit_);
    void* const block = ::operator new (std::max<std::size_t>(bytes, 1), std::align_val_t{alignment});
    std::memset(block, 0xff, bytes);
    use_.add(bytes);
    return {block, [pool = shared_from_this(), bytes](void* p) {
              ::operator delete (p, std::align_val_t{alignment});
              const std::lock_guard relock(pool->mutex_);
              pool->use_.remove(bytes);
            }};
  }
  /// Memory of the device from now on, in bytes.
  void limit(std::size_t bytes) { limit_ = bytes; }
  /// Memory of the device, in bytes.
  std::size_t capacity() const noexcept { return limit_; }
  memory_use use() const {
    const std::lock_guard lock(mutex_);
    memory_use now = use_;
    now.held = now.live;
    return now;
  }
  void reset_peak() {
    const std::lock_guard lock(mutex_);
    use_.peak = use_.live;
  }

 private:
  mutable std::mutex mutex_;
  memory_use use_;
  std::size_t limit_ = std::numeric_limits<std::size_t>::max();
};

template <>
class context<emulated> : public convolution_choice<emulated> {
 public:
  using device = emulated;

  explicit context(const schedule& how = {}, const compute_settings& settings = {}) : how_(how), settings_(settings) {}

  const schedule& how() const noexcept { return how_; }
  const compute_settings& settings() const noexcept { return settings_; }
  void compute_as(const compute_settings& settings) noexcept { settings_ = settings; }
  memory_pool<emulated>& memory() noexcept { return *memory_; }

 private:
  schedule how_;
  compute_settings settings_;
  std::shared_ptr<memory_pool<emulated>> memory_ = std::make_shared<memory_pool<emulated>>();
};

/// Runs `kernel` with `arguments` on every thread of `blocks`; nothing if there is no block. Throws emulation_error, and
/// whatever the kernel throws.
template <Kernel K, class... Argument>
void launch(context<emulated>& ctx, dim blocks, const K& kernel, Argument... arguments) {
  static_assert((std::is_trivially_copyable_v<Argument> && ...), "arguments are copied to the device byte by byte");
  using shared = typename K::shared;
  static_assert(sizeof(shared) <= 227 * 1024, "a block has no more than 227 KiB of shared memory");
  if (blocks.count() == 0) return;
  const auto call = std::make_tuple(kernel, arguments...);
  using call_type = std::remove_const_t<decltype(call)>;
  detail::launch_plan plan;
  plan.kernel = K::name;
  plan.grid = blocks;
  plan.threads = K::threads;
  plan.shared_bytes = sizeof(shared);
  plan.shared_alignment = std::max<std::size_t>(alignof(shared), 16);
  plan.call = &call;
  plan.body = [](const void* of, detail::thread_state& t) {
    std::apply(
        [&](const K& k, const Argument&... a) {
          k(emulated_thread(t), *static_cast<shared*>(t.block->shared.begin()), a...);
        },
        *static_cast<const call_type*>(of));
  };
  detail::executor(plan, ctx.how()).go();
}

/// Waits until all work of the context is done.
inline void synchronise(context<emulated>&) {}

/// Says that this thread is about to use the context.
inline void make_current(context<emulated>&) {}

// Copies of whole arrays, equal shapes (else shape_error).

template <class T>
void copy(context<emulated>&, view<const T, cpu> from, view<T, emulated> to) {
  require_equal_shapes("copy to the device", from, to);
  std::copy(from.begin(), from.end(), to.data());
}
template <class T>
void copy(context<emulated>&, view<const T, emulated> from, view<T, cpu> to) {
  require_equal_shapes("copy to the host", from, to);
  std::copy_n(from.data(), from.size(), to.data());
}

}  // namespace aixcell
