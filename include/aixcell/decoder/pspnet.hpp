#pragma once
#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/kernels/cpu/adaptive_pool.hpp>
#include <aixcell/kernels/cpu/elementwise.hpp>
#include <aixcell/layers/activation_layer.hpp>
#include <aixcell/layers/concatenation.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/convolution.hpp>
#include <aixcell/layers/up_sampling.hpp>

namespace aixcell {

/// Pyramid scene parsing (Zhao et al. 2017): the level of stride 8 and its means over 1, 2x2, 3x3 and 6x6 cells, each
/// through a 1x1 convolution to a quarter of the channels, enlarged and joined; a 1x1 convolution to 512 channels.
///   in   feature levels, finest first, strides doubling        out  [N,H,W,32] at the resolution of the image
/// Coarser levels are not used; an encoder without stride 8 gives its coarsest. The mean over the whole image has no
/// batch normalisation, which needs more than one value an image. A last 1x1 convolution to 32 channels comes before
/// the enlargement to the image, with which it commutes.
struct pspnet {
  static constexpr std::string_view name = "pspnet";
  static constexpr std::size_t levels_needed = 1;
  static constexpr std::array<index_t, 4> grid{1, 2, 3, 6};
  static constexpr int output_channels(std::span<const feature_level>) { return 32; }

  static constexpr std::size_t level_used(std::span<const feature_level> levels) {
    std::size_t i = 0;
    while (i + 1 < levels.size() && levels[i].stride < 8) ++i;
    return i;
  }

  template <class Device, class Real>
  struct network {
    using unit = conv_norm_act<Device, Real>;

    struct saved {
      shape level;
      typename convolution<Device, Real>::saved whole, last;
      typename activation_layer<Device, Real>::saved whole_act;
      std::array<typename unit::saved, 3> parts;
      std::array<typename up_sampling<Device, Real>::saved, 4> ups;
      std::array<typename concatenation<Device, Real>::saved, 4> joins;
      typename unit::saved merge;
      typename up_sampling<Device, Real>::saved to_image;
    };

    network(context<Device>& ctx, std::span<const feature_level> levels, random_stream& random)
        : used(level_used(levels)), count(levels.size()) {
      const int channels = levels[used].channels, quarter = std::max(1, channels / 4);
      whole = {ctx, {.inputs = channels, .outputs = quarter, .kernel = 1}, random};
      for (int i = 0; i < 3; ++i)
        parts.emplace_back(ctx, conv_norm_act_options{.inputs = channels, .outputs = quarter, .kernel = 1}, random);
      merge = {ctx, {.inputs = channels + 4 * quarter, .outputs = 512, .kernel = 1}, random};
      last = {ctx, {.inputs = 512, .outputs = pspnet::output_channels(levels), .kernel = 1}, random};
    }

    int output_channels() const { return pspnet::output_channels({}); }

    tensor<Real, Device> forward(context<Device>& ctx, std::vector<tensor<Real, Device>> levels, index_t height,
                                 index_t width, saved* keep) const {
      const auto x = std::move(levels[used]);
      levels.clear();
      if (keep) keep->level = x.shape();
      auto y = x;
      for (std::size_t i = 0; i < grid.size(); ++i) {
        tensor<Real, Device> cells(ctx, {x.extent(0), grid[i], grid[i], x.extent(3)});
        adaptive_average<Real>(ctx, x, cells);
        if (i == 0)
          cells = relu.forward(ctx, whole.forward(ctx, cells, keep ? &keep->whole : nullptr),
                               keep ? &keep->whole_act : nullptr);
        else
          cells = parts[i - 1].forward(ctx, cells, keep ? &keep->parts[i - 1] : nullptr);
        cells = bilinear.forward(ctx, cells, size_of(x.shape()), keep ? &keep->ups[i] : nullptr);
        y = join.forward(ctx, y, cells, keep ? &keep->joins[i] : nullptr);
      }
      y = merge.forward(ctx, y, keep ? &keep->merge : nullptr);
      y = last.forward(ctx, y, keep ? &keep->last : nullptr);
      return bilinear.forward(ctx, y, {height, width}, keep ? &keep->to_image : nullptr);
    }

    /// Gradients of the levels, in their order; empty for those not used.
    std::vector<tensor<Real, Device>> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
      dy = bilinear.backward(ctx, std::move(dy), kept.to_image);
      dy = merge.backward(ctx, last.backward(ctx, std::move(dy), kept.last), kept.merge);
      tensor<Real, Device> dx, part(ctx, kept.level);
      std::array<tensor<Real, Device>, 4> dcells;
      for (std::size_t i = grid.size(); i-- > 0;) {
        auto d = join.backward(ctx, std::move(dy), kept.joins[i]);
        dy = std::move(d.da);
        dcells[i] = bilinear.backward(ctx, std::move(d.db), kept.ups[i]);
      }
      dx = std::move(dy);
      for (std::size_t i = 0; i < grid.size(); ++i) {
        auto d = std::move(dcells[i]);
        if (i == 0)
          d = whole.backward(ctx, relu.backward(ctx, std::move(d), kept.whole_act), kept.whole);
        else
          d = parts[i - 1].backward(ctx, std::move(d), kept.parts[i - 1]);
        adaptive_average_backward<Real>(ctx, d, part);
        accumulate<Real>(ctx, part, dx);
      }
      kept = {};
      std::vector<tensor<Real, Device>> dlevels(count);
      dlevels[used] = std::move(dx);
      return dlevels;
    }

    static void for_each_member(auto& self, auto&& visit) {
      visit("whole", self.whole);
      visit("part", self.parts);
      visit("merge", self.merge);
      visit("last", self.last);
    }

    std::size_t used, count;
    convolution<Device, Real> whole;  ///< of the mean over the image
    std::vector<unit> parts;          ///< of the finer grids
    unit merge;
    convolution<Device, Real> last;
    activation_layer<Device, Real> relu{activation::relu};
    up_sampling<Device, Real> bilinear{interpolation::bilinear};
    concatenation<Device, Real> join;
  };
};

static_assert(DecoderStage<pspnet>);

}  // namespace aixcell
