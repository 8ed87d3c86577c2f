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

TEST_CASE("series: without layers it gives back what it takes", "[layers]") {
  context<cpu> ctx(1);
  auto row = units(ctx, 0);
  series<conv_norm_act<cpu, double>>::saved kept;
  const auto x = random_tensor({1, 2, 3, 2}, 1);
  CHECK(row.forward(ctx, x, &kept).data() == x.data());
  CHECK(row.backward(ctx, x, kept).data() == x.data());
}

}  // namespace aixcell
