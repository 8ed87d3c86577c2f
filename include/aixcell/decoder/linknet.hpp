#pragma once
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/kernels/elementwise.hpp>
#include <aixcell/layers/batch_norm.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/cropping.hpp>
#include <aixcell/layers/transposed_convolution.hpp>

namespace aixcell {

namespace detail {

/// 1x1 convolution to a quarter of the channels, 4x4 transposed convolution of stride 2, 1x1 convolution, each with
/// batch normalisation and ReLU (Chaurasia & Culurciello 2017, fig. 3, as segmentation_models_pytorch builds it).
template <class Device, class Real>
struct linknet_step {
  using unit = conv_norm_act<Device, Real>;

  struct saved {
    typename unit::saved narrow, widen;
    typename transposed_convolution<Device, Real>::saved enlarge;
    typename batch_norm<Device, Real>::saved norm;
    typename cropping<Device, Real>::saved cut;
  };

  linknet_step(context<Device>& ctx, int inputs, int outputs, random_stream& random)
      : narrow(ctx, {.inputs = inputs, .outputs = inputs / 4, .kernel = 1}, random),
        enlarge(ctx, {.inputs = inputs / 4, .outputs = inputs / 4, .kernel = 4}, random),
        norm(ctx, {.channels = inputs / 4}, random),
        widen(ctx, {.inputs = inputs / 4, .outputs = outputs, .kernel = 1}, random) {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, image_size to, saved* keep) const {
    auto y = narrow.forward(ctx, x, keep ? &keep->narrow : nullptr);
    y = enlarge.forward(ctx, y, keep ? &keep->enlarge : nullptr);
    y = norm.forward(ctx, y, {.residual = {}, .act = activation::relu}, keep ? &keep->norm : nullptr);
    y = cut.forward(ctx, y, to, keep ? &keep->cut : nullptr);
    return widen.forward(ctx, y, keep ? &keep->widen : nullptr);
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    dy = widen.backward(ctx, std::move(dy), kept.widen);
    dy = cut.backward(ctx, std::move(dy), kept.cut);
    dy = norm.backward(ctx, std::move(dy), kept.norm);
    dy = enlarge.backward(ctx, std::move(dy), kept.enlarge);
    return narrow.backward(ctx, std::move(dy), kept.narrow);
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("narrow", self.narrow);
    visit("enlarge.conv", self.enlarge);
    visit("enlarge.norm", self.norm);
    visit("widen", self.widen);
  }

  unit narrow;
  transposed_convolution<Device, Real> enlarge;
  batch_norm<Device, Real> norm;
  cropping<Device, Real> cut;
  unit widen;
};

}  // namespace detail

/// LinkNet (Chaurasia & Culurciello 2017): each step enlarges to the size of the next finer level and adds that level.
///   in   feature levels, finest first, strides doubling        out  [N,H,W,D] at the resolution of the image
/// D is the width of a finest level at stride 1, else 32: steps below the finest level have no level to add and keep its
/// width until the last. What is larger than the next level is cut at the lower and right border.
struct linknet {
  static constexpr std::string_view name = "linknet";
  static constexpr std::size_t levels_needed = 2;
  static constexpr int output_channels(std::span<const feature_level> levels) {
    return levels[0].stride == 1 ? levels[0].channels : 32;
  }

  template <class Device, class Real>
  struct network {
    using step = detail::linknet_step<Device, Real>;

    struct saved {
      std::vector<typename step::saved> steps;
    };

    network(context<Device>& ctx, std::span<const feature_level> levels, random_stream& random)
        : skips(levels.size() - 1), channels_out(linknet::output_channels(levels)) {
      int channels = levels.back().channels;
      std::size_t i = skips;
      for (int stride = levels.back().stride; stride > 1; stride /= 2) {
        const int width = i > 0 ? levels[--i].channels : stride == 2 ? channels_out : channels;
        steps.emplace_back(ctx, channels, width, random);
        channels = width;
      }
    }

    int output_channels() const { return channels_out; }

    tensor<Real, Device> forward(context<Device>& ctx, std::vector<tensor<Real, Device>> levels, index_t height,
                                 index_t width, saved* keep) const {
      if (keep) keep->steps.resize(steps.size());
      auto y = std::move(levels.back());
      for (std::size_t i = 0; i < steps.size(); ++i) {
        const index_t stride = index_t{1} << (steps.size() - 1 - i);
        y = steps[i].forward(ctx, y, size_at_stride({height, width}, stride), keep ? &keep->steps[i] : nullptr);
        if (i < skips) accumulate<Real>(ctx, std::exchange(levels[skips - 1 - i], {}), y);
      }
      return y;
    }

    /// Gradients of the levels, in their order.
    std::vector<tensor<Real, Device>> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
      std::vector<tensor<Real, Device>> dlevels(skips + 1);
      for (std::size_t i = steps.size(); i-- > 0;) {
        if (i < skips) dlevels[skips - 1 - i] = dy;
        dy = steps[i].backward(ctx, std::move(dy), kept.steps[i]);
      }
      dlevels.back() = std::move(dy);
      kept = {};
      return dlevels;
    }

    static void for_each_member(auto& self, auto&& visit) { visit("step", self.steps); }

    std::size_t skips;
    int channels_out;
    std::vector<step> steps;  ///< coarse to fine
  };
};

static_assert(DecoderStage<linknet>);

}  // namespace aixcell
