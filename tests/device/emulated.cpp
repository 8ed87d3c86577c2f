#include <aixcell/device/emulated.hpp>
#include <aixcell/device/transfer.hpp>
#include <string>
#include "support/catch.hpp"

namespace aixcell {
namespace {

template <class Function>
std::string message_of(Function&& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "nothing was thrown";
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Which thread ran when, and on which block.
struct turn_kernel {
  static constexpr std::string_view name = "turns";
  static constexpr int threads = 32;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int* next, int* turn) const {
    turn[global_rank(t)] = t.atomic_add(next, 1);
  }
};

template <int Which>
struct wrong_kernel {
  static constexpr std::string_view name = "wrong";
  static constexpr int threads = 64;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int* flag) const {
    if constexpr (Which == 0)
      if (t.rank() < 32) t.sync();
    if constexpr (Which == 1) {
      if (t.rank() < 32)
        t.sync();
      else
        t.sync();
    }
    if constexpr (Which == 2)
      if (lane_of(t) < 16) t.shfl_xor(1, 1);
    if constexpr (Which == 3) t.shfl_xor(1, 1, 0xffffu);
    if constexpr (Which == 4)
      while (t.load_acquire(flag) == 0) {
      }
    if constexpr (Which == 5) t.copy_async16(flag, flag);
    if constexpr (Which == 6) throw data_error("from inside");
    if constexpr (Which == 7) t.copy_async16(reinterpret_cast<char*>(flag) + 4, flag);
  }
};

template <int Which>
struct wrong_warpgroup_kernel {
  static constexpr std::string_view name = "wrong warpgroup";
  static constexpr int threads = 160;
  struct shared {
    swizzled_tile<64> a, b;
  };
  constexpr void operator()(WarpgroupThread auto t, shared& s) const {
    if (Which != 0 && t.rank() >= warpgroup_size) return;
    float sum[32] = {};
    t.warpgroup_fence(sum);
    const auto multiply = [&](const bfloat16* left, int step) {
      t.warpgroup_multiply(sum, left, s.b.from_row(0), step);
    };
    if constexpr (Which == 0) multiply(s.a.from_row(0), 0);  // the last warp is in no whole warpgroup
    if constexpr (Which == 1) multiply(t.rank() < 32 ? s.a.from_row(0) : s.b.from_row(0), 0);
    if constexpr (Which == 2)
      if (t.rank() < 64) multiply(s.a.from_row(0), 0);
    if constexpr (Which == 3) multiply(s.a.from_row(4), 0);
    if constexpr (Which == 4) multiply(s.b.from_row(8), 0);
    if constexpr (Which == 5) multiply(s.a.from_row(0), 4);
    if constexpr (Which >= 6) multiply(s.a.from_row(0), 0);
    t.warpgroup_commit();
    if constexpr (Which == 6) return;
    if constexpr (Which == 7) sum[3] = 0;
    t.template warpgroup_wait<0>(sum);
  }
};

tensor<int> turns(const schedule& how) {
  context<emulated> ctx(how);
  tensor<int> zero({1});
  auto next = to_device(ctx, zero);
  tensor<int, emulated> turn(ctx, {256});
  launch(ctx, {8, 1, 1}, turn_kernel{}, next.data(), turn.data());
  return to_host(ctx, turn);
}

/// Reads what nobody wrote, and writes it.
struct first_of_unwritten_kernel {
  static constexpr std::string_view name = "first of unwritten";
  static constexpr int threads = 32;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, float* unwritten, float* to) const {
    if (t.rank() != 0) return;
    to[0] = unwritten[0];
    unwritten[0] = 1;
  }
};

}  // namespace

TEST_CASE("schedules order threads as they say and repeat", "[device]") {
  const auto forward = turns(schedule::forward()), reverse = turns(schedule::reverse());
  for (int i = 0; i < 256; ++i) {
    CHECK(forward[i] == i);
    CHECK(reverse[i] == 255 - i);
  }
  for (const schedule& how : {schedule::shuffled(3), schedule::fuzz(3)}) {
    const auto once = turns(how), again = turns(how);
    CHECK(std::equal(once.begin(), once.end(), again.begin()));
    schedule other = how;
    other.seed = 4;
    const auto different = turns(other);
    CHECK_FALSE(std::equal(once.begin(), once.end(), different.begin()));
  }
}

TEST_CASE("the emulated device says what is wrong and where", "[device]") {
  for (const schedule& how : {schedule::forward(), schedule::reverse(), schedule::shuffled(5), schedule::fuzz(5)}) {
    context<emulated> ctx(how);
    auto flag = to_device(ctx, tensor<int>({8}));
    const auto run = [&](auto kernel) { return message_of([&] { launch(ctx, {1, 1, 1}, kernel, flag.data()); }); };
    const auto half = run(wrong_kernel<0>{});
    CHECK((has(half, "left the kernel") || has(half, "after another thread left")));
    CHECK(has(half, "emulated.cpp:"));
    CHECK(has(half, "wrong: thread"));
    CHECK(has(run(wrong_kernel<1>{}), "barrier divergence"));
    CHECK(has(run(wrong_kernel<2>{}), "deadlock: "));
    CHECK(has(run(wrong_kernel<3>{}), "is not in its own mask"));
    CHECK(has(run(wrong_kernel<5>{}), "without waiting for its asynchronous copies"));
    CHECK(run(wrong_kernel<6>{}) == "from inside");
    CHECK(has(run(wrong_kernel<7>{}), "not a multiple of 16"));
    CHECK(turns(how).size() == 256);  // a failed launch leaves nothing behind
  }
  if (detail::has_thread_sanitizer()) return;  // five million looks take a while
  context<emulated> ctx;
  auto flag = to_device(ctx, tensor<int>({8}));
  CHECK(has(message_of([&] { launch(ctx, {1, 1, 1}, wrong_kernel<4>{}, flag.data()); }), "no progress"));
}

TEST_CASE("the emulated device says what is wrong with a warpgroup", "[device]") {
  for (const schedule& how : {schedule::forward(), schedule::reverse(), schedule::shuffled(5), schedule::fuzz(5)}) {
    context<emulated> ctx(how);
    const auto run = [&](auto kernel) { return message_of([&] { launch(ctx, {1, 1, 1}, kernel); }); };
    CHECK(has(run(wrong_warpgroup_kernel<0>{}), "is in no whole warpgroup at emulated.cpp:"));
    CHECK(has(run(wrong_warpgroup_kernel<1>{}), "with other tiles"));
    CHECK(has(run(wrong_warpgroup_kernel<2>{}), "deadlock: "));
    CHECK(has(run(wrong_warpgroup_kernel<3>{}), "the address of a tile is not a multiple of 1024 at emulated.cpp:"));
    CHECK(has(run(wrong_warpgroup_kernel<4>{}), "a tile of 64 rows is not in shared memory at emulated.cpp:"));
    CHECK(has(run(wrong_warpgroup_kernel<5>{}), "a tile has no step of depth 4"));
    CHECK(has(run(wrong_warpgroup_kernel<6>{}), "left without waiting for products of its warpgroup"));
    CHECK(has(run(wrong_warpgroup_kernel<7>{}), "wrote to sums that its warpgroup was adding to"));
    CHECK(turns(how).size() == 256);  // a failed launch leaves nothing behind
  }
}

TEST_CASE("no block is no work", "[device]") {
  context<emulated> ctx;
  launch(ctx, blocks_for(0, 256), wrong_kernel<6>{}, static_cast<int*>(nullptr));
  CHECK(blocks_for(1, 256) == dim{1, 1, 1});
  CHECK(blocks_for(257, 256) == dim{2, 1, 1});
}

TEST_CASE("memory of the emulated device is poisoned, counted and limited", "[device]") {
  context<emulated> ctx;
  ctx.memory().limit(3 * 1024 * 1024);
  {
    const tensor<float, emulated> x(ctx, {1024, 512});
    const auto values = to_host(ctx, x);
    CHECK(values[0] != values[0]);
    CHECK(ctx.memory().use().live == 2 * 1024 * 1024);
    try {
      const tensor<float, emulated> y(ctx, {1024, 1024});
      FAIL("there was room");
    } catch (const device_memory_error& e) {
      CHECK(e.asked == 4 * 1024 * 1024);
      CHECK(e.free == 1024 * 1024);
      CHECK(
          std::string(e.what()) ==
          "emulated device: out of memory: asked for 4.0 MiB, 1.0 MiB of 3.0 MiB are free; lower the batch size or the "
          "crop, or end other programs on this device");
    }
  }
  CHECK(ctx.memory().use().live == 0);
  CHECK(ctx.memory().use().peak == 2 * 1024 * 1024);
  CHECK(detail::bytes_in_words(17) == "17 B");
  CHECK(detail::bytes_in_words(std::size_t{3} << 29) == "1.5 GiB");
}

TEST_CASE("memory that recorded work is given is poisoned before each launch, and its own", "[device]") {
  context<emulated> ctx;
  tensor<float, emulated> x(ctx, {1});
  {
    const auto work = recorded_work<emulated>::record(ctx, [&] {
      tensor<float, emulated> between(ctx, {256});
      launch(ctx, {1, 1, 1}, first_of_unwritten_kernel{}, between.data(), x.data());
    });
    CHECK(ctx.memory().use().live == 257 * sizeof(float));
    for (int i = 0; i < 2; ++i) {
      work.launch(ctx);
      const float found = to_host(ctx, x)[0];
      CHECK(found != found);
    }
  }
  CHECK(ctx.memory().use().live == sizeof(float));
}

TEST_CASE("copies refuse unequal shapes", "[device]") {
  context<emulated> ctx;
  const tensor<float> from({3});
  tensor<float, emulated> to(ctx, {4});
  CHECK(message_of([&] { copy(ctx, from.as_view(), to.as_view()); }) ==
        "copy to the device: expected shape [3], found [4]");
}

}  // namespace aixcell
