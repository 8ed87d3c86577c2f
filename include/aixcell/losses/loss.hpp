#pragma once
#include <algorithm>
#include <cmath>
#include <concepts>
#include <string>
#include <utility>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell {

/// Neighbouring channels of a dense map.
struct channel_range {
  int first = 0;
  int count = 1;
};

/// What a loss sees: channels of the network's output and of the target, pixel by pixel. Losses of several parts of one
/// output add into one gradient.
template <class Real>
struct loss_arguments {
  view<const Real, cpu> output;   ///< [N,H,W,K]
  channel_range channels = {};    ///< of the output that this loss is about
  view<const float, cpu> target;  ///< [N,H,W,T]
  int target_channel = 0;         ///< first channel of the target that this loss compares with
  int weight_channel = -1;   ///< channel of the target with each pixel's weight, below 0 is 0; -1: every pixel weighs 1
  view<Real, cpu> gradient;  ///< as output, added to
  Real scale = 1;            ///< of loss and gradient
};

/// A number to make small: returns scale * loss and adds scale * its derivative by the output to the gradient.
/// A loss that no pixel counts for is 0 and has no gradient. Same bits for any number of threads.
template <class L>
concept Loss = requires(const L loss, context<cpu>& ctx, const loss_arguments<float>& arguments) {
  { loss(ctx, arguments) } -> std::same_as<double>;
};

namespace detail {

/// Throws shape_error unless output, target and gradient are maps of one size that have the channels asked for.
template <class Real>
void require_loss_shapes(const char* name, const loss_arguments<Real>& a, int target_channels) {
  require_rank(name, 4, "an output [N,H,W,K]", a.output.shape());
  require_rank(name, 4, "a target [N,H,W,T]", a.target.shape());
  require_equal_shapes(name, a.output, a.gradient);
  const shape& o = a.output.shape();
  require_shape(name, {o[0], o[1], o[2], a.target.extent(3)}, a.target.shape());
  if (a.channels.first < 0 || a.channels.count < 1 || a.channels.first + a.channels.count > o[3])
    throw shape_error(std::string(name) + ": output channels " + std::to_string(a.channels.first) + ".." +
                      std::to_string(a.channels.first + a.channels.count - 1) + " of " + std::to_string(o[3]));
  if (a.target_channel < 0 || a.target_channel + target_channels > a.target.extent(3) ||
      a.weight_channel >= a.target.extent(3))
    throw shape_error(
        std::string(name) + ": the target has " + std::to_string(a.target.extent(3)) + " channels, channel " +
        std::to_string(std::max(a.target_channel + target_channels - 1, a.weight_channel)) + " is needed");
}

/// One pixel of the arguments.
template <class Real>
struct loss_pixel {
  const Real* output;
  const float* target;
  double weight;
  Real* gradient;
};

template <class Real>
loss_pixel<Real> pixel_of(const loss_arguments<Real>& a, index_t p) {
  const index_t outputs = a.output.extent(3), targets = a.target.extent(3);
  const float* target = a.target.data() + p * targets;
  return {a.output.data() + p * outputs + a.channels.first, target + a.target_channel,
          a.weight_channel < 0 ? 1.0 : std::max(0.0, static_cast<double>(target[a.weight_channel])),
          a.gradient.data() + p * outputs + a.channels.first};
}

template <class Real>
index_t pixel_count(const loss_arguments<Real>& a) {
  return a.output.extent(0) * a.output.extent(1) * a.output.extent(2);
}

/// Sums what f(begin, end, sums) adds to `count` sums over all pixels, in float64 and in an order that depends on the
/// number of pixels only.
template <class Function>
tensor<double> sums_over_pixels(context<cpu>& ctx, index_t pixels, index_t count, Function&& f) {
  constexpr index_t grain = 4096;
  auto partial = tensor<double>::zeros(ctx, {(pixels + grain - 1) / grain, count});
  parallel_ranges(ctx, pixels, grain, [&](index_t begin, index_t end) {
    auto sums = tensor<double>::zeros(ctx, {count});
    f(begin, end, sums.as_view());
    std::copy(sums.begin(), sums.end(), partial.slice(begin / grain).begin());
  });
  auto total = tensor<double>::zeros(ctx, {count});
  for (index_t r = 0; r < partial.extent(0); ++r)
    for (index_t i = 0; i < count; ++i) total[i] += partial(r, i);
  return total;
}

/// The same for one sum of what f(begin, end) returns.
template <class Function>
double sum_over_pixels(context<cpu>& ctx, index_t pixels, Function&& f) {
  return sums_over_pixels(ctx, pixels, 1,
                          [&](index_t begin, index_t end, const view<double, cpu>& sums) { sums[0] = f(begin, end); })[0];
}

/// 1 / (1 + exp(-x)) without overflow.
inline double sigmoid(double x) {
  const double e = std::exp(-std::abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/// probability[c] = exp(logit[c]) / sum, and the logarithm of that sum.
template <class Real>
double softmax(const Real* logits, int classes, double* probability) {
  double greatest = static_cast<double>(logits[0]);
  for (int c = 1; c < classes; ++c) greatest = std::max(greatest, static_cast<double>(logits[c]));
  double sum = 0;
  for (int c = 0; c < classes; ++c) sum += probability[c] = std::exp(static_cast<double>(logits[c]) - greatest);
  for (int c = 0; c < classes; ++c) probability[c] /= sum;
  return greatest + std::log(sum);
}

}  // namespace detail
}  // namespace aixcell
