#include <aixcell/core/context.hpp>

#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("a context has the threads it was given, or all there are", "[core]") {
  CHECK(context<cpu>(3).threads() == 3);
  CHECK(context<cpu>().threads() >= 1);
  CHECK(context<cpu>(0).threads() == context<cpu>().threads());
  CHECK(context<cpu>(-4).threads() == context<cpu>().threads());
}

TEST_CASE("a dry context adds up what kernels spend", "[core]") {
  context<dry> ctx;
  CHECK(ctx.spent() == cost{});
  ctx.spend({.flops = 10, .bytes = 4});
  ctx.spend({.flops = 5});
  CHECK(ctx.spent() == cost{.flops = 15, .bytes = 4});
}

TEST_CASE("contexts have pools of their own", "[core]") {
  context<cpu> a, b;
  const auto block = a.memory().allocate(64);
  CHECK(a.memory().use().live == 64);
  CHECK(b.memory().use().live == 0);
}
