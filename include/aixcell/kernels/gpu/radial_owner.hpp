#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include <aixcell/kernels/gpu/dense_maps.hpp>

namespace aixcell {

struct radial_owner_options {
  int rays = 32;
  int first_channel = 0;    ///< of the polygons' logit in the output
  float distance_unit = 8;  ///< pixels
  float reach = 1.5f;       ///< greatest share of the outline's distance at which a pixel is given to anyone
};

namespace detail {

/// One thread a polygon and ray; channels of logarithms as star_boxes_kernel reads them.
struct ray_lengths_kernel {
  static constexpr std::string_view name = "radial_owner: lengths";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int stars, int rays, dense_channels logarithms, float unit, float most,
                            const std::int32_t* centres, float* lengths) const {
    const int i = global_rank(t);
    if (i >= stars * rays) return;
    const float length = std::exp(logarithms.at(centres[i / rays])[i % rays]) * unit;
    lengths[i] = length > 0 ? length < most ? length : most : 0.0f;  // a NaN becomes 0
  }
};

/// The square that a polygon can own pixels of.
struct star_square {
  int top, left, bottom, right;  // last row and column belong to it
  float longest;
};
struct star_squares_kernel {
  static constexpr std::string_view name = "radial_owner: squares";
  static constexpr int threads = 128;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int stars, int rays, int height, int width, float reach,
                            const std::int32_t* centres, const float* lengths, star_square* squares) const {
    const int i = global_rank(t);
    if (i >= stars) return;
    float longest = 0;
    for (int k = 0; k < rays; ++k) longest = longest < lengths[i * rays + k] ? lengths[i * rays + k] : longest;
    const auto most = static_cast<float>(height + width);
    const auto radius = static_cast<int>(std::ceil(reach * longest < most ? reach * longest : most));
    const int row = centres[i] / width, column = centres[i] % width;
    squares[i] = {row - radius, column - radius, row + radius, column + radius, longest};
  }
};

/// A block owns 16 x 16 pixels. It goes through the polygons in their order, 256 at a time: those whose square meets its own are
/// written down in order, then every pixel looks at them in order, as if they came one after another.
struct radial_owner_kernel {
  static constexpr std::string_view name = "radial_owner";
  static constexpr int threads = 256, edge = 16;
  struct shared {
    int near[threads];
    int warp_count[threads / warp_size];
  };
  constexpr void operator()(auto t, shared& s, int height, int width, int stars, radial_owner_options o,
                            const std::int32_t* centres, const float* lengths, const star_square* squares, float* share,
                            std::int32_t* labels) const {
    const int top = t.block().y * edge, left = t.block().x * edge, y = top + t.rank() / edge,
              x = left + t.rank() % edge;
    float best = o.reach;
    std::int32_t label = 0;
    for (int first = 0; first < stars; first += threads) {
      const int star = first + t.rank();
      bool meets = false;
      if (star < stars) {
        const star_square q = squares[star];
        meets = q.top < top + edge && q.bottom >= top && q.left < left + edge && q.right >= left;
      }
      const unsigned all = t.ballot(meets);
      if (lane_of(t) == 0) s.warp_count[warp_of(t)] = std::popcount(all);
      t.sync();
      int before = std::popcount(all & ((1u << lane_of(t)) - 1)), count = 0;
      for (int w = 0; w < threads / warp_size; ++w) {
        before += w < warp_of(t) ? s.warp_count[w] : 0;
        count += s.warp_count[w];
      }
      if (meets) s.near[before] = star;
      t.sync();
      for (int i = 0; i < count; ++i) {
        const int k = s.near[i], row = centres[k] / width, column = centres[k] % width;
        const auto dy = static_cast<float>(y - row), dx = static_cast<float>(x - column);
        const float distance = std::sqrt(dy * dy + dx * dx);
        if (distance > best * squares[k].longest) continue;  // whatever the direction
        const float outline = outline_at(lengths + k * o.rays, o.rays, dy, dx);
        if (!(distance < best * outline)) continue;
        best = distance / outline;
        label = k + 1;
      }
      t.sync();
    }
    if (y >= height || x >= width) return;
    share[y * width + x] = best;
    labels[y * width + x] = label;
  }

 private:
  /// Linear in the angle between rays.
  static constexpr float outline_at(const float* lengths, int rays, float dy, float dx) {
    float turn = std::atan2(dy, dx) * (0.5f / std::numbers::pi_v<float>)*static_cast<float>(rays);
    if (turn < 0) turn += static_cast<float>(rays);
    const int before = static_cast<int>(turn) % rays, after = before + 1 == rays ? 0 : before + 1;
    const float part = turn - std::floor(turn);
    return lengths[before] + part * (lengths[after] - lengths[before]);
  }
};

/// Pixels that flood and pixels that floods begin at; share becomes a landscape in [0,1].
struct refine_kernel {
  static constexpr std::string_view name = "refined_seeds";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int pixels, dense_channels logits, float threshold, float reach,
                            float* share, std::uint8_t* mask, std::int32_t* labels) const {
    const int p = global_rank(t);
    if (p >= pixels) return;
    const bool object = share[p] < reach && probability_of(logits.at(p)[0]) > threshold;
    mask[p] = object;
    if (!object || share[p] > 1) labels[p] = 0;
    share[p] /= reach;
  }
};

}  // namespace detail

/// Gives every pixel to the star-convex polygon in which it lies deepest, as detail::radial_owner of the processor: share [H,W]
/// is its distance from the centre as a share of the outline's, `reach` where nobody claims it, labels [H,W] is k + 1 for the
/// polygon of pixel centres[k], 0 for nobody. Of equal shares the earlier polygon has it.
///   output [H,W,K] as star_convex_nms      centres [count]
template <GpuDevice Device>
void radial_owner(context<Device>& ctx, view_on<const float, Device> output,
                  view_on<const std::int32_t, Device> centres, const radial_owner_options& o,
                  view_on<float, Device> share, view_on<std::int32_t, Device> labels) {
  const auto logarithms = detail::channels_from<Device>("radial_owner", output, o.first_channel + 1, o.rays);
  require_rank("radial_owner", 1, "centres [count]", centres.shape());
  require_shape("radial_owner", {output.extent(0), output.extent(1)}, share.shape());
  require_equal_shapes("radial_owner", share, labels);
  const auto height = static_cast<int>(output.extent(0)), width = static_cast<int>(output.extent(1));
  const int stars = detail::counted("radial_owner", centres.size() * o.rays) / o.rays;
  tensor<float, Device> lengths(ctx, {stars, o.rays});
  tensor<detail::star_square, Device> squares(ctx, {stars});
  launch(ctx, blocks_for(stars * o.rays, 256), detail::ray_lengths_kernel{}, stars, o.rays, logarithms, o.distance_unit,
         static_cast<float>(height + width), centres.data(), lengths.data());
  launch(ctx, blocks_for(stars, 128), detail::star_squares_kernel{}, stars, o.rays, height, width, o.reach,
         centres.data(), static_cast<const float*>(lengths.data()), squares.data());
  constexpr int edge = detail::radial_owner_kernel::edge;
  launch(ctx, {(width + edge - 1) / edge, (height + edge - 1) / edge, 1}, detail::radial_owner_kernel{}, height, width,
         stars, o, centres.data(), static_cast<const float*>(lengths.data()),
         static_cast<const detail::star_square*>(squares.data()), share.data(), labels.data());
}

/// What floods where polygons say which objects there are and a probability where they end: mask [H,W] is 1 where the share is
/// below `reach` and the probability of the logit in `channel` above the threshold; labels outside the mask or beyond the
/// outline become 0; the share is divided by `reach`, a landscape in [0,1].
template <GpuDevice Device>
void refined_seeds(context<Device>& ctx, view_on<const float, Device> output, int channel, float threshold, float reach,
                   view_on<float, Device> share, view_on<std::uint8_t, Device> mask,
                   view_on<std::int32_t, Device> labels) {
  const auto logits = detail::channels_from<Device>("refined_seeds", output, channel, 1);
  require_shape("refined_seeds", {output.extent(0), output.extent(1)}, share.shape());
  require_equal_shapes("refined_seeds", share, mask, labels);
  launch(ctx, blocks_for(mask.size(), 256), detail::refine_kernel{}, static_cast<int>(mask.size()), logits, threshold,
         reach, share.data(), mask.data(), labels.data());
}

}  // namespace aixcell
