#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <aixcell/core/bfloat16.hpp>

namespace aixcell {

// What a GPU kernel may use. A kernel is a struct whose call operator is a constexpr template over its thread:
//
//   struct double_kernel {
//     static constexpr std::string_view name = "double";
//     static constexpr int threads = 256;   // of a block
//     using shared = nothing;               // shared memory of a block, a plain struct that the launcher owns
//     constexpr void operator()(auto t, shared&, const float* x, float* y, int count) const {
//       for (int i = global_rank(t); i < count; i += grid_threads(t)) y[i] = 2 * x[i];
//     }
//   };
//
// No CUDA word, no attribute, no macro: g++ compiles it for the emulated device (device/emulated.hpp), nvcc with
// --expt-relaxed-constexpr for the GPU (device/cuda.cuh). Barriers, shuffles, atomics, asynchronous copies and matrix
// instructions are members of the thread `t`; KernelThread lists the ones every kernel may count on.

/// Extents of a grid of blocks, or a place in it.
struct dim {
  int x = 1, y = 1, z = 1;
  constexpr std::int64_t count() const { return static_cast<std::int64_t>(x) * y * z; }
  friend constexpr bool operator==(const dim&, const dim&) = default;
};

/// Shared memory of a kernel that has none.
struct nothing {};

inline constexpr int warp_size = 32;
inline constexpr unsigned whole_warp = 0xffffffffu;

/// What `t` is. Blocks have one dimension, grids up to three. Beyond this list: `sync_warp`, `shfl`, `shfl_xor`,
/// `shfl_down`, `shfl_up`, `ballot`, `match_any` (all lanes of a mask take part); relaxed `atomic_add`, `atomic_min`,
/// `atomic_max`, `atomic_or`, `atomic_cas`, `load`, `store`; `load_acquire`, `store_release`; `copy_async16`, `commit`,
/// `wait<Pending>`; `load_matrix_x4<Transposed>`, `mma_16x8x16`, `to_tf32`, `mma_16x8x8_tf32`. WarpgroupThread has
/// more.
template <class T>
concept KernelThread = std::is_trivially_copyable_v<T> && requires(const T t) {
  { t.rank() } -> std::same_as<int>;
  { t.block() } -> std::same_as<dim>;
  { t.grid() } -> std::same_as<dim>;
  { t.block_threads() } -> std::same_as<int>;
  t.sync();
};

/// What our own convolutions of bfloat16 multiply by: mma.sync, a warp at a time, or wgmma, four warps, which GPUs of
/// compute capability 9.0 (Hopper) alone have, in code that was compiled for 90a.
enum class tensor_core_instruction { mma, wgmma };

/// A thread that multiplies matrices with the other 127 of its warpgroup (wgmma of Hopper, sm_90a), which reads its
/// operands from shared memory while threads go on:
///   has_warpgroup_multiply()      whether this code was compiled for a GPU that has it; where not, the rest traps
///   fence_async_proxy()           what this thread wrote or copied to tiles may be multiplied, after a barrier
///   warpgroup_fence(sums...)      before each group of products; these sums are as this thread left them
///   warpgroup_multiply(sum, left, right, step)   sum [64,N] += left [64,16] right [N,16]^T of bfloat16: depth 16 * step
///                                 of swizzled tiles; float sum[N / 2] are this thread's, at warpgroup_row and _column
///   warpgroup_commit()            closes a group of products
///   warpgroup_wait<Pending>(sums...)   until at most so many groups are under way; these sums may be read
/// Sums are named in a fence after they are set and outside of the loop that adds to them: set in it, by whatever the
/// compiler moves there, ptxas waits for every product, and says so (tests/kernels/gpu/compile looks for that).
template <class T>
concept WarpgroupThread = KernelThread<T> && requires(const T t, float (&sum)[64], const bfloat16* tile) {
  { t.has_warpgroup_multiply() } -> std::same_as<bool>;
  t.fence_async_proxy();
  t.warpgroup_fence(sum);
  t.warpgroup_multiply(sum, tile, tile, 0);
  t.warpgroup_commit();
  t.template warpgroup_wait<0>(sum);
};

template <class K>
concept HasKernelName = requires { { K::name } -> std::convertible_to<std::string_view>; };
template <class K>
concept HasWholeWarps = K::threads >= warp_size && K::threads <= 1024 && K::threads % warp_size == 0;
template <class K>
concept HasPlainSharedMemory = std::is_trivially_default_constructible_v<typename K::shared> &&
    std::is_trivially_destructible_v<typename K::shared>;
/// Copied to the device byte by byte, like its arguments.
template <class K>
concept Kernel = std::is_trivially_copyable_v<K> && HasKernelName<K> && HasWholeWarps<K> && HasPlainSharedMemory<K>;

/// A device that runs such kernels; kernels and their launchers are written once for all of them.
template <class Device>
concept GpuDevice = requires {
  requires Device::runs_kernels;
};

/// Place of a thread among all threads of a one-dimensional grid.
constexpr int global_rank(auto t) { return t.block().x * t.block_threads() + t.rank(); }
constexpr int grid_threads(auto t) { return t.grid().x * t.block_threads(); }
constexpr int lane_of(auto t) { return t.rank() % warp_size; }
constexpr int warp_of(auto t) { return t.rank() / warp_size; }

inline constexpr int warpgroup_size = 128;
/// Where sum[i] of warpgroup_multiply lies.
constexpr int warpgroup_row(auto t, int i) { return warp_of(t) % 4 * 16 + lane_of(t) / 4 + i / 2 % 2 * 8; }
constexpr int warpgroup_column(auto t, int i) { return i / 4 * 8 + lane_of(t) % 4 * 2 + i % 2; }

/// An operand of warpgroup_multiply in shared memory, [Rows,64]. The 16-byte pieces of a row change places with its
/// number (128-byte swizzle), so that equal pieces of 8 rows lie in different banks.
template <int Rows>
struct alignas(1024) swizzled_tile {
  static_assert(Rows % 8 == 0);
  static constexpr int depth = 64, piece = 8;  // values
  bfloat16 values[Rows][depth];

  /// The 8 values from `k` on, a multiple of 8.
  constexpr bfloat16* piece_at(int row, int k) { return &values[row][(k / piece ^ row % 8) * piece]; }
  /// Of `row`, a multiple of 8, and those below it, for warpgroup_multiply.
  constexpr const bfloat16* from_row(int row) const { return values[row]; }
};

/// Such a tile by its address in shared memory, as the PTX manual encodes it ("matrix descriptor"): address, 1024 bytes
/// from 8 rows to the next, swizzle of 128 bytes.
constexpr std::uint64_t matrix_descriptor(std::uint32_t address) {
  return (address & 0x3ffffu) >> 4 | std::uint64_t{1} << 16 | std::uint64_t{1024 >> 4} << 32 | std::uint64_t{1} << 62;
}
/// The address of 16 bytes of a matrix that is described so, `k` a multiple of 8.
constexpr std::uint32_t described_address(std::uint64_t descriptor, int row, int k) {
  const auto start = static_cast<std::uint32_t>(descriptor & 0x3fffu) << 4,
             stride = static_cast<std::uint32_t>(descriptor >> 32 & 0x3fffu) << 4;
  const std::uint32_t flat =
      start + static_cast<std::uint32_t>(row / 8) * stride + static_cast<std::uint32_t>(row % 8 * 128 + 2 * k);
  return flat ^ (flat >> 7 & 7u) << 4;
}

/// Blocks of `threads` that have a thread for each of `count` things.
constexpr dim blocks_for(std::int64_t count, int threads) {
  return {static_cast<int>((count + threads - 1) / threads), 1, 1};
}

/// Values that are read or written by one instruction.
template <class T, int Count>
struct alignas(sizeof(T) * Count) pack {
  T values[Count];
  constexpr T& operator[](int i) { return values[i]; }
  constexpr const T& operator[](int i) const { return values[i]; }
};

}  // namespace aixcell
