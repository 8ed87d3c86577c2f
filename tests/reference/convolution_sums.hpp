#pragma once
#include <algorithm>
#include <cmath>
#include <type_traits>

#include <aixcell/kernels/conv2d.hpp>

namespace aixcell::reference {

/// Sums of products in float64, and of their magnitudes, which rounding errors are measured by.
struct exact_sums {
  tensor<double> value, size;
  explicit exact_sums(const shape& s) : value(s), size(s) {}
  void add(index_t at, double v) {
    value[at] += v;
    size[at] += std::abs(v);
  }
  void scale_channels(const auto& scale) {
    for (index_t i = 0; i < value.size(); ++i) {
      const auto factor = static_cast<double>(scale[i % scale.size()]);
      value[i] *= factor;
      size[i] *= std::abs(factor);
    }
  }
  /// The greatest difference, relative to the magnitudes.
  template <class T>
  double worst_difference(const tensor<T>& found) const {
    require_shape("exact_sums", value.shape(), found.shape());
    double worst = 0;
    for (index_t i = 0; i < found.size(); ++i) {
      const double difference = std::abs(static_cast<double>(found[i]) - value[i]) / (1e-3 + size[i]);
      if (std::isnan(difference)) return difference;
      worst = std::max(worst, difference);
    }
    return worst;
  }
  /// Within `tolerance` of the magnitudes, and half of the last digit of what it is stored as.
  template <class T>
  bool equal(const tensor<T>& found, double tolerance) const {
    require_shape("exact_sums", value.shape(), found.shape());
    const double half_digit = std::is_same_v<T, bfloat16> ? 1.0 / 256 : 0;
    for (index_t i = 0; i < found.size(); ++i)
      if (!(std::abs(static_cast<double>(found[i]) - value[i]) <=
            tolerance * (1e-3 + size[i]) + half_digit * std::abs(value[i])))
        return false;
    return true;
  }
};

namespace detail {

struct plain_convolution {
  long images, height, width, channels, y_height, y_width, outputs, filter_height, filter_width, filter_channels, stride,
      padding, dilation, groups;
};
struct plain_sums {
  double *value, *size;
};
void add_products(const plain_convolution&, const double* x, const double* filter, const double* dy, plain_sums y,
                  plain_sums dx, plain_sums dfilter);

}  // namespace detail

/// y, dx and dfilter of a convolution, of what `multiplied` makes of each operand.
struct exact_convolution {
  exact_sums y, dx, dfilter;

  exact_convolution(conv2d_geometry g, const auto& x, const auto& filter, const auto& dy, auto&& multiplied)
      : y(dy.shape()), dx(x.shape()), dfilter(filter.shape()) {
    const auto wide = [&](const auto& from) {
      tensor<double> to(from.shape());
      for (index_t i = 0; i < to.size(); ++i) to[i] = static_cast<double>(multiplied(from[i]));
      return to;
    };
    const shape xs = x.shape(), fs = filter.shape(), ys = conv2d_output_shape(xs, fs, g);
    require_shape("exact_convolution", ys, dy.shape());
    const auto sums = [](exact_sums& s) { return detail::plain_sums{s.value.data(), s.size.data()}; };
    detail::add_products({xs[0], xs[1], xs[2], xs[3], ys[1], ys[2], ys[3], fs[1], fs[2], fs[3], g.stride, g.padding,
                          g.dilation, g.groups},
                         wide(x).data(), wide(filter).data(), wide(dy).data(), sums(y), sums(dx), sums(dfilter));
  }
  exact_convolution(conv2d_geometry g, const auto& x, const auto& filter, const auto& dy)
      : exact_convolution(g, x, filter, dy, [](auto v) { return v; }) {}
};

}  // namespace aixcell::reference
