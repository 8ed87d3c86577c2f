#pragma once
#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/layers/concatenation.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/up_sampling.hpp>

namespace aixcell {

/// The expanding path of the U-Net (Ronneberger et al. 2015), with nearest-neighbour enlargement to the exact size of
/// each skip connection, so that any image size works; two 3x3 convolutions after each.
///   in   feature levels, finest first, strides doubling        out  [N,H,W,D] at the resolution of the image
/// For encoders that start at stride 1 the widths mirror the encoder's and D is the width of its finest level.
/// Otherwise a step to stride s has 16 * s channels, ending in steps without skip and D = 16: 256, 128, 64, 32, 16 for
/// five levels, as in segmentation_models_pytorch.
struct unet {
  static constexpr std::string_view name = "unet";
  static constexpr std::size_t levels_needed = 2;
  static constexpr int output_channels(std::span<const feature_level> levels) {
    return levels[0].stride == 1 ? levels[0].channels : 16;
  }

  template <class Device, class Real>
  struct network {
    using unit = conv_norm_act<Device, Real>;

    struct step_saved {
      typename up_sampling<Device, Real>::saved up;
      typename concatenation<Device, Real>::saved join;
      std::array<typename unit::saved, 2> units;
    };
    struct saved {
      std::vector<step_saved> steps;
    };

    network(context<Device>& ctx, std::span<const feature_level> levels, random_stream& random)
        : skips(levels.size() - 1), channels_out(unet::output_channels(levels)) {
      int channels = levels.back().channels, stride = levels.back().stride;
      for (std::size_t i = skips; stride > 1;) {
        stride /= 2;
        const int skip = i > 0 ? levels[--i].channels : 0;
        const int width = levels[0].stride == 1 ? skip : 16 * stride;
        std::vector<unit> step;
        step.emplace_back(ctx, conv_norm_act_options{.inputs = channels + skip, .outputs = width}, random);
        step.emplace_back(ctx, conv_norm_act_options{.inputs = width, .outputs = width}, random);
        steps.push_back(std::move(step));
        channels = width;
      }
    }

    int output_channels() const { return channels_out; }

    tensor<Real, Device> forward(context<Device>& ctx, std::vector<tensor<Real, Device>> levels, index_t height,
                                 index_t width, saved* keep) const {
      if (keep) keep->steps.resize(steps.size());
      auto y = std::move(levels.back());
      for (std::size_t i = 0; i < steps.size(); ++i) {
        step_saved* s = keep ? &keep->steps[i] : nullptr;
        if (i < skips) {
          const auto skip = std::move(levels[skips - 1 - i]);
          y = up.forward(ctx, y, size_of(skip.shape()), s ? &s->up : nullptr);
          y = join.forward(ctx, y, skip, s ? &s->join : nullptr);
        } else {
          // Without a skip the size follows from the image's: halved, rounded up, once per step that is still to come.
          const index_t parts = index_t{1} << (steps.size() - 1 - i);
          y = up.forward(ctx, y, {(height + parts - 1) / parts, (width + parts - 1) / parts}, s ? &s->up : nullptr);
        }
        for (std::size_t k = 0; k < 2; ++k) y = steps[i][k].forward(ctx, y, s ? &s->units[k] : nullptr);
      }
      return y;
    }

    /// Gradients of the levels, in their order.
    std::vector<tensor<Real, Device>> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
      std::vector<tensor<Real, Device>> dlevels(skips + 1);
      for (std::size_t i = steps.size(); i-- > 0;) {
        step_saved& s = kept.steps[i];
        for (std::size_t k = 2; k-- > 0;) dy = steps[i][k].backward(ctx, std::move(dy), s.units[k]);
        if (i < skips) {
          auto d = join.backward(ctx, std::move(dy), s.join);
          dlevels[skips - 1 - i] = std::move(d.db);
          dy = std::move(d.da);
        }
        dy = up.backward(ctx, std::move(dy), s.up);
      }
      dlevels.back() = std::move(dy);
      kept = {};
      return dlevels;
    }

    static void for_each_member(auto& self, auto&& visit) { visit("step", self.steps); }

    std::size_t skips;
    int channels_out;
    std::vector<std::vector<unit>> steps;  ///< coarse to fine, two units each
    up_sampling<Device, Real> up{interpolation::nearest};
    concatenation<Device, Real> join;
  };
};

static_assert(DecoderStage<unet>);

}  // namespace aixcell
