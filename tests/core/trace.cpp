#include <aixcell/core/trace.hpp>

#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/channels.hpp>
#include <aixcell/kernels/conv2d.hpp>

#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("dry tensors are told apart by addresses that are never used twice", "[core][dry]") {
  context<dry> ctx;
  const tensor<float, dry> a(ctx, {4}), none(ctx, {0});
  const void* gone = tensor<float, dry>(ctx, {1024, 1024, 1024, 64}).as_view().data();
  const tensor<float, dry> b(ctx, {4}), same = b.reshaped({2, 2});
  CHECK(a.data() != nullptr);
  CHECK(a.data() != b.data());
  CHECK(none.data() != b.data());
  CHECK(static_cast<const void*>(b.data()) != gone);
  CHECK(same.data() == b.data());
  CHECK(same.slice(1).data() == b.data() + 2);
  CHECK(reinterpret_cast<std::uintptr_t>(b.data()) % 64 == 0);
}

TEST_CASE("a recorder notes kernels, their operands and what they change in place", "[core][dry]") {
  context<dry> ctx;
  const tensor<float, dry> x(ctx, {1, 4, 4, 3}), filter(ctx, {5, 3, 3, 3}), bias(ctx, {5});
  tensor<float, dry> y(ctx, {1, 2, 2, 5});
  trace_recorder recorder;
  recorder.introduce(filter.as_view(), "conv.weight");
  recorder.introduce(bias.as_view(), "conv.bias");
  recorder.set_input(x.as_view());
  accumulate<float>(ctx, x, tensor<float, dry>(ctx, {1, 4, 4, 3}));  // before anybody listens
  ctx.record(&recorder);
  conv2d<float>(ctx, x, filter, {.stride = 2, .padding = 1}, {.bias = {}, .scale = {}, .residual = {}}, y);
  add_bias<float>(ctx, bias, y);
  ctx.record(nullptr);
  accumulate<float>(ctx, y, tensor<float, dry>(ctx, {1, 2, 2, 5}));
  const trace t = recorder.finish(y.as_view());

  REQUIRE(t.kernels.size() == 2);
  CHECK(t.parameters == std::map<int, std::string>{{0, "conv.weight"}, {1, "conv.bias"}});
  CHECK(t.input == 2);
  CHECK(t.kernels[0].name == "conv2d");
  CHECK(t.kernels[0].inputs == std::vector<recorded_operand>{{2, {1, 4, 4, 3}}, {0, {5, 3, 3, 3}}, {}, {}, {}});
  CHECK(t.kernels[0].outputs == std::vector<recorded_operand>{{3, {1, 2, 2, 5}}});
  CHECK(t.kernels[0].attribute("stride") == 2);
  CHECK_THROWS_WITH(t.kernels[0].attribute("window"), Catch::Contains("notes no attribute 'window'"));
  CHECK(t.kernels[1].inputs == std::vector<recorded_operand>{{1, {5}}, {3, {1, 2, 2, 5}}});
  CHECK(t.kernels[1].outputs == std::vector<recorded_operand>{{4, {1, 2, 2, 5}}});
  CHECK(t.output == 4);
  CHECK(t.values == 5);
}

TEST_CASE("a recorder refuses what no kernel wrote", "[core][dry]") {
  context<dry> ctx;
  const tensor<float, dry> unknown(ctx, {1, 2, 2, 3}), known(ctx, {2, 2, 2, 3});
  tensor<float, dry> y(ctx, {1, 2, 2, 3});
  trace_recorder recorder;
  recorder.set_input(known.as_view());
  ctx.record(&recorder);
  CHECK_THROWS_AS(apply_activation<float>(ctx, unknown, activation::relu, y), not_available);
  CHECK_THROWS_WITH(apply_activation<float>(ctx, known.slice(0).reshaped({1, 2, 2, 3}), activation::relu, y),
                    Catch::Contains("apply_activation reads [1,2,2,3] that no recorded kernel wrote"));
}
