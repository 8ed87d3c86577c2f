// Kernels that are wrong on purpose:  detectors BUG SCHEDULE
// Prints "right" if the result is right and nothing complained, "wrong" for a wrong result, "caught: ..." for what the
// executor says; a sanitizer says what it has to say. detectors.cmake runs it and knows who has to notice what.
#include <aixcell/device/emulated.hpp>
#include <aixcell/device/transfer.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

namespace {
using namespace aixcell;

constexpr int width = 256;

/// A kernel of one block over 256 values.
struct whole_block {
  static constexpr std::string_view name = "detector";
  static constexpr int threads = width;
  using shared = nothing;
};
struct with_tile : whole_block {
  struct shared {
    float v[width];
  };
};

struct nothing_wrong : with_tile {
  constexpr void operator()(auto t, shared& s, const float* in, float* out) const {
    const int i = t.rank();
    s.v[i] = in[i];
    t.sync();
    out[i] = s.v[width - 1 - i];
  }
};

/// No barrier between the write of a tile and its reading; Ascending reads only what a lower thread wrote.
template <bool Ascending>
struct missing_barrier : with_tile {
  constexpr void operator()(auto t, shared& s, const float* in, float* out) const {
    const int i = t.rank();
    s.v[i] = in[i];
    out[i] = s.v[Ascending ? (i > 0 ? i - 1 : 0) : width - 1 - i];
  }
};

/// The next tile overwrites what a slow thread still reads.
struct missing_second_barrier : with_tile {
  constexpr void operator()(auto t, shared& s, const float* in, float* out) const {
    const int i = t.rank();
    float sum = 0;
    for (int tile = 0; tile < 4; ++tile) {
      s.v[i] = in[i] + static_cast<float>(tile);
      t.sync();
      for (int j = 0; j < width; ++j) sum += s.v[j];
    }
    out[i] = sum;
  }
};

struct half_barrier : whole_block {
  constexpr void operator()(auto t, shared&, const float* in, float* out) const {
    if (t.rank() < width / 2) t.sync();
    out[t.rank()] = in[t.rank()];
  }
};
struct two_barriers : whole_block {
  constexpr void operator()(auto t, shared&, const float* in, float* out) const {
    if (t.rank() < width / 2)
      t.sync();
    else
      t.sync();
    out[t.rank()] = in[t.rank()];
  }
};
struct shuffle_in_a_branch : whole_block {
  constexpr void operator()(auto t, shared&, const float* in, float* out) const {
    float v = in[t.rank()];
    if (lane_of(t) < 16) v = t.shfl_xor(v, 1);
    out[t.rank()] = v;
  }
};
/// Lanes that read each other's shared memory without a sync_warp.
struct missing_warp_barrier : with_tile {
  constexpr void operator()(auto t, shared& s, const float* in, float* out) const {
    const int i = t.rank();
    s.v[i] = in[i];
    out[i] = s.v[i ^ 1];
  }
};

struct unwritten_shared : with_tile {
  constexpr void operator()(auto t, shared& s, const float* in, float* out) const {
    const int i = t.rank();
    if (i != 7) s.v[i] = in[i];
    t.sync();
    out[i] = s.v[i];
  }
};
struct unwritten_global : whole_block {
  constexpr void operator()(auto t, shared&, const float* in, float* out) const {
    if (t.rank() != 7) out[t.rank()] = in[t.rank()];
  }
};
struct shared_overrun : with_tile {
  constexpr void operator()(auto t, shared& s, const float* in, float* out) const {
    const int i = t.rank();
    float* const v = s.v;
    v[i + 1] = in[i];
    t.sync();
    out[i] = i > 0 ? v[i] : in[0];
  }
};
struct global_overrun : whole_block {
  constexpr void operator()(auto t, shared&, const float* in, float* out) const {
    const float next = in[t.rank() + 1];
    out[t.rank()] = t.rank() + 1 < width ? next : in[t.rank()];
  }
};
/// An offset beyond 2^31 for the upper half of the block.
struct integer_overflow : whole_block {
  int step = 1 << 24;
  constexpr void operator()(auto t, shared&, const float* in, float* out) const {
    const int offset = (t.rank() + 1) * step;
    out[t.rank()] = in[t.rank()] + static_cast<float>(offset & 1);
  }
};
/// An asynchronous copy that is read before it is waited for.
struct early_read : whole_block {
  struct shared {
    alignas(16) float v[width];
  };
  constexpr void operator()(auto t, shared& s, const float* in, float* out) const {
    const int i = t.rank();
    if (i < width / 4) t.copy_async16(&s.v[4 * i], &in[4 * i]);
    t.commit();
    t.sync();
    out[i] = s.v[i];
    t.template wait<0>();
  }
};
/// Each thread waits for its own copies, then reads what others copied.
struct wait_without_barrier : whole_block {
  struct shared {
    alignas(16) float v[width];
  };
  constexpr void operator()(auto t, shared& s, const float* in, float* out) const {
    const int i = t.rank();
    if (i < width / 4) t.copy_async16(&s.v[4 * i], &in[4 * i]);
    t.commit();
    t.template wait<0>();
    out[i] = s.v[i];
  }
};
/// Warpgroups that multiply `in`, 32 values a row, by ones: a float is two values of bfloat16, of which the first is 0
/// here.
enum class forgotten { nothing, proxy_fence, barrier, fence, wait, wait_before_refill };
template <forgotten What>
struct warpgroups : whole_block {
  struct shared {
    swizzled_tile<128> a;
    swizzled_tile<64> b;
  };
  constexpr void operator()(WarpgroupThread auto t, shared& s, const float* in, float* out) const {
    const int id = t.rank(), first = id / warpgroup_size * 64;
    const auto fill = [&](int rows) {
      for (int i = id; i < 128 * 8; i += width)
        t.copy_async16(s.a.piece_at(i / 8, i % 8 * 8), i < rows * 8 ? &in[4 * i] : in, i < rows * 8 ? 16 : 0);
      t.commit();
      t.template wait<0>();
    };
    fill(width / 32);
    for (int i = id; i < 64 * 64; i += width)
      s.b.piece_at(i / 64, i % 64 / 8 * 8)[i % 8] = bfloat16(i % 64 == i / 64 * 2 + 1 ? 1.0f : 0.0f);
    if (What != forgotten::proxy_fence) t.fence_async_proxy();
    if (What != forgotten::barrier) t.sync();
    float sum[32] = {};
    if (What != forgotten::fence) t.warpgroup_fence(sum);
    for (int k = 0; k < 4; ++k) t.warpgroup_multiply(sum, s.a.from_row(first), s.b.from_row(0), k);
    t.warpgroup_commit();
    if (What != forgotten::wait && What != forgotten::wait_before_refill) t.template warpgroup_wait<0>(sum);
    t.sync();
    fill(0);
    if (What == forgotten::wait_before_refill) t.template warpgroup_wait<0>(sum);
    for (int i = 0; i < 32; ++i) {
      const int row = first + warpgroup_row(t, i), column = warpgroup_column(t, i);
      if (row < width / 32 && column < 32) out[row * 32 + column] = sum[i];
    }
    if (What == forgotten::wait) t.template warpgroup_wait<0>(sum);
  }
};

/// Plain += where several blocks add.
struct lost_update : whole_block {
  constexpr void operator()(auto t, shared&, const float* in, float* out) const { out[t.rank()] += in[t.rank()]; }
};
/// An atomic addition taken apart.
struct torn_update : whole_block {
  constexpr void operator()(auto t, shared&, const float* in, float* out) const {
    t.store(&out[t.rank()], t.load(&out[t.rank()]) + in[t.rank()]);
  }
};
struct flag_without_release : whole_block {
  constexpr void operator()(auto t, shared&, float* data, int* flag, float* out) const {
    if (t.rank() != 0) return;
    if (t.block().x == 0) {
      data[0] = 42;
      t.store(flag, 1);
    } else {
      while (t.load_acquire(flag) == 0) {
      }
      out[0] = data[0];
    }
  }
};
/// Union-find over a tree that forgets the loser of atomic_min.
struct careless_union : whole_block {
  constexpr void operator()(auto t, shared&, int* parent) const {
    const int i = global_rank(t);
    const auto root = [&](int p) {
      for (int up = t.load(&parent[p]); up != p; up = t.load(&parent[p])) p = up;
      return p;
    };
    if (i == 0) return;
    const int a = root(i * 1237 % 2048), b = root(i * 31 % 1021 % i * 1237 % 2048);
    if (a != b) t.atomic_min(&parent[a > b ? a : b], a > b ? b : a);
  }
};

schedule schedule_called(const std::string& name) {
  if (name == "reverse") return schedule::reverse();
  if (name == "shuffled") return schedule::shuffled(5);
  if (name == "fuzz") return schedule::fuzz(5);
  return schedule::forward();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string bug = argv[1];
  schedule how = schedule_called(argv[2]);
  if (bug == "flag_without_release") how.resident = 2;
  context<emulated> ctx(how);
  tensor<float> in({width});
  float sum = 0;
  for (int i = 0; i < width; ++i) sum += in[i] = static_cast<float>(i * 37 % 101);
  const auto x = to_device(ctx, in);
  tensor<float, emulated> y(ctx, {width});
  bool right = true, known = true;
  const auto judge = [&](auto expected) {
    const auto out = to_host(ctx, y);
    for (int i = 0; i < width; ++i)
      right = right && std::abs(out[i] - expected(i)) < 1e-3f * (1 + std::abs(expected(i)));
  };
  const auto check = [&](auto kernel, auto expected) {
    launch(ctx, {1, 1, 1}, kernel, x.data(), y.data());
    judge(expected);
  };
  const auto same = [&](int i) { return in[i]; };
  try {
    if (bug == "nothing_wrong")
      check(nothing_wrong{}, [&](int i) { return in[width - 1 - i]; });
    else if (bug == "missing_barrier")
      check(missing_barrier<false>{}, [&](int i) { return in[width - 1 - i]; });
    else if (bug == "missing_barrier_ascending")
      check(missing_barrier<true>{}, [&](int i) { return in[i > 0 ? i - 1 : 0]; });
    else if (bug == "missing_second_barrier")
      check(missing_second_barrier{}, [&](int) { return 4 * sum + 6 * width; });
    else if (bug == "half_barrier")
      check(half_barrier{}, same);
    else if (bug == "two_barriers")
      check(two_barriers{}, same);
    else if (bug == "shuffle_in_a_branch")
      check(shuffle_in_a_branch{}, [&](int i) { return in[i % 32 < 16 ? i ^ 1 : i]; });
    else if (bug == "missing_warp_barrier")
      check(missing_warp_barrier{}, [&](int i) { return in[i ^ 1]; });
    else if (bug == "unwritten_shared")
      check(unwritten_shared{}, same);
    else if (bug == "unwritten_global")
      check(unwritten_global{}, same);
    else if (bug == "shared_overrun")
      check(shared_overrun{}, [&](int i) { return in[i > 0 ? i - 1 : 0]; });
    else if (bug == "global_overrun")
      check(global_overrun{}, [&](int i) { return in[i + 1 < width ? i + 1 : i]; });
    else if (bug == "integer_overflow")
      check(integer_overflow{}, same);
    else if (bug == "early_read")
      check(early_read{}, same);
    else if (bug == "wait_without_barrier")
      check(wait_without_barrier{}, same);
    else if (bug == "warpgroups_nothing_wrong")
      check(warpgroups<forgotten::nothing>{}, same);
    else if (bug == "missing_proxy_fence")
      check(warpgroups<forgotten::proxy_fence>{}, same);
    else if (bug == "missing_barrier_of_warpgroups")
      check(warpgroups<forgotten::barrier>{}, same);
    else if (bug == "missing_warpgroup_fence")
      check(warpgroups<forgotten::fence>{}, same);
    else if (bug == "missing_warpgroup_wait")
      check(warpgroups<forgotten::wait>{}, same);
    else if (bug == "refill_before_warpgroup_wait")
      check(warpgroups<forgotten::wait_before_refill>{}, same);
    else if (bug == "lost_update" || bug == "torn_update") {
      std::fill_n(y.data(), y.size(), 0.0f);
      if (bug == "lost_update")
        launch(ctx, {8, 1, 1}, lost_update{}, x.data(), y.data());
      else
        launch(ctx, {8, 1, 1}, torn_update{}, x.data(), y.data());
      judge([&](int i) { return 8 * in[i]; });
    } else if (bug == "flag_without_release") {
      tensor<float, emulated> data(ctx, {1});
      tensor<int, emulated> flag(ctx, {1});
      std::fill_n(flag.data(), flag.size(), 0);
      launch(ctx, {2, 1, 1}, flag_without_release{}, data.data(), flag.data(), y.data());
      right = to_host(ctx, y)[0] == 42;
    } else if (bug == "careless_union") {
      tensor<int> alone({2048});
      for (int i = 0; i < 2048; ++i) alone[i] = i;
      auto parent = to_device(ctx, alone);
      launch(ctx, {8, 1, 1}, careless_union{}, parent.data());
      const auto found = to_host(ctx, parent);
      int roots = 0;
      for (int i = 0; i < 2048; ++i) roots += found[i] == i;
      right = roots == 1;
    } else
      known = false;
  } catch (const emulation_error& e) {
    std::printf("caught: %s\n", e.what());
    return 1;
  }
  if (!known) return 2;
  std::puts(right ? "right" : "wrong");
  return right ? 0 : 1;
}
