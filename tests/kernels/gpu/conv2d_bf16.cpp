#include <aixcell/kernels/gpu/conv2d_bf16.hpp>
#include "convolutions.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

// One pixel, one and several steps of depth, one beyond a tile of rows, columns and depth; stride, dilation. Up to 32 channels and
// more, up to 32 filters and more; tiles of pixels that fit and that do not.
std::vector<conv_case> bfloat16_cases() {
  std::vector<conv_case> all{{{1, 1, 1, 8}, {8, 1, 1, 8}, {1, 0}}, {{1, 5, 7, 8}, {16, 3, 3, 8}, {1, 1}}};
  if (unhurried()) all.push_back({{1, 6, 5, 24}, {8, 3, 3, 24}, {2, 1}});
  if (unhurried()) all.push_back({{2, 7, 6, 8}, {8, 3, 3, 8}, {1, 2, 2}});
  if (unhurried()) all.push_back({{1, 3, 43, 40}, {72, 1, 1, 40}, {1, 0}});
  if (unhurried()) all.push_back({{2, 9, 17, 24}, {40, 2, 3, 24}, {1, 1}});
  if (thorough()) all.push_back({{1, 9, 7, 40}, {8, 3, 3, 40}, {1, 1}});
  if (thorough()) all.push_back({{1, 18, 17, 32}, {32, 3, 3, 32}, {1, 1}});
  return all;
}

}  // namespace

TEST_CASE("gpu: conv2d on tensor cores and its adjoints equal plain loops in float64", "[kernels][gpu]") {
  const auto all = bfloat16_cases();
  for (const conv_case& c : all) {
    CAPTURE(to_string(c.x), to_string(c.filter), c.g.stride, c.g.padding, c.g.dilation);
    const shape ys = conv2d_output_shape(c.x, c.filter, c.g);
    const auto x = random_bf16(c.x, 1), w = random_bf16(c.filter, 2), dy = random_bf16(ys, 3);
    const auto bias = random_tensor<float>({ys[3]}, 4), before = random_tensor<float>(c.filter, 5);
    exact_convolution sums(c.g, x, w, dy);
    tensor<double>&y = sums.y.value, &dx = sums.dx.value, &dw = sums.dfilter.value;
    for (index_t i = 0; i < dw.size(); ++i) dw[i] += static_cast<double>(before[i]);
    for (index_t o = 0; o < y.size(); ++o) y[o] = std::max(0.0, y[o] + static_cast<double>(bias[o % ys[3]]));
    on_every_device([&](auto& ctx) {
      const auto on_x = to_device(ctx, x), on_w = to_device(ctx, w), on_dy = to_device(ctx, dy);
      const auto on_bias = to_device(ctx, bias);
      const conv2d_epilogue<float, device_under_test> e{
          .bias = on_bias, .scale = {}, .residual = {}, .act = activation::relu};
      device_tensor<float> found(ctx, ys), found_dx(ctx, c.x);
      conv2d_bf16<float>(ctx, on_x, on_w, c.g, e, found);
      CHECK(agrees(to_host(ctx, found), y, 2e-5));
      device_tensor<bfloat16> rounded(ctx, ys);
      conv2d_bf16<bfloat16>(ctx, on_x, on_w, c.g, e, rounded);
      const auto narrow = to_host(ctx, rounded), exact = [&] {
        const auto wide_found = to_host(ctx, found);
        tensor<bfloat16> t(ys);
        std::transform(wide_found.begin(), wide_found.end(), t.begin(), [](float v) { return bfloat16(v); });
        return t;
      }();
      CHECK(same_values(narrow, exact));
      if (&c == &all.front()) {  // where no 16 bytes begin
        device_tensor<bfloat16> room(ctx, {ys.count() + 1});
        const view<bfloat16, device_under_test> beside(room.data() + 1, ys);
        conv2d_bf16<bfloat16>(ctx, on_x, on_w, c.g, e, beside);
        tensor<bfloat16> found_beside(ys);
        copy(ctx, view<const bfloat16, device_under_test>(beside), found_beside.as_view());
        CHECK(same_values(found_beside, exact));
      }
      conv2d_bf16_backward_data<float>(ctx, on_dy, on_w, c.g, found_dx);
      CHECK(agrees(to_host(ctx, found_dx), dx, 2e-5));
      auto found_dw = to_device(ctx, before);
      conv2d_bf16_backward_filter(ctx, on_x, on_dy, c.g, found_dw);
      CHECK(agrees(to_host(ctx, found_dw), dw, 2e-5));
    });
  }
}

// Tiles of 128 pixels across images, of many images at once, and of the last image's end.
TEST_CASE("gpu: conv2d on tensor cores leaves the sums of its output", "[kernels][gpu]") {
  for (const conv_case& c :
       {conv_case{{7, 4, 5, 8}, {8, 3, 3, 8}, {1, 1}}, conv_case{{2, 12, 12, 8}, {72, 1, 1, 8}, {1, 0}}}) {
    CAPTURE(to_string(c.x), to_string(c.filter));
    const shape ys = conv2d_output_shape(c.x, c.filter, c.g);
    const auto x = random_bf16(c.x, 1);
    const auto w = random_tensor<float>(c.filter, 2);
    tensor<float> bias({ys[3]});
    std::fill(bias.begin(), bias.end(), 30.0f);
    tensor<double> first;
    on_every_device([&](auto& ctx) {
      const auto on_x = to_device(ctx, x);
      const auto on_w = to_device(ctx, w), on_bias = to_device(ctx, bias);
      device_tensor<bfloat16> y(ctx, ys);
      device_tensor<double> sums(ctx, {ys[0], 2, ys[3]});
      conv2d<bfloat16>(ctx, on_x, on_w, c.g, {.bias = on_bias, .scale = {}, .residual = {}}, y, sums);
      const auto found = to_host(ctx, sums);
      CHECK(are_sums_of(found, to_host(ctx, y)));
      if (first.empty()) first = found;
      CHECK(same_values(found, first));
    });
    if (!unhurried()) break;
  }
}

TEST_CASE("gpu: blocks go on to other tiles of pixels with the same filters", "[kernels][gpu]") {
  const conv_case c{{3, 9, 5, 16}, {40, 3, 3, 16}, {1, 1}};
  const shape ys = conv2d_output_shape(c.x, c.filter, c.g);
  const auto x = random_bf16(c.x, 1), w = random_bf16(c.filter, 2);
  on_every_device([&](auto& ctx) {
    const auto on_x = to_device(ctx, x), on_w = to_device(ctx, w);
    device_tensor<float> expected(ctx, ys), found(ctx, ys);
    conv2d_bf16<float>(ctx, on_x, on_w, c.g, {}, expected);
    const auto e = detail::conv2d_extents::of("conv2d", c.x, c.filter, c.g, ys);
    REQUIRE(detail::narrow_channels<bfloat16>::take(e));
    detail::narrow_kernel<bfloat16, 64, float, float> k{};
    k.of = {e, 1, 1, {}, on_x.data(), on_w.data()};
    k.turns = 4;  // of 6 tiles: one block is full, one is not
    k.output = detail::tile_output<float>::of({}, found.data(), e.outputs);
    launch(ctx, {2, 1, 1}, k);
    CHECK(same_values(to_host(ctx, found), to_host(ctx, expected)));
  });
}

TEST_CASE("gpu: data gradients of strides on tensor cores, of cells that taps miss too", "[kernels][gpu]") {
  for (const conv_case& c : {conv_case{{1, 5, 6, 8}, {8, 1, 1, 8}, {2, 0}}, conv_case{{1, 7, 8, 8}, {8, 3, 3, 8}, {2, 1}},
                             conv_case{{1, 9, 8, 8}, {16, 7, 7, 8}, {2, 3}}, conv_case{{2, 7, 7, 8}, {8, 2, 2, 8}, {3, 0}},
                             conv_case{{1, 1, 2, 8}, {8, 3, 3, 8}, {2, 1}}}) {
    CAPTURE(to_string(c.x), to_string(c.filter), c.g.stride, c.g.padding);
    const shape ys = conv2d_output_shape(c.x, c.filter, c.g);
    const auto w = random_bf16(c.filter, 2), dy = random_bf16(ys, 3);
    const tensor<double> dx = exact_convolution(c.g, tensor<bfloat16>(c.x), w, dy).dx.value;
    on_every_device([&](auto& ctx) {
      device_tensor<float> found(ctx, c.x);
      conv2d_bf16_backward_data<float>(ctx, to_device(ctx, dy), to_device(ctx, w), c.g, found);
      CHECK(agrees(to_host(ctx, found), dx, 2e-5));
    });
    if (!unhurried()) break;
  }
}

TEST_CASE("gpu: tensor cores refuse what they cannot do", "[kernels][gpu]") {
  context<device_under_test> ctx;
  device_tensor<bfloat16> x(ctx, {1, 4, 4, 12}), w(ctx, {8, 3, 3, 12});
  device_tensor<float> y(ctx, {1, 2, 2, 8});
  CHECK_THROWS_AS(conv2d_bf16<float>(ctx, x, w, {}, {}, y), shape_error);
  CHECK_FALSE(has_bf16_conv2d({8, 3, 3, 12}, {}));
  CHECK_FALSE(has_bf16_conv2d({8, 3, 3, 8}, {.groups = 2}));
  CHECK(has_bf16_conv2d({8, 3, 3, 16}, {.stride = 2}));
}

}  // namespace aixcell
