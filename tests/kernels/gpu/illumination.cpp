#include <aixcell/kernels/gpu/flat_field.hpp>
#include <aixcell/kernels/gpu/illumination.hpp>
#include <aixcell/kernels/cpu/illumination.hpp>
#include <algorithm>
#include <array>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

using polynomial6 = std::array<double, 6>;

polynomial6 terms_at(index_t i, index_t j, const shape& s) {
  const double u = static_cast<double>(2 * j + 1) / static_cast<double>(s[1]) - 1,
               v = static_cast<double>(2 * i + 1) / static_cast<double>(s[0]) - 1;
  return {1, u, v, u * u, u * v, v * v};
}
double product(const polynomial6& a, const polynomial6& b) {
  double sum = 0;
  for (std::size_t k = 0; k < 6; ++k) sum += a[k] * b[k];
  return sum;
}

/// Elimination with pivots. The ridge is the one that estimate_illumination promises for what points leave open.
polynomial6 least_squares(const std::vector<polynomial6>& terms, const std::vector<double>& values,
                          const std::vector<double>& weights) {
  double a[6][7] = {}, total = 0;
  for (std::size_t p = 0; p < values.size(); ++p) {
    total += weights[p];
    for (std::size_t i = 0; i < 6; ++i) {
      for (std::size_t j = 0; j < 6; ++j) a[i][j] += weights[p] * terms[p][i] * terms[p][j];
      a[i][6] += weights[p] * terms[p][i] * values[p];
    }
  }
  for (std::size_t i = 0; i < 6; ++i) a[i][i] += (i == 0 ? 1e-12 : 1e-7) * total;
  for (std::size_t i = 0; i < 6; ++i) {
    std::size_t best = i;
    for (std::size_t k = i; k < 6; ++k)
      if (std::abs(a[k][i]) > std::abs(a[best][i])) best = k;
    std::swap(a[i], a[best]);
    for (std::size_t k = 0; k < 6; ++k)
      for (std::size_t j = 7; k != i && j-- > i;) a[k][j] -= a[k][i] / a[i][i] * a[i][j];
  }
  polynomial6 found{};
  for (std::size_t i = 0; i < 6; ++i) found[i] = a[i][6] / a[i][i];
  return found;
}

/// The light of an image of at most 64 x 64 pixels, each of which is then a block, from the definition.
polynomial6 light_of(const tensor<float>& image, index_t channel) {
  const shape& s = image.shape();
  float brightest = 0;
  for (index_t p = channel; p < image.size(); p += s[2]) brightest = std::max(brightest, image[p]);
  std::vector<polynomial6> terms;
  std::vector<double> values;
  for (index_t i = 0; i < s[0]; ++i)
    for (index_t j = 0; j < s[1]; ++j)
      if (image(i, j, channel) > brightest / 256) {
        terms.push_back(terms_at(i, j, s));
        values.push_back(std::log(static_cast<double>(image(i, j, channel))));
      }
  polynomial6 light{};
  if (values.empty() || 2 * std::ssize(values) < s[0] * s[1]) return light;
  std::vector<double> weights(values.size(), 1.0);
  light = least_squares(terms, values, weights);
  bool follows = false;  // most values lie on it
  for (const bool biweight : {false, true})
    for (int round = 0; round < 20 && !follows; ++round) {
      std::vector<double> distances;
      for (std::size_t p = 0; p < values.size(); ++p)
        distances.push_back(std::abs(values[p] - product(light, terms[p])));
      auto sorted = distances;
      std::sort(sorted.begin(), sorted.end());
      const double scale = 4.685 * 1.4826 * sorted[sorted.size() / 2];
      follows = scale <= 4.685e-9;
      if (follows) break;
      for (std::size_t p = 0; p < values.size(); ++p) {
        const double t = distances[p] / scale;
        weights[p] = !biweight ? 1 / std::max(t, 1e-3) : t < 1 ? (1 - t * t) * (1 - t * t) : 0;
      }
      const polynomial6 before = light;
      light = least_squares(terms, values, weights);
      double change = 0;
      for (std::size_t k = 0; k < 6; ++k) change = std::max(change, std::abs(light[k] - before[k]));
      if (change < 1e-4) break;
    }
  light[0] = 0;
  double mean = 0;
  for (index_t i = 0; i < s[0]; ++i)
    for (index_t j = 0; j < s[1]; ++j)
      mean += std::exp(product(light, terms_at(i, j, s))) / static_cast<double>(s[0] * s[1]);
  light[0] = -std::log(mean);
  return light;
}

/// Noise under a slope of light, with a square of something brighter. Of three channels one is dark but for a corner, one even.
tensor<float> lit_scene(const shape& s, std::uint64_t seed) {
  random_stream random(seed);
  tensor<float> image(s);
  for (index_t i = 0; i < s[0]; ++i)
    for (index_t j = 0; j < s[1]; ++j)
      for (index_t c = 0; c < s[2]; ++c) {
        const polynomial6 at = terms_at(i, j, s);
        const double light = std::exp(0.5 * at[1] - 0.3 * at[2] - 0.4 * at[3] + 0.1 * at[4]);
        const bool object = i % 11 < 4 && j % 13 < 5;
        float v = (object ? 900.0f : 200.0f) * (1 + 0.05f * random.normal()) * static_cast<float>(light);
        if (c == 1) v = 3 * i < s[0] && 3 * j < s[1] ? 100.0f : i % 2 == 0 ? 0.0f : -1.0f;
        if (c == 2) v = 7;
        image(i, j, c) = v;
      }
  return image;
}

}  // namespace

TEST_CASE("gpu: the light of an image is what loops in float64 and the processor find", "[kernels][gpu]") {
  context<cpu> processor(1);
  std::vector<shape> shapes{{1, 1, 1}, {13, 9, 3}};  // a fit has hundreds of barriers
  if (unhurried()) shapes.insert(shapes.end(), {shape{1, 7, 1}, shape{9, 1, 1}, shape{33, 31, 1}, shape{65, 70, 1}});
  if (thorough()) shapes.insert(shapes.end(), {shape{64, 64, 2}, shape{130, 97, 3}});
  for (const shape& s : shapes) {
    CAPTURE(to_string(s));
    const auto image = lit_scene(s, 5);
    const illumination by_processor = estimate_illumination(processor, image);
    tensor<double> expected({s[2], 6});
    for (index_t c = 0; c < s[2]; ++c) {
      const auto& of_channel = by_processor.log_light[static_cast<std::size_t>(c)];
      std::copy(of_channel.begin(), of_channel.end(), expected.slice(c).begin());
    }
    tensor<double> defined = expected.clone();
    for (index_t c = 0; c < s[2] && s[0] <= 64 && s[1] <= 64; ++c) {
      const polynomial6 light = light_of(image, c);
      std::copy(light.begin(), light.end(), defined.slice(c).begin());
    }
    on_every_device([&](auto& ctx) {
      device_tensor<double> found(ctx, {image.extent(2), 6});
      estimate_illumination(ctx, to_device(ctx, image), found);
      const auto here = to_host(ctx, found);
      CHECK(agrees(here, expected, 1e-7));
      CHECK(agrees(here, defined, 1e-7));
    });
  }
  context<device_under_test> ctx;
  CHECK_THROWS_AS(estimate_illumination(ctx, device_tensor<float>(ctx, {0, 4, 1}), device_tensor<double>(ctx, {1, 6})),
                  shape_error);
  CHECK_THROWS_AS(estimate_illumination(ctx, device_tensor<float>(ctx, {4, 4}), device_tensor<double>(ctx, {1, 6})),
                  shape_error);
  CHECK_THROWS_AS(estimate_illumination(ctx, device_tensor<float>(ctx, {4, 4, 2}), device_tensor<double>(ctx, {1, 6})),
                  shape_error);
}

TEST_CASE("gpu: an image is divided by its light", "[kernels][gpu]") {
  const polynomial6 of_first{0.2, -0.5, 0.3, 0.7, -0.1, -0.4}, of_second{0, 1, 0, 0, 2, 0};
  for (const shape& s : {shape{0, 3, 2}, shape{1, 1, 2}, shape{7, 5, 2}, shape{1, 257, 1}, shape{33, 65, 2}}) {
    CAPTURE(to_string(s));
    const auto image = random_tensor<float>(s, 6);
    tensor<double> log_light({s[2], 6}), expected(s);
    std::copy(of_first.begin(), of_first.end(), log_light.begin());
    if (s[2] > 1) std::copy(of_second.begin(), of_second.end(), log_light.slice(1).begin());
    for (index_t i = 0; i < s[0]; ++i)
      for (index_t j = 0; j < s[1]; ++j)
        for (index_t c = 0; c < s[2]; ++c)
          expected(i, j, c) =
              static_cast<double>(image(i, j, c)) / std::exp(product(c == 0 ? of_first : of_second, terms_at(i, j, s)));
    on_every_device([&](auto& ctx) {
      auto on = to_device(ctx, image);
      divided_by(ctx, on, to_device(ctx, log_light), on);
      CHECK(agrees(to_host(ctx, on), expected, 1e-6));
    });
  }
  context<device_under_test> ctx;
  device_tensor<float> image(ctx, {4, 4, 2});
  CHECK_THROWS_AS(divided_by(ctx, image, device_tensor<double>(ctx, {1, 6}), image), shape_error);
  CHECK_THROWS_AS(divided_by(ctx, image, device_tensor<double>(ctx, {2, 6}), device_tensor<float>(ctx, {4, 3, 2})),
                  shape_error);
}

TEST_CASE("gpu: an image is divided by a field at its size", "[kernels][gpu]") {
  /// Of n values along an axis: what lies at a place of `to`, linear between their middles; the field is not shrunk here.
  const auto taps = [](index_t place, index_t to, index_t n) {
    const double at =
        std::clamp((static_cast<double>(place) + 0.5) * static_cast<double>(n) / static_cast<double>(to) - 0.5, 0.0,
                   static_cast<double>(n - 1));
    const auto below = static_cast<index_t>(at);
    return std::tuple(below, std::min(below + 1, n - 1), at - static_cast<double>(below));
  };
  for (const auto& [s, rows, columns] : {std::tuple{shape{0, 3, 1}, 2, 2},
                                         {shape{1, 1, 1}, 1, 1},
                                         {shape{9, 7, 2}, 4, 3},
                                         {shape{1, 33, 3}, 1, 32},
                                         {shape{33, 65, 1}, 5, 64}}) {
    CAPTURE(to_string(s));
    const index_t height = s[0], width = s[1], channels = s[2];
    const auto image = random_tensor<float>(s, 7);
    auto field = random_tensor<float>({rows, columns, channels}, 8);
    for (float& v : field) v = 0.5f + std::abs(v);
    tensor<double> expected(s);
    for (index_t i = 0; i < height; ++i)
      for (index_t j = 0; j < width; ++j)
        for (index_t c = 0; c < channels; ++c) {
          const auto [above, below, down] = taps(i, height, field.extent(0));
          const auto [left, right, across] = taps(j, width, field.extent(1));
          const auto at = [&, k = c](index_t y, index_t x) { return static_cast<double>(field(y, x, k)); };
          const double upper = at(above, left) * (1 - across) + at(above, right) * across,
                       lower = at(below, left) * (1 - across) + at(below, right) * across;
          expected(i, j, c) = static_cast<double>(image(i, j, c)) / (upper * (1 - down) + lower * down);
        }
    on_every_device([&](auto& ctx) {
      auto on = to_device(ctx, image);
      divide_by_field(ctx, on, to_device(ctx, field), on);
      CHECK(agrees(to_host(ctx, on), expected, 1e-6));
    });
  }
  context<device_under_test> ctx;
  device_tensor<float> image(ctx, {4, 4, 2});
  CHECK_THROWS_AS(divide_by_field(ctx, image, device_tensor<float>(ctx, {0, 2, 2}), image), shape_error);
  CHECK_THROWS_AS(divide_by_field(ctx, image, device_tensor<float>(ctx, {2, 2, 1}), image), shape_error);
}

}  // namespace aixcell
