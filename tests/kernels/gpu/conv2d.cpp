#include <aixcell/kernels/gpu/conv2d.hpp>
#include "convolutions.hpp"
#include "reference/activations.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

// No image, one pixel, odd sizes, one beyond a tile of pixels, filters and depth; strides with and without remainder.
std::vector<conv_case> exact_cases() {
  std::vector<conv_case> all{{{0, 3, 3, 2}, {2, 3, 3, 2}, {1, 1}},
                             {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 0}},
                             {{2, 5, 7, 3}, {4, 3, 3, 3}, {1, 1}},
                             {{1, 13, 5, 17}, {33, 1, 1, 17}, {1, 0}},
                             {{1, 8, 9, 4}, {6, 3, 3, 4}, {2, 1}},
                             {{1, 12, 11, 2}, {3, 5, 4, 2}, {3, 2}},
                             {{2, 6, 6, 3}, {5, 2, 2, 3}, {2, 0}},
                             {{2, 7, 6, 8}, {9, 1, 1, 8}, {2, 0}},
                             {{1, 9, 10, 4}, {3, 3, 3, 4}, {2, 2, 2}},  // dilated and strided
                             {{1, 9, 10, 2}, {3, 3, 3, 2}, {2, 3, 3}},
                             {{1, 3, 2, 4}, {3, 3, 3, 4}, {1, 12, 12}},     // taps that reach nothing
                             {{2, 7, 6, 12}, {12, 3, 3, 4}, {1, 1, 1, 3}},  // grouped
                             {{1, 8, 7, 10}, {15, 3, 3, 2}, {2, 1, 1, 5}},
                             {{2, 9, 7, 19}, {19, 3, 3, 1}, {1, 1, 1, 19}},  // depthwise
                             {{1, 9, 8, 5}, {5, 5, 5, 1}, {2, 2, 1, 5}},
                             {{1, 9, 11, 3}, {3, 3, 3, 1}, {1, 4, 4, 3}}};
  if (unhurried()) all.push_back({{1, 17, 33, 16}, {17, 3, 3, 16}, {1, 1}});
  if (thorough()) all.push_back({{1, 4, 4, 70}, {66, 3, 3, 70}, {1, 1}});
  return all;
}

}  // namespace

// Those for every case: conv2d takes others where it can.
TEST_CASE("gpu: loops of conv2d and its adjoints equal plain loops in float64", "[kernels][gpu]") {
  for (const conv_case& c : exact_cases()) {
    CAPTURE(to_string(c.x), to_string(c.filter), c.g.stride, c.g.padding, c.g.dilation, c.g.groups);
    const shape ys = conv2d_output_shape(c.x, c.filter, c.g);
    const auto x = random_tensor<float>(c.x, 1), w = random_tensor<float>(c.filter, 2),
               dy = random_tensor<float>(ys, 3), bias = random_tensor<float>({ys[3]}, 4),
               scale = random_tensor<float>({ys[3]}, 5), residual = random_tensor<float>(ys, 6),
               before = random_tensor<float>(c.filter, 7);
    exact_convolution exact(c.g, x, w, dy);
    auto& [y, dx, dw] = exact;
    const auto wide = [](float v) { return static_cast<double>(v); };
    y.scale_channels(scale);
    for (index_t o = 0; o < ys.count(); ++o) {
      y.add(o, wide(bias[o % ys[3]]));
      y.add(o, wide(residual[o]));
      y.value[o] = reference::activated(activation::leaky_relu, y.value[o]).value;
    }
    for (index_t f = 0; f < before.size(); ++f) dw.add(f, wide(before[f]));
    tensor<float> first_dw;
    on_every_device([&](auto& ctx) {
      const auto on_x = to_device(ctx, x), on_w = to_device(ctx, w), on_dy = to_device(ctx, dy),
                 on_bias = to_device(ctx, bias), on_scale = to_device(ctx, scale),
                 on_residual = to_device(ctx, residual);
      device_tensor<float> found_y(ctx, ys), found_dx(ctx, c.x);
      const conv2d_epilogue<float, device_under_test> e{
          .bias = on_bias, .scale = on_scale, .residual = on_residual, .act = activation::leaky_relu};
      detail::conv2d_any<float>(ctx, on_x, on_w, c.g, e, found_y);
      CHECK(y.equal(to_host(ctx, found_y), 2e-6));
      detail::conv2d_any_backward_data<float>(ctx, on_dy, on_w, c.g, found_dx);
      CHECK(dx.equal(to_host(ctx, found_dx), 2e-6));
      auto found_dw = to_device(ctx, before);
      detail::conv2d_any_backward_filter<float>(ctx, on_x, on_dy, c.g, found_dw);
      const auto dw_here = to_host(ctx, found_dw);
      CHECK(dw.equal(dw_here, 2e-6));
      if (first_dw.empty()) first_dw = dw_here;
      CHECK(same_values(dw_here, first_dw));  // the split of the sum does not depend on the schedule
    });
  }
}

// Tiles of 64 pixels within an image, across two, of many images at once, and one that ends with an image; groups; depthwise.
TEST_CASE("gpu: conv2d leaves the sums of its output", "[kernels][gpu]") {
  for (const conv_case& c :
       {conv_case{{2, 9, 9, 3}, {34, 3, 3, 3}, {1, 1}}, conv_case{{13, 3, 4, 2}, {3, 1, 1, 2}, {1, 0}},
        conv_case{{2, 8, 8, 2}, {4, 3, 3, 2}, {1, 1}}, conv_case{{70, 1, 1, 4}, {6, 1, 1, 2}, {1, 0, 1, 2}},
        conv_case{{2, 6, 7, 5}, {5, 3, 3, 1}, {1, 1, 1, 5}}, conv_case{{0, 3, 3, 2}, {2, 3, 3, 2}, {1, 1}}}) {
    CAPTURE(to_string(c.x), to_string(c.filter), c.g.groups);
    const shape ys = conv2d_output_shape(c.x, c.filter, c.g);
    const auto x = random_tensor<float>(c.x, 1), w = random_tensor<float>(c.filter, 2);
    tensor<float> bias({ys[3]});
    std::fill(bias.begin(), bias.end(), 300.0f);
    tensor<double> first;
    on_every_device([&](auto& ctx) {
      const auto on_x = to_device(ctx, x), on_w = to_device(ctx, w), on_bias = to_device(ctx, bias);
      device_tensor<float> y(ctx, ys);
      device_tensor<double> sums(ctx, {ys[0], 2, ys[3]});
      detail::conv2d_any<float>(ctx, on_x, on_w, c.g, {.bias = on_bias, .scale = {}, .residual = {}}, y, sums);
      const auto found = to_host(ctx, sums);
      CHECK(are_sums_of(found, to_host(ctx, y)));
      if (first.empty()) first = found;
      CHECK(same_values(found, first));
    });
  }
}

TEST_CASE("gpu: conv2d without epilogue, in float64, and of shapes that do not fit", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    const conv_case c{{1, 5, 6, 3}, {2, 3, 3, 3}, {1, 0}};
    const shape ys = conv2d_output_shape(c.x, c.filter, c.g);
    const auto x = random_tensor<double>(c.x, 1), w = random_tensor<double>(c.filter, 2);
    const tensor<double> expected = exact_convolution(c.g, x, w, tensor<double>(ys)).y.value;
    const auto on_x = to_device(ctx, x), on_w = to_device(ctx, w);
    device_tensor<double> y(ctx, ys), wrong(ctx, {1, 5, 6, 2});
    conv2d<double>(ctx, on_x, on_w, c.g, {}, y);
    CHECK(agrees(to_host(ctx, y), expected, 1e-13));
    CHECK_THROWS_WITH(conv2d<double>(ctx, on_x, on_w, c.g, {}, wrong),
                      "conv2d: expected shape [1,3,4,2], found [1,5,6,2]");
  });
}

}  // namespace aixcell
