#pragma once
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/decoder/detail/unit_pair.hpp>
#include <aixcell/layers/cropping.hpp>
#include <aixcell/layers/transposed_convolution.hpp>

namespace aixcell {

namespace detail {

/// Nearest-neighbour enlargement, which keeps the channels: joined images are doubled where they are read.
template <class Device, class Real>
struct nearest_enlargement {
  struct saved {};

  nearest_enlargement(context<Device>&, int, int, random_stream&) {}
  static int channels(int inputs, int) { return inputs; }

  tensor<Real, Device> forward(context<Device>&, const tensor<Real, Device>& x, image_size, saved*) const { return x; }
  tensor<Real, Device> backward(context<Device>&, tensor<Real, Device> dy, saved&) const { return dy; }

  static void for_each_member(auto&, auto&&) {}
};

/// A 2x2 transposed convolution to the width of the step; what it makes of an odd size is cut.
template <class Device, class Real>
struct learned_enlargement {
  struct saved {
    typename transposed_convolution<Device, Real>::saved conv;
    typename cropping<Device, Real>::saved cut;
  };

  learned_enlargement(context<Device>& ctx, int inputs, int outputs, random_stream& random)
      : conv(ctx, {.inputs = inputs, .outputs = outputs}, random) {}
  static int channels(int, int outputs) { return outputs; }

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, image_size to, saved* keep) const {
    return cut.forward(ctx, conv.forward(ctx, x, keep ? &keep->conv : nullptr), to, keep ? &keep->cut : nullptr);
  }
  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    return conv.backward(ctx, cut.backward(ctx, std::move(dy), kept.cut), kept.conv);
  }

  static void for_each_member(auto& self, auto&& visit) { self.conv.for_each_member(self.conv, visit); }

  transposed_convolution<Device, Real> conv;
  cropping<Device, Real> cut;
};

/// What the U-Nets share: they differ in how a step enlarges.
template <template <class, class> class Enlargement>
struct basic_unet {
  static constexpr std::size_t levels_needed = 2;
  static constexpr int output_channels(std::span<const feature_level> levels) {
    return levels[0].stride == 1 ? levels[0].channels : 16;
  }

  template <class Device, class Real>
  struct network {
    using enlargement = Enlargement<Device, Real>;
    using units = unit_pair<Device, Real>;

    struct step_saved {
      typename enlargement::saved up;
      typename network::units::saved units;
    };
    struct saved {
      std::vector<step_saved> steps;
    };

    network(context<Device>& ctx, std::span<const feature_level> levels, random_stream& random)
        : skips(levels.size() - 1), channels_out(basic_unet::output_channels(levels)) {
      int channels = levels.back().channels, stride = levels.back().stride;
      for (std::size_t i = skips; stride > 1;) {
        stride /= 2;
        const int skip = i > 0 ? levels[--i].channels : 0;
        const int width = levels[0].stride == 1 ? skip : 16 * stride;
        ups.emplace_back(ctx, channels, width, random);
        const int enlarged = enlargement::channels(channels, width);
        steps.emplace_back(ctx, enlarged + skip, width, random);
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
        joined_images<Device, Real> x{.parts = {},
                                      .size = size_at_stride({height, width}, index_t{1} << (steps.size() - 1 - i))};
        x.parts.push_back(ups[i].forward(ctx, std::exchange(y, {}), x.size, s ? &s->up : nullptr));
        if (i < skips) x.parts.push_back(std::exchange(levels[skips - 1 - i], {}));
        y = steps[i].forward(ctx, std::move(x), s ? &s->units : nullptr);
      }
      return y;
    }

    /// Gradients of the levels, in their order.
    std::vector<tensor<Real, Device>> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
      std::vector<tensor<Real, Device>> dlevels(skips + 1);
      for (std::size_t i = steps.size(); i-- > 0;) {
        step_saved& s = kept.steps[i];
        auto dx = steps[i].backward(ctx, std::move(dy), s.units);
        if (i < skips) dlevels[skips - 1 - i] = std::move(dx[1]);
        dy = ups[i].backward(ctx, std::move(dx[0]), s.up);
      }
      dlevels.back() = std::move(dy);
      kept = {};
      return dlevels;
    }

    static void for_each_member(auto& self, auto&& visit) {
      visit("up", self.ups);
      visit("step", self.steps);
    }

    std::size_t skips;
    int channels_out;
    std::vector<enlargement> ups;  ///< coarse to fine
    std::vector<units> steps;
  };
};

}  // namespace detail

/// The expanding path of the U-Net (Ronneberger et al. 2015), with nearest-neighbour enlargement to the exact size of
/// each skip connection, so that any image size works; two 3x3 convolutions after each.
///   in   feature levels, finest first, strides doubling        out  [N,H,W,D] at the resolution of the image
/// For encoders that start at stride 1 the widths mirror the encoder's and D is the width of its finest level.
/// Otherwise a step to stride s has 16 * s channels, ending in steps without skip and D = 16: 256, 128, 64, 32, 16 for
/// five levels, as in segmentation_models_pytorch.
struct unet : detail::basic_unet<detail::nearest_enlargement> {
  static constexpr std::string_view name = "unet";
};

/// The same with the paper's 2x2 transposed convolutions, which halve the channels before the skip connection joins:
/// a quarter less arithmetic in the steps.
struct unet_transposed : detail::basic_unet<detail::learned_enlargement> {
  static constexpr std::string_view name = "unet_transposed";
};

static_assert(DecoderStage<unet> && DecoderStage<unet_transposed>);

}  // namespace aixcell
