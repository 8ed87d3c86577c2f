#include <aixcell/layers/series.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

namespace {

series<conv_norm_act<cpu, double>> units(context<cpu>& ctx, int count) {
  random_stream random(1);
  series<conv_norm_act<cpu, double>> row;
  for (int i = 0; i < count; ++i)
    row.layers.emplace_back(ctx, conv_norm_act_options{.inputs = 2, .outputs = 2}, random);
  shake(row);
  return row;
}

}  // namespace

TEST_CASE("series: gradients equal central differences, and it does what its layers do", "[layers]") {
  context<cpu> ctx(2);
  const auto x = random_tensor({2, 5, 4, 2}, 3);
  auto row = units(ctx, 3);
  CHECK(gradient_check(ctx, row, x) < 1e-6);
  auto expected = x;
  for (const auto& layer : row.layers) expected = layer.forward(ctx, expected, nullptr);
  const auto found = row.forward(ctx, x, nullptr);
  CHECK(std::equal(found.begin(), found.end(), expected.begin()));
  std::vector<std::string> names;
  for_each_parameter(row, [&](std::string_view name, auto&) { names.emplace_back(name); });
  CHECK(names.front() == "0.conv.weight");
  CHECK(names.back() == "2.norm.bias");
}

TEST_CASE("series: values computed again give the same bits, and are not kept before", "[layers]") {
  const auto x = random_tensor({2, 5, 4, 2}, 3), dy = random_tensor({2, 5, 4, 2}, 4);
  struct pass {
    tensor<double> y, dx;
    std::vector<double> parameters;
    std::size_t between;  // bytes that wait for the way back
  };
  const auto run = [&](recomputation recompute) {
    context<cpu> ctx(2, {precision::automatic, recompute});
    auto row = units(ctx, 3);
    series<conv_norm_act<cpu, double>>::saved kept;
    const std::size_t before = ctx.memory().use().live;
    pass p{row.forward(ctx, x, &kept), {}, {}, 0};
    p.between = ctx.memory().use().live - before;
    p.dx = row.backward(ctx, dy, kept);
    CHECK(kept.x.empty());
    for_each_parameter(row, [&](std::string_view, auto& each) {
      p.parameters.insert(p.parameters.end(), each.gradient.begin(), each.gradient.end());
    });
    for_each_buffer(row, [&](std::string_view, auto& each) {  // running statistics have moved once
      p.parameters.insert(p.parameters.end(), each.value.begin(), each.value.end());
    });
    return p;
  };
  const pass once = run(recomputation::none), some = run(recomputation::selective), all = run(recomputation::full);
  for (const pass* again : {&some, &all}) {
    CHECK(std::equal(once.y.begin(), once.y.end(), again->y.begin()));
    CHECK(std::equal(once.dx.begin(), once.dx.end(), again->dx.begin()));
    CHECK(once.parameters == again->parameters);
  }
  // Of six images that a row of three keeps besides its input, three results of convolutions are left, or none.
  CHECK(some.between < once.between * 3 / 4);
  CHECK(all.between < once.between / 2);
}

TEST_CASE("series: without layers it gives back what it takes", "[layers]") {
  context<cpu> ctx(1);
  auto row = units(ctx, 0);
  series<conv_norm_act<cpu, double>>::saved kept;
  const auto x = random_tensor({1, 2, 3, 2}, 1);
  CHECK(row.forward(ctx, x, &kept).data() == x.data());
  CHECK(row.backward(ctx, x, kept).data() == x.data());
}

}  // namespace aixcell
