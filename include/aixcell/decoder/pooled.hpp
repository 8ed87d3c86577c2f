#pragma once
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/random.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/kernels/channel_gate.hpp>

namespace aixcell {

/// The mean of the coarsest level over the image (Lin et al. 2014, section 3.2), as in every classifier of torchvision:
/// one vector for an image of any size. Nothing to learn; with the linear head behind it, the pipeline is the classifier.
///   in   feature levels, finest first        out  [N,1,1,C], C the channels of the last level
struct pooled {
  static constexpr std::string_view name = "pooled";
  static constexpr bool pools = true;
  static constexpr std::size_t levels_needed = 1;
  static constexpr int output_channels(std::span<const feature_level> levels) { return levels.back().channels; }

  template <class Device, class Real>
  struct network {
    struct saved {
      shape last;  ///< of the coarsest level
      std::size_t levels = 0;
    };

    network(context<Device>&, std::span<const feature_level> levels, random_stream&)
        : channels(pooled::output_channels(levels)) {}

    int output_channels() const { return channels; }

    /// The size of the image does not matter.
    tensor<Real, Device> forward(context<Device>& ctx, std::vector<tensor<Real, Device>> levels, index_t, index_t,
                                 saved* keep) const {
      const tensor<Real, Device> last = std::move(levels.back());
      if (keep) *keep = {last.shape(), levels.size()};
      levels.clear();
      tensor<Real, Device> mean(ctx, {last.extent(0), 1, 1, last.extent(3)});
      spatial_mean<Real>(ctx, last, mean);
      return mean;
    }

    /// Gradients of the levels, in their order; empty for all but the last.
    std::vector<tensor<Real, Device>> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
      std::vector<tensor<Real, Device>> dlevels(kept.levels);
      dlevels.back() = tensor<Real, Device>::zeros(ctx, kept.last);
      spatial_mean_backward<Real>(ctx, dy, dlevels.back());
      kept = {};
      return dlevels;
    }

    static void for_each_member(auto&, auto&&) {}

    int channels;
  };
};

static_assert(DecoderStage<pooled>);

}  // namespace aixcell
