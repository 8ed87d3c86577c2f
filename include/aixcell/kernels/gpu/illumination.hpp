#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include <aixcell/kernels/detail/light_fit.hpp>
#include <aixcell/kernels/detail/ordered_bits.hpp>
#include <aixcell/kernels/gpu/detail/find_rank.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>
#include <aixcell/kernels/gpu/resize.hpp>

namespace aixcell {

namespace detail {

/// Blocks [rows,columns,C] of an image; at most most_light_blocks along a side.
struct light_grid {
  int rows, columns, channels;
};

/// A block a channel fits the surface and keeps it up to 64 x 64 values in `points` [C,3,rows,columns]: logarithms, weights, and
/// distances from the surface, of which a negative one marks a value that has no say. log_light [C,6].
struct estimate_illumination_kernel {
  static constexpr std::string_view name = "estimate_illumination";
  static constexpr int threads = 256;
  static constexpr int warps = threads / warp_size, sides = static_cast<int>(most_light_blocks), powers = 5;
  /// Weighted sums of u^i v^j, i + j <= 4, which are the matrix of the normal equations; then of the terms times the values.
  static constexpr int moments = 15, sums = moments + light_terms;
  struct shared {
    double u[powers][sides], v[powers][sides];  // u[i][column] = u^i
    double partial[warps][sums];
    double a[light_terms][light_terms], b[light_terms], fit[light_terms], change;
    double tree[threads];
    std::uint64_t prefix;
    std::uint32_t brightest;
    int counts[threads], rank, points;
  };
  static_assert(threads == 256, "a bin for each value of a byte");

  constexpr void operator()(auto t, shared& s, light_grid g, const float* blocks, double* all_points,
                            double* log_light) const {
    const int c = t.block().x, count = g.rows * g.columns;
    double* const points = all_points + 3 * c * count;
    take_values(t, s, g, blocks, points);
    const bool says_something = s.points > 0 && 2 * s.points >= count;  // the same for the whole block
    if (says_something) {
      fit_robustly(t, s, g, points);
      bring_mean_to_one(t, s, g);
    }
    if (t.rank() < light_terms) log_light[c * light_terms + t.rank()] = says_something ? s.fit[t.rank()] : 0.0;
  }

 private:
  /// Logarithms of what is bright enough, weights of 1; how many; powers of the coordinates.
  constexpr void take_values(auto t, shared& s, light_grid g, const float* blocks, double* points) const {
    const int c = t.block().x, count = g.rows * g.columns;
    if (t.rank() == 0) {
      s.brightest = ordered_bits(0.0f);
      s.points = 0;
    }
    if (t.rank() < light_terms) s.fit[t.rank()] = 0;
    for (int i = t.rank(); i < 2 * sides; i += threads) {
      const bool of_u = i < sides;
      const int at = i % sides, extent = of_u ? g.columns : g.rows;
      if (at >= extent) continue;
      const double x = light_coordinate(at, extent);
      double power = 1;
      for (int k = 0; k < powers; ++k, power *= x) (of_u ? s.u : s.v)[k][at] = power;
    }
    t.sync();
    std::uint32_t brightest = 0;
    for (int p = t.rank(); p < count; p += threads)
      brightest = std::max(brightest, ordered_bits(blocks[p * g.channels + c]));
    t.atomic_max(&s.brightest, brightest);
    t.sync();
    const float least = value_of_bits(s.brightest) / 256;
    int taken = 0;
    for (int p = t.rank(); p < count; p += threads) {
      const float v = blocks[p * g.channels + c];
      const bool bright = v > least;
      points[p] = bright ? std::log(static_cast<double>(v)) : 0.0;
      points[count + p] = bright ? 1.0 : 0.0;
      points[2 * count + p] = bright ? 0.0 : -1.0;
      taken += bright;
    }
    t.atomic_add(&s.points, taken);
    t.sync();
  }

  /// As the processor's robust_fit: fit becomes the surface that most values follow.
  constexpr void fit_robustly(auto t, shared& s, light_grid g, double* points) const {
    const int count = g.rows * g.columns;
    double *const weights = points + count, *const distances = weights + count;
    fit_weighted(t, s, g, points);
    for (int leave_out = 0; leave_out < 2; ++leave_out)
      for (int round = 0; round < light_rounds; ++round) {
        for (int p = t.rank(); p < count; p += threads)
          if (distances[p] >= 0) distances[p] = std::abs(points[p] - surface(s, p / g.columns, p % g.columns));
        const double deviation = light_deviation(value_of_rank(t, s, distances, count, s.points / 2));
        if (!(deviation > least_light_deviation)) return;
        for (int p = t.rank(); p < count; p += threads)
          if (distances[p] >= 0) weights[p] = light_weight(distances[p], deviation, leave_out != 0);
        fit_weighted(t, s, g, points);
        if (s.change < light_settled) break;
      }
  }

  static constexpr double surface(const shared& s, int i, int j) {
    const double u = s.u[1][j], v = s.v[1][i];
    return s.fit[0] + s.fit[1] * u + s.fit[2] * v + s.fit[3] * (u * u) + s.fit[4] * (u * v) + s.fit[5] * (v * v);
  }

  /// The value of this rank by its bits, a byte after the other: what is not negative is ordered as its bits are, and what is
  /// comes behind.
  constexpr double value_of_rank(auto t, shared& s, const double* values, int count, int rank) const {
    std::uint64_t prefix = 0;
    for (int shift = 56; shift >= 0; shift -= 8) {
      s.counts[t.rank()] = 0;
      t.sync();
      for (int p = t.rank(); p < count; p += threads) {
        const std::uint64_t bits = std::bit_cast<std::uint64_t>(values[p]) >> shift;
        if (bits >> 8 == prefix) t.atomic_add(&s.counts[bits & 255u], 1);
      }
      t.sync();
      if (warp_of(t) == 0)
        find_rank(t, s.counts, threads / warp_size, rank, [&](int byte, int rest) {
          s.prefix = prefix << 8 | static_cast<std::uint64_t>(byte);
          s.rank = rest;
        });
      t.sync();
      prefix = s.prefix;
      rank = s.rank;
    }
    return std::bit_cast<double>(prefix);
  }
  /// fit by least squares, and by how much it changed. A warp owns rows, a lane a sum: their order depends on the shape alone.
  constexpr void fit_weighted(auto t, shared& s, light_grid g, const double* points) const {
    t.sync();  // weights are there, and everybody has read the fit
    const double* const weights = points + g.rows * g.columns;
    const int k = lane_of(t);
    if (k < sums) {
      const bool of_values = k >= moments;
      const int m = of_values ? k - moments : k;
      const int degree = (m >= 1) + (m >= 3) + (m >= 6) + (m >= 10), v_power = m - degree * (degree + 1) / 2,
                u_power = degree - v_power;
      double sum = 0;
      for (int i = warp_of(t); i < g.rows; i += warps)
        for (int j = 0; j < g.columns; ++j) {
          const int p = i * g.columns + j;
          const double term = s.u[u_power][j] * s.v[v_power][i];
          sum += weights[p] * term * (of_values ? points[p] : 1.0);
        }
      s.partial[warp_of(t)][k] = sum;
    }
    t.sync();
    if (t.rank() == 0) {
      for (int i = 0; i < light_terms; ++i) {
        for (int j = 0; j <= i; ++j) s.a[i][j] = total(s, product_of_terms(i, j));
        s.b[i] = total(s, moments + i);
      }
      solve_light(s.a, s.b, s.a[0][0]);
      s.change = 0;
      for (int i = 0; i < light_terms; ++i) {
        s.change = std::max(s.change, std::abs(s.b[i] - s.fit[i]));
        s.fit[i] = s.b[i];
      }
    }
    t.sync();
  }
  static constexpr double total(const shared& s, int k) {
    double sum = 0;
    for (int w = 0; w < warps; ++w) sum += s.partial[w][k];
    return sum;
  }
  /// Which moment the product of two terms sums up to.
  static constexpr int product_of_terms(int i, int j) {
    const int of_i = (i >= 1) + (i >= 3), of_j = (j >= 1) + (j >= 3);  // degrees
    const int v_power = i - of_i * (of_i + 1) / 2 + j - of_j * (of_j + 1) / 2, degree = of_i + of_j;
    return degree * (degree + 1) / 2 + v_power;
  }

  constexpr void bring_mean_to_one(auto t, shared& s, light_grid g) const {
    const int count = g.rows * g.columns;
    if (t.rank() == 0) s.fit[0] = 0;
    t.sync();
    double sum = 0;
    for (int p = t.rank(); p < count; p += threads) sum += std::exp(surface(s, p / g.columns, p % g.columns));
    s.tree[t.rank()] = sum;
    for (int half = threads / 2; half > 0; half /= 2) {
      t.sync();
      if (t.rank() < half) s.tree[t.rank()] += s.tree[t.rank() + half];
    }
    if (t.rank() == 0) s.fit[0] = -std::log(s.tree[0] / static_cast<double>(count));
    t.sync();
  }
};

/// What is the same along rows and columns of an image: u [W], then a, b [H,C,2] of a + b u + d u u.
struct light_along_rows {
  static constexpr std::string_view name = "divided_by: rows";
  int height, width, channels;
  const double* log_light;
  constexpr double operator()(int i) const {
    if (i < width) return light_coordinate(i, width);
    const int k = i - width, c = k / 2 % channels;
    const double v = light_coordinate(k / 2 / channels, height);
    const double* const p = log_light + c * light_terms;
    return k % 2 == 0 ? p[0] + p[2] * v + p[5] * v * v : p[1] + p[4] * v;
  }
};

struct without_light {
  static constexpr std::string_view name = "divided_by";
  int width, channels;
  const double *log_light, *along_rows;
  constexpr float operator()(int i, float pixel) const {
    const int c = i % channels, j = i / channels % width, row = i / channels / width;
    const double* const line = along_rows + width + 2 * (row * channels + c);
    const double u = along_rows[j], d = log_light[c * light_terms + 3];
    return pixel * std::exp(static_cast<float>(-(line[0] + (line[1] + d * u) * u)));
  }
};

}  // namespace detail

/// As the twin for the processor: the light that fell on an image [H,W,C], estimated from the image alone. log_light [C,6] is
/// the polynomial of each channel, the processor's but for the order of float64 sums. The same on every run. Throws shape_error
/// on an image without a pixel.
template <GpuDevice Device>
void estimate_illumination(context<Device>& ctx, view_on<const float, Device> pixels,
                           view_on<double, Device> log_light) {
  require_rank("estimate_illumination", 3, "an image [H,W,C]", pixels.shape());
  if (pixels.empty()) detail::throw_wrong_rank("estimate_illumination", "an image with a pixel", pixels.shape());
  require_shape("estimate_illumination", {pixels.extent(2), detail::light_terms}, log_light.shape());
  tensor<float, Device> blocks(ctx, {std::min(detail::most_light_blocks, pixels.extent(0)),
                                     std::min(detail::most_light_blocks, pixels.extent(1)), pixels.extent(2)});
  resize_image(ctx, pixels, blocks);
  const detail::light_grid g{static_cast<int>(blocks.extent(0)), static_cast<int>(blocks.extent(1)),
                             static_cast<int>(blocks.extent(2))};
  detail::counted("estimate_illumination", 3 * blocks.size());
  tensor<double, Device> points(ctx, {g.channels, 3, g.rows, g.columns});
  launch(ctx, {g.channels, 1, 1}, detail::estimate_illumination_kernel{}, g, std::as_const(blocks).data(),
         points.data(), log_light.data());
}

/// out = pixels [H,W,C] divided by the light that fell on them; out may be the pixels. Throws shape_error if channels differ.
template <GpuDevice Device>
void divided_by(context<Device>& ctx, view_on<const float, Device> pixels, view_on<const double, Device> log_light,
                view_on<float, Device> out) {
  require_rank("divided_by", 3, "an image [H,W,C]", pixels.shape());
  require_shape("divided_by", {pixels.extent(2), detail::light_terms}, log_light.shape());
  require_equal_shapes("divided_by", pixels, out);
  detail::counted("divided_by", pixels.size());
  const auto height = static_cast<int>(pixels.extent(0)), width = static_cast<int>(pixels.extent(1)),
             channels = static_cast<int>(pixels.extent(2));
  if (pixels.empty()) return;
  tensor<double, Device> along_rows(ctx, {width + index_t{2} * height * channels});
  detail::launch_map_singly(ctx, detail::light_along_rows{height, width, channels, log_light.data()}, along_rows.size(),
                            along_rows.data());
  detail::launch_map(ctx, detail::without_light{width, channels, log_light.data(), std::as_const(along_rows).data()},
                     out.size(), out.data(), pixels.data());
}

}  // namespace aixcell
