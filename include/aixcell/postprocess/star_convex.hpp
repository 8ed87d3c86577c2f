#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/kernels/cpu/distance_transform.hpp>
#include <aixcell/kernels/cpu/ranked_pixels.hpp>
#include <aixcell/losses/binary_cross_entropy.hpp>
#include <aixcell/losses/loss_term.hpp>
#include <aixcell/losses/polar_iou.hpp>
#include <aixcell/postprocess/channel_offsets.hpp>
#include <aixcell/postprocess/detail/object_depths.hpp>
#include <aixcell/postprocess/detail/polygon_canvas.hpp>
#include <aixcell/postprocess/detail/ray_distances.hpp>
#include <aixcell/postprocess/detail/require_maps.hpp>

namespace aixcell {

namespace detail {
/// `star_convex32`
template <int Rays>
struct star_convex_name {
  static constexpr std::string_view stem = "star_convex";
  static constexpr int digits = Rays < 10 ? 1 : Rays < 100 ? 2 : 3;
  static constexpr auto text = [] {
    std::array<char, stem.size() + digits> all{};
    for (std::size_t i = 0; i < stem.size(); ++i) all[i] = stem[i];
    for (int d = digits, rest = Rays; d > 0; --d, rest /= 10)
      all[stem.size() + static_cast<std::size_t>(d) - 1] = static_cast<char>('0' + rest % 10);
    return all;
  }();
};

/// Rows and columns that a step of one pixel along each ray is.
template <int Rays>
inline const std::array<ray, Rays> ray_directions = [] {
  std::array<ray, Rays> all;
  for (int k = 0; k < Rays; ++k) {
    const double angle = 2 * std::numbers::pi * k / Rays;
    all[static_cast<std::size_t>(k)] = {std::sin(angle), std::cos(angle)};
  }
  return all;
}();
}  // namespace detail

/// Roundish objects as star-convex polygons (Schmidt et al. 2018): every pixel says how likely it is well inside an
/// object and how far the object's outline is in `Rays` directions; the best polygons that do not overlap much are
/// kept.
///   target   [H,W,1+Rays] object probability (distance to the outside, 1 at the object's deepest pixel; -1 where nobody
///            knows), then distances along the rays in units of `distance_unit` pixels
///   output   [H,W,1+Rays] logit of the probability, natural logarithms of the distances in the same unit
/// Ray k points to angle 2 pi k / Rays, from the direction of increasing columns towards increasing rows.
template <int Rays>
struct star_convex {
  static_assert(Rays >= 4 && Rays <= 256 && Rays % 2 == 0,
                "star_convex needs an even number of rays, 4 to 256: mirroring an image must map rays onto rays");

  static constexpr std::string_view name{detail::star_convex_name<Rays>::text.data(),
                                         detail::star_convex_name<Rays>::text.size()};
  static constexpr task solves = task::instance_segmentation;
  static constexpr int channels = 1 + Rays;
  static constexpr int feature_channels = 64;  ///< the rays need more than a thin decoder's map (StarDist: 128)
  static constexpr float distance_unit = 8;    ///< pixels: what an untrained output of 0 means

  float distance_weight = 1.0f;        ///< of the distances in the loss
  float probability_threshold = 0.5f;  ///< of a polygon's centre
  float overlap_threshold = 0.4f;      ///< greatest share of the smaller of two polygons that both may cover
  int min_area = 4;                    ///< pixels; smaller polygons are noise

  static constexpr auto hyperparameters() {
    return std::tuple{
        hyperparameter{"distance_weight", &star_convex::distance_weight, 0.2f, 5.0f, scale::logarithmic},
        decoding(hyperparameter{"probability_threshold", &star_convex::probability_threshold, 0.2f, 0.8f}),
        decoding(hyperparameter{"overlap_threshold", &star_convex::overlap_threshold, 0.1f, 0.7f}),
        decoding(hyperparameter{"min_area", &star_convex::min_area, 1, 64})};
  }

  int output_channels() const { return channels; }
  int target_channels() const { return channels; }

  tensor<float> target(context<cpu>& ctx, const annotation& truth) const {
    require_rank(name, 2, "a label map [H,W]", truth.labels.shape());
    tensor<float> t({truth.labels.extent(0), truth.labels.extent(1), channels});
    write_target(ctx, truth.labels, t, 0);
    return t;
  }

  /// Into channels `first`.. of a target that holds more.
  void write_target(context<cpu>& ctx, view<const std::int32_t, cpu> labels, view<float, cpu> t, int first) const {
    tensor<float> distance(labels.shape());
    distance_to_outside(ctx, labels, distance);
    const std::vector<float> deepest = detail::object_depths(labels, distance);
    const detail::ray_distances rays(labels, detail::ray_directions<Rays>);
    const index_t width = labels.extent(1);
    parallel_for(ctx, labels.extent(0), [&](index_t i) {
      for (index_t j = 0; j < width; ++j) {
        float* to = &t(i, j, first);
        const std::int32_t label = labels(i, j);
        std::fill_n(to, channels, 0.0f);
        to[0] = label < 0 ? -1.0f : label > 0 ? distance(i, j) / deepest[static_cast<std::size_t>(label)] : 0.0f;
        if (label > 0)
          for (int k = 0; k < Rays; ++k) to[1 + k] = rays.from(i, j, static_cast<std::size_t>(k)) / distance_unit;
      }
    });
  }

  template <class Real>
  double loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
              view<Real, cpu> gradient) const {
    std::fill(gradient.begin(), gradient.end(), Real(0));
    return add_loss<Real>(ctx, output, target, gradient, {});
  }

  /// Distances count by the probability of their pixel: what is well inside decides the polygons. The loss is one of whole
  /// polygons; it learns in half the steps of an absolute error of each distance (docs/results.md).
  auto loss_terms(channel_offsets at) const {
    return std::tuple{loss_term{binary_cross_entropy{}, channel_range{at.output, 1}, at.target},
                      loss_term{polar_iou{}, channel_range{at.output + 1, Rays}, at.target + 1, at.target,
                                static_cast<double>(distance_weight)}};
  }

  template <class Real>
  double add_loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
                  view<Real, cpu> gradient, channel_offsets at) const {
    return add_losses<Real>(ctx, loss_terms(at), output, target, gradient);
  }

  prediction decode(context<cpu>& ctx, view<const float, cpu> output) const { return decode_at(ctx, output, 0); }

  prediction decode_at(context<cpu>& ctx, view<const float, cpu> output, int first) const {
    prediction found;
    found.labels = label_map({output.extent(0), output.extent(1)});
    for (const star& s : draw_stars(ctx, output, first, found.labels)) {
      found.objects.emplace_back();
      found.objects.back().score = s.score;
    }
    return found;
  }

  /// A polygon that was kept.
  struct star {
    index_t centre;                   ///< pixel
    float score;                      ///< its probability
    std::array<float, Rays> lengths;  ///< distances along the rays, pixels
  };

  /// Non-maximum suppression, best first, on a canvas: a centre that a better polygon covers is out at once, so that
  /// hardly more than one polygon for each object is drawn. Overlap is measured as in StarDist's code, by the smaller
  /// of two polygons, so that a fragment inside an object is no second object. `labels` [H,W] must be 0; star i is drawn
  /// as label i + 1.
  std::vector<star> draw_stars(const context<cpu>& ctx, view<const float, cpu> output, int first,
                               view<std::int32_t, cpu> labels) const {
    detail::require_output(name, output, first + channels);
    const index_t height = output.extent(0), width = output.extent(1), stride = output.extent(2);
    const float least = std::log(probability_threshold / (1 - probability_threshold));
    std::vector<star> kept;
    detail::polygon_canvas canvas(labels, {.most_overlap = overlap_threshold, .least_area = min_area});
    std::array<detail::canvas_point, Rays> corners;
    const auto longest = static_cast<float>(height + width);
    for (const ranked_pixel& c : ranked_pixels(ctx, output, first, least)) {
      const index_t pixel = c.pixel;
      if (labels[pixel] != 0) continue;
      star s{pixel, 1 / (1 + std::exp(-c.value)), {}};
      const float* logarithms = output.data() + pixel * stride + first + 1;
      for (std::size_t k = 0; k < Rays; ++k) {
        // In this order a NaN becomes 0.
        s.lengths[k] = std::min(longest, std::max(0.0f, std::exp(logarithms[k]) * distance_unit));
        const auto d = static_cast<double>(s.lengths[k]);
        const detail::ray& along = detail::ray_directions<Rays>[k];
        corners[k] = {static_cast<double>(pixel / width) + d * along.dy,
                      static_cast<double>(pixel % width) + d * along.dx};
      }
      if (canvas.draw(corners)) kept.push_back(s);
    }
    return kept;
  }
  std::vector<star> draw_stars(view<const float, cpu> output, int first, view<std::int32_t, cpu> labels) const {
    return draw_stars(context<cpu>(1), output, first, labels);
  }

  /// Channels of a mirrored map, back to the directions of the image.
  void flip(view<float, cpu> dense, mirror m) const {
    std::array<float, Rays> turned;
    const index_t channel_count = dense.extent(2);
    for (float* p = dense.data(); p != dense.data() + dense.size(); p += channel_count) {
      for (int k = 0; k < Rays; ++k) {
        const int from = m == mirror::horizontal ? (Rays / 2 - k + Rays) % Rays : (Rays - k) % Rays;
        turned[static_cast<std::size_t>(k)] = p[1 + from];
      }
      std::copy(turned.begin(), turned.end(), p + 1);
    }
  }
};
static_assert(Postprocess<star_convex<32>>);

}  // namespace aixcell
