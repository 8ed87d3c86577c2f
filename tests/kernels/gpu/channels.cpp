#include <aixcell/kernels/gpu/channels.hpp>
#include <aixcell/kernels/gpu/adaptive_pool.hpp>
#include <aixcell/kernels/gpu/channel_gate.hpp>
#include <aixcell/kernels/gpu/crop.hpp>
#include <aixcell/kernels/gpu/elementwise.hpp>
#include <aixcell/kernels/gpu/fill.hpp>
#include <aixcell/kernels/gpu/layer_norm.hpp>
#include <aixcell/kernels/gpu/patches.hpp>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

/// Calls f(n, h, w, c) for every value of an image batch, in order.
template <class Function>
void for_each_value(const shape& s, Function&& f) {
  for (index_t n = 0; n < s[0]; ++n)
    for (index_t h = 0; h < s[1]; ++h)
      for (index_t w = 0; w < s[2]; ++w)
        for (index_t c = 0; c < s[3]; ++c) f(n, h, w, c);
}

template <class Real>
device_tensor<Real> empty_on(context<device_under_test>& ctx, const shape& s) {
  return device_tensor<Real>(ctx, s);
}

}  // namespace

TEST_CASE("gpu: channels joined, parted and biased", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    for (const auto& [pixels, left, right] : {std::tuple<shape, index_t, index_t>{{2, 3, 5}, 4, 8},
                                              {{2, 3, 5}, 3, 1},
                                              {{2, 3, 5}, 1, 33},
                                              {{0, 3, 5}, 4, 8},
                                              {{1, 1, 1}, 1, 1},
                                              {{1, 19, 18}, 1, 2}}) {
      CAPTURE(to_string(pixels), left, right);
      const auto with_channels = [&pixels = pixels](index_t channels) {
        return shape{pixels[0], pixels[1], pixels[2], channels};
      };
      const shape whole = with_channels(left + right);
      const auto a = random_tensor<float>(with_channels(left), 1), b = random_tensor<float>(with_channels(right), 2);
      tensor<float> joined(whole);
      for_each_value(whole, [&](index_t n, index_t h, index_t w, index_t c) {
        joined(n, h, w, c) = c < a.extent(3) ? a(n, h, w, c) : b(n, h, w, c - a.extent(3));
      });
      auto y = empty_on<float>(ctx, whole), da = empty_on<float>(ctx, a.shape()), db = empty_on<float>(ctx, b.shape());
      concatenate_channels<float>(ctx, to_device(ctx, a), to_device(ctx, b), y);
      CHECK(same_values(to_host(ctx, y), joined));
      split_channels<float>(ctx, y, da, db);
      CHECK(same_values(to_host(ctx, da), a));
      CHECK(same_values(to_host(ctx, db), b));

      const auto bias = random_tensor<float>({left + right}, 3);
      tensor<double> biased(whole), sums(bias.shape());
      for (index_t c = 0; c < bias.size(); ++c) sums[c] = static_cast<double>(bias[c]);
      for_each_value(whole, [&](index_t n, index_t h, index_t w, index_t c) {
        biased(n, h, w, c) = static_cast<double>(joined(n, h, w, c)) + static_cast<double>(bias[c]);
        sums[c] += static_cast<double>(joined(n, h, w, c));
      });
      auto gradient = to_device(ctx, bias);
      add_bias_gradient<float>(ctx, y, gradient);
      CHECK(agrees(to_host(ctx, gradient), sums, 1e-6));
      add_bias<float>(ctx, to_device(ctx, bias), y);
      CHECK(agrees(to_host(ctx, y), biased, 1e-6));
    }
  });
}

TEST_CASE("gpu: parts of images, patches of images, and back", "[kernels][gpu]") {
  const shape whole = GENERATE(shape{2, 5, 4, 3}, shape{0, 5, 4, 3}, shape{1, 1, 1, 3}, shape{1, 19, 23, 3});
  CAPTURE(to_string(whole));
  const auto x = random_tensor<float>(whole, 4);
  on_every_device([&](auto& ctx) {
    const auto on = to_device(ctx, x);
    for (const shape& s :
         {whole, shape{whole[0], (whole[1] + 1) / 2, whole[2], 3}, shape{whole[0], 1, (whole[2] + 2) / 2, 3}}) {
      if (s[2] > whole[2]) continue;
      tensor<float> part(s), back(x.shape());
      for_each_value(
          s, [&](index_t n, index_t h, index_t w, index_t c) { back(n, h, w, c) = part(n, h, w, c) = x(n, h, w, c); });
      auto y = empty_on<float>(ctx, s), dx = empty_on<float>(ctx, x.shape());
      crop<float>(ctx, on, y);
      CHECK(same_values(to_host(ctx, y), part));
      crop_backward<float>(ctx, y, dx);
      CHECK(same_values(to_host(ctx, dx), back));
    }
    for (const index_t size : {1, 2, 3, 7}) {
      const shape s = patches_shape(x.shape(), size);
      tensor<float> patches(s);
      for_each_value(x.shape(), [&](index_t n, index_t h, index_t w, index_t c) {
        patches(n, h / size, w / size, (h % size * size + w % size) * 3 + c) = x(n, h, w, c);
      });
      auto y = empty_on<float>(ctx, s), dx = empty_on<float>(ctx, x.shape());
      to_patches<float>(ctx, on, size, y);
      CHECK(same_values(to_host(ctx, y), patches));
      from_patches<float>(ctx, y, size, dx);
      CHECK(same_values(to_host(ctx, dx), x));
    }
  });
}

TEST_CASE("gpu: means over cells of a grid", "[kernels][gpu]") {
  const shape image = GENERATE(shape{2, 7, 5, 35}, shape{0, 7, 5, 35}, shape{1, 1, 1, 1});
  const auto x = random_tensor<float>(image, 5);
  on_every_device([&](auto& ctx) {
    for (const shape& s :
         {shape{image[0], 1, 1, image[3]}, shape{image[0], 3, 2, image[3]}, shape{image[0], 9, 5, image[3]}}) {
      const auto dy = random_tensor<float>(s, 6);
      tensor<double> mean(s), dx(x.shape());
      for_each_value(s, [&](index_t n, index_t i, index_t j, index_t c) {
        const index_t top = i * image[1] / s[1], bottom = ((i + 1) * image[1] + s[1] - 1) / s[1];
        const index_t left = j * image[2] / s[2], right = ((j + 1) * image[2] + s[2] - 1) / s[2];
        const auto pixels = static_cast<double>((bottom - top) * (right - left));
        for (index_t h = top; h < bottom; ++h)
          for (index_t w = left; w < right; ++w) {
            mean(n, i, j, c) += static_cast<double>(x(n, h, w, c)) / pixels;
            dx(n, h, w, c) += static_cast<double>(dy(n, i, j, c)) / pixels;
          }
      });
      auto y = empty_on<float>(ctx, s), found = empty_on<float>(ctx, x.shape());
      adaptive_average<float>(ctx, to_device(ctx, x), y);
      CHECK(agrees(to_host(ctx, y), mean, 1e-6));
      adaptive_average_backward<float>(ctx, to_device(ctx, dy), found);
      CHECK(agrees(to_host(ctx, found), dx, 1e-6));
    }
  });
}

TEST_CASE("gpu: gates of channels, and which images a branch skips", "[kernels][gpu]") {
  const shape s = GENERATE(shape{3, 5, 3, 6}, shape{0, 5, 3, 6}, shape{1, 1, 1, 1}, shape{3, 1, 1, 65});
  const shape row{s[0], 1, 1, s[3]};
  const auto pixels = static_cast<double>(s[1] * s[2]);
  CAPTURE(to_string(s));
  const auto x = random_tensor<float>(s, 7), dy = random_tensor<float>(s, 8), gate = random_tensor<float>(row, 9);
  tensor<double> mean(row), gated(s), dx(s), dgate(row), spread(s);
  for_each_value(s, [&](index_t n, index_t h, index_t w, index_t c) {
    const auto v = static_cast<double>(x(n, h, w, c)), g = static_cast<double>(dy(n, h, w, c)),
               factor = static_cast<double>(gate(n, 0, 0, c));
    mean(n, 0, 0, c) += v / pixels;
    gated(n, h, w, c) = v * factor;
    dx(n, h, w, c) = g * factor;
    dgate(n, 0, 0, c) += v * g;
    spread(n, h, w, c) = v + factor / pixels;
  });
  on_every_device([&](auto& ctx) {
    auto on = to_device(ctx, x);
    const auto factors = to_device(ctx, gate);
    auto y = empty_on<float>(ctx, s), small = empty_on<float>(ctx, row);
    spatial_mean<float>(ctx, on, small);
    CHECK(agrees(to_host(ctx, small), mean, 1e-6));
    gate_channels<float>(ctx, on, factors, y);
    CHECK(agrees(to_host(ctx, y), gated, 1e-6));
    gate_channels_backward<float>(ctx, to_device(ctx, dy), on, factors, y, small);
    CHECK(agrees(to_host(ctx, y), dx, 1e-6));
    CHECK(agrees(to_host(ctx, small), dgate, 1e-6));
    spatial_mean_backward<float>(ctx, factors, on);
    CHECK(agrees(to_host(ctx, on), spread, 1e-6));

    auto passes = device_tensor<float>::zeros(ctx, {1});
    for (int pass = 0; pass < 3; ++pass) {
      draw_image_gates<float>(ctx, passes, {.drop = 0.5f, .seed = 4}, small);
      random_stream random = random_stream(4).child(static_cast<std::uint64_t>(pass));
      tensor<float> expected(row);
      for (index_t n = 0; n < s[0]; ++n) {
        const float kept = random.chance(0.5f) ? 0.0f : 2.0f;
        for (index_t c = 0; c < s[3]; ++c) expected(n, 0, 0, c) = kept;
      }
      CHECK(same_values(to_host(ctx, small), expected));
      count_pass<float>(ctx, passes);
    }
    CHECK(to_host(ctx, passes)[0] == 3);
  });
}

TEST_CASE("gpu: normalisation over the channels of a pixel", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    for (const auto& [images, channels] : {std::pair<index_t, index_t>{1, 1}, {1, 5}, {1, 32}, {1, 45}, {0, 5}}) {
      CAPTURE(images, channels);
      const shape s{images, 3, 3, channels}, vector{channels};
      const auto x = random_tensor<float>(s, 10), dy = random_tensor<float>(s, 11),
                 weight = random_tensor<float>(vector, 12), bias = random_tensor<float>(vector, 13);
      tensor<double> y(s), dx(s), dweight(vector), dbias(vector);
      for (index_t p = 0; p < 9 * images; ++p) {
        const auto value = [&, row = p * vector[0]](const tensor<float>& t, index_t c) {
          return static_cast<double>(t[row + c]);
        };
        double mean = 0, variance = 0, plain = 0, weighed = 0;
        for (index_t c = 0; c < channels; ++c) mean += value(x, c) / static_cast<double>(channels);
        for (index_t c = 0; c < channels; ++c)
          variance += (value(x, c) - mean) * (value(x, c) - mean) / static_cast<double>(channels);
        const double deviation = std::sqrt(variance + 1e-3);
        const auto xhat = [&](index_t c) { return (value(x, c) - mean) / deviation; };
        for (index_t c = 0; c < channels; ++c) {
          const double g = static_cast<double>(weight[c]) * value(dy, c);
          plain += g / static_cast<double>(channels);
          weighed += g * xhat(c) / static_cast<double>(channels);
          y[p * channels + c] = static_cast<double>(weight[c]) * xhat(c) + static_cast<double>(bias[c]);
          dweight[c] += value(dy, c) * xhat(c);
          dbias[c] += value(dy, c);
        }
        for (index_t c = 0; c < channels; ++c)
          dx[p * channels + c] =
              (static_cast<double>(weight[c]) * value(dy, c) - plain - xhat(c) * weighed) / deviation;
      }
      const auto on = to_device(ctx, x), w = to_device(ctx, weight), b = to_device(ctx, bias);
      auto found = empty_on<float>(ctx, s), statistics = empty_on<float>(ctx, {s[0], 3, 3, 2});
      const layer_norm_parameters<float, device_under_test> parameters{w, b, 1e-3};
      layer_norm<float>(ctx, on, parameters, found, statistics);
      CHECK(agrees(to_host(ctx, found), y, 1e-5));
      auto found_dweight = device_tensor<float>::zeros(ctx, vector),
           found_dbias = device_tensor<float>::zeros(ctx, vector);
      layer_norm_backward<float>(ctx, to_device(ctx, dy), on, statistics, parameters, found,
                                 {found_dweight, found_dbias});
      CHECK(agrees(to_host(ctx, found), dx, 2e-5));
      CHECK(agrees(to_host(ctx, found_dweight), dweight, 1e-5));
      CHECK(agrees(to_host(ctx, found_dbias), dbias, 1e-6));
    }
  });
}

TEST_CASE("gpu: to half the bytes and back, and one value everywhere", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    for (const index_t count : {0, 1, 9, 1027}) {
      const auto x = random_tensor<float>({count}, 14);
      tensor<float> rounded({count});
      for (index_t i = 0; i < count; ++i) rounded[i] = static_cast<float>(bfloat16(x[i]));
      auto half = empty_on<bfloat16>(ctx, {count});
      auto full = empty_on<float>(ctx, {count});
      convert<bfloat16, float>(ctx, to_device(ctx, x), half);
      convert<float, bfloat16>(ctx, half, full);
      CHECK(same_values(to_host(ctx, full), rounded));
      fill_values(ctx, full.as_view(), 3);
      const auto threes = to_host(ctx, full);
      CHECK(std::all_of(threes.begin(), threes.end(), [](float v) { return v == 3; }));
    }
  });
}

}  // namespace aixcell
