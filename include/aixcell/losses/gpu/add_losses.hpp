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

/// A term with the arrays that it brings along on the device; empty where it has none.
template <GpuDevice Device>
struct loss_on {
  any_loss_term term;
  tensor<float, Device> class_weights, offsets;
};

namespace detail {

template <GpuDevice Device>
tensor<float, Device> per_class(context<Device>& ctx, std::string_view what, const std::vector<float>& values,
                                int classes) {
  if (values.empty()) return {};
  if (std::ssize(values) != classes)
    throw shape_error("add_losses: " + std::to_string(values.size()) + " " + std::string(what) + " for " +
                      std::to_string(classes) + " classes; give one per class");
  tensor<float, Device> there(ctx, {classes});
  copy(ctx, view<const float, cpu>(values.data(), there.shape()), there.as_view());
  return there;
}

/// Runs the kernels of one loss.
template <class Real, GpuDevice Device>
struct loss_launcher {
  context<Device>& ctx;
  const loss_maps<Real, Device>& maps;
  const float *class_weights, *offsets;
  view<double, Device> result;

  void operator()(const binary_cross_entropy&) const { binary_cross_entropy_loss<Real>(ctx, maps, result); }
  void operator()(const cross_entropy& l) const {
    cross_entropy_loss<Real>(ctx, maps, {class_weights, offsets, l.label_smoothing}, result);
  }
  void operator()(const image_cross_entropy& l) const {
    image_cross_entropy_loss<Real>(ctx, maps, {class_weights, offsets, l.label_smoothing}, result);
  }
  void operator()(const focal& l) const { focal_loss<Real>(ctx, maps, {l.gamma, class_weights}, result); }
  void operator()(const dice& l) const {
    dice_loss<Real>(ctx, maps, {.background = l.background, .smooth = l.smooth}, result);
  }
  void operator()(const masked_l1&) const { masked_l1_loss<Real>(ctx, maps, result); }
  void operator()(const masked_l2&) const { masked_l2_loss<Real>(ctx, maps, result); }
  void operator()(const polar_iou&) const { polar_iou_loss<Real>(ctx, maps, result); }
};

}  // namespace detail

/// Throws shape_error where a loss has not one weight or offset for each class.
template <GpuDevice Device>
std::vector<loss_on<Device>> losses_on(context<Device>& ctx, std::span<const any_loss_term> terms) {
  std::vector<loss_on<Device>> there;
  for (const any_loss_term& term : terms) {
    loss_on<Device>& on = there.emplace_back(loss_on<Device>{term, {}, {}});
    std::visit(
        [&](const auto& l) {
          if constexpr (requires { l.class_weights; })
            on.class_weights = detail::per_class(ctx, "class weights", l.class_weights, term.channels.count);
          if constexpr (requires { l.offsets; })
            on.offsets = detail::per_class(ctx, "offsets", l.offsets, term.channels.count);
        },
        term.loss);
  }
  return there;
}

/// The terms of a loss on a GPU, adding to the gradient; results [terms,3], each as loss_maps.hpp says, stay there:
/// sum_of_losses reads them. Nothing is copied, nobody waits: the work can be recorded.
template <class Real, GpuDevice Device>
void add_losses(context<Device>& ctx, const std::vector<loss_on<Device>>& losses, view_on<const Real, Device> output,
                view_on<const float, Device> target, view_on<Real, Device> gradient, view_on<double, Device> results) {
  require_shape("add_losses", {std::ssize(losses), loss_result_count}, results.shape());
  const auto or_null = [](const tensor<float, Device>& t) { return t.empty() ? nullptr : t.data(); };
  for (index_t i = 0; i < std::ssize(losses); ++i) {
    const loss_on<Device>& on = losses[static_cast<std::size_t>(i)];
    const any_loss_term& term = on.term;
    const loss_maps<Real, Device> maps{.output = output,
                                       .first_channel = term.channels.first,
                                       .channels = term.channels.count,
                                       .target = target,
                                       .target_channel = term.target_channel,
                                       .weight_channel = term.weight_channel,
                                       .gradient = gradient,
                                       .scale = term.scale};
    std::visit(detail::loss_launcher<Real, Device>{ctx, maps, or_null(on.class_weights), or_null(on.offsets),
                                                   results.slice(i)},
               term.loss);
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
