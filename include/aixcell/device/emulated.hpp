#pragma once
#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <aixcell/core/context.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/device/convolution_choice.hpp>
#include <aixcell/device/emulated_thread.hpp>
#include <aixcell/device/memory_error.hpp>
#include <aixcell/device/recorded_work.hpp>

namespace aixcell {

/// A GPU that this processor pretends to be, for tests and debugging: every CUDA thread is a fiber. Never a production
/// device: it is a thousand times slower than a CPU twin.
struct emulated {
  static constexpr bool runs_kernels = true;
};
static_assert(GpuDevice<emulated>);

namespace detail {

/// Work that was noted, and the memory that it was given.
struct noted_work {
  std::vector<std::function<void()>> work;
  std::vector<std::shared_ptr<void>> memory;
};

/// An order of work: what comes is done at once, or noted while somebody records.
class emulated_stream {
 public:
  template <class Work>
  void enqueue(const Work& work) {
    if (notes_)
      notes_->work.push_back(work);
    else
      work();
  }
  /// A block whose bits are all set, now and before each launch of what is being recorded, to which it belongs from now on.
  void poison(const std::shared_ptr<void>& block, std::size_t bytes) {
    std::memset(block.get(), 0xff, bytes);
    if (!notes_) return;
    notes_->memory.push_back(block);
    notes_->work.push_back([begin = block.get(), bytes] { std::memset(begin, 0xff, bytes); });
  }
  void require_not_recording(std::string_view what) const {
    if (notes_)
      throw device_error("emulated device: " + std::string(what) +
                         " while work is being recorded; do it before or after the recording");
  }
  /// Null: no more.
  void record_into(noted_work* notes) {
    if (notes) require_not_recording("a recording began");
    notes_ = notes;
  }

 private:
  noted_work* notes_ = nullptr;
};

}  // namespace detail

/// Every block is an allocation of its own, so that AddressSanitizer knows its end, and all its bits are set, so that
/// results that nobody wrote are NaN or -1.
template <>
class memory_pool<emulated> : public std::enable_shared_from_this<memory_pool<emulated>> {
 public:
  static constexpr std::size_t alignment = 256;  // what cudaMalloc promises

  explicit memory_pool(std::shared_ptr<detail::emulated_stream> stream) : stream_(std::move(stream)) {}

  /// Throws device_memory_error beyond the limit.
  std::shared_ptr<void> allocate(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes > limit_ - use_.live) throw device_memory_error("emulated device", bytes, limit_ - use_.live, limit_);
    void* const begin = ::operator new (std::max<std::size_t>(bytes, 1), std::align_val_t{alignment});
    use_.add(bytes);
    std::shared_ptr<void> block(begin, [pool = shared_from_this(), bytes](void* p) {
      ::operator delete (p, std::align_val_t{alignment});
      const std::lock_guard relock(pool->mutex_);
      pool->use_.remove(bytes);
    });
    stream_->poison(block, bytes);
    return block;
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
  std::shared_ptr<detail::emulated_stream> stream_;
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
  detail::emulated_stream& stream() noexcept { return *stream_; }

  /// The same device and order of work, with a pool that nobody else allocates from.
  context with_own_memory() const {
    context own = *this;
    own.memory_ = std::make_shared<memory_pool<emulated>>(stream_);
    own.memory_->limit(memory_->capacity());
    return own;
  }

 private:
  schedule how_;
  compute_settings settings_;
  std::shared_ptr<detail::emulated_stream> stream_ = std::make_shared<detail::emulated_stream>();
  std::shared_ptr<memory_pool<emulated>> memory_ = std::make_shared<memory_pool<emulated>>(stream_);
};

/// Runs `kernel` with `arguments` on every thread of `blocks`; nothing if there is no block. Throws emulation_error, and
/// whatever the kernel throws.
template <Kernel K, class... Argument>
void launch(context<emulated>& ctx, dim blocks, const K& kernel, Argument... arguments) {
  static_assert((std::is_trivially_copyable_v<Argument> && ...), "arguments are copied to the device byte by byte");
  using shared = typename K::shared;
  static_assert(sizeof(shared) <= 227 * 1024, "a block has no more than 227 KiB of shared memory");
  if (blocks.count() == 0) return;
  using call_type = std::tuple<K, Argument...>;
  ctx.stream().enqueue([call = call_type(kernel, arguments...), blocks, how = ctx.how()] {
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
    detail::executor(plan, how).go();
  });
}

/// Nothing is in the way of wgmma here.
inline std::string why_no_wgmma(context<emulated>&) { return {}; }

/// Waits until all work of the context is done.
inline void synchronise(context<emulated>& ctx) { ctx.stream().require_not_recording("somebody waits"); }

/// Says that this thread is about to use the context.
inline void make_current(context<emulated>&) {}

// Copies of whole arrays, equal shapes (else shape_error).

template <class T>
void copy(context<emulated>& ctx, view<const T, cpu> from, view<T, emulated> to) {
  require_equal_shapes("copy to the device", from, to);
  ctx.stream().require_not_recording("a copy to the device");
  std::copy(from.begin(), from.end(), to.data());
}
template <class T>
void copy(context<emulated>& ctx, view<const T, emulated> from, view<T, cpu> to) {
  require_equal_shapes("copy to the host", from, to);
  ctx.stream().require_not_recording("a copy to the host");
  std::copy_n(from.data(), from.size(), to.data());
}

/// What is launched again is done with memory whose bits are all set again.
template <>
class recorded_work<emulated> {
 public:
  template <class Work>
  static recorded_work record(context<emulated>& ctx, Work&& work) {
    recorded_work recorded;
    ctx.stream().record_into(&recorded.noted_);
    try {
      work();
    } catch (...) {
      ctx.stream().record_into(nullptr);
      throw;
    }
    ctx.stream().record_into(nullptr);
    return recorded;
  }
  void launch(context<emulated>& ctx) const {
    for (const auto& work : noted_.work) ctx.stream().enqueue(work);
  }

 private:
  recorded_work() = default;
  detail::noted_work noted_;
};

}  // namespace aixcell
