#pragma once
#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/decoder/detail/image_context.hpp>
#include <aixcell/decoder/detail/to_image.hpp>
#include <aixcell/kernels/adaptive_pool.hpp>
#include <aixcell/kernels/elementwise.hpp>
#include <aixcell/layers/concatenation.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/up_sampling.hpp>

namespace aixcell {

/// Pyramid scene parsing (Zhao et al. 2017): the level of stride 8 and its means over 1, 2x2, 3x3 and 6x6 cells, each
/// through a 1x1 convolution to a quarter of the channels, enlarged and joined; a 1x1 convolution to 512 channels.
///   in   feature levels, finest first, strides doubling        out  [N,H,W,32] at the resolution of the image
/// Coarser levels are not used; an encoder without stride 8 gives its coarsest. The mean over the whole image has no
/// batch normalisation, which needs more than one value an image; there is no dropout.
struct pspnet {
  static constexpr std::string_view name = "pspnet";
  static constexpr std::size_t levels_needed = 1;
  static constexpr std::array<index_t, 3> grids{2, 3, 6};  ///< cells an edge, besides the whole image
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
      typename detail::image_context<Device, Real>::saved whole;
      typename concatenation<Device, Real>::saved join_whole;
      std::array<typename unit::saved, grids.size()> parts;
      std::array<typename up_sampling<Device, Real>::saved, grids.size()> ups;
      std::array<typename concatenation<Device, Real>::saved, grids.size()> joins;
      typename unit::saved merge;
      typename detail::to_image<Device, Real>::saved last;
    };

    network(context<Device>& ctx, std::span<const feature_level> levels, random_stream& random)
        : used(level_used(levels)), count(levels.size()) {
      const int channels = levels[used].channels, quarter = std::max(1, channels / 4);
      whole = {ctx, channels, quarter, random};
      for (std::size_t i = 0; i < grids.size(); ++i)
        parts.emplace_back(ctx, conv_norm_act_options{.inputs = channels, .outputs = quarter, .kernel = 1}, random);
      merge = {ctx, {.inputs = channels + 4 * quarter, .outputs = 512, .kernel = 1}, random};
      last = {ctx, 512, pspnet::output_channels(levels), random};
    }

    int output_channels() const { return pspnet::output_channels({}); }

    tensor<Real, Device> forward(context<Device>& ctx, std::vector<tensor<Real, Device>> levels, index_t height,
                                 index_t width, saved* keep) const {
      const auto x = std::move(levels[used]);
      levels.clear();
      if (keep) keep->level = x.shape();
      auto y = join.forward(ctx, x, whole.forward(ctx, x, keep ? &keep->whole : nullptr),
                            keep ? &keep->join_whole : nullptr);
      for (std::size_t i = 0; i < grids.size(); ++i) {
        tensor<Real, Device> cells(ctx, {x.extent(0), grids[i], grids[i], x.extent(3)});
        adaptive_average<Real>(ctx, x, cells);
        cells = parts[i].forward(ctx, cells, keep ? &keep->parts[i] : nullptr);
        cells = bilinear.forward(ctx, cells, size_of(x.shape()), keep ? &keep->ups[i] : nullptr);
        y = join.forward(ctx, y, cells, keep ? &keep->joins[i] : nullptr);
      }
      y = merge.forward(ctx, y, keep ? &keep->merge : nullptr);
      return last.forward(ctx, y, {height, width}, keep ? &keep->last : nullptr);
    }

    /// Gradients of the levels, in their order; empty for those not used.
    std::vector<tensor<Real, Device>> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
      dy = merge.backward(ctx, last.backward(ctx, std::move(dy), kept.last), kept.merge);
      tensor<Real, Device> part(ctx, kept.level);
      std::array<tensor<Real, Device>, grids.size()> dcells;
      for (std::size_t i = grids.size(); i-- > 0;) {
        auto d = join.backward(ctx, std::move(dy), kept.joins[i]);
        dy = std::move(d.da);
        dcells[i] = bilinear.backward(ctx, std::move(d.db), kept.ups[i]);
      }
      auto d = join.backward(ctx, std::move(dy), kept.join_whole);
      auto dx = std::move(d.da);
      accumulate<Real>(ctx, whole.backward(ctx, std::move(d.db), kept.whole), dx);
      for (std::size_t i = 0; i < grids.size(); ++i) {
        adaptive_average_backward<Real>(ctx, parts[i].backward(ctx, std::move(dcells[i]), kept.parts[i]), part);
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
    detail::image_context<Device, Real> whole;
    std::vector<unit> parts;  ///< of the finer grids
    unit merge;
    detail::to_image<Device, Real> last;
    up_sampling<Device, Real> bilinear{interpolation::bilinear};
    concatenation<Device, Real> join;
  };
};

static_assert(DecoderStage<pspnet>);

}  // namespace aixcell
