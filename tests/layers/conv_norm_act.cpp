#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/kernels/cpu/elementwise.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "reference/activations.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {}

namespace {

/// y = act(norm(conv(x)) + x), so that the residual is checked as well.
template <class Real, template <class, class> class Norm>
struct with_residual {
  using saved = typename conv_norm_act<cpu, Real, Norm>::saved;
  tensor<Real> forward(context<cpu>& ctx, const tensor<Real>& x, saved* keep) const {
    return unit.forward(ctx, x, x, keep);
  }
  tensor<Real> backward(context<cpu>& ctx, tensor<Real> dy, saved& kept) {
    auto d = unit.backward_residual(ctx, dy, kept);
    accumulate<Real>(ctx, d.dresidual, d.dx);
    return d.dx;
  }
  static void for_each_member(auto& self, auto&& visit) { visit("unit", self.unit); }

  conv_norm_act<cpu, Real, Norm> unit;
};

template <template <class, class> class Norm>
void check_unit(activation act) {
  context<cpu> ctx(2);
  for (const shape& x : {shape{2, 5, 7, 4}, shape{3, 4, 3, 4}, shape{1, 3, 5, 4}}) {
    random_stream random(1);
    CAPTURE(to_string(x), static_cast<int>(act));
    conv_norm_act_options o{.inputs = 4, .outputs = 4, .act = act, .norm_groups = 2};
    with_residual<double, Norm> residual_unit{{ctx, o, random}};
    with_residual<float, Norm> single_residual{{ctx, o, random}};
    shake(residual_unit);
    CHECK(gradient_check(ctx, residual_unit, random_tensor(x, 2)) < 1e-6);
    CHECK(float_path_difference(ctx, single_residual, residual_unit, x) < 1e-3);
    o.outputs = 6;
    o.stride = 2;
    conv_norm_act<cpu, double, Norm> unit(ctx, o, random);
    conv_norm_act<cpu, float, Norm> single(ctx, o, random);
    shake(unit);
    CHECK(gradient_check(ctx, unit, random_tensor(x, 2)) < 1e-6);
    CHECK(float_path_difference(ctx, single, unit, x) < 1e-3);
  }
}

}  // namespace

TEST_CASE("conv_norm_act: gradients equal central differences", "[layers]") {
  for (const activation act : reference::every_activation) {
    check_unit<batch_norm>(act);
    check_unit<group_norm>(act);
  }
}

TEST_CASE("conv_norm_act: one folded convolution at inference equals convolution, then normalisation", "[layers]") {
  context<cpu> ctx(2);
  random_stream random(1);
  conv_norm_act<cpu, double> unit(ctx, {.inputs = 3, .outputs = 5, .act = activation::silu}, random);
  shake(unit);
  const auto x = random_tensor({2, 6, 5, 3}, 4), residual = random_tensor({2, 6, 5, 5}, 5);
  const auto y = unit.forward(ctx, x, residual, nullptr);
  const auto z = unit.norm.forward(ctx, unit.conv.forward(ctx, x, nullptr), {residual, unit.act}, nullptr);
  CHECK(relative_difference(y, z) < 1e-12);
  conv_norm_act<cpu, float> single(ctx, {.inputs = 3, .outputs = 5, .act = activation::silu}, random);
  copy_values(unit, single);
  const auto s =
      single.forward(ctx, random_tensor<float>({2, 6, 5, 3}, 4), random_tensor<float>({2, 6, 5, 5}, 5), nullptr);
  CHECK(relative_difference(s, y) < 1e-5);
}

}  // namespace aixcell
