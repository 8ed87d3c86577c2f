#include <algorithm>
#include <array>
#include <vector>

#include <aixcell/kernels/cpu/of_layers.hpp>
#include <aixcell/layers/convolution.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

struct joined_case {
  image_size size;
  std::vector<shape> parts;
  index_t outputs;
};

// Odd and even sizes, one part and several, doubled ones in any place, tasks that own their chunks and tasks that share them.
const std::vector<joined_case> joined_cases = {
    {{33, 31}, {{2, 17, 16, 64}, {2, 33, 31, 32}}, 32},
    {{32, 32}, {{1, 32, 32, 32}, {1, 32, 32, 64}}, 64},
    {{29, 40}, {{2, 15, 20, 32}}, 48},
    {{24, 23}, {{1, 12, 12, 32}, {1, 24, 23, 32}, {1, 12, 12, 64}, {1, 24, 23, 16}}, 32},
    {{30, 33}, {{2, 15, 17, 32}, {2, 30, 33, 16}}, 16},
    {{27, 25}, {{3, 14, 13, 256}, {3, 27, 25, 128}}, 128},
};

template <class Real>
joined_images<cpu, Real> random_parts(const joined_case& c) {
  joined_images<cpu, Real> x{.parts = {}, .size = c.size};
  for (std::size_t i = 0; i < c.parts.size(); ++i) x.parts.push_back(random_tensor<Real>(c.parts[i], 10 + i));
  return x;
}

template <class T>
bool equal(const tensor<T>& a, const tensor<T>& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}

/// Those of the cases above are for float32; bfloat16 takes parts on a matrix unit only.
template <class Real>
const bool takes_parts = std::is_same_v<Real, float> || detail::processor().matrix_unit;

}  // namespace

TEST_CASE("join puts the channels of parts behind each other and doubles the small ones; separate is its adjoint",
          "[kernels][cpu]") {
  context<cpu> ctx(2);
  for (const joined_case& c : joined_cases) {
    const auto x = random_parts<float>(c);
    const tensor<float> y = join(ctx, x);
    index_t first = 0;
    for (const auto& part : x.parts) {
      const index_t by = x.doubled(part.shape()) ? 2 : 1;
      for (index_t n = 0; n < y.extent(0); ++n)
        for (index_t i = 0; i < y.extent(1); ++i)
          for (index_t j = 0; j < y.extent(2); ++j)
            for (index_t k = 0; k < part.extent(3); ++k) REQUIRE(y(n, i, j, first + k) == part(n, i / by, j / by, k));
      first += part.extent(3);
    }
    const auto dy = random_tensor<float>(y.shape(), 3);
    const auto dx = separate(ctx, dy.clone(), c.parts);
    double forwards = 0, backwards = 0;
    for (index_t i = 0; i < y.size(); ++i) forwards += static_cast<double>(y[i]) * dy[i];
    for (std::size_t p = 0; p < dx.size(); ++p)
      for (index_t i = 0; i < dx[p].size(); ++i) backwards += static_cast<double>(x.parts[p][i]) * dx[p][i];
    CHECK(forwards == Approx(backwards).epsilon(1e-5).margin(1e-3));
  }
}

TEMPLATE_TEST_CASE("convolution of joined images has the bits of that of the whole, both adjoints too", "[kernels][cpu]", float,
                   bfloat16) {
  using Real = TestType;
  context<cpu> ctx(2);
  for (const joined_case& c : joined_cases) {
    const auto x = random_parts<Real>(c);
    const tensor<Real> whole = join(ctx, x);
    CAPTURE(to_string(whole.shape()), c.parts.size());
    const auto w = random_tensor<float>({c.outputs, 3, 3, whole.extent(3)}, 1),
               bias = random_tensor<float>({c.outputs}, 2);
    const conv2d_geometry g{.padding = 1};
    const shape ys = conv2d_output_shape(whole.shape(), w.shape(), g);
    const auto dy = random_tensor<Real>(ys, 4);
    x.with_views([&](const auto& views) {
      REQUIRE(convolves_parts<Real>(ctx, views, w.shape(), g) == takes_parts<Real>);
      if (!takes_parts<Real>) return;
      for (const activation act : {activation::relu, activation::gelu}) {
        const conv2d_epilogue<Real, cpu> e{.bias = bias, .scale = {}, .residual = {}, .act = act};
        tensor<Real> y(ys), expected(ys);
        tensor<double> sums({ys[0], 2, ys[3]}), expected_sums({ys[0], 2, ys[3]});
        conv2d<Real>(ctx, views, w, g, e, y, nullptr, sums);
        conv2d<Real>(ctx, whole, w, g, e, expected, nullptr, expected_sums);
        CHECK(equal(y, expected));
        CHECK(std::equal(sums.begin(), sums.end(), expected_sums.begin()));
      }

      auto dw = random_tensor<float>(w.shape(), 5), expected_dw = dw.clone();
      conv2d_backward_filter<Real>(ctx, views, dy, g, dw);
      conv2d_backward_filter<Real>(ctx, whole, dy, g, expected_dw);
      CHECK(equal(dw, expected_dw));
    });
    if (!takes_parts<Real>) continue;
    tensor<Real> dx(whole.shape());
    conv2d_backward_data<Real>(ctx, dy, w, g, dx);
    std::vector<shape> full;
    for (const shape& part : c.parts) full.push_back({part[0], c.size.height, c.size.width, part[3]});
    const auto expected = separate(ctx, dx.clone(), full);
    std::vector<tensor<Real>> found;
    std::vector<view<Real, cpu>> views;
    for (const shape& part : full) views.push_back(found.emplace_back(part).as_view());
    conv2d_backward_data<Real>(ctx, dy, w, g, joined_views<Real, cpu>{views, c.size.height, c.size.width});
    for (std::size_t p = 0; p < full.size(); ++p) CHECK(equal(found[p], expected[p]));
  }
}

TEST_CASE("a matrix unit takes parts of bfloat16 under filters of any size, of stride 1 and without dilation", "[kernels]") {
  context<cpu> ctx(2);
  const bool matrix_unit = detail::processor().matrix_unit;
  const joined_case c{{9, 11}, {{2, 5, 6, 32}, {2, 9, 11, 5}}, 7};
  const auto x = random_parts<bfloat16>(c);
  const auto whole = join(ctx, x);
  x.with_views([&](const auto& views) {
    for (const conv2d_geometry g : {conv2d_geometry{}, {.padding = 2}, {.stride = 2}, {.dilation = 2}})
      for (const shape& ws : {shape{7, 1, 1, 37}, shape{7, 5, 3, 37}}) {
        const bool takes = matrix_unit && g.stride == 1 && g.dilation == 1;
        CHECK(convolves_parts<bfloat16>(ctx, views, ws, g) == takes);
        if (!takes) continue;
        const auto w = random_tensor<float>(ws, 1);
        const shape ys = conv2d_output_shape(whole.shape(), ws, g);
        tensor<bfloat16> y(ys), expected(ys);
        conv2d<bfloat16>(ctx, views, w, g, {}, y);
        conv2d<bfloat16>(ctx, whole, w, g, {}, expected);
        CHECK(equal(y, expected));
      }
    const std::array<view<const bfloat16, cpu>, 2> odd{views.parts[1], views.parts[0]};  // the first of 5 channels
    CHECK_FALSE(convolves_parts<bfloat16>(ctx, joined_views<const bfloat16, cpu>{odd, 9, 11}, {7, 3, 3, 37}, {.padding = 1}));
  });
}

TEST_CASE("convolution takes parts only where Winograd's algorithm does", "[kernels]") {
  const conv2d_geometry g{.padding = 1};
  context<cpu> ctx(1);
  const auto takes = [&](std::vector<shape> parts, shape filter, conv2d_geometry geometry) {
    std::vector<view<const float, cpu>> views;
    for (const shape& part : parts) views.push_back({nullptr, part});
    return convolves_parts<float>(ctx, joined_views<const float, cpu>{views, 32, 32}, filter, geometry);
  };
  CHECK(takes({{1, 16, 16, 32}, {1, 32, 32, 32}}, {32, 3, 3, 64}, g));
  CHECK_FALSE(takes({{1, 16, 16, 20}, {1, 32, 32, 44}}, {32, 3, 3, 64}, g));   // not a block of channels
  CHECK_FALSE(takes({{1, 16, 16, 32}, {1, 32, 32, 32}}, {32, 1, 1, 64}, {}));  // another filter
  CHECK_FALSE(takes({{1, 16, 16, 32}, {1, 32, 32, 32}}, {32, 3, 3, 64}, {.stride = 2, .padding = 1}));
  CHECK_FALSE(takes({{0, 16, 16, 32}, {0, 32, 32, 32}}, {32, 3, 3, 64}, g));  // no images
  std::vector<view<const float, cpu>> views{{nullptr, {1, 16, 16, 20}}, {nullptr, {1, 32, 32, 44}}};
  tensor<float> w({32, 3, 3, 64}), y({1, 32, 32, 32});
  CHECK_THROWS_AS(conv2d<float>(ctx, joined_views<const float, cpu>{views, 32, 32}, w, g, {}, y), not_available);
  views[1] = {nullptr, {1, 31, 32, 44}};
  CHECK_THROWS_AS(conv2d<float>(ctx, joined_views<const float, cpu>{views, 32, 32}, w, g, {}, y), shape_error);
  // A recorded network is one of kernels that others have too.
  context<dry> dry_ctx;
  const std::vector<view<const float, dry>> parts{{nullptr, {1, 16, 16, 32}}, {nullptr, {1, 32, 32, 32}}};
  const joined_views<const float, dry> joined{parts, 32, 32};
  CHECK(convolves_parts<float>(dry_ctx, joined, {32, 3, 3, 64}, g));
  trace_recorder recorder;
  dry_ctx.record(&recorder);
  CHECK_FALSE(convolves_parts<float>(dry_ctx, joined, {32, 3, 3, 64}, g));
}

TEMPLATE_TEST_CASE("the layer's convolution of joined images equals that of the whole, whether or not kernels take parts",
                   "[layers]", float, bfloat16) {
  using Real = TestType;
  context<cpu> ctx(2);
  const joined_case small{{7, 5}, {{2, 4, 3, 5}, {2, 7, 5, 3}}, 6};
  for (const joined_case& c : {small, joined_cases[0], joined_cases[3]}) {
    const auto x = random_parts<Real>(c);
    const auto whole = join(ctx, x);
    random_stream random(1);
    convolution<cpu, Real> layer(
        ctx, {.inputs = static_cast<int>(whole.extent(3)), .outputs = static_cast<int>(c.outputs)}, random);
    typename convolution<cpu, Real>::saved kept;
    typename convolution<cpu, Real>::saved_joined kept_joined;
    const auto expected = layer.forward(ctx, whole, &kept);
    const auto y = layer.forward(ctx, x, layer.own_epilogue(), &kept_joined);
    CHECK(equal(y, expected));
    const auto dy = random_tensor<Real>(y.shape(), 4);
    const auto expected_dx = separate(ctx, layer.backward(ctx, dy, kept), c.parts);
    const auto expected_dw = layer.weight.gradient.clone(), expected_dbias = layer.bias.gradient.clone();
    clear_gradients(layer);
    const auto dx = layer.backward(ctx, dy, kept_joined);
    REQUIRE(dx.size() == c.parts.size());
    for (std::size_t p = 0; p < dx.size(); ++p) CHECK(equal(dx[p], expected_dx[p]));
    CHECK(equal(layer.weight.gradient, expected_dw));
    CHECK(equal(layer.bias.gradient, expected_dbias));
  }
}

}  // namespace aixcell
