#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/joined_names.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/losses/binary_cross_entropy.hpp>
#include <aixcell/losses/loss_term.hpp>
#include <aixcell/postprocess/channel_offsets.hpp>
#include <aixcell/postprocess/detail/radial_owner.hpp>
#include <aixcell/postprocess/detail/require_maps.hpp>
#include <aixcell/postprocess/detail/seeded_objects.hpp>
#include <aixcell/postprocess/star_convex.hpp>

namespace aixcell {

/// Star-convex polygons that say which objects there are, and a probability for every pixel that says where they end.
/// Polygons separate touching objects well but follow outlines only as well as a few dozen distances can be guessed, so
/// that they lose to classes of pixels where masks must agree closely (Schmidt et al. 2018, table 1, IoU above 0.75).
/// A pixel of an object goes to the polygon that it lies deepest in, by its distance from the centre as a share of the
/// outline's; what lies a little outside of all polygons floods from those inside; what is no object's pixel is none,
/// whatever polygon covers it.
///   target   [H,W,1+Rays+1] that of star_convex, then 1 in objects, 0 outside, -1 where nobody knows
///   output   [H,W,1+Rays+1] that of star_convex, then the logit of an object's pixel
template <int Rays>
struct refined_star_convex {
  struct refined {
    static constexpr std::string_view name = "refined";
  };
  static constexpr std::string_view name = detail::joined_names<refined, star_convex<Rays>>::value;
  static constexpr task solves = task::instance_segmentation;
  static constexpr int channels = star_convex<Rays>::channels + 1;
  static constexpr int feature_channels = star_convex<Rays>::feature_channels;

  star_convex<Rays> polygons;
  float object_threshold = 0.5f;  ///< probability of an object's pixel
  float pixel_weight = 1.0f;      ///< of the pixels' term in the loss; more costs objects (docs/results.md)
  float reach = 1.5f;  ///< how far beyond a polygon its object may go, as a multiple of the outline's distance

  static constexpr auto hyperparameters() {
    return std::tuple{decoding(hyperparameter{"object_threshold", &refined_star_convex::object_threshold, 0.2f, 0.8f}),
                      decoding(hyperparameter{"reach", &refined_star_convex::reach, 1.0f, 2.5f})};
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
    polygons.write_target(ctx, labels, t, first);
    for (index_t p = 0; p < labels.size(); ++p)
      t[p * t.extent(2) + first + pixel_channel] = labels[p] < 0 ? -1.0f : labels[p] > 0 ? 1.0f : 0.0f;
  }

  template <class Real>
  double loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
              view<Real, cpu> gradient) const {
    std::fill(gradient.begin(), gradient.end(), Real(0));
    return add_loss<Real>(ctx, output, target, gradient, {});
  }

  auto loss_terms(channel_offsets at) const {
    return std::tuple_cat(polygons.loss_terms(at),
                          std::tuple{loss_term{binary_cross_entropy{}, channel_range{at.output + pixel_channel, 1},
                                               at.target + pixel_channel, -1, static_cast<double>(pixel_weight)}});
  }

  template <class Real>
  double add_loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
                  view<Real, cpu> gradient, channel_offsets at) const {
    return add_losses<Real>(ctx, loss_terms(at), output, target, gradient);
  }

  prediction decode(context<cpu>& ctx, view<const float, cpu> output) const { return decode_at(ctx, output, 0); }

  /// From `channels` channels of an output that holds more.
  prediction decode_at(context<cpu>& ctx, view<const float, cpu> output, int first) const {
    detail::require_output(name, output, first + channels);
    const index_t height = output.extent(0), width = output.extent(1);
    label_map labels({height, width});
    const auto stars = polygons.draw_stars(ctx, output, first, labels);
    // How far out each pixel is: 0 at the centre of the nearest polygon, 1 on its outline.
    tensor<float> share({height, width});
    share.fill(reach);
    detail::radial_owner owner(share, labels);
    for (std::size_t k = 0; k < stars.size(); ++k)
      owner.claim(static_cast<std::int32_t>(k + 1), stars[k].centre, stars[k].lengths);

    tensor<std::uint8_t> mask({height, width});
    for (index_t p = 0; p < mask.size(); ++p) {
      const float logit = output[p * output.extent(2) + first + pixel_channel];
      mask[p] = share[p] < reach && 1 / (1 + std::exp(-logit)) > object_threshold;
      if (!mask[p] || share[p] > 1) labels[p] = 0;
      share[p] /= reach;
    }
    watershed(ctx, share, mask, labels);
    prediction found;
    const std::vector<std::int32_t> number =
        detail::number_objects(ctx, labels, detail::sums_of_labels(labels).areas, polygons.min_area);
    for (std::size_t k = 0; k < stars.size(); ++k) {
      if (k + 1 >= number.size() || number[k + 1] == 0) continue;
      found.objects.emplace_back();
      found.objects.back().score = stars[k].score;
    }
    found.labels = std::move(labels);
    return found;
  }

  /// Channels of a mirrored map, back to the directions of the image.
  void flip(view<float, cpu> dense, mirror m) const { polygons.flip(dense, m); }

 private:
  static constexpr int pixel_channel = star_convex<Rays>::channels;
};
static_assert(Postprocess<refined_star_convex<32>>);

/// The tunables of the polygons, then its own.
template <int Rays, class Function>
void for_each_hyperparameter(refined_star_convex<Rays>& policy, Function&& f) {
  for_each_hyperparameter(policy.polygons, f);
  std::apply([&](const auto&... h) { (f(h, policy.*(h.member)), ...); }, refined_star_convex<Rays>::hyperparameters());
}

}  // namespace aixcell
