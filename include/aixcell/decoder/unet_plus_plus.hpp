#pragma once
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/decoder/detail/unit_pair.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/kernels/elementwise.hpp>
#include <aixcell/layers/up_sampling.hpp>

namespace aixcell {

/// U-Net++ (Zhou et al. 2018): between encoder and decoder stand nodes at every level; each joins its enlarged neighbour
/// of the next coarser level with all nodes of its own level before it, in two 3x3 convolutions.
///   in   feature levels, finest first, strides doubling        out  [N,H,W,D] at the resolution of the image
/// Inner nodes have the width of their level, the last node of a level that of the U-Net's step there, as in
/// segmentation_models_pytorch; steps below the finest level and D are those of `unet`.
struct unet_plus_plus {
  static constexpr std::string_view name = "unet_plus_plus";
  static constexpr std::size_t levels_needed = 2;
  static constexpr int output_channels(std::span<const feature_level> levels) { return unet::output_channels(levels); }

  template <class Device, class Real>
  struct network {
    using units = detail::unit_pair<Device, Real>;
    using features = tensor<Real, Device>;

    struct saved {
      std::vector<std::vector<typename network::units::saved>> nodes;
      std::vector<typename network::units::saved> tail;
    };

    network(context<Device>& ctx, std::span<const feature_level> levels, random_stream& random)
        : depth(levels.size() - 1), channels_out(unet_plus_plus::output_channels(levels)) {
      const auto decoder_width = [&](const feature_level& at) {
        return levels[0].stride == 1 ? at.channels : 16 * at.stride;
      };
      // widths[i] of the newest node of level i; nodes[i][j - 1] joins the newest of level i + 1 with the j before it.
      std::vector<int> widths;
      for (const feature_level& level : levels) widths.push_back(level.channels);
      nodes.resize(depth);
      for (std::size_t j = 1; j <= depth; ++j)
        for (std::size_t i = 0; i + j <= depth; ++i) {
          const bool last = i + j == depth;
          const int width = last ? decoder_width(levels[i]) : levels[i].channels;
          const int inputs = widths[i + 1] + static_cast<int>(j) * levels[i].channels;
          nodes[i].emplace_back(ctx, inputs, width, random);
          widths[i] = width;
        }
      int channels = widths[0];
      for (int stride = levels[0].stride; stride > 1; stride /= 2) {
        const int width = 16 * (stride / 2);
        tail.emplace_back(ctx, channels, width, random);
        channels = width;
      }
    }

    int output_channels() const { return channels_out; }

    tensor<Real, Device> forward(context<Device>& ctx, std::vector<features> levels, index_t height, index_t width,
                                 saved* keep) const {
      if (keep) {
        keep->nodes.resize(depth), keep->tail.resize(tail.size());
        for (std::size_t i = 0; i < depth; ++i) keep->nodes[i].resize(depth - i);
      }
      std::vector<std::vector<features>> made;  // of every level, oldest first
      for (features& level : levels) made.push_back({std::move(level)});
      for (std::size_t j = 1; j <= depth; ++j)
        for (std::size_t i = 0; i + j <= depth; ++i) {
          joined_images<Device, Real> x{.parts = {made[i + 1][j - 1]}, .size = size_of(made[i][0].shape())};
          x.parts.insert(x.parts.end(), made[i].rbegin(), made[i].rend());
          made[i].push_back(nodes[i][j - 1].forward(ctx, std::move(x), keep ? &keep->nodes[i][j - 1] : nullptr));
        }
      auto y = std::move(made[0].back());
      made.clear();
      for (std::size_t i = 0; i < tail.size(); ++i) {
        joined_images<Device, Real> x{.parts = {std::exchange(y, {})},
                                      .size = size_at_stride({height, width}, index_t{1} << (tail.size() - 1 - i))};
        y = tail[i].forward(ctx, std::move(x), keep ? &keep->tail[i] : nullptr);
      }
      return y;
    }

    /// Gradients of the levels, in their order.
    std::vector<features> backward(context<Device>& ctx, features dy, saved& kept) {
      for (std::size_t i = tail.size(); i-- > 0;) dy = std::move(tail[i].backward(ctx, std::move(dy), kept.tail[i])[0]);
      std::vector<std::vector<features>> dmade(depth + 1);
      for (std::size_t i = 0; i <= depth; ++i) dmade[i].resize(depth - i + 1);
      const auto add = [&](features& to, features gradient) {
        if (to.empty())
          to = std::move(gradient);
        else
          accumulate<Real>(ctx, gradient, to);
      };
      dmade[0][depth] = std::move(dy);
      for (std::size_t j = depth; j > 0; --j)
        for (std::size_t i = depth - j + 1; i-- > 0;) {
          auto dx = nodes[i][j - 1].backward(ctx, std::exchange(dmade[i][j], {}), kept.nodes[i][j - 1]);
          add(dmade[i + 1][j - 1], std::move(dx[0]));
          for (std::size_t k = j; k-- > 0;) add(dmade[i][k], std::move(dx[j - k]));
        }
      std::vector<features> dlevels;
      for (auto& level : dmade) dlevels.push_back(std::move(level[0]));
      kept = {};
      return dlevels;
    }

    static void for_each_member(auto& self, auto&& visit) {
      visit("node", self.nodes);
      visit("tail", self.tail);
    }

    std::size_t depth;
    int channels_out;
    std::vector<std::vector<units>> nodes;  ///< [level][position]
    std::vector<units> tail;                ///< below the finest level
  };
};

static_assert(DecoderStage<unet_plus_plus>);

}  // namespace aixcell
