#pragma once
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/decoder/detail/to_image.hpp>
#include <aixcell/kernels/elementwise.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/convolution.hpp>
#include <aixcell/layers/up_sampling.hpp>

namespace aixcell {

/// Feature pyramid (Lin et al. 2017) with the segmentation branch of Kirillov et al. (2019, fig. 3): 1x1 convolutions
/// bring every level to 128 channels, coarse levels are enlarged and added to finer ones; from each pyramid level 3x3
/// convolutions (group normalisation, ReLU, 64 channels) and bilinear enlargement lead to stride 4, where all are
/// added. Channels are half of the papers', whose sizes are for GPUs; no dropout.
///   in   feature levels, finest first, strides doubling        out  [N,H,W,32] at the resolution of the image
/// Levels finer than stride 4 are not used, unless the encoder has no level of stride 4: then its finest level takes
/// that place. All convolutions run at stride 4 or coarser: a last 1x1 convolution reduces to 32 channels before the
/// bilinear enlargement to the image, with which it commutes, so that the dense map costs no arithmetic to speak of.
struct fpn {
  static constexpr std::string_view name = "fpn";
  static constexpr std::size_t levels_needed = 2;
  static constexpr int pyramid_channels = 128, branch_channels = 64, branch_groups = 16;
  static constexpr int output_channels(std::span<const feature_level>) { return 32; }

  /// The level where the branches meet.
  static constexpr std::size_t merged_level(std::span<const feature_level> levels) {
    for (std::size_t i = 0; i < levels.size(); ++i)
      if (levels[i].stride == 4) return i;
    return 0;
  }

  template <class Device, class Real>
  struct network {
    using unit = conv_norm_act<Device, Real, group_norm>;

    struct unit_saved {
      typename unit::saved conv;
      typename up_sampling<Device, Real>::saved up;
    };
    struct saved {
      std::vector<typename convolution<Device, Real>::saved> laterals;
      std::vector<typename up_sampling<Device, Real>::saved> downs;  ///< from pyramid level i + 1 to i
      std::vector<std::vector<unit_saved>> branches;
      typename detail::to_image<Device, Real>::saved last;
    };

    network(context<Device>& ctx, std::span<const feature_level> levels, random_stream& random)
        : unused(merged_level(levels)) {
      for (std::size_t i = unused; i < levels.size(); ++i) {
        laterals.emplace_back(
            ctx, convolution_options{.inputs = levels[i].channels, .outputs = pyramid_channels, .kernel = 1}, random);
        std::vector<unit> branch;
        for (std::size_t k = 0; k == 0 || k < i - unused; ++k)
          branch.emplace_back(ctx,
                              conv_norm_act_options{.inputs = k == 0 ? pyramid_channels : branch_channels,
                                                    .outputs = branch_channels,
                                                    .norm_groups = branch_groups},
                              random);
        branches.push_back(std::move(branch));
      }
      last = {ctx, branch_channels, fpn::output_channels(levels), random};
    }

    int output_channels() const { return fpn::output_channels({}); }

    tensor<Real, Device> forward(context<Device>& ctx, std::vector<tensor<Real, Device>> levels, index_t height,
                                 index_t width, saved* keep) const {
      const std::size_t count = laterals.size();
      std::vector<image_size> sizes;
      for (std::size_t i = 0; i < count; ++i) sizes.push_back(size_of(levels[unused + i].shape()));
      if (keep) keep->laterals.resize(count), keep->downs.resize(count), keep->branches.resize(count);
      tensor<Real, Device> pyramid, sum;
      for (std::size_t i = count; i-- > 0;) {
        const auto level = std::exchange(levels[unused + i], {});
        auto p = laterals[i].forward(ctx, level, keep ? &keep->laterals[i] : nullptr);
        if (i + 1 < count)
          accumulate<Real>(ctx, nearest.forward(ctx, pyramid, sizes[i], keep ? &keep->downs[i] : nullptr), p);
        pyramid = p;
        if (keep) keep->branches[i].resize(branches[i].size());
        for (std::size_t k = 0; k < branches[i].size(); ++k) {
          unit_saved* s = keep ? &keep->branches[i][k] : nullptr;
          p = branches[i][k].forward(ctx, p, s ? &s->conv : nullptr);
          if (i > 0) p = bilinear.forward(ctx, p, sizes[i - 1 - k], s ? &s->up : nullptr);
        }
        if (sum.empty())
          sum = std::move(p);
        else
          accumulate<Real>(ctx, p, sum);
      }
      pyramid = {};
      return last.forward(ctx, sum, {height, width}, keep ? &keep->last : nullptr);
    }

    /// Gradients of the levels, in their order; empty for those not used.
    std::vector<tensor<Real, Device>> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
      dy = last.backward(ctx, std::move(dy), kept.last);
      std::vector<tensor<Real, Device>> dlevels(unused);
      tensor<Real, Device> from_finer;
      for (std::size_t i = 0; i < laterals.size(); ++i) {
        auto d = dy;
        for (std::size_t k = branches[i].size(); k-- > 0;) {
          unit_saved& s = kept.branches[i][k];
          if (i > 0) d = bilinear.backward(ctx, std::move(d), s.up);
          d = branches[i][k].backward(ctx, std::move(d), s.conv);
        }
        if (i > 0) accumulate<Real>(ctx, std::exchange(from_finer, {}), d);
        if (i + 1 < laterals.size()) from_finer = nearest.backward(ctx, d, kept.downs[i]);
        dlevels.push_back(laterals[i].backward(ctx, std::move(d), kept.laterals[i]));
      }
      kept = {};
      return dlevels;
    }

    static void for_each_member(auto& self, auto&& visit) {
      visit("lateral", self.laterals);
      visit("branch", self.branches);
      visit("last", self.last);
    }

    std::size_t unused;                               ///< levels finer than the merged one
    std::vector<convolution<Device, Real>> laterals;  ///< finest first
    std::vector<std::vector<unit>> branches;
    detail::to_image<Device, Real> last;
    up_sampling<Device, Real> nearest{interpolation::nearest};
    up_sampling<Device, Real> bilinear{interpolation::bilinear};
  };
};

static_assert(DecoderStage<fpn>);

}  // namespace aixcell
