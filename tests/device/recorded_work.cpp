// Work that is recorded once and launched again, on any device.
#include <aixcell/device/core.hpp>
#include "device_under_test.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

/// to[i] = 2 from[i] + add[0]
struct double_and_add_kernel {
  static constexpr std::string_view name = "double and add";
  static constexpr int threads = 64;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int count, const float* from, const float* add, float* to) const {
    const int i = global_rank(t);
    if (i < count) to[i] = 2 * from[i] + add[0];
  }
};

using device = device_under_test;

void set(context<device>& ctx, tensor<float, device>& to, float value) {
  tensor<float> from(to.shape());
  from.fill(value);
  copy(ctx, std::as_const(from).as_view(), to.as_view());
}

void double_and_add(context<device>& ctx, const tensor<float, device>& from, const tensor<float, device>& add,
                    tensor<float, device>& to) {
  const auto count = static_cast<int>(from.size());
  launch(ctx, blocks_for(count, 64), double_and_add_kernel{}, count, from.data(), add.data(), to.data());
}

}  // namespace

TEST_CASE("recorded work is done when it is launched, as often as it is, with what is in memory then", "[device]") {
  on_every_device([](context<device>& shared) {
    context<device> ctx = shared.with_own_memory();
    tensor<float, device> y(ctx, {100}), add(ctx, {1});
    set(ctx, y, 1);
    set(ctx, add, 3);
    const auto work = recorded_work<device>::record(ctx, [&] {
      tensor<float, device> between(ctx, {100});  // gone when the work is launched
      double_and_add(ctx, y, add, between);
      double_and_add(ctx, between, add, y);
    });
    CHECK(to_host(ctx, y)[99] == 1);
    work.launch(ctx);
    CHECK(to_host(ctx, y)[99] == 13);
    set(ctx, add, 10);
    work.launch(ctx);
    work.launch(ctx);
    const tensor<float> found = to_host(ctx, y);
    for (index_t i = 0; i < 100; ++i) CHECK(found[i] == 4 * (4 * 13 + 30) + 30);
  });
}

TEST_CASE("several recordings of one order of work, one of nothing", "[device]") {
  on_every_device([](context<device>& ctx) {
    tensor<float, device> x(ctx, {3}), y(ctx, {3}), add(ctx, {1});
    set(ctx, x, 1);
    set(ctx, add, 0);
    auto there = recorded_work<device>::record(ctx, [&] { double_and_add(ctx, x, add, y); });
    const auto back = recorded_work<device>::record(ctx, [&] { double_and_add(ctx, y, add, x); });
    const auto nothing_at_all = recorded_work<device>::record(ctx, [] {});
    const auto moved = std::move(there);
    for (int i = 0; i < 2; ++i) {
      moved.launch(ctx);
      nothing_at_all.launch(ctx);
      back.launch(ctx);
    }
    CHECK(to_host(ctx, x)[0] == 16);
  });
}

TEST_CASE("who waits or copies while work is recorded is told so, and the context goes on", "[device]") {
  on_every_device([](context<device>& ctx) {
    tensor<float, device> x(ctx, {3}), y(ctx, {3}), add(ctx, {1});
    tensor<float> host({3});
    set(ctx, x, 1);
    set(ctx, add, 1);
    const auto refusal = [&](auto&& work) {
      try {
        recorded_work<device>::record(ctx, work);
      } catch (const device_error& e) {
        return std::string(e.what());
      }
      return std::string("none");
    };
    const std::string cure = " while work is being recorded; do it before or after the recording";
    CHECK_THAT(refusal([&] { synchronise(ctx); }), Catch::Contains("somebody waits" + cure));
    CHECK_THAT(refusal([&] { copy(ctx, std::as_const(host).as_view(), x.as_view()); }),
               Catch::Contains("a copy to the device" + cure));
    CHECK_THAT(refusal([&] { copy(ctx, std::as_const(x).as_view(), host.as_view()); }),
               Catch::Contains("a copy to the host" + cure));
    CHECK_THAT(refusal([&] { recorded_work<device>::record(ctx, [] {}); }),
               Catch::Contains("a recording began" + cure));
    double_and_add(ctx, x, add, y);
    CHECK(to_host(ctx, y)[0] == 3);
  });
}

}  // namespace aixcell
