#pragma once
#include <cmath>

#include <aixcell/kernels/gpu/detail/column_sums.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

/// What a loss on a GPU sees: as loss_arguments of losses/loss.hpp.
template <class Real, class Device>
struct loss_maps {
  view<const Real, Device> output;  ///< [N,H,W,K]
  int first_channel = 0;            ///< of the output that this loss is about
  int channels = 1;
  view<const float, Device> target;  ///< [N,H,W,T]
  int target_channel = 0;            ///< first channel of the target that this loss compares with
  int weight_channel = -1;           ///< channel with each pixel's weight, below 0 is 0; -1: every pixel weighs 1
  view<Real, Device> gradient;       ///< as output, added to
  double scale = 1;                  ///< of loss and gradient
};

/// What a loss writes, float64 on the device: [3], the scaled loss, the weight of what it is a mean of, and how many pixels
/// have a class that the output does not have: whoever reads the loss throws data_error if there are any.
inline constexpr index_t loss_result_count = 3;

namespace detail {

template <class Real, class Device>
void require_loss_maps(std::string_view name, const loss_maps<Real, Device>& a, int target_channels,
                       const shape& result) {
  require_rank(name, 4, "an output [N,H,W,K]", a.output.shape());
  require_rank(name, 4, "a target [N,H,W,T]", a.target.shape());
  require_equal_shapes(name, a.output, a.gradient);
  const shape& o = a.output.shape();
  require_shape(name, {o[0], o[1], o[2], a.target.extent(3)}, a.target.shape());
  require_shape(name, {loss_result_count}, result);
  counted(name, a.output.size());
  counted(name, a.target.size());
  if (a.first_channel < 0 || a.channels < 1 || a.first_channel + a.channels > o[3] || a.target_channel < 0 ||
      a.target_channel + target_channels > a.target.extent(3) || a.weight_channel >= a.target.extent(3))
    throw shape_error(std::string(name) + ": output " + to_string(o) + " or target " + to_string(a.target.shape()) +
                      " lacks channels that are asked for");
}

/// The maps inside a kernel, by flat pixel.
template <class Real>
struct loss_pixels {
  const Real* output_;
  const float* target_;
  const float* weight_;  // null: every pixel weighs 1
  Real* gradient_;
  int outputs, targets, channels;
  double scale;

  constexpr const Real* output(int p) const { return output_ + p * outputs; }
  constexpr const float* target(int p) const { return target_ + p * targets; }
  constexpr Real* gradient(int p) const { return gradient_ + p * outputs; }
  constexpr double weight(int p) const {
    if (!weight_) return 1;
    const auto w = static_cast<double>(weight_[p * targets]);
    return w > 0 ? w : 0;
  }
  template <class Device>
  static loss_pixels of(const loss_maps<Real, Device>& a) {
    return {a.output.data() + a.first_channel,
            a.target.data() + a.target_channel,
            a.weight_channel < 0 ? nullptr : a.target.data() + a.weight_channel,
            a.gradient.data() + a.first_channel,
            static_cast<int>(a.output.extent(3)),
            static_cast<int>(a.target.extent(3)),
            a.channels,
            a.scale};
  }
};

template <class Real, class Device>
int pixel_count_of(const loss_maps<Real, Device>& a) {
  return static_cast<int>(a.output.extent(0) * a.output.extent(1) * a.output.extent(2));
}

/// result = {scale * sum / total, total, invalid}; 0 where nothing counts.
struct loss_result_kernel {
  static constexpr std::string_view name = "loss result";
  static constexpr int threads = 32;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const double* totals, const double* sum, double scale,
                            double* result) const {
    if (t.rank() != 0) return;
    result[0] = totals[0] > 0 ? scale * sum[0] / totals[0] : 0.0;
    result[1] = totals[0];
    result[2] = totals[1];
  }
};

/// A loss that is a weighted mean, in two passes: `weigh(pixel) -> {weight, invalid}` and `pay(pixel, total) -> {cost}`, which
/// also adds to the gradient. Totals stay on the device: nobody waits.
template <class Pay>
struct paid_source {
  static constexpr std::string_view name = Pay::name;
  Pay pay;
  const double* totals;
  constexpr sums<1> operator()(int, int p, int) const {
    const double total = totals[0];
    return {total > 0 ? pay(p, total) : 0.0};
  }
};

template <GpuDevice Device, class Weigh, class Pay>
void launch_mean_loss(context<Device>& ctx, const Weigh& weigh, const Pay& pay, int pixels, double scale,
                      double* result) {
  if (pixels == 0) return launch_map(ctx, zeros{}, loss_result_count, result);
  tensor<double, Device> totals(ctx, {2}), sum(ctx, {1});
  const double *const known_totals = totals.data(), *const known_sum = sum.data();
  launch_column_sums<2>(ctx, weigh, 1, pixels, 1, totals.data());
  launch_column_sums<1>(ctx, paid_source<Pay>{pay, known_totals}, 1, pixels, 1, sum.data());
  launch(ctx, {1, 1, 1}, loss_result_kernel{}, known_totals, known_sum, scale, result);
}

}  // namespace detail
}  // namespace aixcell
