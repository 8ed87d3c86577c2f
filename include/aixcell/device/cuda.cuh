#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <cuda_runtime.h>

#include <aixcell/core/block_layout.hpp>
#include <aixcell/core/context.hpp>
#include <aixcell/core/error.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/device/convolution_choice.hpp>
#include <aixcell/device/core.hpp>
#include <aixcell/device/memory_error.hpp>
#include <aixcell/device/recorded_work.hpp>

// NVIDIA GPUs. The only header with CUDA words in it; for units compiled by nvcc 12.8 or later with
// --expt-relaxed-constexpr.

namespace aixcell {

/// A GPU and its memory.
struct cuda {
  static constexpr bool runs_kernels = true;
};
static_assert(GpuDevice<cuda>);

namespace detail {

/// What to do about an error, or empty.
inline std::string_view cuda_hint(cudaError_t status) {
  switch (status) {
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
      return "is there a GPU, and a driver as new as this program's CUDA? `nvidia-smi` says";
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorUnsupportedPtxVersion:
      return "this program was compiled for other GPUs; add this one to CMAKE_CUDA_ARCHITECTURES";
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorLaunchFailure:
      return "an earlier kernel of this context went wrong; run under compute-sanitizer, or the test of the kernel on "
             "the "
             "emulated device";
    case cudaErrorInvalidConfiguration:
    case cudaErrorLaunchOutOfResources:
      return "the kernel asks for more threads, registers or shared memory than this GPU has";
    default:
      return "";
  }
}

[[noreturn]] inline void throw_cuda_error(cudaError_t status, std::string_view call, const std::string& with) {
  std::string text = "cuda: " + std::string(call);
  if (!with.empty()) text += " " + with;
  text += ": " + std::string(cudaGetErrorString(status)) + " (" + cudaGetErrorName(status) + ")";
  if (const auto hint = cuda_hint(status); !hint.empty()) text += "; " + std::string(hint);
  throw device_error(text);
}

inline void check_cuda(cudaError_t status, std::string_view call) {
  if (status != cudaSuccess) throw_cuda_error(status, call, {});
}

inline void check_launch(cudaError_t status, std::string_view kernel, dim blocks, int threads,
                         std::size_t shared_bytes) {
  if (status == cudaSuccess) return;
  throw_cuda_error(status, "launch of " + std::string(kernel),
                   "on [" + std::to_string(blocks.x) + "," + std::to_string(blocks.y) + "," + std::to_string(blocks.z) +
                       "] blocks of " + std::to_string(threads) + " threads with " + bytes_in_words(shared_bytes) +
                       " of shared memory");
}

/// CUDA's atomics know `unsigned long long`, not `unsigned long`.
template <class T>
using cuda_word = std::conditional_t<std::is_integral_v<T> && sizeof(T) == 8,
                                     std::conditional_t<std::is_signed_v<T>, long long, unsigned long long>, T>;
template <class T>
__device__ cuda_word<T>* as_word(T* p) {
  return reinterpret_cast<cuda_word<T>*>(p);
}

}  // namespace detail

/// The thread that a kernel sees on a GPU: nothing but instructions.
struct cuda_thread {
  __device__ int rank() const { return static_cast<int>(threadIdx.x); }
  __device__ int block_threads() const { return static_cast<int>(blockDim.x); }
  __device__ dim block() const {
    return {static_cast<int>(blockIdx.x), static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.z)};
  }
  __device__ dim grid() const {
    return {static_cast<int>(gridDim.x), static_cast<int>(gridDim.y), static_cast<int>(gridDim.z)};
  }
  __device__ void sync() const { __syncthreads(); }
  __device__ void sync_warp(unsigned mask = whole_warp) const { __syncwarp(mask); }

  template <class T>
  __device__ T shfl(T v, int from, unsigned mask = whole_warp) const {
    return __shfl_sync(mask, v, from);
  }
  template <class T>
  __device__ T shfl_xor(T v, int distance, unsigned mask = whole_warp) const {
    return __shfl_xor_sync(mask, v, distance);
  }
  template <class T>
  __device__ T shfl_down(T v, int distance, unsigned mask = whole_warp) const {
    return __shfl_down_sync(mask, v, distance);
  }
  template <class T>
  __device__ T shfl_up(T v, int distance, unsigned mask = whole_warp) const {
    return __shfl_up_sync(mask, v, distance);
  }
  __device__ unsigned ballot(bool p, unsigned mask = whole_warp) const { return __ballot_sync(mask, p); }
  template <class T>
  __device__ unsigned match_any(T v, unsigned mask = whole_warp) const {
    return __match_any_sync(mask, v);
  }

  template <class T>
  __device__ T atomic_add(T* p, T v) const {
    return static_cast<T>(::atomicAdd(detail::as_word(p), static_cast<detail::cuda_word<T>>(v)));
  }
  template <class T>
  __device__ T atomic_min(T* p, T v) const {
    return static_cast<T>(::atomicMin(detail::as_word(p), static_cast<detail::cuda_word<T>>(v)));
  }
  template <class T>
  __device__ T atomic_max(T* p, T v) const {
    return static_cast<T>(::atomicMax(detail::as_word(p), static_cast<detail::cuda_word<T>>(v)));
  }
  template <class T>
  __device__ T atomic_or(T* p, T v) const {
    return static_cast<T>(::atomicOr(detail::as_word(p), static_cast<detail::cuda_word<T>>(v)));
  }
  template <class T>
  __device__ T atomic_cas(T* p, T expected, T v) const {
    using word = detail::cuda_word<T>;
    return static_cast<T>(::atomicCAS(detail::as_word(p), static_cast<word>(expected), static_cast<word>(v)));
  }
  template <class T>
  __device__ T load(const T* p) const {
    T v;
    __nv_atomic_load(p, &v, __NV_ATOMIC_RELAXED, __NV_THREAD_SCOPE_DEVICE);
    return v;
  }
  template <class T>
  __device__ void store(T* p, std::type_identity_t<T> v) const {
    __nv_atomic_store(p, &v, __NV_ATOMIC_RELAXED, __NV_THREAD_SCOPE_DEVICE);
  }
  template <class T>
  __device__ T load_acquire(const T* p) const {
    T v;
    __nv_atomic_load(p, &v, __NV_ATOMIC_ACQUIRE, __NV_THREAD_SCOPE_DEVICE);
    return v;
  }
  template <class T>
  __device__ void store_release(T* p, std::type_identity_t<T> v) const {
    __nv_atomic_store(p, &v, __NV_ATOMIC_RELEASE, __NV_THREAD_SCOPE_DEVICE);
  }

  __device__ void copy_async16(void* to, const void* from, int valid = 16) const {
    asm volatile(
        "cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(static_cast<unsigned>(__cvta_generic_to_shared(to))),
        "l"(__cvta_generic_to_global(from)), "r"(valid)
        : "memory");
  }
  __device__ void commit() const { asm volatile("cp.async.commit_group;" ::: "memory"); }
  template <int Pending>
  __device__ void wait() const {
    asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
  }
  template <bool Transposed>
  __device__ void load_matrix_x4(std::uint32_t (&to)[4], const void* row) const {
    const auto address = static_cast<unsigned>(__cvta_generic_to_shared(row));
    if constexpr (Transposed)
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                   : "r"(address)
                   : "memory");
    else
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                   : "r"(address)
                   : "memory");
  }
  __device__ void mma_16x8x16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) const {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
  __device__ std::uint32_t to_tf32(float v) const {
    std::uint32_t rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(v));
    return rounded;
  }
  __device__ void mma_16x8x8_tf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) const {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }

  // Warpgroups: wgmma of sm_90a. Compiled for other GPUs, a kernel that comes here ends with an error.
  __device__ static constexpr bool has_warpgroup_multiply() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    return true;
#else
    return false;
#endif
  }
  __device__ void fence_async_proxy() const {
    if constexpr (has_warpgroup_multiply())
      asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    else
      __trap();
  }
  template <class... Sums>
  __device__ void warpgroup_fence(Sums&... sums) const {
    if constexpr (has_warpgroup_multiply()) {
      (keep_in_place(sums), ...);
      asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
    } else {
      __trap();
    }
  }
  template <std::size_t Count>
  __device__ void warpgroup_multiply(float (&d)[Count], const bfloat16* left, const bfloat16* right, int step) const {
    static_assert(Count == 32 || Count == 64, "64 or 128 columns");
    if constexpr (!has_warpgroup_multiply()) {
      __trap();
      return;
    }
    // 16 of depth are 32 bytes; the hardware exchanges pieces by the bits of the address that it computes.
    const std::uint64_t a = matrix_descriptor(static_cast<unsigned>(__cvta_generic_to_shared(left)) + 32 * step),
                        b = matrix_descriptor(static_cast<unsigned>(__cvta_generic_to_shared(right)) + 32 * step);
    if constexpr (has_warpgroup_multiply() && Count == 32)
      asm volatile(
          "{.reg .pred add; setp.ne.b32 add, %34, 0; "
          "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {"
          "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
          "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
          "}, %32, %33, add, 1, 1, 0, 0;}"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
            "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]),
            "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
            "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
          : "l"(a), "l"(b), "r"(1)
          : "memory");
    if constexpr (has_warpgroup_multiply() && Count == 64)
      asm volatile(
          "{.reg .pred add; setp.ne.b32 add, %66, 0; "
          "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
          "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
          "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,"
          "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,"
          "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
          "}, %64, %65, add, 1, 1, 0, 0;}"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
            "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]),
            "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
            "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), "+f"(d[32]),
            "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]),
            "+f"(d[41]), "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]),
            "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), "+f"(d[56]),
            "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
          : "l"(a), "l"(b), "r"(1)
          : "memory");
  }
  __device__ void warpgroup_commit() const {
    if constexpr (has_warpgroup_multiply())
      asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    else
      __trap();
  }
  template <int Pending, class... Sums>
  __device__ void warpgroup_wait(Sums&... sums) const {
    if constexpr (has_warpgroup_multiply()) {
      asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Pending) : "memory");
      (keep_in_place(sums), ...);
    } else {
      __trap();
    }
  }

 private:
  /// What reads or writes a register goes neither before nor after this.
  template <std::size_t Count>
  __device__ static void keep_in_place(float (&sum)[Count]) {
#pragma unroll
    for (std::size_t i = 0; i < Count; ++i) asm volatile("" : "+f"(sum[i])::"memory");
  }
};
static_assert(KernelThread<cuda_thread> && WarpgroupThread<cuda_thread>);

namespace detail {

/// The one entry into a GPU: launch bounds and shared memory are decided here. Template stubs have internal linkage
/// since nvcc 13, so no other library's copy can win (NVIDIA/cub#545).
template <Kernel K, class... Argument>
__global__ void __launch_bounds__(K::threads) kernel_entry(K kernel, Argument... arguments) {
  extern __shared__ __align__(1024) unsigned char shared_bytes[];
  kernel(cuda_thread{}, *reinterpret_cast<typename K::shared*>(shared_bytes), arguments...);
}

/// An order of work: what is enqueued first is done first. Ends when its last owner lets go.
class cuda_stream {
 public:
  cuda_stream() { check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags"); }
  ~cuda_stream() { cudaStreamDestroy(stream_); }
  cuda_stream(const cuda_stream&) = delete;
  cuda_stream& operator=(const cuda_stream&) = delete;
  cudaStream_t get() const noexcept { return stream_; }
  void synchronise() const { check_cuda(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace detail

/// Memory of a GPU in segments that are asked for once and reused in the order of one stream: a block that is given back may
/// be given out again at once, because what still uses it was enqueued before. Safe for several threads.
template <>
class memory_pool<cuda> : public std::enable_shared_from_this<memory_pool<cuda>> {
 public:
  explicit memory_pool(std::shared_ptr<detail::cuda_stream> stream) : stream_(std::move(stream)) {}
  memory_pool(const memory_pool&) = delete;
  memory_pool& operator=(const memory_pool&) = delete;
  ~memory_pool() {
    cudaStreamSynchronize(stream_->get());
    for (std::byte* segment : segments_) cudaFree(segment);
  }

  /// Uninitialised, aligned to 64 bytes. Throws device_memory_error.
  std::shared_ptr<void> allocate(std::size_t bytes) {
    const std::size_t size = detail::rounded_to_alignment(bytes), taken = std::max(size, detail::memory_alignment);
    block_layout::block block{};
    const std::lock_guard lock(mutex_);
    while (!layout_.place(taken, block)) add_segment(taken);
    use_.add(size);
    return {segments_[block.segment] + block.offset, [pool = shared_from_this(), block, size](void*) {
              const std::lock_guard relock(pool->mutex_);
              pool->use_.remove(size);
              pool->layout_.remove(block);
            }};
  }
  /// Memory of the device, in bytes.
  std::size_t capacity() const {
    std::size_t free = 0, total = 0;
    detail::check_cuda(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    return total;
  }
  memory_use use() const {
    const std::lock_guard lock(mutex_);
    memory_use now = use_;
    now.held = layout_.touched();
    return now;
  }
  void reset_peak() {
    const std::lock_guard lock(mutex_);
    use_.peak = use_.live;
  }

 private:
  // Called with the lock held. A segment larger than the block saves calls; where it does not fit, the block alone may.
  void add_segment(std::size_t for_block) {
    for (const std::size_t bytes : {layout_.next_segment(for_block), for_block}) {
      void* begin = nullptr;
      const cudaError_t status = cudaMalloc(&begin, bytes);
      if (status == cudaSuccess) {
        segments_.push_back(static_cast<std::byte*>(begin));
        layout_.add_segment(bytes, for_block);
        return;
      }
      if (status != cudaErrorMemoryAllocation)
        detail::throw_cuda_error(status, "cudaMalloc", "of " + detail::bytes_in_words(bytes));
      cudaGetLastError();  // the error is ours now
    }
    std::size_t free = 0, total = 0;
    detail::check_cuda(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    throw device_memory_error("cuda", for_block, free, total);
  }

  mutable std::mutex mutex_;
  memory_use use_;
  block_layout layout_;
  std::vector<std::byte*> segments_;
  std::shared_ptr<detail::cuda_stream> stream_;
};

/// A moment in the work of a context.
class cuda_event {
 public:
  cuda_event() { detail::check_cuda(cudaEventCreate(&event_), "cudaEventCreate"); }
  ~cuda_event() {
    if (event_) cudaEventDestroy(event_);
  }
  cuda_event(cuda_event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  cuda_event& operator=(cuda_event&& other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  void record(cudaStream_t stream) { detail::check_cuda(cudaEventRecord(event_, stream), "cudaEventRecord"); }
  void wait() const { detail::check_cuda(cudaEventSynchronize(event_), "cudaEventSynchronize"); }
  /// Between two moments that were waited for.
  static float elapsed_ms(const cuda_event& from, const cuda_event& to) {
    float ms = 0;
    detail::check_cuda(cudaEventElapsedTime(&ms, from.event_, to.event_), "cudaEventElapsedTime");
    return ms;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

namespace detail {

/// Two pinned buffers on the way between host and GPU: one is filled while the other travels.
class pinned_staging {
 public:
  pinned_staging() = default;
  ~pinned_staging() {
    for (slot& s : slots_)
      if (s.begin) cudaFreeHost(s.begin);
  }
  pinned_staging(const pinned_staging&) = delete;
  pinned_staging& operator=(const pinned_staging&) = delete;

  /// `from` may change as soon as this returns.
  void upload(const std::byte* from, std::byte* to, std::size_t bytes, cudaStream_t stream) {
    for (std::size_t done = 0; done < bytes; done += slot_bytes) {
      const std::size_t part = std::min(slot_bytes, bytes - done);
      slot& s = free_slot();
      std::memcpy(s.begin, from + done, part);
      check_cuda(cudaMemcpyAsync(to + done, s.begin, part, cudaMemcpyHostToDevice, stream),
                 "cudaMemcpyAsync to the GPU");
      s.used.record(stream);
    }
  }
  /// The values are here when this returns.
  void download(const std::byte* from, std::byte* to, std::size_t bytes, cudaStream_t stream) {
    std::size_t arrived = 0, asked = 0;
    std::array<slot*, 2> under_way{};
    for (std::size_t turn = 0; arrived < bytes; ++turn) {
      slot*& waiting = under_way[turn % 2];
      if (waiting) {
        waiting->used.wait();
        const std::size_t part = std::min(slot_bytes, bytes - arrived);
        std::memcpy(to + arrived, waiting->begin, part);
        arrived += part;
        waiting = nullptr;
      }
      if (asked < bytes) {
        const std::size_t part = std::min(slot_bytes, bytes - asked);
        waiting = &free_slot();
        check_cuda(cudaMemcpyAsync(waiting->begin, from + asked, part, cudaMemcpyDeviceToHost, stream),
                   "cudaMemcpyAsync to the host");
        waiting->used.record(stream);
        asked += part;
      }
    }
  }

 private:
  static constexpr std::size_t slot_bytes = std::size_t{8} << 20;
  struct slot {
    std::byte* begin = nullptr;
    cuda_event used;
  };
  slot& free_slot() {
    slot& s = slots_[next_++ % slots_.size()];
    if (!s.begin) {
      void* begin = nullptr;
      check_cuda(cudaMallocHost(&begin, slot_bytes), "cudaMallocHost");
      s.begin = static_cast<std::byte*>(begin);
    } else {
      s.used.wait();
    }
    return s;
  }
  std::array<slot, 2> slots_;
  std::size_t next_ = 0;
};

}  // namespace detail

/// One GPU, one order of work, one pool. Throws device_error where there is no GPU that this program can use: there is no
/// silent way back to the processor.
template <>
class context<cuda> : public convolution_choice<cuda> {
 public:
  using device = cuda;

  explicit context(int gpu = 0, const compute_settings& settings = {}) : gpu_(gpu), settings_(settings) {
    int count = 0;
    detail::check_cuda(cudaGetDeviceCount(&count), "cudaGetDeviceCount");
    if (gpu < 0 || gpu >= count)
      throw device_error("cuda: GPU " + std::to_string(gpu) + " was asked for, this machine has " +
                         std::to_string(count) + ", numbered from 0");
    detail::check_cuda(cudaSetDevice(gpu), "cudaSetDevice");
    stream_ = std::make_shared<detail::cuda_stream>();
    staging_ = std::make_shared<detail::pinned_staging>();
    memory_ = std::make_shared<memory_pool<cuda>>(stream_);
  }

  int gpu() const noexcept { return gpu_; }
  const compute_settings& settings() const noexcept { return settings_; }
  void compute_as(const compute_settings& settings) noexcept { settings_ = settings; }
  cudaStream_t stream() const noexcept { return stream_->get(); }
  memory_pool<cuda>& memory() noexcept { return *memory_; }
  detail::pinned_staging& staging() noexcept { return *staging_; }

  /// The same GPU and order of work, with a pool that nobody else allocates from.
  context with_own_memory() const {
    context own = *this;
    own.memory_ = std::make_shared<memory_pool<cuda>>(stream_);
    return own;
  }

 private:
  int gpu_;
  compute_settings settings_;
  std::shared_ptr<detail::cuda_stream> stream_;
  std::shared_ptr<detail::pinned_staging> staging_;
  std::shared_ptr<memory_pool<cuda>> memory_;
};

/// Enqueues `kernel` with `arguments` on every thread of `blocks`; nothing if there is no block. Throws device_error. What a
/// kernel does wrong while it runs is known only at the next call that waits.
template <Kernel K, class... Argument>
void launch(context<cuda>& ctx, dim blocks, const K& kernel, Argument... arguments) {
  static_assert((std::is_trivially_copyable_v<Argument> && ...), "arguments are copied to the device byte by byte");
  using shared = typename K::shared;
  if (blocks.count() == 0) return;
  constexpr std::size_t shared_bytes = std::is_empty_v<shared> ? 0 : sizeof(shared);
  auto* const entry = &detail::kernel_entry<K, Argument...>;
  cudaError_t status = cudaSuccess;
  if constexpr (shared_bytes > 48 * 1024)
    status = cudaFuncSetAttribute(entry, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
  if (status == cudaSuccess) {
    const dim3 grid(static_cast<unsigned>(blocks.x), static_cast<unsigned>(blocks.y), static_cast<unsigned>(blocks.z));
    entry<<<grid, dim3(K::threads), shared_bytes, ctx.stream()>>>(kernel, arguments...);
    status = cudaGetLastError();
  }
  detail::check_launch(status, K::name, blocks, K::threads, shared_bytes);
}

namespace detail {

/// CUDA would record a copy through a staging buffer that holds something else when the recording is launched.
inline void require_not_recording(context<cuda>& ctx, std::string_view what) {
  cudaStreamCaptureStatus status{};
  check_cuda(cudaStreamIsCapturing(ctx.stream(), &status), "cudaStreamIsCapturing");
  if (status != cudaStreamCaptureStatusNone)
    throw device_error("cuda: " + std::string(what) + " while work is being recorded; do it before or after the recording");
}

}  // namespace detail

/// Waits until all work of the context is done; throws device_error if any of it went wrong.
inline void synchronise(context<cuda>& ctx) {
  detail::require_not_recording(ctx, "somebody waits");
  detail::check_cuda(cudaStreamSynchronize(ctx.stream()), "cudaStreamSynchronize");
}

/// Says that this thread is about to use the context: CUDA keeps a current GPU for each thread, 0 at first.
inline void make_current(context<cuda>& ctx) { detail::check_cuda(cudaSetDevice(ctx.gpu()), "cudaSetDevice"); }

namespace detail {

/// Whether the code that this GPU runs was compiled for 90a: of several in a program the driver takes one.
struct compiled_for_wgmma_kernel {
  static constexpr std::string_view name = "compiled for wgmma";
  static constexpr int threads = warp_size;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int* compiled) const {
    if (t.rank() == 0) *compiled = t.has_warpgroup_multiply();
  }
};

}  // namespace detail

/// Why kernels cannot multiply by wgmma here; empty: they can. Waits for the GPU.
inline std::string why_no_wgmma(context<cuda>& ctx) {
  int major = 0, minor = 0, compiled = 0;
  detail::check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, ctx.gpu()),
                     "cudaDeviceGetAttribute");
  detail::check_cuda(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, ctx.gpu()),
                     "cudaDeviceGetAttribute");
  if (major == 9 && minor == 0) {
    detail::require_not_recording(ctx, "somebody asks for wgmma");
    const auto on_gpu = std::static_pointer_cast<int>(ctx.memory().allocate(sizeof(int)));
    launch(ctx, {1, 1, 1}, detail::compiled_for_wgmma_kernel{}, on_gpu.get());
    detail::check_cuda(cudaMemcpyAsync(&compiled, on_gpu.get(), sizeof compiled, cudaMemcpyDeviceToHost, ctx.stream()),
                       "cudaMemcpyAsync to the host");
    synchronise(ctx);
  }
  return detail::why_no_wgmma(major, minor, compiled != 0);
}

// Copies of whole arrays, equal shapes (else shape_error).

template <class T>
void copy(context<cuda>& ctx, view<const T, cpu> from, view<T, cuda> to) {
  require_equal_shapes("copy to the device", from, to);
  detail::require_not_recording(ctx, "a copy to the device");
  ctx.staging().upload(reinterpret_cast<const std::byte*>(from.data()), reinterpret_cast<std::byte*>(to.data()),
                       static_cast<std::size_t>(from.size()) * sizeof(T), ctx.stream());
}
template <class T>
void copy(context<cuda>& ctx, view<const T, cuda> from, view<T, cpu> to) {
  require_equal_shapes("copy to the host", from, to);
  detail::require_not_recording(ctx, "a copy to the host");
  ctx.staging().download(reinterpret_cast<const std::byte*>(from.data()), reinterpret_cast<std::byte*>(to.data()),
                         static_cast<std::size_t>(from.size()) * sizeof(T), ctx.stream());
}

/// A CUDA graph, and the pool that its memory comes from.
template <>
class recorded_work<cuda> {
 public:
  template <class Work>
  static recorded_work record(context<cuda>& ctx, Work&& work) {
    detail::require_not_recording(ctx, "a recording began");
    // Relaxed: the pool may have to ask for another segment.
    detail::check_cuda(cudaStreamBeginCapture(ctx.stream(), cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
    cudaGraph_t graph = nullptr;
    try {
      work();
    } catch (...) {
      cudaStreamEndCapture(ctx.stream(), &graph);
      if (graph) cudaGraphDestroy(graph);
      throw;
    }
    detail::check_cuda(cudaStreamEndCapture(ctx.stream(), &graph), "cudaStreamEndCapture");
    recorded_work recorded;
    recorded.memory_ = ctx.memory().shared_from_this();
    const cudaError_t status = cudaGraphInstantiate(&recorded.executable_, graph, 0);
    cudaGraphDestroy(graph);
    detail::check_cuda(status, "cudaGraphInstantiate");
    return recorded;
  }
  ~recorded_work() {
    if (executable_) cudaGraphExecDestroy(executable_);
  }
  recorded_work(recorded_work&& other) noexcept
      : memory_(std::move(other.memory_)), executable_(std::exchange(other.executable_, nullptr)) {}
  recorded_work& operator=(recorded_work&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(executable_, other.executable_);
    return *this;
  }
  void launch(context<cuda>& ctx) const {
    detail::check_cuda(cudaGraphLaunch(executable_, ctx.stream()), "cudaGraphLaunch");
  }

 private:
  recorded_work() = default;
  std::shared_ptr<memory_pool<cuda>> memory_;
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace aixcell
