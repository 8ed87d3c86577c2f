#include <aixcell/kernels/gpu/conv2d.hpp>
#include <aixcell/kernels/gpu/fill.hpp>
#include "convolutions.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

// One pixel, one and several steps of depth, one beyond a tile of rows, columns and depth; stride, dilation, an even filter.
std::vector<conv_case> tf32_cases() {
  std::vector<conv_case> all{{{1, 1, 1, 8}, {4, 1, 1, 8}, {1, 0}}, {{1, 5, 7, 12}, {16, 3, 3, 12}, {1, 1}}};
  if (unhurried()) all.push_back({{1, 6, 5, 20}, {8, 3, 3, 20}, {2, 1}});
  if (unhurried()) all.push_back({{2, 7, 6, 8}, {8, 3, 3, 8}, {1, 2, 2}});
  if (unhurried()) all.push_back({{1, 3, 43, 20}, {68, 1, 1, 20}, {1, 0}});
  if (thorough()) all.push_back({{2, 8, 7, 8}, {12, 2, 2, 8}, {3, 0}});
  return all;
}

}  // namespace

TEST_CASE("gpu: conv2d and its adjoints in TF32 are within its digits, and float32 stays exact without it",
          "[kernels][gpu]") {
  for (const conv_case& c : tf32_cases()) {
    CAPTURE(to_string(c.x), to_string(c.filter), c.g.stride, c.g.padding, c.g.dilation);
    REQUIRE(detail::has_tensor_cores_backward_data<float>(c.filter, c.g));
    const shape ys = conv2d_output_shape(c.x, c.filter, c.g);
    const auto x = random_tensor<float>(c.x, 1), w = random_tensor<float>(c.filter, 2),
               dy = random_tensor<float>(ys, 3);
    // Two roundings of half a digit of 2^-10 a product; and the products of what was rounded, added up in float32.
    const exact_convolution exact(c.g, x, w, dy), rounded(c.g, x, w, dy, to_tf32);
    constexpr double two_halves = 1.001 / 1024, of_rounded = 1e-5, of_exact = 2e-6;
    on_every_device([&](auto& ctx) {
      const auto on_x = to_device(ctx, x), on_w = to_device(ctx, w), on_dy = to_device(ctx, dy);
      for (const precision how : {precision::tf32, precision::float32}) {
        CAPTURE(to_string(how));
        ctx.compute_as(how);
        device_tensor<float> y(ctx, ys), dx(ctx, c.x), dw(ctx, c.filter);
        device_tensor<double> sums(ctx, {ys[0], 2, ys[3]});
        conv2d<float>(ctx, on_x, on_w, c.g, {}, y, sums);
        conv2d_backward_data<float>(ctx, on_dy, on_w, c.g, dx);
        fill_values(ctx, dw.as_view(), 0);
        conv2d_backward_filter<float>(ctx, on_x, on_dy, c.g, dw);
        const bool tf32 = how == precision::tf32;
        const auto near = [&](const exact_sums& of, const exact_sums& of_what_is_multiplied, const auto& found) {
          const auto here = to_host(ctx, found);
          CHECK(of.equal(here, tf32 ? two_halves : of_exact));
          CHECK(of_what_is_multiplied.equal(here, of_rounded) == tf32);
        };
        near(exact.y, rounded.y, y);
        near(exact.dx, rounded.dx, dx);
        near(exact.dfilter, rounded.dfilter, dw);
        CHECK(are_sums_of(to_host(ctx, sums), to_host(ctx, y)));
      }
    });
  }
}

TEST_CASE("gpu: TF32 takes channels and filters in multiples of 4", "[kernels][gpu]") {
  CHECK(detail::has_tensor_cores<float>({4, 3, 3, 12}, {}));
  CHECK_FALSE(detail::has_tensor_cores<float>({4, 3, 3, 10}, {}));
  CHECK_FALSE(detail::has_tensor_cores<float>({6, 3, 3, 12}, {}));
  CHECK_FALSE(detail::has_tensor_cores<float>({8, 3, 3, 4}, {.groups = 2}));
}

}  // namespace aixcell
