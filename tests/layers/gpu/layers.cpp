#include <aixcell/layers/activation_layer.hpp>
#include <aixcell/layers/channel_norm.hpp>
#include <aixcell/layers/concatenation.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/cropping.hpp>
#include <aixcell/layers/group_norm.hpp>
#include <aixcell/layers/layer_scale.hpp>
#include <aixcell/layers/linear.hpp>
#include <aixcell/layers/patch_convolution.hpp>
#include <aixcell/layers/pooling.hpp>
#include <aixcell/layers/residual.hpp>
#include <aixcell/layers/separable_unit.hpp>
#include <aixcell/layers/series.hpp>
#include <aixcell/layers/squeeze_excitation.hpp>
#include <aixcell/layers/stochastic_depth.hpp>
#include <aixcell/layers/transposed_convolution.hpp>
#include <aixcell/layers/up_sampling.hpp>
#include "support/catch.hpp"
#include "twins.hpp"

namespace aixcell {
namespace {

/// Every layer on the device against the processor's, for images stored as Real.
template <class Real>
void check_every_layer(context<device_under_test>& ctx) {
  SECTION("convolution") {
    for (const convolution_options& o :
         {convolution_options{.inputs = 3, .outputs = 5}, convolution_options{.inputs = 8, .outputs = 16, .bias = false},
          convolution_options{.inputs = 8, .outputs = 8, .kernel = 3, .stride = 2},
          convolution_options{.inputs = 4, .outputs = 6, .kernel = 3, .dilation = 2, .groups = 2},
          convolution_options{.inputs = 6, .outputs = 6, .groups = 6},
          convolution_options{.inputs = 3, .outputs = 8, .kernel = 7, .stride = 2, .input_gradient = false}})
      check_twins<Real>(ctx, {2, 9, 7, o.inputs}, [&](auto& c, auto real, random_stream& random) {
        return convolution<device_of<decltype(c)>, decltype(real)>(c, o, random);
      });
  }
  SECTION("transposed convolution") {
    for (const int kernel : {2, 4})
      check_twins<Real>(ctx, {2, 5, 3, 8}, [&](auto& c, auto real, random_stream& random) {
        return transposed_convolution<device_of<decltype(c)>, decltype(real)>(
            c, {.inputs = 8, .outputs = 4, .kernel = kernel}, random);
      });
  }
  SECTION("linear, patches") {
    check_twins<Real>(ctx, {2, 3, 5, 6}, [&](auto& c, auto real, random_stream& random) {
      return linear<device_of<decltype(c)>, decltype(real)>(c, {7, 6}, random);
    });
    for (const int edge : {1, 6, 7})
      check_twins<Real>(ctx, {2, edge, 5, 3}, [&](auto& c, auto real, random_stream& random) {
        return patch_convolution<device_of<decltype(c)>, decltype(real)>(c, {.inputs = 3, .outputs = 8, .size = 2}, random);
      });
  }
  SECTION("convolution, normalisation, activation") {
    for (const activation act : {activation::none, activation::relu, activation::silu})
      check_twins<Real>(ctx, {2, 9, 5, 3}, [&](auto& c, auto real, random_stream& random) {
        return conv_norm_act<device_of<decltype(c)>, decltype(real)>(
            c, {.inputs = 3, .outputs = 8, .act = act, .bias = act == activation::silu}, random);
      }, of_rectified);
    check_twins<Real>(ctx, {2, 9, 5, 3}, [&](auto& c, auto real, random_stream& random) {
      return conv_norm_act<device_of<decltype(c)>, decltype(real), group_norm>(
          c, {.inputs = 3, .outputs = 8, .norm_groups = 2}, random);
    }, of_rectified);
    check_twins<Real>(ctx, {2, 9, 5, 4}, [&](auto& c, auto real, random_stream& random) {
      return separable_unit<device_of<decltype(c)>, decltype(real)>(c, {.inputs = 4, .outputs = 8, .dilation = 2}, random);
    }, of_rectified);
  }
  SECTION("normalisation over channels, scale of a layer") {
    for (const int channels : {1, 5, 33, 40})
      check_twins<Real>(ctx, {2, 3, 5, channels}, [&](auto& c, auto real, random_stream&) {
        return channel_norm<device_of<decltype(c)>, decltype(real)>(c, {.channels = channels, .epsilon = 1e-3});
      }, of_rectified);
    check_twins<Real>(ctx, {3, 3, 5, 6}, [&](auto& c, auto real, random_stream&) {
      return layer_scale<device_of<decltype(c)>, decltype(real)>(c, 6, 0.5);
    });
  }
  SECTION("squeeze and excitation") {
    check_twins<Real>(ctx, {3, 5, 7, 8}, [&](auto& c, auto real, random_stream& random) {
      return squeeze_excitation<device_of<decltype(c)>, decltype(real)>(c, {.channels = 8, .squeezed = 3}, random);
    });
  }
  SECTION("stochastic depth drops the same images") {
    check_twins<Real>(ctx, {5, 2, 3, 3}, [&](auto& c, auto real, random_stream&) {
      return stochastic_depth<device_of<decltype(c)>, decltype(real)>(c, {.drop = 0.5f, .seed = 3});
    });
  }
  SECTION("pooling, enlargement, activation, a way around") {
    for (const pool2d_geometry& g : {pool2d_geometry{}, pool2d_geometry{3, 2, 1}}) {
      check_twins<Real>(ctx, {2, 7, 5, 3}, [&](auto&& c, auto real, random_stream&) {
        return max_pooling<device_of<decltype(c)>, decltype(real)>{g};
      });
      check_twins<Real>(ctx, {2, 7, 5, 3}, [&](auto&& c, auto real, random_stream&) {
        return average_pooling<device_of<decltype(c)>, decltype(real)>{g};
      });
    }
    for (const interpolation mode : {interpolation::nearest, interpolation::bilinear})
      check_twins<Real>(ctx, {2, 3, 5, 3}, [&](auto&& c, auto real, random_stream&) {
        return up_sampling<device_of<decltype(c)>, decltype(real)>{mode, 2};
      });
    check_twins<Real>(ctx, {2, 3, 5, 3}, [&](auto&& c, auto real, random_stream&) {
      return activation_layer<device_of<decltype(c)>, decltype(real)>{activation::gelu};
    });
    check_twins<Real>(ctx, {2, 3, 5, 4}, [&](auto& c, auto real, random_stream& random) {
      using body = convolution<device_of<decltype(c)>, decltype(real)>;
      return residual<body>{body(c, {.inputs = 4, .outputs = 4}, random)};
    });
  }
}

/// What has two inputs or a size besides.
template <class Real>
void check_joining(context<device_under_test>& ctx) {
  context<cpu> host(1);
  const auto a = random_tensor<Real>({2, 5, 3, 4}, 1), b = random_tensor<Real>({2, 5, 3, 3}, 2);
  const concatenation<cpu, Real> here;
  const concatenation<device_under_test, Real> there;
  typename concatenation<cpu, Real>::saved kept_here;
  typename concatenation<device_under_test, Real>::saved kept_there;
  const auto y = here.forward(host, a, b, &kept_here);
  CHECK(difference_of<Real>(to_host(ctx, there.forward(ctx, to_device(ctx, a), to_device(ctx, b), &kept_there)), y) == 0);
  const auto d = here.backward(host, y, kept_here);
  const auto found = there.backward(ctx, to_device(ctx, y), kept_there);
  CHECK(difference_of<Real>(to_host(ctx, found.da), d.da) == 0);
  CHECK(difference_of<Real>(to_host(ctx, found.db), d.db) == 0);

  const cropping<cpu, Real> cut_here;
  const cropping<device_under_test, Real> cut_there;
  typename cropping<cpu, Real>::saved cut_kept_here;
  typename cropping<device_under_test, Real>::saved cut_kept_there;
  const auto part = cut_here.forward(host, a, {4, 3}, &cut_kept_here);
  CHECK(difference_of<Real>(to_host(ctx, cut_there.forward(ctx, to_device(ctx, a), {4, 3}, &cut_kept_there)), part) == 0);
  CHECK(difference_of<Real>(to_host(ctx, cut_there.backward(ctx, to_device(ctx, part), cut_kept_there)),
                            cut_here.backward(host, part, cut_kept_here)) == 0);
}

}  // namespace

TEST_CASE("layers on a device agree with the processor's, in float32", "[layers][gpu]") {
  context<device_under_test> ctx = fuzzed_device(3);
  check_every_layer<float>(ctx);
  SECTION("two images into one, a part of one") { check_joining<float>(ctx); }
}

TEST_CASE("layers on a device agree with the processor's, in bfloat16", "[layers][gpu]") {
  context<device_under_test> ctx;
  check_every_layer<bfloat16>(ctx);
  SECTION("two images into one, a part of one") { check_joining<bfloat16>(ctx); }
}

TEST_CASE("what a layer makes on a device is made there", "[layers][gpu]") {
  context<device_under_test> ctx;
  for (const index_t count : {0, 1, 5, 300}) {
    const auto zeros = to_host(ctx, tensor<double, device_under_test>::zeros(ctx, {count}));
    CHECK(std::all_of(zeros.begin(), zeros.end(), [](double v) { return v == 0; }));
    tensor<float, device_under_test> ones(ctx, {count});
    fill_values(ctx, ones.as_view(), 1);
    const auto found = to_host(ctx, ones);
    CHECK(std::all_of(found.begin(), found.end(), [](float v) { return v == 1; }));
  }
}

}  // namespace aixcell
