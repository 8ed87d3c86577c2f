#pragma once
#include <cstddef>
#include <cstdint>
#include <new>

#include <sys/mman.h>
#include <unistd.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

// Fibers of the emulated device: many stacks on one thread of the operating system, and sanitizers that know about them.

namespace aixcell::detail {

// What sanitizers offer. Weak: null in a program that is built without them, so one header serves all builds.
extern "C" {
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** fake_stack_save, const void* bottom, std::size_t size);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* fake_stack, const void** old_bottom, std::size_t* old_size);
[[gnu::weak]] void* __tsan_get_current_fiber();
[[gnu::weak]] void* __tsan_create_fiber(unsigned flags);
[[gnu::weak]] void __tsan_destroy_fiber(void* fiber);
[[gnu::weak]] void __tsan_switch_to_fiber(void* fiber, unsigned flags);
[[gnu::weak]] void __tsan_acquire(void* at);
[[gnu::weak]] void __tsan_release(void* at);
[[gnu::weak]] void AnnotateIgnoreReadsBegin(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreReadsEnd(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreWritesBegin(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreWritesEnd(const char* file, int line);
}

inline bool has_address_sanitizer() { return &__sanitizer_start_switch_fiber != nullptr; }
inline bool has_thread_sanitizer() { return &__tsan_create_fiber != nullptr; }

/// While it lives, ThreadSanitizer overlooks what this fiber does: the executor's own books are shared by all fibers,
/// which take turns.
class unobserved {
 public:
  unobserved() {
    if (!has_thread_sanitizer()) return;
    AnnotateIgnoreReadsBegin("", 0);
    AnnotateIgnoreWritesBegin("", 0);
  }
  ~unobserved() {
    if (!has_thread_sanitizer()) return;
    AnnotateIgnoreWritesEnd("", 0);
    AnnotateIgnoreReadsEnd("", 0);
  }
  unobserved(const unobserved&) = delete;
  unobserved& operator=(const unobserved&) = delete;
};

/// All that was done before `happens_before(at)` is visible after `happens_after(at)`.
inline void happens_before(void* at) {
  if (has_thread_sanitizer()) __tsan_release(at);
}
inline void happens_after(void* at) {
  if (has_thread_sanitizer()) __tsan_acquire(at);
}

/// A point of execution to go back to. The scheduler's own has no stack of ours.
struct fiber {
#if defined(__x86_64__)
  void* stack_pointer = nullptr;
#else
  ucontext_t registers{};
#endif
  const void* stack = nullptr;  // lowest usable address
  std::size_t stack_size = 0;
  void* tsan = nullptr;
  void* asan_fake_stack = nullptr;
};

/// Where fibers come back to.
inline thread_local fiber* scheduler_fiber = nullptr;

#if defined(__x86_64__)
// Saves what the System V ABI says a callee keeps, changes stacks, goes on. Extended asm and not a naked function, so that
// any number of units may include it; two signal-mask system calls cheaper than swapcontext, which matters at 10^7 switches.
__attribute__((noinline)) inline void swap_stacks(void** from, void* to) {
  asm volatile(
      "leaq -128(%%rsp), %%rsp\n\t"  // past the red zone
      "pushq %%rbp\n\t"
      "pushq %%rbx\n\t"
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "movq %%rsp, (%0)\n\t"
      "movq %1, %%rsp\n\t"
      "popq %%rax\n\t"
      "jmpq *%%rax\n"
      "1:\n\t"
      "popq %%rbx\n\t"
      "popq %%rbp\n\t"
      "leaq 128(%%rsp), %%rsp\n\t"
      : "+D"(from), "+S"(to)
      :
      : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc", "xmm0", "xmm1",
        "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
        "xmm15");
}
#endif

/// The first thing a fiber does, and the last step of every switch.
inline void arrive(void* fake_stack, bool from_scheduler) {
  if (!has_address_sanitizer()) return;
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(fake_stack, &bottom, &size);
  if (!from_scheduler) return;
  scheduler_fiber->stack = bottom;
  scheduler_fiber->stack_size = size;
}

__attribute__((no_sanitize("thread"))) inline void switch_fibers(fiber& from, fiber& to) {
  if (has_address_sanitizer()) __sanitizer_start_switch_fiber(&from.asan_fake_stack, to.stack, to.stack_size);
  if (has_thread_sanitizer()) __tsan_switch_to_fiber(to.tsan, 1);  // 1: a switch orders nothing
#if defined(__x86_64__)
  swap_stacks(&from.stack_pointer, to.stack_pointer);
#else
  swapcontext(&from.registers, &to.registers);
#endif
  arrive(from.asan_fake_stack, &from != scheduler_fiber);
}

/// Makes `f` start at `entry`, which never returns, when it is first switched to.
inline void prepare_fiber(fiber& f, void* stack, std::size_t size, void (*entry)()) {
  f.stack = stack;
  f.stack_size = size;
  if (has_thread_sanitizer()) f.tsan = __tsan_create_fiber(0);
#if defined(__x86_64__)
  const auto top = (reinterpret_cast<std::uintptr_t>(stack) + size) & ~std::uintptr_t{15};
  auto** words = reinterpret_cast<void**>(top) - 2;  // at entry the stack is as after a call
  words[0] = reinterpret_cast<void*>(entry);
  words[1] = nullptr;
  f.stack_pointer = words;
#else
  getcontext(&f.registers);
  f.registers.uc_stack.ss_sp = stack;
  f.registers.uc_stack.ss_size = size;
  f.registers.uc_link = nullptr;
  makecontext(&f.registers, entry, 0);
#endif
}

inline void retire_fiber(fiber& f) {
  if (f.tsan) __tsan_destroy_fiber(f.tsan);
  f.tsan = nullptr;
}

/// Equal stacks, each above a page that must not be touched.
class stack_slab {
 public:
  stack_slab(std::size_t count, std::size_t bytes)
      : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))), each_(bytes + page_), all_(each_ * count) {
    base_ = static_cast<std::byte*>(
        mmap(nullptr, all_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (base_ == MAP_FAILED) throw std::bad_alloc();
    for (std::size_t i = 0; i < count; ++i) mprotect(base_ + i * each_, page_, PROT_NONE);
  }
  ~stack_slab() { munmap(base_, all_); }
  stack_slab(const stack_slab&) = delete;
  stack_slab& operator=(const stack_slab&) = delete;

  void* operator[](std::size_t i) const { return base_ + i * each_ + page_; }
  std::size_t stack_bytes() const { return each_ - page_; }

 private:
  std::size_t page_, each_, all_;
  std::byte* base_;
};

}  // namespace aixcell::detail
