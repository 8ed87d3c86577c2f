#pragma once
#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include <aixcell/core/view.hpp>

namespace aixcell {

/// Bytes in use now and at most so far. Not synchronised by itself.
struct memory_use {
  std::size_t live = 0;
  std::size_t peak = 0;

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

/// Buffers that are reused: a training step asks for the same sizes again and again, and fresh pages from the
/// operating system cost more than many layers compute. Blocks stay until the pool and its last buffer are gone.
/// Safe for several threads.
template <>
class memory_pool<cpu> : public std::enable_shared_from_this<memory_pool<cpu>> {
 public:
  memory_pool() = default;
  memory_pool(const memory_pool&) = delete;
  memory_pool& operator=(const memory_pool&) = delete;
  ~memory_pool() {
    for (auto& [size, blocks] : idle_)
      for (void* block : blocks) release_block(block);
  }

  /// Uninitialised memory, aligned to 64 bytes, given back to the pool when the last owner lets go.
  std::shared_ptr<void> allocate(std::size_t bytes) {
    const std::size_t size = detail::rounded_to_alignment(bytes);
    void* block = take(size);
    return {block, [pool = shared_from_this(), size](void* p) { pool->give(p, size); }};
  }

  memory_use use() const {
    const std::lock_guard lock(mutex_);
    return use_;
  }

  /// Starts a new peak at what is live now.
  void reset_peak() {
    const std::lock_guard lock(mutex_);
    use_.peak = use_.live;
  }

  /// Gives idle blocks back to the operating system.
  void trim() {
    const std::lock_guard lock(mutex_);
    for (auto& [size, blocks] : idle_) {
      for (void* block : blocks) release_block(block);
      blocks.clear();
    }
    idle_.clear();
  }

 private:
  static void release_block(void* block) { ::operator delete (block, std::align_val_t{detail::memory_alignment}); }

  void* take(std::size_t size) {
    {
      const std::lock_guard lock(mutex_);
      use_.add(size);
      // The smallest idle block that is large enough, unless more than a quarter of it would lie waste.
      const auto fit = idle_.lower_bound(size);
      if (fit != idle_.end() && fit->first <= size + size / 4) {
        void* block = fit->second.back();
        capacities_[block] = fit->first;
        fit->second.pop_back();
        if (fit->second.empty()) idle_.erase(fit);
        return block;
      }
    }
    void* block = ::operator new (std::max<std::size_t>(size, 1), std::align_val_t{detail::memory_alignment});
    const std::lock_guard lock(mutex_);
    capacities_[block] = size;
    return block;
  }

  void give(void* block, std::size_t size) noexcept {
    const std::lock_guard lock(mutex_);
    use_.remove(size);
    const auto known = capacities_.find(block);
    idle_[known->second].push_back(block);
    capacities_.erase(known);
  }

  mutable std::mutex mutex_;
  memory_use use_;
  std::map<std::size_t, std::vector<void*>> idle_;
  std::map<void*, std::size_t> capacities_;
};

/// Counts what a `memory_pool<cpu>` would hold; never holds a byte.
template <>
class memory_pool<dry> : public std::enable_shared_from_this<memory_pool<dry>> {
 public:
  std::shared_ptr<void> allocate(std::size_t bytes) {
    const std::size_t size = detail::rounded_to_alignment(bytes);
    use_.add(size);
    return {nullptr, [pool = shared_from_this(), size](void*) { pool->use_.remove(size); }};
  }
  memory_use use() const { return use_; }
  void reset_peak() { use_.peak = use_.live; }

 private:
  memory_use use_;
};

}  // namespace aixcell
