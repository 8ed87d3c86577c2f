// Convolution by cuDNN beside our own kernels, which tests/kernels/gpu holds to float64. Needs a GPU.
#include <aixcell/kernels/cudnn/convolutions.cuh>
#include <aixcell/kernels/gpu/fill.hpp>
#include <aixcell/device/transfer.hpp>
#include <cmath>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

struct conv_case {
  shape x, filter;
  conv2d_geometry g;
};

std::vector<conv_case> cases() {
  return {{{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 0}},         {{2, 5, 7, 3}, {4, 3, 3, 3}, {1, 1}},
          {{1, 13, 5, 16}, {32, 1, 1, 16}, {1, 0}},     {{1, 8, 9, 8}, {16, 3, 3, 8}, {2, 1}},
          {{2, 7, 6, 8}, {8, 1, 1, 8}, {2, 0}},         {{1, 9, 10, 8}, {8, 3, 3, 8}, {1, 2, 2}},
          {{2, 7, 6, 32}, {32, 3, 3, 8}, {1, 1, 1, 4}}, {{2, 33, 31, 64}, {64, 3, 3, 64}, {1, 1}}};
}

template <class T>
tensor<T> stored_as(const tensor<float>& wide) {
  tensor<T> narrow(wide.shape());
  for (index_t i = 0; i < wide.size(); ++i) narrow[i] = static_cast<T>(wide[i]);
  return narrow;
}

/// Largest difference, by the root mean square of what is expected.
template <class T>
double difference(const tensor<T>& found, const tensor<T>& expected) {
  double largest = 0, squares = 0;
  for (index_t i = 0; i < found.size(); ++i) {
    const double f = static_cast<double>(found[i]), e = static_cast<double>(expected[i]);
    if (std::isnan(f)) return f;
    largest = std::max(largest, std::abs(f - e));
    squares += e * e;
  }
  return largest / std::sqrt(squares / static_cast<double>(found.size()) + 1e-12);
}

/// All three passes, with and without everything that an epilogue has.
template <class Real>
void compare(double tolerance, const cudnn_options& options = {}) {
  using Master = master_of<Real>;
  context<cuda> ctx;
  const auto library = std::make_shared<cudnn_convolutions>(options);
  for (const conv_case& c : cases())
    for (const activation act :
         {activation::none, activation::relu, activation::leaky_relu, activation::relu6, activation::gelu}) {
      CAPTURE(to_string(c.x), to_string(c.filter), c.g.stride, c.g.dilation, c.g.groups, to_string(act));
      const shape ys = conv2d_output_shape(c.x, c.filter, c.g), channels{ys[3]};
      const auto x = to_device(ctx, stored_as<Real>(random_tensor<float>(c.x, 1))),
                 dy = to_device(ctx, stored_as<Real>(random_tensor<float>(ys, 2)));
      const auto f = to_device(ctx, stored_as<Master>(random_tensor<float>(c.filter, 3))),
                 scale = to_device(ctx, stored_as<Master>(random_tensor<float>(channels, 4))),
                 bias = to_device(ctx, stored_as<Master>(random_tensor<float>(channels, 5)));
      const auto everything = [&] {
        tensor<Real, cuda> y(ctx, ys), whole(ctx, ys), dx(ctx, c.x);
        auto df = to_device(ctx, stored_as<Master>(random_tensor<float>(c.filter, 6)));
        conv2d<Real>(ctx, x, f, c.g, {.bias = {}, .scale = {}, .residual = {}, .act = act}, y);
        conv2d<Real>(ctx, x, f, c.g, {.bias = bias, .scale = scale, .residual = dy, .act = act}, whole);
        conv2d_backward_data<Real>(ctx, dy, f, c.g, dx);
        conv2d_backward_filter<Real>(ctx, x, dy, c.g, df);
        return std::tuple{to_host(ctx, y), to_host(ctx, whole), to_host(ctx, dx), to_host(ctx, df)};
      };
      ctx.convolve_by(nullptr);
      const auto ours = everything();
      ctx.convolve_by(library);
      const auto theirs = everything();
      CHECK(difference(std::get<0>(theirs), std::get<0>(ours)) <= tolerance);
      CHECK(difference(std::get<1>(theirs), std::get<1>(ours)) <= tolerance);
      CHECK(difference(std::get<2>(theirs), std::get<2>(ours)) <= tolerance);
      CHECK(difference(std::get<3>(theirs), std::get<3>(ours)) <= tolerance);
      // Deterministic: the same bits again.
      const auto again = everything();
      const auto same = [](const auto& a, const auto& b) { return std::equal(a.begin(), a.end(), b.begin()); };
      CHECK(same(std::get<1>(again), std::get<1>(theirs)));
      CHECK(same(std::get<2>(again), std::get<2>(theirs)));
      CHECK(same(std::get<3>(again), std::get<3>(theirs)));
    }
  INFO(library->report());
  CHECK_FALSE(library->report().empty());
}

}  // namespace

TEST_CASE("cudnn: convolution in float32 equals our own", "[gpu]") { compare<float>(2e-5); }
TEST_CASE("cudnn: convolution in float64 equals our own", "[gpu]") { compare<double>(1e-12); }
TEST_CASE("cudnn: convolution in bfloat16 equals our own but for the rounding of what is stored", "[gpu]") {
  compare<bfloat16>(4e-2);
}

TEST_CASE("cudnn: shapes that do not fit never reach cuDNN", "[gpu]") {
  context<cuda> ctx;
  const auto library = std::make_shared<cudnn_convolutions>();
  ctx.convolve_by(library);
  const auto x = to_device(ctx, random_tensor<float>({2, 5, 7, 3}, 1)),
             f = to_device(ctx, random_tensor<float>({4, 3, 3, 3}, 2));
  tensor<float, cuda> wrong(ctx, {2, 5, 7, 5});
  CHECK_THROWS_AS(conv2d<float>(ctx, x, f, {1, 1}, {}, wrong), shape_error);
  CHECK(library->report().empty());
}

}  // namespace aixcell
