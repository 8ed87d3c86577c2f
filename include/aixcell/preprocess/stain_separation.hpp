#pragma once
#include <numbers>
#include <vector>

#include <aixcell/preprocess/colour_deconvolution.hpp>
#include <aixcell/preprocess/detail/sampled_pixels.hpp>
#include <aixcell/preprocess/percentile.hpp>

namespace aixcell {

namespace detail {

/// Eigenvectors of a symmetric matrix, the one of the greatest eigenvalue first: cyclic Jacobi rotations.
inline std::array<stain, 3> eigenvectors(std::array<stain, 3> a) {
  std::array<stain, 3> v{stain{1, 0, 0}, stain{0, 1, 0}, stain{0, 0, 1}};  // rows
  for (int sweep = 0; sweep < 30; ++sweep)
    for (std::size_t p = 0; p < 2; ++p)
      for (std::size_t q = p + 1; q < 3; ++q) {
        if (a[p][q] == 0) continue;
        const double angle = 0.5 * std::atan2(2 * a[p][q], a[q][q] - a[p][p]);
        const double c = std::cos(angle), s = std::sin(angle);
        for (std::size_t k = 0; k < 3; ++k) {
          const double x = a[k][p], y = a[k][q];
          a[k][p] = c * x - s * y, a[k][q] = s * x + c * y;
        }
        for (std::size_t k = 0; k < 3; ++k) {
          const double x = a[p][k], y = a[q][k];
          a[p][k] = c * x - s * y, a[q][k] = s * x + c * y;
        }
        for (std::size_t k = 0; k < 3; ++k) {
          const double x = v[p][k], y = v[q][k];
          v[p][k] = c * x - s * y, v[q][k] = s * x + c * y;
        }
      }
  std::array<std::size_t, 3> order{0, 1, 2};
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return a[i][i] > a[j][j]; });
  return {v[order[0]], v[order[1]], v[order[2]]};
}

}  // namespace detail

/// Colour deconvolution by stains that are found in the training images (Macenko et al., ISBI 2009): optical densities of
/// a mixture of two stains lie in a plane, between the two; robust extreme directions in that plane are the stains.
/// Laboratories and scanners differ in colour, so this fits them better than stains from a book. Gray pixels, also those
/// of gray images stored as RGB, tell nothing and have no vote; where no two colours are found, haematoxylin and
/// eosin are taken.
///   in, out  as colour_deconvolution: [H,W,3], the stain that takes more red light (haematoxylin) first, the residual last
struct stain_separation {
  static constexpr std::string_view name = "stain_separation";
  static constexpr int channels_out(int) { return 3; }
  static constexpr bool accepts_channels(int channels_in) { return channels_in == 3; }

  struct state {
    std::vector<float> stains;  ///< [2,3], of length 1
    static void for_each_member(auto& self, auto&& visit) { visit("stains", self.stains); }
    friend bool operator==(const state&, const state&) = default;
  };

  state fit(context<cpu>& ctx, const example_source& training) const {
    const detail::pixel_samples samples = detail::sampled_pixels(ctx, name, training, {.in_all = 1 << 20});
    detail::require_rgb(name, {1, 1, samples.channels});
    std::vector<detail::stain> densities;
    for (const std::vector<float>& pixels : samples.images) collect(pixels, densities);
    const std::array<detail::stain, 2> found = two_stains(densities);
    state s;
    for (const detail::stain& one : found)
      for (const double part : one) s.stains.push_back(static_cast<float>(part));
    return s;
  }

  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels, const state& s) const {
    detail::require_rgb(name, pixels.shape());
    return detail::unmixed(ctx, pixels, colours(s));
  }

  /// Of the stains and of what neither of them explains, of length 1. Throws shape_error before `fit`.
  static std::array<detail::stain, 3> colours(const state& s) {
    if (s.stains.size() != 6)
      throw shape_error("stain_separation: expected 6 numbers that describe two stains, found " +
                        std::to_string(s.stains.size()) + "; fit the policy first");
    std::array<detail::stain, 3> all{};
    for (std::size_t i = 0; i < 6; ++i) all[i / 3][i % 3] = static_cast<double>(s.stains[i]);
    all[2] = detail::normalised(detail::cross(all[0], all[1]));
    return all;
  }

 private:
  /// Densities of the pixels that are stained and coloured.
  static void collect(const std::vector<float>& pixels, std::vector<detail::stain>& densities) {
    constexpr double least = 0.15 / std::numbers::ln10;  // Macenko's threshold, there with natural logarithms
    const float white =
        detail::white_level(view<const float, cpu>(pixels.data(), shape{static_cast<index_t>(pixels.size())}));
    for (std::size_t p = 0; p + 2 < pixels.size(); p += 3) {
      detail::stain d{};
      for (std::size_t c = 0; c < 3; ++c) d[c] = static_cast<double>(detail::optical_density(pixels[p + c], white));
      const auto [low, high] = std::minmax({d[0], d[1], d[2]});
      if (low > least && high - low > 0.15 * high) densities.push_back(d);
    }
  }

  static std::array<detail::stain, 2> two_stains(const std::vector<detail::stain>& densities) {
    using detail::stain;
    const std::array<stain, 2> by_the_book{detail::normalised(detail::haematoxylin), detail::normalised(detail::eosin)};
    if (densities.size() < 100) return by_the_book;
    std::array<stain, 3> moments{};
    for (const stain& d : densities)
      for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 3; ++j) moments[i][j] += d[i] * d[j] / static_cast<double>(densities.size());
    const std::array<stain, 3> axes = detail::eigenvectors(moments);
    stain along = axes[0];
    const stain across = axes[1];
    if (along[0] + along[1] + along[2] < 0) along = {-along[0], -along[1], -along[2]};
    std::vector<float> angles;
    for (const stain& d : densities)
      angles.push_back(static_cast<float>(std::atan2(detail::dot(d, across), detail::dot(d, along))));
    const auto direction = [&](double percent) {
      const auto angle = static_cast<double>(percentile_of(angles, percent));
      stain s;
      for (std::size_t c = 0; c < 3; ++c) s[c] = along[c] * std::cos(angle) + across[c] * std::sin(angle);
      return detail::normalised(s);
    };
    stain first = direction(1), second = direction(99);
    // Two stains less than 5 degrees apart are one.
    if (detail::dot(first, second) > std::cos(5 * std::numbers::pi / 180)) return by_the_book;
    if (first[0] < second[0]) std::swap(first, second);
    return {first, second};
  }
};
static_assert(Preprocess<stain_separation>);

}  // namespace aixcell
