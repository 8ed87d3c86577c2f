#pragma once
#include <span>
#include <string>
#include <vector>

#include <aixcell/device/transfer.hpp>
#include <aixcell/kernels/gpu/binary_cross_entropy.hpp>
#include <aixcell/kernels/gpu/cross_entropy.hpp>
#include <aixcell/kernels/gpu/dice.hpp>
#include <aixcell/kernels/gpu/focal.hpp>
#include <aixcell/kernels/gpu/image_cross_entropy.hpp>
#include <aixcell/kernels/gpu/masked_regression.hpp>
#include <aixcell/kernels/gpu/polar_iou.hpp>
#include <aixcell/losses/any_loss_term.hpp>

namespace aixcell {

namespace detail {

/// Runs the kernel of one loss. Arrays that a loss brings along live here: their memory is given back to the pool in the
/// order of the work, so nobody waits for it.
template <class Real, GpuDevice Device>
struct loss_launcher {
  context<Device>& ctx;
  const loss_maps<Real, Device>& maps;
  view<double, Device> result;

  void operator()(const binary_cross_entropy&) const { binary_cross_entropy_loss<Real>(ctx, maps, result); }
  void operator()(const cross_entropy& l) const {
    const auto weights = per_class("class weights", l.class_weights), offsets = per_class("offsets", l.offsets);
    cross_entropy_loss<Real>(ctx, maps, {or_null(weights), or_null(offsets), l.label_smoothing}, result);
  }
  void operator()(const focal& l) const {
    const auto weights = per_class("class weights", l.class_weights);
    focal_loss<Real>(ctx, maps, {l.gamma, or_null(weights)}, result);
  }
  void operator()(const dice& l) const {
    dice_loss<Real>(ctx, maps, {.background = l.background, .smooth = l.smooth}, result);
  }
  void operator()(const image_cross_entropy& l) const {
    const auto offsets = per_class("offsets", l.offsets);
    image_cross_entropy_loss<Real>(ctx, maps, {nullptr, or_null(offsets), l.label_smoothing}, result);
  }
  void operator()(const masked_l1&) const { masked_l1_loss<Real>(ctx, maps, result); }
  void operator()(const masked_l2&) const { masked_l2_loss<Real>(ctx, maps, result); }
  void operator()(const polar_iou&) const { polar_iou_loss<Real>(ctx, maps, result); }

 private:
  tensor<float, Device> per_class(std::string_view what, const std::vector<float>& values) const {
    if (values.empty()) return {};
    if (std::ssize(values) != maps.channels)
      throw shape_error("add_losses: " + std::to_string(values.size()) + " " + std::string(what) + " for " +
                        std::to_string(maps.channels) + " classes; give one per class");
    tensor<float, Device> there(ctx, {maps.channels});
    copy(ctx, view<const float, cpu>(values.data(), there.shape()), there.as_view());
    return there;
  }
  static const float* or_null(const tensor<float, Device>& t) { return t.empty() ? nullptr : t.data(); }
};

}  // namespace detail

/// The terms of a loss on a GPU, adding to the gradient; results [terms,3], each as loss_maps.hpp says, stay there:
/// sum_of_losses reads them.
template <class Real, GpuDevice Device>
void add_losses(context<Device>& ctx, std::span<const any_loss_term> terms, view_on<const Real, Device> output,
                view_on<const float, Device> target, view_on<Real, Device> gradient, view_on<double, Device> results) {
  require_shape("add_losses", {std::ssize(terms), loss_result_count}, results.shape());
  for (index_t i = 0; i < std::ssize(terms); ++i) {
    const any_loss_term& term = terms[static_cast<std::size_t>(i)];
    const loss_maps<Real, Device> maps{.output = output,
                                       .first_channel = term.channels.first,
                                       .channels = term.channels.count,
                                       .target = target,
                                       .target_channel = term.target_channel,
                                       .weight_channel = term.weight_channel,
                                       .gradient = gradient,
                                       .scale = term.scale};
    std::visit(detail::loss_launcher<Real, Device>{ctx, maps, results.slice(i)}, term.loss);
  }
}

/// The sum of what add_losses left, on the host. Throws data_error where the target has classes that the output has not.
inline double sum_of_losses(const tensor<double>& results) {
  double sum = 0;
  for (index_t i = 0; i < results.extent(0); ++i) {
    if (results(i, 2) > 0)
      throw data_error("loss: the target has a class that the output does not have, at " +
                       std::to_string(static_cast<index_t>(results(i, 2))) +
                       " pixels; give the output one channel for each class");
    sum += results(i, 0);
  }
  return sum;
}

}  // namespace aixcell
