#include <aixcell/core/tensor.hpp>

#include <cstdint>
#include <numeric>

#include "support/catch.hpp"

using namespace aixcell;

// What lives on another device has no way to a kernel of this one.
static_assert(!std::is_convertible_v<tensor<float, dry>, view<const float, cpu>>);
static_assert(!std::is_constructible_v<tensor<float, cpu>, context<dry>&, shape>);
static_assert(!std::is_convertible_v<const tensor<float>&, view<float, cpu>>);
static_assert(!std::is_constructible_v<tensor<float, dry>, shape>);

TEST_CASE("a tensor without a context starts at zero", "[core]") {
  const tensor<float> t({3, 5});
  CHECK(t.shape() == shape{3, 5});
  CHECK(t.size() == 15);
  CHECK(std::accumulate(t.begin(), t.end(), 0.0f) == 0.0f);
  CHECK(reinterpret_cast<std::uintptr_t>(t.data()) % 64 == 0);
}

TEST_CASE("zeros are zero in memory that was used before", "[core]") {
  context<cpu> ctx;
  {
    tensor<int> used(ctx, {1000});
    used.fill(-1);
  }
  const auto fresh = tensor<int>::zeros(ctx, {1000});
  CHECK(std::all_of(fresh.begin(), fresh.end(), [](int x) { return x == 0; }));
}

TEST_CASE("a tensor that knows how it was made keeps no elements for later", "[core]") {
  context<cpu> ctx(1);
  tensor<int> t(ctx, {2, 3});
  const tensor<int>& read = t;
  t.fill(7);
  CHECK(read.for_later().data() == read.data());
  CHECK(read.restored(ctx).data() == read.data());
  int made = 0;
  t.made_by([&](context<cpu>& again) {
    tensor<int> other(again, {2, 3});
    other.fill(7);
    ++made;
    return other;
  });
  const tensor<int> later = t.for_later();
  CHECK(later.shape() == t.shape());
  CHECK(later.data() == nullptr);
  CHECK(t.is_sole_owner());
  CHECK(read.restored(ctx).data() == read.data());
  CHECK(made == 0);
  const tensor<int> again = later.restored(ctx);
  CHECK(made == 1);
  CHECK(std::all_of(again.begin(), again.end(), [](int x) { return x == 7; }));
  CHECK(again.for_later().data() == nullptr);
  CHECK(again.reshaped({6}).for_later().data() == again.data());  // it was made in another shape
  t[0] = 8;
  CHECK(read.for_later().data() == read.data());
}

TEST_CASE("a copy shares the elements, a clone has its own", "[core]") {
  tensor<int> a({2, 2});
  tensor<int> shared = a;
  tensor<int> own = a.clone();
  a(1, 1) = 5;
  CHECK(shared(1, 1) == 5);
  CHECK(own(1, 1) == 0);
  CHECK(own.shape() == a.shape());
}

TEST_CASE("a tensor knows whether others share its elements", "[core]") {
  tensor<int> t({4});
  CHECK(t.is_sole_owner());
  {
    const auto row = t.reshaped({2, 2});
    CHECK_FALSE(t.is_sole_owner());
  }
  CHECK(t.is_sole_owner());
  const auto moved = std::move(t);
  CHECK(moved.is_sole_owner());
  CHECK_FALSE(tensor<int>().is_sole_owner());
}

TEST_CASE("other shapes and slices see the same elements", "[core]") {
  tensor<int> t({2, 3, 4});
  std::iota(t.begin(), t.end(), 0);
  CHECK(t.slice(1)(2, 3) == 23);
  CHECK(t.reshaped({6, 4})(5, 3) == 23);
  t.reshaped({24})[7] = -7;
  CHECK(t(0, 1, 3) == -7);
}

TEST_CASE("a tensor outlives its context", "[core]") {
  tensor<int> t;
  {
    context<cpu> ctx;
    t = tensor<int>::zeros(ctx, {100});
  }
  t[99] = 3;
  CHECK(t[99] == 3);
}

TEST_CASE("an empty tensor", "[core]") {
  context<cpu> ctx;
  CHECK(tensor<float>().empty());
  CHECK(tensor<float>({0, 7, 7, 1}).empty());
  CHECK(tensor<float>(ctx, {0}).clone().empty());
}

TEST_CASE("tensors of one pool are counted alike, dry or not", "[core]") {
  context<cpu> computing;
  context<dry> counting;
  const auto step = [](auto& ctx) {
    using device = typename std::remove_reference_t<decltype(ctx)>::device;
    tensor<float, device> x(ctx, {2, 17, 19, 3});
    auto y = tensor<double, device>::zeros(ctx, {2, 17, 19, 8});
    x = {};
    const tensor<float, device> z = tensor<float, device>(ctx, {1, 1, 1, 1}).reshaped({1});
    y = {};
    return ctx.memory().use().live;  // z
  };
  CHECK(step(computing) == 64);
  CHECK(step(counting) == 64);
  CHECK(computing.memory().use().peak == counting.memory().use().peak);
}

TEST_CASE("a dry tensor of a terabyte costs nothing", "[core]") {
  context<dry> ctx;
  auto t = tensor<float, dry>::zeros(ctx, {1024, 16'384, 16'384, 1});
  CHECK(t.size() == index_t{1} << 38);
  CHECK(ctx.memory().use().live == std::size_t{1} << 40);
  t = {};
  CHECK(ctx.memory().use().live == 0);
  CHECK(ctx.memory().use().peak == std::size_t{1} << 40);
}
