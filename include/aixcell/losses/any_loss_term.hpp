#pragma once
#include <variant>
#include <vector>

#include <aixcell/losses/binary_cross_entropy.hpp>
#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/losses/dice.hpp>
#include <aixcell/losses/focal.hpp>
#include <aixcell/losses/image_cross_entropy.hpp>
#include <aixcell/losses/loss_term.hpp>
#include <aixcell/losses/masked_l1.hpp>
#include <aixcell/losses/masked_l2.hpp>
#include <aixcell/losses/polar_iou.hpp>

namespace aixcell {

using any_loss = std::variant<binary_cross_entropy, cross_entropy, dice, focal, image_cross_entropy, masked_l1,
                              masked_l2, polar_iou>;

/// A loss_term whose type is not known: what crosses over to a device.
struct any_loss_term {
  any_loss loss;
  channel_range channels;
  int target_channel;
  int weight_channel;
  double scale;
};

template <Loss... L>
std::vector<any_loss_term> erased(const std::tuple<loss_term<L>...>& terms) {
  return std::apply(
      [](const auto&... t) {
        return std::vector<any_loss_term>{{t.loss, t.channels, t.target_channel, t.weight_channel, t.scale}...};
      },
      terms);
}

}  // namespace aixcell
