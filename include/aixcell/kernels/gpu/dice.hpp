#pragma once
#include <aixcell/kernels/gpu/cross_entropy.hpp>

namespace aixcell {

struct dice_options {
  bool background = false;  ///< whether class 0 of several counts too
  float smooth = 1;         ///< > 0
};

namespace detail {

/// Probabilities of a pixel: a softmax over several channels; one channel is a softmax of (0, x).
template <class Real>
struct pixel_softmax {
  loss_pixels<Real> maps;
  constexpr int classes() const { return maps.channels > 1 ? maps.channels : 2; }
  constexpr Real logit(int p, int c) const {
    return maps.channels > 1 ? maps.output(p)[c] : c == 0 ? Real(0) : maps.output(p)[0];
  }
  constexpr Real greatest(int p) const {
    Real most = logit(p, 0);
    for (int c = 1; c < classes(); ++c) most = logit(p, c) > most ? logit(p, c) : most;
    return most;
  }
  constexpr Real sum(int p, Real most) const {
    Real all = 0;
    for (int c = 0; c < classes(); ++c) all += std::exp(logit(p, c) - most);
    return all;
  }
};

/// For each class: sum of p t, of p, of t, and of pixels whose class does not exist. The softmax is computed anew for every
/// class: there are few, and the pass waits for memory.
template <class Real>
struct dice_overlaps {
  static constexpr std::string_view name = "dice: overlaps";
  pixel_softmax<Real> softmax;
  constexpr sums<4> operator()(int, int p, int c) const {
    const int truth = class_of_pixel(softmax.maps, p, softmax.classes());
    const double weight = softmax.maps.weight(p);
    if (truth == -2) return {0, 0, 0, 1};
    if (truth < 0 || !(weight > 0)) return {0, 0, 0, 0};
    const Real most = softmax.greatest(p);
    const double share = weight * static_cast<double>(std::exp(softmax.logit(p, c) - most) / softmax.sum(p, most));
    return {c == truth ? share : 0.0, share, c == truth ? weight : 0.0, 0};
  }
};

/// overlaps [4,classes] -> slopes [2,classes], by sum p t and by sum p, and the result.
struct dice_result_kernel {
  static constexpr std::string_view name = "dice: result";
  static constexpr int threads = 32;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const double* overlaps, int classes, int first, double smooth,
                            double scale, double* slopes, double* result) const {
    if (t.rank() != 0) return;
    double weight = 0, loss = 0;
    for (int c = 0; c < classes; ++c) weight += overlaps[2 * classes + c];
    const double each = scale / (classes - first);
    for (int c = 0; c < classes; ++c) {
      const double above = 2 * overlaps[c] + smooth, below = overlaps[classes + c] + overlaps[2 * classes + c] + smooth;
      const bool counts = c >= first && weight > 0;
      loss += counts ? each * (1 - above / below) : 0;
      slopes[c] = counts ? -each * 2 / below : 0;
      slopes[classes + c] = counts ? each * above / (below * below) : 0;
    }
    result[0] = loss;
    result[1] = weight;
    result[2] = overlaps[3 * classes];
  }
};

/// One thread a pixel.
template <class Real>
struct dice_gradient_kernel {
  static constexpr std::string_view name = "dice: gradient";
  static constexpr int threads = 256;
  using shared = nothing;
  pixel_softmax<Real> softmax;
  constexpr void operator()(auto t, shared&, int pixels, const double* slopes) const {
    const int p = global_rank(t), classes = softmax.classes();
    if (p >= pixels) return;
    const int truth = class_of_pixel(softmax.maps, p, classes);
    const double weight = softmax.maps.weight(p);
    if (truth < 0 || !(weight > 0)) return;
    const Real most = softmax.greatest(p), all = softmax.sum(p, most);
    const auto probability = [&](int c) { return std::exp(softmax.logit(p, c) - most) / all; };
    const auto slope = [&](int c) {
      return static_cast<Real>(weight * (slopes[classes + c] + (c == truth ? slopes[c] : 0.0)));
    };
    Real mean = 0;
    for (int c = 0; c < classes; ++c) mean += probability(c) * slope(c);
    const int channels = softmax.maps.channels;
    for (int c = 0; c < channels; ++c) {
      const int k = channels > 1 ? c : 1;
      softmax.maps.gradient(p)[c] += probability(k) * (slope(k) - mean);
    }
  }
};

}  // namespace detail

/// As losses/dice.hpp: 1 - mean over classes of (2 sum p t + e) / (sum p + sum t + e) over the whole batch. Classes that do not
/// exist are counted in result[2]. Sums in float64 and a fixed order, values in Real.
template <class Real, GpuDevice Device>
void dice_loss(context<Device>& ctx, const loss_maps<Real, std::type_identity_t<Device>>& a,
               const dice_options& options, view_on<double, Device> result) {
  detail::require_loss_maps("dice", a, 1, result.shape());
  const detail::pixel_softmax<Real> softmax{detail::loss_pixels<Real>::of(a)};
  const int classes = softmax.classes(), first = a.channels > 1 && options.background ? 0 : 1,
            pixels = detail::pixel_count_of(a);
  if (pixels == 0) return detail::launch_map(ctx, detail::zeros{}, loss_result_count, result.data());
  tensor<double, Device> overlaps(ctx, {4, classes}), slopes(ctx, {2, classes});
  const double *const known_overlaps = overlaps.data(), *const known_slopes = slopes.data();
  detail::launch_column_sums<4>(ctx, detail::dice_overlaps<Real>{softmax}, 1, pixels, classes, overlaps.data());
  launch(ctx, {1, 1, 1}, detail::dice_result_kernel{}, known_overlaps, classes, first,
         static_cast<double>(options.smooth), a.scale, slopes.data(), result.data());
  launch(ctx, blocks_for(pixels, 256), detail::dice_gradient_kernel<Real>{softmax}, pixels, known_slopes);
}

}  // namespace aixcell
