#pragma once
#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aixcell/core/error.hpp>
#include <aixcell/device/core.hpp>
#include <aixcell/device/emulated_warpgroup.hpp>
#include <aixcell/device/fiber.hpp>
#include <aixcell/device/schedule.hpp>

namespace aixcell {

/// A kernel did what a GPU would not forgive: threads that wait at different barriers, a barrier that some never reach,
/// lanes that disagree about a warp operation. The message names the kernel, the threads, and the lines.
struct emulation_error : device_error {
  using device_error::device_error;
};

namespace detail {

/// A line of a kernel. (std::source_location is missing from clang 14.)
struct code_line {
  const char* file = "";
  unsigned number = 0;
  static constexpr code_line here(const char* file = __builtin_FILE(), unsigned number = __builtin_LINE()) {
    return {file, number};
  }
  bool operator==(const code_line& other) const { return number == other.number && std::strcmp(file, other.file) == 0; }
};
inline std::string to_string(const code_line& line) {
  const std::string file = line.file;
  const auto slash = file.rfind('/');
  return (slash == std::string::npos ? file : file.substr(slash + 1)) + ":" + std::to_string(line.number);
}

class executor;
struct block_state;

struct async_copy {
  void* to;
  const void* from;
  int valid;  // bytes of 16 that are copied; the rest becomes 0
  int group;
};

/// One CUDA thread.
struct thread_state {
  enum class waits : unsigned char { ready, at_barrier, in_warp, finished };

  fiber where;
  executor* run = nullptr;
  block_state* block = nullptr;
  int rank = 0;
  waits state = waits::finished;
  code_line at;
  const void* in = nullptr;  // operands of the warp operation under way
  void* out = nullptr;
  int copy_group = 0;
  std::vector<async_copy> copies;
  std::vector<unsigned> proxy_fences;  // after how many barriers of the block each was
  warpgroup_products products;
};

/// A warp operation that not all of its lanes have reached.
struct rendezvous {
  unsigned mask, arrived;
  code_line at;
};

/// A product of a warpgroup that not all of its threads have reached: which tiles of shared memory, by the first one to
/// say.
struct warpgroup_meeting {
  int arrived = 0;
  code_line at;
  std::uint64_t left = 0, right = 0;
};
/// Who copied 16 bytes of shared memory, and after how many proxy fences.
struct copied_piece {
  int rank = -1;
  std::size_t proxy_fences = 0;
};

/// Shared memory: an allocation of its own for each block, so that AddressSanitizer knows where it ends.
class shared_storage {
 public:
  shared_storage() = default;
  shared_storage(std::size_t bytes, std::size_t alignment)
      : alignment_(alignment), begin_(::operator new (bytes, std::align_val_t{alignment})) {
    std::memset(begin_, 0xff, bytes);  // NaN as float and bfloat16, -1 as an integer: what nobody wrote shows in results
  }
  shared_storage(shared_storage&& other) noexcept
      : alignment_(other.alignment_), begin_(std::exchange(other.begin_, nullptr)) {}
  shared_storage& operator=(shared_storage&& other) noexcept {
    std::swap(alignment_, other.alignment_);
    std::swap(begin_, other.begin_);
    return *this;
  }
  ~shared_storage() {
    if (begin_) ::operator delete (begin_, std::align_val_t{alignment_});
  }
  void* begin() const { return begin_; }

 private:
  std::size_t alignment_ = 16;
  void* begin_ = nullptr;
};

/// One resident block.
struct block_state {
  dim index;
  std::size_t first_fiber = 0;
  int live = 0, arrived = 0;
  unsigned generation = 0;  // of its barrier
  code_line barrier;
  std::size_t rotation = 0;  // thread r runs on fiber first_fiber + (r + rotation) % threads
  std::size_t first_order_point = 0;
  shared_storage shared;
  std::vector<std::vector<rendezvous>> warps;
  std::vector<warpgroup_meeting> warpgroups;
  std::vector<copied_piece> copied;  // empty until something is
};

/// What a launch is, without its types.
struct launch_plan {
  std::string_view kernel;
  dim grid;
  int threads = 0;
  std::size_t shared_bytes = 1, shared_alignment = 16;
  void (*body)(const void* call, thread_state& thread) = nullptr;
  const void* call = nullptr;
};

struct fiber_pool;

/// Runs the threads of a launch as fibers on this thread, one after another as the schedule says. A run is a function of
/// kernel, data and schedule.
class executor {
 public:
  executor(const launch_plan& plan, const schedule& how)
      : plan_(plan), how_(how), random_state_(how.seed * 0x9e3779b97f4a7c15ull + 1) {}

  void go();

  const launch_plan& plan() const { return plan_; }

  void wait_at_barrier(thread_state& t, const code_line& at) {
    block_state& b = *t.block;
    void* const order = order_point(b, b.generation & 1u);
    happens_before(order);
    {
      const unobserved books;
      if (b.arrived == 0)
        b.barrier = at;
      else if (!(b.barrier == at))
        fail("barrier divergence: " + name_of(t) + " waits at " + to_string(at) + " while others wait at " +
             to_string(b.barrier));
      if (b.live != plan_.threads)
        fail(name_of(t) + " waits at " + to_string(at) + " after another thread left the kernel");
      t.at = at;
      t.state = thread_state::waits::at_barrier;
      if (++b.arrived == b.live) open_barrier(b);
      suspend(t);
    }
    happens_after(order);
  }

  /// Waits until all lanes of `mask` are at `at`; the last one calls combine(ins, outs), arrays over lanes with null for
  /// those that take no part.
  template <class Combine>
  void meet_lanes(thread_state& t, unsigned mask, const code_line& at, const void* in, void* out, Combine&& combine) {
    const unobserved books;
    block_state& b = *t.block;
    const int lane = t.rank % warp_size, first = t.rank - lane;
    if (!(mask >> lane & 1u))
      fail(name_of(t) + ": lane " + std::to_string(lane) + " is not in its own mask at " + to_string(at));
    auto& pending = b.warps[static_cast<std::size_t>(t.rank / warp_size)];
    // Of those under way, the one that waits for this lane. Others may wait for lanes that will come here later.
    auto met =
        std::find_if(pending.begin(), pending.end(), [&](const rendezvous& r) { return (r.mask >> lane & 1u) != 0; });
    if (met == pending.end()) met = pending.insert(pending.end(), rendezvous{mask, 0, at});
    if (met->mask != mask || !(met->at == at))
      fail("warp divergence: " + name_of(t) + " at " + to_string(at) + ", other lanes of its mask at " +
           to_string(met->at));
    met->arrived |= 1u << lane;
    t.in = in;
    t.out = out;
    t.at = at;
    t.state = thread_state::waits::in_warp;
    if (met->arrived == mask) {
      pending.erase(met);
      const void* ins[warp_size] = {};
      void* outs[warp_size] = {};
      for (int l = 0; l < warp_size; ++l)
        if (mask >> l & 1u) {
          ins[l] = thread_of(b, first + l).in;
          outs[l] = thread_of(b, first + l).out;
        }
      combine(ins, outs);
      for (int i = 0; i < warp_size; ++i)
        if (const int l = in_order(i, warp_size); mask >> l & 1u) make_ready(thread_of(b, first + l));
    }
    suspend(t);
  }

  /// Notes that copy_async16 of this thread has arrived: warpgroups must not read it before a proxy fence and a barrier.
  void note_copy(thread_state& t, const void* to) {
    block_state& b = *t.block;
    const std::size_t place = place_in_shared(b, to);
    if (b.copied.empty()) b.copied.resize((plan_.shared_bytes + 15) / 16);
    if (place < plan_.shared_bytes) b.copied[place / 16] = {t.rank, t.proxy_fences.size()};
  }

  /// The matrix descriptor of 16 of depth of a swizzled tile.
  std::uint64_t described_tile(thread_state& t, const void* tile, int rows, int step, const code_line& at) const {
    const std::size_t place = place_in_shared(*t.block, tile);
    if (place + static_cast<std::size_t>(rows) * 128 > plan_.shared_bytes)
      fail("a tile of " + std::to_string(rows) + " rows is not in shared memory at " + to_string(at));
    if (place % 1024 != 0 || plan_.shared_alignment % 1024 != 0)
      fail("the address of a tile is not a multiple of 1024 at " + to_string(at));
    if (step < 0 || step > 3) fail("a tile has no step of depth " + std::to_string(step) + " at " + to_string(at));
    return matrix_descriptor(static_cast<std::uint32_t>(place) + 32 * static_cast<std::uint32_t>(step));
  }

  /// Waits until all threads of a warpgroup are at `at` with the same tiles, of 64 and of `columns` rows.
  void meet_warpgroup(thread_state& t, std::uint64_t left, std::uint64_t right, int columns, const code_line& at) {
    const unobserved books;
    block_state& b = *t.block;
    const int number = t.rank / warpgroup_size, first = number * warpgroup_size;
    if (first + warpgroup_size > plan_.threads) fail(name_of(t) + " is in no whole warpgroup at " + to_string(at));
    b.warpgroups.resize(static_cast<std::size_t>(plan_.threads / warpgroup_size));
    auto& met = b.warpgroups[static_cast<std::size_t>(number)];
    if (met.arrived == 0) met = {0, at, left, right};
    if (!(met.at == at) || met.left != left || met.right != right)
      fail("warpgroup divergence: " + name_of(t) + " at " + to_string(at) + ", others at " + to_string(met.at) +
           (met.at == at ? " with other tiles" : ""));
    t.at = at;
    t.state = thread_state::waits::in_warp;
    if (++met.arrived == warpgroup_size) {
      met.arrived = 0;
      require_proxy_fences(b, left, 64, at);
      require_proxy_fences(b, right, columns, at);
      for (int i = 0; i < warpgroup_size; ++i) make_ready(thread_of(b, first + in_order(i, warpgroup_size)));
    }
    suspend(t);
  }

  void yield(thread_state& t, const code_line& at) {
    const unobserved books;
    t.at = at;
    if (++idle_yields_ > most_idle_yields)
      fail("no progress: " + name_of(t) + " keeps looking at " + to_string(at) +
           " and nobody changes what it waits for");
    make_ready(t);
    suspend(t);
  }
  void maybe_preempt(thread_state& t) {
    if (how_.preempt_one_in == 0) return;
    const unobserved books;
    if (random() % static_cast<std::uint64_t>(how_.preempt_one_in) != 0) return;
    make_ready(t);
    suspend(t);
  }
  void note_progress() {
    const unobserved books;
    idle_yields_ = 0;
  }

  /// What ThreadSanitizer knows the order of a warp by.
  void* warp_order_point(const thread_state& t) {
    return order_point(*t.block, 2 + static_cast<unsigned>(t.rank / warp_size));
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw emulation_error(std::string(plan_.kernel) + ": " + what);
  }

 private:
  friend struct fiber_pool;
  struct abandoned {};  // unwinds the other threads of a launch that failed
  static constexpr std::int64_t most_idle_yields = 5'000'000;

  std::uint64_t random() {
    random_state_ ^= random_state_ << 13;
    random_state_ ^= random_state_ >> 7;
    random_state_ ^= random_state_ << 17;
    return random_state_;
  }
  int in_order(int i, int count) const { return how_.threads == schedule::order::reverse ? count - 1 - i : i; }
  std::string name_of(const thread_state& t) const {
    const dim& b = t.block->index;
    return "thread " + std::to_string(t.rank) + " of block [" + std::to_string(b.x) + "," + std::to_string(b.y) + "," +
           std::to_string(b.z) + "]";
  }
  static std::size_t place_in_shared(const block_state& b, const void* p) {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(b.shared.begin());
  }
  /// Plain writes to shared memory are not seen here; copies are.
  void require_proxy_fences(const block_state& b, std::uint64_t tile, int rows, const code_line& at) {
    if (b.copied.empty()) return;
    for (int row = 0; row < rows; ++row)
      for (int k = 0; k < 16; k += 8) {
        const copied_piece& piece = b.copied[described_address(tile, row, k) / 16];
        if (piece.rank < 0) continue;
        const thread_state& writer = thread_of(b, piece.rank);
        const bool fenced = piece.proxy_fences < writer.proxy_fences.size();
        if (!fenced || writer.proxy_fences[piece.proxy_fences] == b.generation)
          fail("a tile is multiplied at " + to_string(at) + " that " + name_of(writer) + " copied without a " +
               (fenced ? "barrier after its proxy fence" : "proxy fence after it"));
      }
  }
  void* order_point(const block_state& b, unsigned i) { return &order_points_[b.first_order_point + i]; }
  thread_state& thread_of(const block_state& b, int rank) {
    const auto threads = static_cast<std::size_t>(plan_.threads);
    return threads_[b.first_fiber + (static_cast<std::size_t>(rank) + b.rotation) % threads];
  }
  void make_ready(thread_state& t) {
    t.state = thread_state::waits::ready;
    ready_.push_back(&t);
  }
  thread_state* next_ready() {
    if (head_ == ready_.size()) {
      ready_.clear();
      head_ = 0;
      return nullptr;
    }
    if (how_.threads == schedule::order::shuffled)
      std::swap(ready_[head_], ready_[head_ + random() % (ready_.size() - head_)]);
    thread_state* const t = ready_[head_++];
    if (head_ > 4096 && head_ * 2 > ready_.size()) {
      ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    return t;
  }
  void suspend(thread_state& t) {
    switch_fibers(t.where, *scheduler_fiber);
    if (failure_) throw abandoned{};
  }
  void open_barrier(block_state& b) {
    b.arrived = 0;
    ++b.generation;
    for (int i = 0; i < plan_.threads; ++i)
      if (auto& t = thread_of(b, in_order(i, plan_.threads)); t.state == thread_state::waits::at_barrier) make_ready(t);
  }
  void leave(thread_state& t) {
    block_state& b = *t.block;
    --b.live;
    idle_yields_ = 0;
    const auto note = [&](const std::string& what) {
      if (!failure_) failure_ = std::make_exception_ptr(emulation_error(std::string(plan_.kernel) + ": " + what));
    };
    if (!t.copies.empty()) note(name_of(t) + " left without waiting for its asynchronous copies");
    if (!t.products.under_way.empty()) note(name_of(t) + " left without waiting for products of its warpgroup");
    t.copies.clear();
    t.copy_group = 0;
    t.products = {};
    if (b.arrived > 0)
      note(name_of(t) + " left the kernel while " + std::to_string(b.arrived) + " threads wait at " +
           to_string(b.barrier));
  }
  void start_block(block_state& b, int linear);
  void run_blocks();
  static void run_threads();
  std::string stuck() const;

  launch_plan plan_;
  schedule how_;
  std::uint64_t random_state_;
  std::int64_t idle_yields_ = 0;
  std::span<thread_state> threads_;
  std::vector<block_state> blocks_;
  std::vector<thread_state*> ready_;
  std::size_t head_ = 0;
  fiber scheduler_;
  std::exception_ptr failure_;
  std::vector<std::uint64_t> order_points_;  // 0: before the launch, 1: after it, then those of each block
};

inline thread_local thread_state* starting_thread = nullptr;

/// Fibers that are kept from launch to launch: making one is dear, above all under ThreadSanitizer.
struct fiber_pool {
  stack_slab stacks;
  std::vector<thread_state> threads;

  fiber_pool(std::size_t count, std::size_t bytes) : stacks(count, bytes), threads(count) {
    for (std::size_t i = 0; i < count; ++i)
      prepare_fiber(threads[i].where, stacks[i], stacks.stack_bytes(), &executor::run_threads);
  }
  ~fiber_pool() {
    for (thread_state& t : threads) retire_fiber(t.where);
  }
  fiber_pool(const fiber_pool&) = delete;
  fiber_pool& operator=(const fiber_pool&) = delete;

  static std::span<thread_state> take(std::size_t count, std::size_t bytes) {
    thread_local std::unique_ptr<fiber_pool> kept;
    if (!kept || kept->threads.size() < count || kept->stacks.stack_bytes() < bytes) {
      kept.reset();
      kept = std::make_unique<fiber_pool>(count, bytes);
    }
    return std::span(kept->threads).first(count);
  }
};

/// The life of a fiber: one thread after another, through many launches.
inline void executor::run_threads() {
  arrive(nullptr, true);
  for (;;) {
    thread_state* t;
    executor* self;
    void *before, *after;
    {
      const unobserved books;
      t = starting_thread;
      self = t->run;
      before = &self->order_points_[0];
      after = &self->order_points_[1];
    }
    happens_after(before);
    try {
      self->plan_.body(self->plan_.call, *t);
    } catch (const abandoned&) {
    } catch (...) {
      const unobserved books;
      if (!self->failure_) self->failure_ = std::current_exception();
    }
    happens_before(after);
    fiber* back;
    {
      const unobserved books;
      self->leave(*t);
      t->state = thread_state::waits::finished;
      back = scheduler_fiber;
    }
    switch_fibers(t->where, *back);
  }
}

inline void executor::start_block(block_state& b, int linear) {
  const dim& g = plan_.grid;
  const auto warps = static_cast<std::size_t>(plan_.threads / warp_size);
  b.index = {linear % g.x, linear / g.x % g.y, linear / g.x / g.y};
  b.live = plan_.threads;
  b.arrived = 0;
  b.generation = 0;
  b.first_order_point = 2 + static_cast<std::size_t>(linear) * (2 + warps);
  b.shared = shared_storage(plan_.shared_bytes, plan_.shared_alignment);
  // To ThreadSanitizer a fiber is a thread: threads of two blocks must not look ordered because one fiber ran both.
  b.rotation = static_cast<std::size_t>(linear) * 7 % static_cast<std::size_t>(plan_.threads);
  b.warps.assign(warps, {});
  b.warpgroups.clear();
  b.copied.clear();
  for (int i = 0; i < plan_.threads; ++i) {
    const int rank = in_order(i, plan_.threads);
    thread_state& t = thread_of(b, rank);
    t.block = &b;
    t.rank = rank;
    t.proxy_fences.clear();
    make_ready(t);
  }
}

inline void executor::go() {
  const auto total = static_cast<int>(plan_.grid.count());
  const auto resident = static_cast<std::size_t>(std::min(how_.resident, total));
  const auto threads = static_cast<std::size_t>(plan_.threads);
  threads_ = fiber_pool::take(resident * threads, how_.stack_bytes);
  blocks_.resize(resident);
  for (std::size_t i = 0; i < resident; ++i) blocks_[i].first_fiber = i * threads;
  order_points_.assign(2 + static_cast<std::size_t>(total) * (2 + threads / warp_size), 0);
  if (has_thread_sanitizer()) scheduler_.tsan = __tsan_get_current_fiber();
  for (thread_state& t : threads_) {
    t.run = this;
    t.block = nullptr;
    t.state = thread_state::waits::finished;
  }
  happens_before(&order_points_[0]);
  fiber* const outer = std::exchange(scheduler_fiber, &scheduler_);
  run_blocks();
  scheduler_fiber = outer;
  happens_after(&order_points_[1]);
  if (failure_) std::rethrow_exception(failure_);
}

inline void executor::run_blocks() {
  const unobserved books;
  const auto total = static_cast<int>(plan_.grid.count());
  std::vector<block_state*> idle;
  for (block_state& b : blocks_) idle.push_back(&b);
  int next = 0, running = 0;
  for (;;) {
    for (; !idle.empty() && next < total && !failure_; idle.pop_back(), ++running)
      start_block(*idle.back(), how_.threads == schedule::order::reverse ? total - 1 - next++ : next++);
    thread_state* const t = next_ready();
    if (t) {
      starting_thread = t;
      switch_fibers(scheduler_, t->where);
      if (t->state == thread_state::waits::finished && t->block->live == 0) {
        idle.push_back(t->block);
        --running;
      }
    } else if (running == 0) {
      return;
    } else {  // nobody can go on: say so, then let everybody unwind
      if (!failure_) failure_ = std::make_exception_ptr(emulation_error(stuck()));
      for (thread_state& w : threads_)
        if (w.block && w.state != thread_state::waits::finished) make_ready(w);
    }
  }
}

inline std::string executor::stuck() const {
  std::string text = std::string(plan_.kernel) + ": deadlock:";
  int waiting = 0;
  for (const thread_state& t : threads_) {
    if (!t.block || t.state == thread_state::waits::finished) continue;
    if (waiting++ < 4)
      text += " " + name_of(t) + (t.state == thread_state::waits::at_barrier ? " at barrier " : " in warp operation ") +
              to_string(t.at) + ";";
  }
  return text + " " + std::to_string(waiting) + " threads wait";
}

}  // namespace detail
}  // namespace aixcell
