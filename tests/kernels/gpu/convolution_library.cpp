#include <aixcell/kernels/gpu/convolution_library.hpp>
#include <aixcell/kernels/gpu/conv2d_bf16.hpp>
#include <aixcell/kernels/gpu/fill.hpp>
#include "summed_outputs.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

/// Notes what it is asked for and hands it to our own kernels, by another way than the layers take.
class noting_library final : public convolution_library<device_under_test> {
 public:
  std::string name() const override { return "noting"; }
  void run(context<device_under_test>& ctx, const convolution_work& w, const convolution_operands& v) override {
    asked.push_back(to_string(w));
    if (w.x[3] > 4) throw device_error("noting: more than 4 channels");
    const view<const float, device_under_test> first(static_cast<const float*>(v.first),
                                                     w.pass == convolution_pass::to_image ? w.y : w.x),
        second(static_cast<const float*>(v.second), w.pass == convolution_pass::to_filter ? w.y : w.filter);
    float* const result = static_cast<float*>(v.result);
    using out = view<float, device_under_test>;
    const shape channels{w.y[3]};
    const auto vector = [&](const void* p) {
      return p ? view<const float, device_under_test>(static_cast<const float*>(p), channels)
               : view<const float, device_under_test>();
    };
    switch (w.pass) {
      case convolution_pass::forward: {
        conv2d_epilogue<float, device_under_test> e;
        e.bias = vector(v.bias);
        e.scale = vector(v.scale);
        if (w.residual) e.residual = view<const float, device_under_test>(static_cast<const float*>(v.residual), w.y);
        e.act = w.act;
        return detail::own_conv2d<float>(ctx, first, second, w.geometry, e, out(result, w.y));
      }
      case convolution_pass::to_image:
        return detail::own_conv2d_backward_data<float>(ctx, first, second, w.geometry, out(result, w.x));
      case convolution_pass::to_filter:
        return detail::own_conv2d_backward_filter<float>(ctx, first, second, w.geometry, out(result, w.filter));
    }
  }
  std::vector<std::string> asked;
};

}  // namespace

TEST_CASE("gpu: a library that the context was told of gets every convolution, whole", "[kernels][gpu]") {
  const shape xs{2, 5, 7, 3}, fs{4, 3, 3, 3}, ys{2, 5, 7, 4};
  const conv2d_geometry g{.stride = 1, .padding = 1};
  on_every_device([&](auto& ctx) {
    const auto x = to_device(ctx, random_tensor<float>(xs, 1)), f = to_device(ctx, random_tensor<float>(fs, 2)),
               bias = to_device(ctx, random_tensor<float>({4}, 3)),
               scale = to_device(ctx, random_tensor<float>({4}, 4)), dy = to_device(ctx, random_tensor<float>(ys, 5));
    const auto library = std::make_shared<noting_library>();
    const auto everything = [&] {
      device_tensor<float> y(ctx, ys), dx(ctx, xs);
      auto df = to_device(ctx, random_tensor<float>(fs, 6));
      device_tensor<double> sums(ctx, {ys[0], 2, ys[3]});
      conv2d<float>(ctx, x, f, g, {.bias = bias, .scale = scale, .residual = dy, .act = activation::relu}, y, sums);
      CHECK(are_sums_of(to_host(ctx, sums), to_host(ctx, y)));
      conv2d_backward_data<float>(ctx, dy, f, g, dx);
      conv2d_backward_filter<float>(ctx, x, dy, g, df);
      return std::array{to_host(ctx, y), to_host(ctx, dx), to_host(ctx, df)};
    };
    const auto ours = everything();
    ctx.convolve_by(library);
    const auto theirs = everything();
    for (std::size_t i = 0; i < ours.size(); ++i) CHECK(same_values(ours[i], theirs[i]));
    const std::string sizes =
        " of [2,5,7,3] by [4,3,3,3] to [2,5,7,4], stride 1, padding 1, dilation 1, groups 1, float32";
    CHECK(library->asked == std::vector<std::string>{"conv2d" + sizes + ", scale, bias, residual, relu",
                                                     "conv2d_backward_data" + sizes, "conv2d_backward_filter" + sizes});
    ctx.convolve_by(nullptr);
    everything();
    CHECK(library->asked.size() == 3);
  });
}

TEST_CASE("gpu: a library is told of bfloat16, and asked neither for nothing nor for what does not fit",
          "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    const auto library = std::make_shared<noting_library>();
    ctx.convolve_by(library);
    device_tensor<bfloat16> x(ctx, {1, 2, 2, 8}), y(ctx, {1, 2, 2, 8});
    device_tensor<float> f(ctx, {8, 1, 1, 8});
    // What a library refuses is not done by somebody else.
    CHECK_THROWS_WITH(conv2d<bfloat16>(ctx, x, f, {}, {}, y), "noting: more than 4 channels");
    CHECK_THROWS_WITH(conv2d_backward_data<bfloat16>(ctx, y, f, {}, x), "noting: more than 4 channels");
    CHECK_THROWS_WITH(conv2d_backward_filter<bfloat16>(ctx, x, y, {}, f), "noting: more than 4 channels");
    const std::string sizes =
        " of [1,2,2,8] by [8,1,1,8] to [1,2,2,8], stride 1, padding 0, dilation 1, groups 1, bfloat16";
    CHECK(library->asked ==
          std::vector<std::string>{"conv2d" + sizes, "conv2d_backward_data" + sizes, "conv2d_backward_filter" + sizes});
    device_tensor<float> no_x(ctx, {0, 2, 2, 3}), no_y(ctx, {0, 2, 2, 4}), f4(ctx, {4, 1, 1, 3}),
        wrong(ctx, {1, 2, 2, 4});
    conv2d<float>(ctx, no_x, f4, {}, {}, no_y);
    CHECK_THROWS_AS(conv2d<float>(ctx, no_x, f4, {}, {}, wrong), shape_error);
    CHECK(library->asked.size() == 3);
  });
}

}  // namespace aixcell
