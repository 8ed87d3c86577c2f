#pragma once
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/kernels/cpu/gaussian_blur.hpp>

namespace aixcell {

/// How the slices of a stack become one image.
enum class z_projection {
  none,         ///< not at all: a file with several slices is refused
  max,          ///< the brightest value of each pixel: fluorescence on a dark background
  mean,         ///< the average: thin specimens, less noise
  focus_slice,  ///< the sharpest slice as it is
  focus_stack   ///< of each pixel the slice that is sharpest there: thick or tilted specimens
};

namespace detail {
inline constexpr std::pair<std::string_view, z_projection> z_projection_names[] = {
    {"none", z_projection::none},
    {"max", z_projection::max},
    {"mean", z_projection::mean},
    {"focus", z_projection::focus_slice},
    {"focus-stack", z_projection::focus_stack}};
}

/// `max`, `mean`, `focus`, `focus-stack`, `none`: the names of the command line and the model file.
inline std::string to_string(z_projection method) {
  for (const auto& [name, value] : detail::z_projection_names)
    if (value == method) return std::string(name);
  return "?";
}

/// The method of this name; throws data_error naming those there are.
inline z_projection parse_z_projection(std::string_view text) {
  std::string known;
  for (const auto& [name, value] : detail::z_projection_names) {
    if (text == name) return value;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw data_error("\"" + std::string(text) + "\" is no way to make an image of a stack; expected one of " + known);
}

namespace detail {

/// |2v - left - right| + |2v - above - below|, mirrored at the border (the modified Laplacian of Nayar & Nakagawa,
/// PAMI 1994, eq. 14: unlike the Laplacian, its two directions cannot cancel), summed over the channels with weights.
inline tensor<float> modified_laplacian(context<cpu>& ctx, view<const float, cpu> slice,
                                        const std::vector<float>& weights) {
  const index_t height = slice.extent(0), width = slice.extent(1), channels = slice.extent(2);
  tensor<float> sharpness({height, width});
  parallel_for(ctx, height, [&](index_t y) {
    const index_t above = reflected(y - 1, height), below = reflected(y + 1, height);
    for (index_t x = 0; x < width; ++x) {
      const index_t left = reflected(x - 1, width), right = reflected(x + 1, width);
      float sum = 0;
      for (index_t c = 0; c < channels; ++c) {
        const float twice = 2 * slice(y, x, c);
        sum += weights[static_cast<std::size_t>(c)] * (std::abs(twice - slice(y, left, c) - slice(y, right, c)) +
                                                       std::abs(twice - slice(above, x, c) - slice(below, x, c)));
      }
      sharpness(y, x) = sum;
    }
  });
  return sharpness;
}

/// Variance of the Laplacian (Pech-Pacheco et al., ICPR 2000), the four-neighbour one, mirrored at the border; the sum
/// over channels of variance times squared weight.
inline double laplacian_variance(view<const float, cpu> slice, const std::vector<float>& weights) {
  const index_t height = slice.extent(0), width = slice.extent(1), channels = slice.extent(2);
  double all = 0;
  for (index_t c = 0; c < channels; ++c) {
    double sum = 0, square = 0;
    for (index_t y = 0; y < height; ++y)
      for (index_t x = 0; x < width; ++x) {
        const double l =
            static_cast<double>(weights[static_cast<std::size_t>(c)]) *
            static_cast<double>(4 * slice(y, x, c) - slice(y, reflected(x - 1, width), c) -
                                slice(y, reflected(x + 1, width), c) - slice(reflected(y - 1, height), x, c) -
                                slice(reflected(y + 1, height), x, c));
        sum += l, square += l * l;
      }
    const auto n = static_cast<double>(height * width);
    all += std::max(0.0, square / n - sum / n * sum / n);
  }
  return all;
}

}  // namespace detail

/// Makes one image [H,W,C] of slices that come one after the other: no more than three of them are held, however long
/// the stack. All channels of a pixel come from one slice, so that they stay registered; in the measure of sharpness
/// each channel counts relative to its mean in the first slice, which defocus leaves as it is.
///   focus_slice   greatest variance of the Laplacian over the slice
///   focus_stack   greatest modified Laplacian, smoothed by a Gaussian of `window` pixels; of equals the first slice.
///                 Where nothing has structure the choice is noise among equally blurred values.
class stack_projector {
 public:
  /// Throws data_error for z_projection::none.
  explicit stack_projector(z_projection method, float window = 2.0f) : method_(method), window_(window) {
    if (method == z_projection::none) throw data_error("stack_projector: no method was given; take max, mean or focus");
  }

  /// The next slice [H,W,C]. Throws shape_error unless it has the shape of the first.
  void add(context<cpu>& ctx, const tensor<float>& slice) {
    if (slices_ == 0) {
      begin(ctx, slice);
    } else {
      require_shape("stack_projector", result_.shape(), slice.shape());
      join(ctx, slice);
    }
    ++slices_;
  }

  index_t slices() const noexcept { return slices_; }
  /// From 0: of focus_slice, which slice was taken.
  index_t sharpest() const noexcept { return sharpest_; }

  /// The image; the projector is spent. Throws shape_error if there was no slice.
  tensor<float> take() {
    if (slices_ == 0) throw shape_error("stack_projector: no slice was given; a stack has at least one");
    if (method_ == z_projection::mean)
      for (index_t i = 0; i < result_.size(); ++i)
        result_[i] = static_cast<float>(sum_[static_cast<std::size_t>(i)] / static_cast<double>(slices_));
    return std::move(result_);
  }

 private:
  void begin(context<cpu>& ctx, const tensor<float>& slice) {
    require_rank("stack_projector", 3, "a slice [H,W,C]", slice.shape());
    result_ = slice.clone();
    if (method_ == z_projection::mean) sum_.assign(slice.begin(), slice.end());
    if (method_ != z_projection::focus_slice && method_ != z_projection::focus_stack) return;
    const auto channels = static_cast<std::size_t>(slice.extent(2));
    std::vector<double> mean(channels);
    for (index_t i = 0; i < slice.size(); ++i)
      mean[static_cast<std::size_t>(i) % channels] += std::abs(static_cast<double>(slice[i]));
    for (const double m : mean)
      weights_.push_back(m > 0 ? static_cast<float>(static_cast<double>(slice.size()) / m) : 1.0f);
    if (method_ == z_projection::focus_slice)
      best_ = detail::laplacian_variance(slice, weights_);
    else
      sharpness_ = smoothed_sharpness(ctx, slice);
  }

  void join(context<cpu>& ctx, const tensor<float>& slice) {
    switch (method_) {
      case z_projection::max:
        for (index_t i = 0; i < slice.size(); ++i) result_[i] = std::max(result_[i], slice[i]);
        break;
      case z_projection::mean:
        for (index_t i = 0; i < slice.size(); ++i) sum_[static_cast<std::size_t>(i)] += static_cast<double>(slice[i]);
        break;
      case z_projection::focus_slice:
        if (const double found = detail::laplacian_variance(slice, weights_); found > best_) {
          best_ = found, sharpest_ = slices_;
          std::copy(slice.begin(), slice.end(), result_.begin());
        }
        break;
      case z_projection::focus_stack: {
        const tensor<float> found = smoothed_sharpness(ctx, slice);
        const index_t channels = slice.extent(2);
        for (index_t p = 0; p < found.size(); ++p) {
          if (!(found[p] > sharpness_[p])) continue;
          sharpness_[p] = found[p];
          std::copy_n(slice.data() + p * channels, channels, result_.data() + p * channels);
        }
        break;
      }
      case z_projection::none:
        break;
    }
  }

  tensor<float> smoothed_sharpness(context<cpu>& ctx, const tensor<float>& slice) const {
    tensor<float> sharpness = detail::modified_laplacian(ctx, slice, weights_);
    gaussian_blur(ctx, sharpness, {window_, window_});
    return sharpness;
  }

  z_projection method_;
  float window_;  ///< pixels
  index_t slices_ = 0, sharpest_ = 0;
  tensor<float> result_;
  std::vector<double> sum_;     ///< of mean
  std::vector<float> weights_;  ///< of the channels, of focus
  double best_ = 0;             ///< of focus_slice
  tensor<float> sharpness_;     ///< [H,W], of focus_stack
};

/// One image [H,W,C] of a stack [Z,H,W,C] in memory; see stack_projector. Throws shape_error on an empty stack.
inline tensor<float> project(context<cpu>& ctx, view<const float, cpu> stack, z_projection method) {
  require_rank("project", 4, "a stack [Z,H,W,C]", stack.shape());
  if (stack.empty()) throw shape_error("project: the stack is empty " + to_string(stack.shape()));
  stack_projector projector(method);
  for (index_t z = 0; z < stack.extent(0); ++z) {
    tensor<float> slice({stack.extent(1), stack.extent(2), stack.extent(3)});
    const auto from = stack.slice(z);
    std::copy(from.begin(), from.end(), slice.begin());
    projector.add(ctx, slice);
  }
  return projector.take();
}

}  // namespace aixcell
