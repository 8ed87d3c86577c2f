#include <aixcell/kernels/cpu/conv2d.hpp>
#include "reference/convolution_sums.hpp"
#include "support/catch.hpp"

#include <aixcell/core/random.hpp>

namespace aixcell {
namespace {

struct conv_case {
  shape x, filter;
  conv2d_geometry g;
};

// Odd sizes, one pixel, one channel, one beyond a register, one beyond two, strides with and without remainder.
const conv_case convolutions[] = {
    {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 0}},
    {{2, 5, 7, 3}, {4, 3, 3, 3}, {1, 1}},
    {{1, 1, 1, 5}, {3, 3, 3, 5}, {1, 1}},
    {{1, 9, 33, 16}, {17, 3, 3, 16}, {1, 1}},
    {{3, 8, 16, 33}, {33, 3, 3, 33}, {1, 1}},
    {{2, 17, 13, 3}, {20, 7, 7, 3}, {2, 3}},
    {{1, 6, 5, 64}, {32, 1, 1, 64}, {1, 0}},
    {{2, 7, 6, 8}, {9, 1, 1, 8}, {2, 0}},
    {{1, 8, 9, 4}, {6, 3, 3, 4}, {2, 1}},
    {{1, 12, 11, 2}, {3, 5, 4, 2}, {3, 2}},
    {{2, 6, 6, 3}, {5, 2, 2, 3}, {2, 0}},
    {{1, 70, 67, 9}, {40, 3, 3, 9}, {1, 1}},
    {{1, 4, 4, 200}, {130, 3, 3, 200}, {1, 1}},
    {{1, 5, 6, 3}, {2, 3, 3, 3}, {1, 0}},
    // dilated
    {{2, 11, 9, 5}, {18, 3, 3, 5}, {1, 2, 2}},
    {{1, 5, 17, 20}, {4, 3, 3, 20}, {1, 6, 6}},
    {{1, 9, 10, 4}, {3, 3, 3, 4}, {2, 2, 2}},
    {{1, 3, 2, 4}, {3, 3, 3, 4}, {1, 12, 12}},
    // grouped: fewer, as many and more channels a group than a register holds, odd numbers of groups
    {{2, 7, 6, 12}, {12, 3, 3, 4}, {1, 1, 1, 3}},
    {{1, 6, 7, 40}, {40, 3, 3, 4}, {1, 1, 1, 10}},
    {{1, 8, 7, 40}, {60, 3, 3, 20}, {2, 1, 1, 2}},
    {{1, 9, 8, 6}, {4, 3, 3, 3}, {1, 2, 2, 2}},
    {{1, 6, 5, 34}, {17, 1, 1, 2}, {1, 0, 1, 17}},
    // depthwise
    {{2, 9, 7, 19}, {19, 3, 3, 1}, {1, 1, 1, 19}},
    {{1, 9, 8, 5}, {5, 5, 5, 1}, {2, 2, 1, 5}},
    {{1, 9, 11, 3}, {3, 3, 3, 1}, {1, 4, 4, 3}},
    // tiles of a matrix unit: whole and broken ones of 16 channels, 32 values and 32 pixels, several images in a band
    {{5, 4, 3, 32}, {32, 3, 3, 32}, {1, 1}},
    {{2, 33, 31, 48}, {49, 3, 3, 48}, {1, 1}},
    {{3, 16, 16, 64}, {16, 1, 1, 64}, {1, 0}},
    {{1, 40, 41, 33}, {64, 3, 3, 33}, {2, 1}},
    {{2, 9, 130, 2}, {34, 5, 3, 2}, {1, 1}},
    // many tiles of 4x4 pixels of whole registers of channels, with remainders, and a filter beyond the cache
    {{2, 33, 31, 32}, {48, 3, 3, 32}, {1, 1}},
    {{2, 33, 31, 16}, {16, 3, 3, 16}, {1, 1}},
    {{1, 35, 42, 48}, {16, 3, 3, 48}, {1, 1}},
    {{1, 46, 50, 64}, {32, 3, 3, 64}, {1, 0}},
    {{1, 29, 27, 96}, {80, 3, 3, 96}, {1, 2}},
    {{1, 58, 60, 32}, {32, 5, 5, 32}, {2, 2}}};

template <class Real>
tensor<Real> random_tensor(const shape& s, random_stream r) {
  tensor<Real> t(s);
  for (Real& v : t) v = static_cast<Real>(r.normal());
  return t;
}

/// Filters of a type that float32 or Real holds exactly.
template <class Real>
tensor<master_of<Real>> random_filters(const shape& s, random_stream r) {
  tensor<master_of<Real>> t(s);
  for (auto& v : t) v = static_cast<master_of<Real>>(static_cast<Real>(r.normal()));
  return t;
}

}  // namespace

TEMPLATE_TEST_CASE("conv2d and its adjoints equal plain loops in float64", "[kernels][cpu]", float, double, bfloat16) {
  using Real = TestType;
  using master = master_of<Real>;
  context<cpu> ctx(2);
  for (const conv_case& c : convolutions) {
    // A Winograd tile rounds by the magnitudes of all its products, which are more than those of an output at the border.
    const bool tiles = c.g.dilation == 1 && c.filter[1] > 1 && c.filter[0] >= 16 && c.filter[3] >= 16;
    const double of_sums = sizeof(master) == 8 ? 1e-14 : tiles ? 1e-5 : 2e-6;
    const double tolerance = std::is_same_v<Real, bfloat16> ? 1.0 / 256 + 1e-4 : of_sums;  // half a unit in the last place
    CAPTURE(to_string(c.x), to_string(c.filter), c.g.stride, c.g.padding, c.g.dilation, c.g.groups);
    const shape ys = conv2d_output_shape(c.x, c.filter, c.g);
    const auto x = random_tensor<Real>(c.x, random_stream(1)), dy = random_tensor<Real>(ys, random_stream(3));
    const auto w = random_filters<Real>(c.filter, random_stream(2));
    const auto bias = random_tensor<master>({ys[3]}, random_stream(4)),
               scale = random_tensor<master>({ys[3]}, random_stream(5));

    reference::exact_convolution exact(c.g, x, w, dy);
    exact.y.scale_channels(scale);
    for (index_t o = 0; o < ys.count(); ++o) exact.y.add(o, bias[o % ys[3]]);

    tensor<Real> found(ys);
    conv2d<Real>(ctx, x, w, c.g, {.bias = bias, .scale = scale, .residual = {}}, found);
    CHECK(exact.y.worst_difference(found) < tolerance);

    found.fill(Real(99));
    conv2d<Real>(ctx, x, w, c.g, {.bias = bias, .scale = scale, .residual = dy, .act = activation::relu}, found);
    for (index_t o = 0; o < ys.count(); ++o) exact.y.add(o, dy[o]);
    for (double& v : exact.y.value) v = std::max(v, 0.0);
    CHECK(exact.y.worst_difference(found) < tolerance);

    tensor<Real> found_dx(c.x);
    found_dx.fill(Real(99));  // overwritten, not added to
    conv2d_backward_data<Real>(ctx, dy, w, c.g, found_dx);
    CHECK(exact.dx.worst_difference(found_dx) < tolerance);

    auto found_dw = random_tensor<master>(c.filter, random_stream(6));
    for (index_t f = 0; f < found_dw.size(); ++f) exact.dfilter.add(f, found_dw[f]);  // added to, not overwritten
    conv2d_backward_filter<Real>(ctx, x, dy, c.g, found_dw);
    CHECK(exact.dfilter.worst_difference(found_dw) < of_sums);
  }
}

TEMPLATE_TEST_CASE("conv2d gives the same bits for any number of threads", "[kernels][cpu]", float, bfloat16) {
  using Real = TestType;
  const auto [xs, ws] = GENERATE(table<shape, shape>({{shape{3, 19, 23, 20}, shape{36, 3, 3, 20}},
                                                      {shape{2, 40, 37, 32}, shape{64, 3, 3, 32}},
                                                      {shape{3, 30, 30, 96}, shape{112, 3, 3, 96}}}));
  const auto x = random_tensor<Real>(xs, random_stream(1));
  const auto w = random_tensor<float>(ws, random_stream(2));
  const shape ys = conv2d_output_shape(xs, ws, {1, 1});
  const auto run = [&](int threads) {
    context<cpu> ctx(threads);
    tensor<Real> y(ys), dx(xs);
    tensor<float> dw(ws);
    conv2d<Real>(ctx, x, w, {1, 1}, {}, y);
    conv2d_backward_data<Real>(ctx, y, w, {1, 1}, dx);
    conv2d_backward_filter<Real>(ctx, x, y, {1, 1}, dw);
    std::vector<float> all(y.begin(), y.end());
    all.insert(all.end(), dx.begin(), dx.end());
    all.insert(all.end(), dw.begin(), dw.end());
    return all;
  };
  const auto once = run(1);
  CHECK(once == run(2));
  CHECK(once == run(5));
}

TEMPLATE_TEST_CASE("conv2d with a filter that stays prepared is the same for images of any size", "[kernels][cpu]", float,
                   bfloat16) {
  using Real = TestType;
  context<cpu> ctx(2);
  for (const shape& ws : {shape{40, 3, 3, 20}, shape{64, 3, 3, 32}, shape{512, 3, 3, 512}, shape{9, 1, 1, 7}}) {
    const auto w = random_tensor<float>(ws, random_stream(2)), scale = random_tensor<float>({ws[0]}, random_stream(3));
    const conv2d_geometry g{.padding = static_cast<int>(ws[1] / 2)};
    detail::prepared_filter kept;
    for (const shape& xs : {shape{1, 5, 6, ws[3]}, shape{2, 16, 17, ws[3]}}) {  // 4 and 40 tiles of Winograd
      const auto x = random_tensor<Real>(xs, random_stream(1));
      const shape ys = conv2d_output_shape(xs, ws, g);
      tensor<Real> once(ys), again(ys);
      conv2d<Real>(ctx, x, w, g, {.bias = {}, .scale = scale, .residual = {}}, once);
      conv2d<Real>(ctx, x, w, g, {.bias = {}, .scale = scale, .residual = {}}, again, &kept);
      double worst = 0, largest = 0;
      for (index_t i = 0; i < once.size(); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(once[i]) - again[i]));
        largest = std::max(largest, std::abs(static_cast<double>(once[i])));
      }
      CHECK(worst < (std::is_same_v<Real, bfloat16> ? 1.0 / 128 : 1e-5) * largest);
    }
    CHECK_FALSE(kept.empty());
  }
}

TEMPLATE_TEST_CASE("conv2d adds the residual before the activation", "[kernels][cpu]", float, bfloat16) {
  using Real = TestType;
  context<cpu> ctx(1);
  tensor<Real> x({1, 1, 3, 1}), residual({1, 1, 3, 1}), y({1, 1, 3, 1});
  tensor<float> w({1, 1, 1, 1});
  x[0] = Real(1), x[1] = Real(-2), x[2] = Real(3);
  residual[0] = Real(-3), residual[1] = Real(5), residual[2] = Real(-1);
  w[0] = 2;
  conv2d<Real>(ctx, x, w, {}, {.bias = {}, .scale = {}, .residual = residual, .act = activation::relu}, y);
  CHECK(y[0] == 0);
  CHECK(y[1] == 1);
  CHECK(y[2] == 5);
  conv2d<Real>(ctx, x, w, {}, {.bias = {}, .scale = {}, .residual = residual, .act = activation::leaky_relu}, y);
  CHECK(std::abs(y[0] + 0.01f) < 4e-5f);
  CHECK(y[2] == 5);
}

TEMPLATE_TEST_CASE("conv2d gives the sums of what it wrote, and of its squares", "[kernels][cpu]", float, bfloat16, double) {
  using Real = TestType;
  using master = master_of<Real>;
  std::vector<conv_case> all(std::begin(convolutions), std::end(convolutions));
  all.push_back({{2, 5, 6, 512}, {530, 3, 3, 512}, {1, 1}});  // blocks of outputs go in groups
  all.push_back({{2, 9, 9, 32}, {32, 3, 3, 32}, {1, 2, 2}});
  for (const conv_case& c : all)
    for (const activation act : {activation::none, activation::relu, activation::gelu}) {
      if ((c.filter.count() > 10000 || std::is_same_v<Real, double>) && act != activation::relu) continue;
      if (c.filter.count() > 1000000 && std::is_same_v<Real, double>) continue;
      const auto x = random_tensor<Real>(c.x, random_stream(1));
      const auto w = random_tensor<master>(c.filter, random_stream(2));
      const shape ys = conv2d_output_shape(c.x, c.filter, c.g), ss{ys[0], 2, ys[3]};
      tensor<double> one(ss), five(ss), after(ss);
      for (const int threads : {1, 5}) {
        context<cpu> ctx(threads);
        tensor<Real> y(ys);
        conv2d<Real>(ctx, x, w, c.g, {.bias = {}, .scale = {}, .residual = {}, .act = act}, y, nullptr,
                     threads == 1 ? one : five);
        channel_sums<Real>(ctx, y, after);
      }
      INFO(to_string(c.x) << " " << to_string(c.filter));
      CHECK(std::equal(one.begin(), one.end(), five.begin()));
      double worst = 0;
      for (index_t n = 0; n < ss[0]; ++n)
        for (index_t k = 0; k < ss[2]; ++k)  // of sums, by the square root of the sum of squares
          worst = std::max({worst, std::abs(one(n, 0, k) - after(n, 0, k)) / (1e-30 + std::sqrt(after(n, 1, k))),
                            std::abs(one(n, 1, k) - after(n, 1, k)) / (1e-30 + after(n, 1, k))});
      CHECK(worst < 1e-10);
    }
}

TEST_CASE("a convolution of bfloat16 leaves what lies around its output alone, and NaN where it is", "[kernels][cpu]") {
  context<cpu> ctx(1);
  // The image in the middle of a larger block of memory, whose surroundings hold NaN: no tile may bring it in.
  const shape xs{1, 6, 7, 3}, ws{5, 3, 3, 3};
  const index_t around = 4096;
  tensor<bfloat16> block({2 * around + xs.count()});
  block.fill(bfloat16(std::nanf("")));
  view<bfloat16, cpu> x(block.data() + around, xs);
  for (bfloat16& v : x) v = bfloat16(1);
  tensor<float> w(ws);
  w.fill(1);
  tensor<bfloat16> y({1, 6, 7, 5});
  conv2d<bfloat16>(ctx, x, w, {1, 1}, {}, y);
  CHECK(y(0, 0, 0, 0) == 12);
  CHECK(y(0, 3, 3, 4) == 27);
  CHECK(y(0, 5, 6, 2) == 12);
  x(0, 0, 0, 1) = bfloat16(std::nanf(""));
  conv2d<bfloat16>(ctx, x, w, {1, 1}, {}, y);
  CHECK(std::isnan(static_cast<float>(y(0, 1, 1, 0))));
  CHECK(y(0, 2, 2, 0) == 27);
}

TEST_CASE("conv2d refuses shapes that do not fit and says which", "[kernels]") {
  context<cpu> ctx(1);
  context<dry> dry_ctx;
  tensor<float> x({1, 4, 4, 3}), w({2, 3, 3, 5}), y({1, 2, 2, 2}), narrow({2, 9, 9, 3});
  CHECK_THROWS_WITH(conv2d<float>(ctx, x, w, {}, {}, y), "conv2d: expected shape [2,3,3,3], found [2,3,3,5]");
  CHECK_THROWS_AS(conv2d<float>(ctx, x, narrow, {}, {}, y), shape_error);
  tensor<float, dry> dx(dry_ctx, {1, 4, 4, 3}), dw(dry_ctx, {2, 3, 3, 3}), wrong(dry_ctx, {1, 4, 4, 2});
  CHECK_THROWS_WITH(conv2d<float>(dry_ctx, dx, dw, {}, {}, wrong), "conv2d: expected shape [1,2,2,2], found [1,4,4,2]");
}

TEST_CASE("a dry convolution counts two operations a product", "[kernels][dry]") {
  context<dry> ctx;
  tensor<float, dry> x(ctx, {2, 8, 8, 3}), w(ctx, {5, 3, 3, 3}), y(ctx, {2, 8, 8, 5});
  conv2d<float>(ctx, x, w, {1, 1}, {}, y);
  CHECK(ctx.spent().flops == 2.0 * 2 * 8 * 8 * 5 * 27);
  CHECK(ctx.spent().bytes == 4.0 * (2 * 8 * 8 * 3 + 5 * 27 + 2 * 8 * 8 * 5));
}

}  // namespace aixcell
