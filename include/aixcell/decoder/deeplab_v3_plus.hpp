#pragma once
#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/decoder/detail/image_context.hpp>
#include <aixcell/decoder/detail/to_image.hpp>
#include <aixcell/kernels/elementwise.hpp>
#include <aixcell/layers/concatenation.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/separable_unit.hpp>
#include <aixcell/layers/up_sampling.hpp>

namespace aixcell {

/// DeepLabv3+ (Chen et al. 2018): dilated convolutions of several rates and the mean of the image look at the coarse
/// features from far and near (ASPP), a convolution joins them with the fine features of stride 4.
///   in   feature levels, finest first, strides doubling        out  [N,H,W,32] at the resolution of the image
/// The rates 12, 24, 36 are those of output stride 16, so that a coarsest level of stride 32 is enlarged to 16 first (the
/// paper dilates the encoder's last stage instead, which keeps its resolution). Without levels of these strides the
/// finest and the coarsest take their places. The mean of the image is not normalised; there is no dropout.
struct deeplab_v3_plus {
  static constexpr std::string_view name = "deeplab_v3_plus";
  static constexpr std::size_t levels_needed = 2;
  static constexpr int channels = 256, fine_channels = 48;
  static constexpr std::array<int, 3> rates{12, 24, 36};
  static constexpr int output_channels(std::span<const feature_level>) { return 32; }

  /// The level of stride 4, or the finest.
  static constexpr std::size_t fine_level(std::span<const feature_level> levels) {
    for (std::size_t i = 0; i + 1 < levels.size(); ++i)
      if (levels[i].stride == 4) return i;
    return 0;
  }

  template <class Device, class Real>
  struct network {
    using unit = conv_norm_act<Device, Real>;
    using separable = separable_unit<Device, Real>;
    using features = tensor<Real, Device>;

    struct saved {
      typename up_sampling<Device, Real>::saved enlarge, to_fine;
      typename unit::saved near, merge, narrow;
      std::array<typename separable::saved, 3> far;
      typename detail::image_context<Device, Real>::saved mean;
      typename detail::to_image<Device, Real>::saved last;
      std::array<typename concatenation<Device, Real>::saved, 4> joins;
      typename separable::saved smooth, refine;
      typename concatenation<Device, Real>::saved join_fine;
    };

    network(context<Device>& ctx, std::span<const feature_level> levels, random_stream& random)
        : fine(fine_level(levels)), count(levels.size()), enlarges(levels.back().stride == 32) {
      const int coarse = levels.back().channels;
      near = {ctx, {.inputs = coarse, .outputs = channels, .kernel = 1}, random};
      for (const int rate : rates)
        far.emplace_back(ctx, separable_unit_options{.inputs = coarse, .outputs = channels, .dilation = rate}, random);
      mean = {ctx, coarse, channels, random};
      merge = {ctx, {.inputs = 5 * channels, .outputs = channels, .kernel = 1}, random};
      smooth = {ctx, {.inputs = channels, .outputs = channels}, random};
      narrow = {ctx, {.inputs = levels[fine].channels, .outputs = fine_channels, .kernel = 1}, random};
      refine = {ctx, {.inputs = channels + fine_channels, .outputs = channels}, random};
      last = {ctx, channels, deeplab_v3_plus::output_channels(levels), random};
    }

    int output_channels() const { return deeplab_v3_plus::output_channels({}); }

    features forward(context<Device>& ctx, std::vector<features> levels, index_t height, index_t width,
                     saved* keep) const {
      const auto fine_features = std::move(levels[fine]);
      auto x = std::move(levels.back());
      levels.clear();
      if (enlarges) x = bilinear.forward(ctx, x, size_at_stride({height, width}, 16), keep ? &keep->enlarge : nullptr);
      auto y = near.forward(ctx, x, keep ? &keep->near : nullptr);
      for (std::size_t i = 0; i < far.size(); ++i)
        y = join.forward(ctx, y, far[i].forward(ctx, x, keep ? &keep->far[i] : nullptr),
                         keep ? &keep->joins[i] : nullptr);
      y = join.forward(ctx, y, mean.forward(ctx, x, keep ? &keep->mean : nullptr), keep ? &keep->joins[3] : nullptr);
      y = merge.forward(ctx, y, keep ? &keep->merge : nullptr);
      y = smooth.forward(ctx, y, keep ? &keep->smooth : nullptr);
      y = bilinear.forward(ctx, y, size_of(fine_features.shape()), keep ? &keep->to_fine : nullptr);
      y = join.forward(ctx, y, narrow.forward(ctx, fine_features, keep ? &keep->narrow : nullptr),
                       keep ? &keep->join_fine : nullptr);
      y = refine.forward(ctx, y, keep ? &keep->refine : nullptr);
      return last.forward(ctx, y, {height, width}, keep ? &keep->last : nullptr);
    }

    /// Gradients of the levels, in their order; empty for those not used.
    std::vector<features> backward(context<Device>& ctx, features dy, saved& kept) {
      std::vector<features> dlevels(count);
      dy = last.backward(ctx, std::move(dy), kept.last);
      auto d = join.backward(ctx, refine.backward(ctx, std::move(dy), kept.refine), kept.join_fine);
      dlevels[fine] = narrow.backward(ctx, std::move(d.db), kept.narrow);
      dy = smooth.backward(ctx, bilinear.backward(ctx, std::move(d.da), kept.to_fine), kept.smooth);
      dy = merge.backward(ctx, std::move(dy), kept.merge);
      d = join.backward(ctx, std::move(dy), kept.joins[3]);
      auto dx = mean.backward(ctx, std::move(d.db), kept.mean);
      for (std::size_t i = far.size(); i-- > 0;) {
        d = join.backward(ctx, std::move(d.da), kept.joins[i]);
        accumulate<Real>(ctx, far[i].backward(ctx, std::move(d.db), kept.far[i]), dx);
      }
      accumulate<Real>(ctx, near.backward(ctx, std::move(d.da), kept.near), dx);
      dlevels.back() = enlarges ? bilinear.backward(ctx, std::move(dx), kept.enlarge) : std::move(dx);
      kept = {};
      return dlevels;
    }

    static void for_each_member(auto& self, auto&& visit) {
      visit("aspp.near", self.near);
      visit("aspp.far", self.far);
      visit("aspp.mean", self.mean);
      visit("aspp.merge", self.merge);
      visit("smooth", self.smooth);
      visit("narrow", self.narrow);
      visit("refine", self.refine);
      visit("last", self.last);
    }

    std::size_t fine, count;
    bool enlarges;
    unit near;
    std::vector<separable> far;
    detail::image_context<Device, Real> mean;
    unit merge, narrow;
    separable smooth, refine;
    detail::to_image<Device, Real> last;
    up_sampling<Device, Real> bilinear{interpolation::bilinear};
    concatenation<Device, Real> join;
  };
};

static_assert(DecoderStage<deeplab_v3_plus>);

}  // namespace aixcell
