#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#endif

#include <aixcell/core/block_layout.hpp>
#include <aixcell/core/view.hpp>

namespace aixcell {

/// Bytes in use now and at most so far, and bytes that the pool keeps from the operating system. Not synchronised by
/// itself.
struct memory_use {
  std::size_t live = 0;
  std::size_t peak = 0;
  std::size_t held = 0;  ///< live, idle, and lost between blocks; never falls

  void add(std::size_t bytes) noexcept { peak = std::max(peak, live += bytes); }
  void remove(std::size_t bytes) noexcept { live -= bytes; }
};

namespace detail {

inline constexpr std::size_t memory_alignment = 64;  // a cache line, and the widest vector register

constexpr std::size_t rounded_to_alignment(std::size_t bytes) noexcept {
  return (bytes + memory_alignment - 1) / memory_alignment * memory_alignment;
}

}  // namespace detail

template <class Device>
class memory_pool;

/// Memory that is reused: a training step asks for the same sizes again and again, and fresh pages from the operating
/// system cost more than many layers compute. Its segments stay until the pool and its last block are gone. What counts
/// the owners of a block comes from the pool too, so that a step that has run once allocates nothing.
/// Safe for several threads.
template <>
class memory_pool<cpu> : public std::enable_shared_from_this<memory_pool<cpu>> {
 public:
  memory_pool() = default;
  memory_pool(const memory_pool&) = delete;
  memory_pool& operator=(const memory_pool&) = delete;
  ~memory_pool() {
    for (const segment& s : segments_) {
      allow_access(s.begin, s.size);
      ::operator delete (s.begin, std::align_val_t{detail::memory_alignment});
    }
  }

  /// Uninitialised memory, aligned to 64 bytes, given back to the pool when the last owner lets go.
  std::shared_ptr<void> allocate(std::size_t bytes) {
    const std::size_t size = detail::rounded_to_alignment(bytes);
    block_layout::block block{};
    const std::size_t taken = std::max(size, detail::memory_alignment);
    std::byte* begin;
    {
      const std::lock_guard lock(mutex_);
      while (!layout_.place(taken, block)) add_segment(taken);
      use_.add(size);
      begin = segments_[block.segment].begin + block.offset;
      allow_access(begin, bytes);
    }
    return {begin, [this, block, size](void* p) { give(p, block, size); }, owner_counts<void>{shared_from_this()}};
  }

  memory_use use() const {
    const std::lock_guard lock(mutex_);
    memory_use now = use_;
    now.held = layout_.touched();
    return now;
  }

  /// Starts a new peak at what is live now.
  void reset_peak() {
    const std::lock_guard lock(mutex_);
    use_.peak = use_.live;
  }

 private:
  struct segment {
    std::byte* begin;
    std::size_t size;
  };

  // Room for what a shared_ptr keeps beside a block: two counts, deleter and allocator.
  union owner_count {
    owner_count* next;
    std::byte room[128];
  };

  // Hands rooms out again. Keeps the pool alive until the last of them has come back.
  template <class T>
  struct owner_counts {
    using value_type = T;
    template <class U>
    struct rebind {
      using other = owner_counts<U>;
    };

    explicit owner_counts(std::shared_ptr<memory_pool> p) noexcept : pool(std::move(p)) {}
    template <class U>
    owner_counts(const owner_counts<U>& other) noexcept : pool(other.pool) {}
    T* allocate(std::size_t) {
      static_assert(sizeof(T) <= sizeof(owner_count) && alignof(T) <= alignof(owner_count));
      return reinterpret_cast<T*>(pool->take_count());
    }
    void deallocate(T* p, std::size_t) noexcept { pool->give_count(reinterpret_cast<owner_count*>(p)); }
    template <class U>
    bool operator==(const owner_counts<U>& other) const noexcept {
      return pool == other.pool;
    }

    std::shared_ptr<memory_pool> pool;
  };

  owner_count* take_count() {
    const std::lock_guard lock(mutex_);
    if (!spare_counts_) {
      constexpr std::size_t at_once = 64;
      counts_.push_back(std::make_unique_for_overwrite<owner_count[]>(at_once));
      for (std::size_t i = 0; i < at_once; ++i) counts_.back()[i].next = std::exchange(spare_counts_, &counts_.back()[i]);
    }
    return std::exchange(spare_counts_, spare_counts_->next);
  }
  void give_count(owner_count* c) noexcept {
    const std::lock_guard lock(mutex_);
    c->next = std::exchange(spare_counts_, c);
  }

  // Called with the lock held.
  void add_segment(std::size_t for_block) {
    const std::size_t bytes = layout_.next_segment(for_block);
    segments_.reserve(segments_.size() + 1);
    auto* const begin = static_cast<std::byte*>(::operator new (bytes, std::align_val_t{detail::memory_alignment}));
    segments_.push_back({begin, bytes});
    layout_.add_segment(bytes, for_block);
    forbid_access(begin, bytes);
  }

  void give(void* begin, const block_layout::block& block, std::size_t size) noexcept {
    const std::lock_guard lock(mutex_);
    forbid_access(begin, block.size);
    use_.remove(size);
    layout_.remove(block);
  }

  // AddressSanitizer sees a pool as memory in use: it is told which parts are not.
  static void allow_access([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t bytes) {
#ifdef ASAN_UNPOISON_MEMORY_REGION
    ASAN_UNPOISON_MEMORY_REGION(begin, bytes);
#endif
  }
  static void forbid_access([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t bytes) {
#ifdef ASAN_POISON_MEMORY_REGION
    ASAN_POISON_MEMORY_REGION(begin, bytes);
#endif
  }

  mutable std::mutex mutex_;
  memory_use use_;
  block_layout layout_;
  std::vector<segment> segments_;
  std::vector<std::unique_ptr<owner_count[]>> counts_;
  owner_count* spare_counts_ = nullptr;
};

/// Counts what a `memory_pool<cpu>` would hold; never holds a byte. Its addresses have no memory behind them, and none is
/// given out twice: they tell tensors apart, which is what a recording of kernels needs.
template <>
class memory_pool<dry> : public std::enable_shared_from_this<memory_pool<dry>> {
 public:
  std::shared_ptr<void> allocate(std::size_t bytes) {
    const std::size_t size = detail::rounded_to_alignment(bytes), taken = std::max(size, detail::memory_alignment);
    block_layout::block block{};
    while (!layout_.place(taken, block)) layout_.add_segment(layout_.next_segment(taken), taken);
    use_.add(size);
    const std::uintptr_t address = next_;
    next_ += taken;
    return {reinterpret_cast<void*>(address), [pool = shared_from_this(), block, size](void*) {
              pool->use_.remove(size);
              pool->layout_.remove(block);
            }};
  }
  memory_use use() const {
    memory_use now = use_;
    now.held = layout_.touched();
    return now;
  }
  void reset_peak() { use_.peak = use_.live; }

 private:
  memory_use use_;
  block_layout layout_;
  std::uintptr_t next_ = detail::memory_alignment;  // 0 would be the address of nothing
};

}  // namespace aixcell
