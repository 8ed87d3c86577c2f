#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <aixcell/kernels/cpu/resize.hpp>
#include <aixcell/kernels/detail/light_fit.hpp>

namespace aixcell {

/// The light that fell on an image, relative to its mean, by channel: the exponential of a polynomial of degree 2 in
/// u, v, which run from -1 to 1 over the columns and rows.
struct illumination {
  using polynomial = std::array<double, 6>;  ///< of 1, u, v, u u, u v, v v
  std::vector<polynomial> log_light;         ///< by channel

  /// From pixel to u or v; 0 in the middle.
  static double coordinate(index_t i, index_t extent) { return detail::light_coordinate(i, extent); }
  static polynomial terms(double u, double v) { return {1, u, v, u * u, u * v, v * v}; }

  double at(double u, double v, std::size_t channel) const {
    const polynomial t = terms(u, v);
    double sum = 0;
    for (std::size_t k = 0; k < t.size(); ++k) sum += log_light[channel][k] * t[k];
    return std::exp(sum);
  }
};

namespace detail {

/// Least squares with weights for few unknowns: the normal equations, solved by solve_light.
inline illumination::polynomial weighted_fit(const std::vector<illumination::polynomial>& terms,
                                             const std::vector<double>& values, const std::vector<double>& weights) {
  double a[light_terms][light_terms] = {}, b[light_terms] = {}, total = 0;
  for (std::size_t p = 0; p < values.size(); ++p) {
    total += weights[p];
    for (std::size_t i = 0; i < light_terms; ++i) {
      b[i] += weights[p] * terms[p][i] * values[p];
      for (std::size_t j = 0; j <= i; ++j) a[i][j] += weights[p] * terms[p][i] * terms[p][j];
    }
  }
  solve_light(a, b, total);
  return std::to_array(b);
}

inline double polynomial_at(const illumination::polynomial& p, const illumination::polynomial& terms) {
  double sum = 0;
  for (std::size_t k = 0; k < p.size(); ++k) sum += p[k] * terms[k];
  return sum;
}

/// The polynomial that most values follow. Least absolute deviations first, which no start can mislead, then Tukey's
/// biweight, which leaves out what is not background altogether. Both by reweighted least squares.
inline illumination::polynomial robust_fit(const std::vector<illumination::polynomial>& terms,
                                           const std::vector<double>& values) {
  std::vector<double> weights(values.size(), 1.0), sizes(values.size()), sorted(values.size());
  illumination::polynomial fit = weighted_fit(terms, values, weights);
  for (const bool leave_out : {false, true})
    for (int round = 0; round < light_rounds; ++round) {
      for (std::size_t p = 0; p < values.size(); ++p)
        sorted[p] = sizes[p] = std::abs(values[p] - polynomial_at(fit, terms[p]));
      const auto middle = sorted.begin() + std::ssize(sorted) / 2;
      std::nth_element(sorted.begin(), middle, sorted.end());
      const double deviation = light_deviation(*middle);
      if (!(deviation > least_light_deviation)) return fit;
      for (std::size_t p = 0; p < values.size(); ++p) weights[p] = light_weight(sizes[p], deviation, leave_out);
      const illumination::polynomial before = std::exchange(fit, weighted_fit(terms, values, weights));
      double change = 0;
      for (std::size_t k = 0; k < fit.size(); ++k) change = std::max(change, std::abs(fit[k] - before[k]));
      if (change < light_settled) break;
    }
  return fit;
}

}  // namespace detail

/// Estimates the illumination of an image [H,W,C] from the image alone: a polynomial surface is fitted to the logarithm of
/// the brightness of at most 64 x 64 blocks so that the majority of blocks, taken as background, follow it and
/// objects do not count (after Lindblad & Bengtsson 2001, who fit surfaces to iteratively found background). A channel in
/// which fewer than half the blocks are brighter than 1/256 of the brightest says nothing about light: its field is 1.
/// Throws shape_error on an empty image.
inline illumination estimate_illumination(context<cpu>& ctx, view<const float, cpu> pixels) {
  require_rank("estimate_illumination", 3, "an image [H,W,C]", pixels.shape());
  const tensor<float> blocks = resize_image(ctx, pixels, std::min(detail::most_light_blocks, pixels.extent(0)),
                                            std::min(detail::most_light_blocks, pixels.extent(1)));
  const index_t rows = blocks.extent(0), columns = blocks.extent(1), channels = blocks.extent(2);
  illumination found;
  found.log_light.resize(static_cast<std::size_t>(channels));
  parallel_for(ctx, channels, [&](index_t c) {
    float brightest = 0;
    for (index_t p = c; p < blocks.size(); p += channels) brightest = std::max(brightest, blocks[p]);
    std::vector<illumination::polynomial> terms;
    std::vector<double> values;
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < columns; ++j) {
        if (!(blocks(i, j, c) > brightest / 256)) continue;
        terms.push_back(illumination::terms(illumination::coordinate(j, columns), illumination::coordinate(i, rows)));
        values.push_back(std::log(static_cast<double>(blocks(i, j, c))));
      }
    illumination::polynomial& p = found.log_light[static_cast<std::size_t>(c)];
    if (values.empty() || 2 * std::ssize(values) < rows * columns) return;
    p = detail::robust_fit(terms, values);
    p[0] = 0;
    double mean = 0;
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < columns; ++j)
        mean += found.at(illumination::coordinate(j, columns), illumination::coordinate(i, rows),
                         static_cast<std::size_t>(c));
    p[0] = -std::log(mean / static_cast<double>(rows * columns));
  });
  return found;
}

/// 0 for even light, towards 1 the darker the darkest place of an image is against the brightest; mean over channels.
inline double falloff(const illumination& light) {
  constexpr int steps = 16;
  double sum = 0;
  for (std::size_t c = 0; c < light.log_light.size(); ++c) {
    double least = light.at(0, 0, c), greatest = least;
    for (int i = 0; i <= steps; ++i)
      for (int j = 0; j <= steps; ++j) {
        const double value = light.at(2.0 * j / steps - 1, 2.0 * i / steps - 1, c);
        least = std::min(least, value), greatest = std::max(greatest, value);
      }
    sum += 1 - least / greatest;
  }
  return light.log_light.empty() ? 0 : sum / static_cast<double>(light.log_light.size());
}

/// Pixels [H,W,C] divided by the light that fell on them. Throws shape_error if channels differ.
inline tensor<float> divided_by(const context<cpu>& ctx, view<const float, cpu> pixels, const illumination& light) {
  require_rank("divided_by", 3, "an image [H,W,C]", pixels.shape());
  const index_t height = pixels.extent(0), width = pixels.extent(1), channels = pixels.extent(2);
  if (std::ssize(light.log_light) != channels)
    throw shape_error("divided_by: light of " + std::to_string(light.log_light.size()) + " channel(s), the image has " +
                      std::to_string(channels));
  tensor<float> out(pixels.shape());
  parallel_for(ctx, height, [&](index_t i) {
    const double v = illumination::coordinate(i, height);
    for (index_t c = 0; c < channels; ++c) {
      const auto& p = light.log_light[static_cast<std::size_t>(c)];
      // Along a row: a + b u + d u u.
      const double a = p[0] + p[2] * v + p[5] * v * v, b = p[1] + p[4] * v, d = p[3];
      for (index_t j = 0; j < width; ++j) {
        const double u = illumination::coordinate(j, width);
        out(i, j, c) = pixels(i, j, c) * std::exp(static_cast<float>(-(a + (b + d * u) * u)));
      }
    }
  });
  return out;
}

}  // namespace aixcell
