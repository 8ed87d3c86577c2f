#pragma once
#include <atomic>
#include <concepts>
#include <cstdint>
#include <cstring>

#include <aixcell/device/executor.hpp>

namespace aixcell {

/// The thread that a kernel sees on the emulated device. Every operation does what the CUDA instruction of
/// device/cuda.cuh does, or reports why a GPU would do nothing sensible.
class emulated_thread {
  using line = detail::code_line;

 public:
  explicit emulated_thread(detail::thread_state& state) : state_(&state) {}

  int rank() const { return state_->rank; }
  dim block() const { return state_->block->index; }
  dim grid() const { return state_->run->plan().grid; }
  int block_threads() const { return state_->run->plan().threads; }

  void sync(line at = line::here()) const { state_->run->wait_at_barrier(*state_, at); }

  /// A barrier and a fence among the lanes of `mask`.
  void sync_warp(unsigned mask = whole_warp, line at = line::here()) const {
    void* const order = state_->run->warp_order_point(*state_);
    detail::happens_before(order);
    collect<char>(mask, at, char{}, [](auto, auto) {});
    detail::happens_after(order);
  }

  template <class T>
  T shfl(T v, int from, unsigned mask = whole_warp, line at = line::here()) const {
    struct sent {
      T value;
      int from;
    };
    return collect<T>(mask, at, sent{v, from}, [](auto in, auto out) {
      for (int l = 0; l < warp_size; ++l)
        if (out(l)) give(out(l), in(in(l)->from & 31) ? &in(in(l)->from & 31)->value : nullptr);
    });
  }
  template <class T>
  T shfl_xor(T v, int distance, unsigned mask = whole_warp, line at = line::here()) const {
    return shuffle(v, mask, at, [distance](int l) { return l ^ distance; });
  }
  template <class T>
  T shfl_down(T v, int distance, unsigned mask = whole_warp, line at = line::here()) const {
    return shuffle(v, mask, at, [distance](int l) { return l + distance < warp_size ? l + distance : l; });
  }
  template <class T>
  T shfl_up(T v, int distance, unsigned mask = whole_warp, line at = line::here()) const {
    return shuffle(v, mask, at, [distance](int l) { return l - distance >= 0 ? l - distance : l; });
  }
  unsigned ballot(bool p, unsigned mask = whole_warp, line at = line::here()) const {
    return collect<unsigned>(mask, at, p, [](auto in, auto out) {
      unsigned set = 0;
      for (int l = 0; l < warp_size; ++l)
        if (in(l) && *in(l)) set |= 1u << l;
      for (int l = 0; l < warp_size; ++l)
        if (out(l)) *out(l) = set;
    });
  }
  template <class T>
  unsigned match_any(T v, unsigned mask = whole_warp, line at = line::here()) const {
    return collect<unsigned>(mask, at, v, [](auto in, auto out) {
      for (int l = 0; l < warp_size; ++l) {
        if (!out(l)) continue;
        *out(l) = 0;
        for (int k = 0; k < warp_size; ++k)
          if (in(k) && *in(k) == *in(l)) *out(l) |= 1u << k;
      }
    });
  }

  // Relaxed and of device scope, as CUDA's plain atomics are.
  template <class T>
  T atomic_add(T* p, T v) const {
    before_atomic();
    return std::atomic_ref<T>(*p).fetch_add(v, std::memory_order_relaxed);
  }
  template <class T>
  T atomic_min(T* p, T v) const {
    return change(p, [v](T old) { return v < old ? v : old; });
  }
  template <class T>
  T atomic_max(T* p, T v) const {
    return change(p, [v](T old) { return old < v ? v : old; });
  }
  template <class T>
  T atomic_or(T* p, T v) const {
    return change(p, [v](T old) { return static_cast<T>(old | v); });
  }
  /// What was there; `v` is there now if that was `expected`.
  template <class T>
  T atomic_cas(T* p, T expected, T v) const {
    before_atomic();
    std::atomic_ref<T>(*p).compare_exchange_strong(expected, v, std::memory_order_relaxed);
    return expected;
  }
  template <class T>
  T load(const T* p) const {
    state_->run->maybe_preempt(*state_);
    return std::atomic_ref<T>(*const_cast<T*>(p)).load(std::memory_order_relaxed);
  }
  template <class T>
  void store(T* p, std::type_identity_t<T> v) const {
    before_atomic();
    std::atomic_ref<T>(*p).store(v, std::memory_order_relaxed);
  }
  /// For flags: others go on meanwhile, so that a thread that waits cannot starve the one it waits for.
  template <class T>
  T load_acquire(const T* p, line at = line::here()) const {
    state_->run->yield(*state_, at);
    return std::atomic_ref<T>(*const_cast<T*>(p)).load(std::memory_order_acquire);
  }
  template <class T>
  void store_release(T* p, std::type_identity_t<T> v) const {
    before_atomic();
    std::atomic_ref<T>(*p).store(v, std::memory_order_release);
  }

  /// cp.async of 16 bytes to shared memory, of which the first `valid` come from memory and the rest are 0. Poisons the
  /// target and copies only in `wait`, as late as a GPU may: a missing wait always shows.
  void copy_async16(void* to, const void* from, int valid = 16, line at = line::here()) const {
    require_aligned(to, at);
    if (valid > 0) require_aligned(from, at);
    std::memset(to, 0xff, 16);
    const detail::unobserved books;
    state_->copies.push_back({to, from, valid, state_->copy_group});
  }
  void commit() const {
    const detail::unobserved books;
    ++state_->copy_group;
  }
  /// Until at most `Pending` committed groups of this thread are under way.
  template <int Pending>
  void wait() const {
    auto& copies = state_->copies;
    std::size_t done = 0;
    for (; done < copies.size() && copies[done].group < state_->copy_group - Pending; ++done) {
      const auto valid = static_cast<std::size_t>(copies[done].valid);
      std::memcpy(copies[done].to, copies[done].from, valid);
      std::memset(static_cast<char*>(copies[done].to) + valid, 0, 16 - valid);
    }
    const detail::unobserved books;
    for (std::size_t i = 0; i < done; ++i) state_->run->note_copy(*state_, copies[i].to);
    copies.erase(copies.begin(), copies.begin() + static_cast<std::ptrdiff_t>(done));
  }

  /// ldmatrix.x4: lane l gives the address of row l % 8 of matrix l / 8, of four 8x8 matrices of 16-bit values.
  template <bool Transposed>
  void load_matrix_x4(std::uint32_t (&to)[4], const void* row, line at = line::here()) const {
    struct row_bits {
      std::uint16_t values[8];
    } mine;
    struct fragment {
      std::uint32_t words[4];
    };
    require_aligned(row, at);
    std::memcpy(&mine, row, 16);
    const fragment f = collect<fragment>(whole_warp, at, mine, [](auto in, auto out) {
      for (int l = 0; l < warp_size; ++l)
        for (int m = 0; m < 4; ++m) {
          const auto element = [&](int k) {  // 2 (l % 4) + k of row l / 4, or of that column
            const int a = l / 4, b = 2 * (l % 4) + k;
            return static_cast<std::uint32_t>(Transposed ? in(m * 8 + b)->values[a] : in(m * 8 + a)->values[b]);
          };
          out(l)->words[m] = element(0) | element(1) << 16;
        }
    });
    std::memcpy(to, f.words, sizeof f.words);
  }

  /// mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32, d += a b, with the fragments of the PTX manual, section 9.7.14.
  void mma_16x8x16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                   line at = line::here()) const {
    multiply_16x8<2>(d, a, b, at, [](std::uint32_t word, int k) {
      return static_cast<float>(std::bit_cast<bfloat16>(static_cast<std::uint16_t>(word >> (16 * k))));
    });
  }

  /// cvt.rna.tf32.f32: to 10 bits of mantissa, halves away from zero; the low 13 bits of the result are 0.
  std::uint32_t to_tf32(float v) const {
    const auto bits = std::bit_cast<std::uint32_t>(v);
    return v != v ? 0x7fffffffu & ~0x1fffu : (bits + 0x1000u) & ~0x1fffu;
  }
  /// mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32, d += a b; the low 13 bits of a and b do not count.
  void mma_16x8x8_tf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                       line at = line::here()) const {
    multiply_16x8<1>(d, a, b, at, [](std::uint32_t word, int) { return std::bit_cast<float>(word & ~0x1fffu); });
  }

  // Warpgroups. Products are computed in the wait, of what lies in their tiles then (emulated_warpgroup.hpp).
  static constexpr bool has_warpgroup_multiply() { return true; }
  void fence_async_proxy() const {
    const detail::unobserved books;
    state_->proxy_fences.push_back(state_->block->generation);
  }
  /// Has to be called before each group: more than the manual asks for, which leaves it away where no sum was touched.
  template <class... Sums>
  void warpgroup_fence(Sums&...) const {
    const detail::unobserved books;
    state_->products.fenced = true;
  }
  /// wgmma.mma_async.sync.aligned.m64nNk16.f32.bf16.bf16, d += a b, both by rows of depth, with the fragments of the
  /// PTX manual.
  template <std::size_t Count>
  void warpgroup_multiply(float (&d)[Count], const bfloat16* left, const bfloat16* right, int step,
                          line at = line::here()) const {
    static_assert(Count == 32 || Count == 64, "64 or 128 columns");
    const detail::unobserved books;
    auto& run = *state_->run;
    if (!state_->products.fenced) run.fail("a group of products begins without warpgroup_fence at " + to_string(at));
    const std::uint64_t a = run.described_tile(*state_, left, 64, step, at),
                        b = run.described_tile(*state_, right, 2 * Count, step, at);
    run.meet_warpgroup(*state_, a, b, 2 * Count, at);
    state_->products.start(d, Count, a, b);
  }
  void warpgroup_commit() const {
    const detail::unobserved books;
    state_->products.commit();
  }
  template <int Pending, class... Sums>
  void warpgroup_wait(Sums&... sums) const {
    auto& products = state_->products;
    products.finish(products.group - Pending, rank(), static_cast<const std::byte*>(state_->block->shared.begin()));
    if (!(products.give_back(sums) && ...))
      state_->run->fail("thread " + std::to_string(rank()) + " wrote to sums that its warpgroup was adding to");
  }

 private:
  void before_atomic() const {
    state_->run->maybe_preempt(*state_);
    state_->run->note_progress();
  }
  void require_aligned(const void* p, const line& at) const {
    if (reinterpret_cast<std::uintptr_t>(p) % 16 != 0)
      state_->run->fail("an address is not a multiple of 16 at " + detail::to_string(at));
  }
  /// d += a b, a [16, 8 InWord] and b [8, 8 InWord], of which a word of a fragment holds InWord values: value(word, which).
  template <int InWord, class Value>
  void multiply_16x8(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], const line& at,
                     Value value) const {
    constexpr int depth = 8 * InWord;
    struct operands {
      std::uint32_t a[4], b[2];
      float d[4];
    } mine;
    struct sums {
      float d[4];
    };
    std::memcpy(mine.a, a, sizeof mine.a);
    std::memcpy(mine.b, b, sizeof mine.b);
    std::memcpy(mine.d, d, sizeof mine.d);
    const sums s = collect<sums>(whole_warp, at, mine, [&](auto in, auto out) {
      float left[16][depth], right[8][depth];
      for (int l = 0; l < warp_size; ++l) {
        const int group = l / 4, first = l % 4 * InWord;
        for (int k = 0; k < InWord; ++k)
          for (int upper = 0; upper < 2; ++upper) {
            const int place = first + depth / 2 * upper + k;
            left[group][place] = value(in(l)->a[2 * upper], k);
            left[group + 8][place] = value(in(l)->a[2 * upper + 1], k);
            right[group][place] = value(in(l)->b[upper], k);
          }
      }
      for (int l = 0; l < warp_size; ++l)
        for (int e = 0; e < 4; ++e) {
          const int row = l / 4 + 8 * (e / 2), column = l % 4 * 2 + e % 2;
          float sum = in(l)->d[e];
          for (int k = 0; k < depth; ++k) sum += left[row][k] * right[column][k];
          out(l)->d[e] = sum;
        }
    });
    std::memcpy(d, s.d, sizeof s.d);
  }
  template <class T, class Function>
  T change(T* p, Function&& f) const {
    before_atomic();
    std::atomic_ref<T> value(*p);
    T old = value.load(std::memory_order_relaxed);
    while (!value.compare_exchange_weak(old, f(old), std::memory_order_relaxed)) {
    }
    return old;
  }
  /// A value from a lane that takes no part is undefined: all bits set.
  template <class T>
  static void give(T* to, const T* from) {
    if (from)
      *to = *from;
    else
      std::memset(static_cast<void*>(to), 0xff, sizeof(T));
  }
  /// Calls combine(in, out) when all lanes of the mask are here; in(lane) and out(lane) are null for others.
  template <class Out, class In, class Combine>
  Out collect(unsigned mask, const line& at, const In& in, Combine combine) const {
    Out out{};
    state_->run->meet_lanes(*state_, mask, at, &in, &out, [&](const void* const* ins, void* const* outs) {
      combine([&](int l) { return static_cast<const In*>(ins[l]); }, [&](int l) { return static_cast<Out*>(outs[l]); });
    });
    return out;
  }
  template <class T, class From>
  T shuffle(T v, unsigned mask, const line& at, From from) const {
    return collect<T>(mask, at, v, [&](auto in, auto out) {
      for (int l = 0; l < warp_size; ++l)
        if (out(l)) give(out(l), from(l) < warp_size ? in(from(l)) : nullptr);
    });
  }

  detail::thread_state* state_;
};
static_assert(KernelThread<emulated_thread> && WarpgroupThread<emulated_thread>);

}  // namespace aixcell
