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
/// `wait<Pending>`; `load_matrix_x4<Transposed>`, `mma_16x8x16`, `to_tf32`, `mma_16x8x8_tf32`.
template <class T>
concept KernelThread = std::is_trivially_copyable_v<T> && requires(const T t) {
  { t.rank() } -> std::same_as<int>;
  { t.block() } -> std::same_as<dim>;
  { t.grid() } -> std::same_as<dim>;
  { t.block_threads() } -> std::same_as<int>;
  t.sync();
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
