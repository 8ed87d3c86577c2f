#pragma once
#include <utility>

#include <aixcell/layers/conv_norm_act.hpp>

namespace aixcell::detail {

/// Two 3x3 convolutions with batch normalisation and ReLU, the first of joined images: what a U-Net does at every level.
/// Where the context wants all computed again, only what went in is kept.
template <class Device, class Real>
struct unit_pair {
  using unit = conv_norm_act<Device, Real>;
  using features = tensor<Real, Device>;

  struct saved {
    typename unit::saved_joined first;
    typename unit::saved second;
    joined_images<Device, Real> x;  ///< what went in, if the rest is to be computed again
  };

  unit_pair(context<Device>& ctx, int inputs, int outputs, random_stream& random)
      : first(ctx, {.inputs = inputs, .outputs = outputs}, random),
        second(ctx, {.inputs = outputs, .outputs = outputs}, random) {}

  features forward(context<Device>& ctx, joined_images<Device, Real> x, saved* keep) const {
    if (!keep || ctx.settings().recompute != recomputation::full) {
      features y = first.forward(ctx, std::move(x), keep ? &keep->first : nullptr);
      return second.forward(ctx, std::move(y), keep ? &keep->second : nullptr);
    }
    keep->x = x.for_later();
    const auto passing = [&] {
      typename unit::saved_joined kept;
      return first.forward(ctx, std::move(x), &kept);
    };
    typename unit::saved kept;
    return second.forward(ctx, passing(), &kept);
  }

  /// Gradients of the parts.
  short_list<features> backward(context<Device>& ctx, features dy, saved& kept) {
    if (!kept.x.parts.empty()) {
      auto x = std::exchange(kept.x, {}).restored(ctx);
      second.keep_again(ctx, first.forward(ctx, std::move(x), &kept.first), kept.second);
    }
    return first.backward(ctx, second.backward(ctx, std::move(dy), kept.second), kept.first);
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("0", self.first);
    visit("1", self.second);
  }

  unit first, second;
};

}  // namespace aixcell::detail
