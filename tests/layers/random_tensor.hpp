#pragma once
#include <aixcell/core/bfloat16.hpp>
#include <aixcell/core/random.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/layers/visit.hpp>

namespace aixcell {

/// One pixel, odd edges, several images, of the channels that layers are checked with.
inline constexpr shape odd_images[] = {{1, 1, 1, 4}, {2, 5, 7, 4}, {3, 4, 3, 4}};

/// Normally distributed values, the same for one seed.
template <class Real = double>
tensor<Real> random_tensor(const shape& extents, std::uint64_t seed) {
  random_stream random(seed);
  tensor<Real> t(extents);
  for (Real& v : t) v = static_cast<Real>(random.normal());
  return t;
}

/// Parameters that are not at their special first values 0 and 1, and running statistics of some batch.
template <class Layer>
void shake(Layer& layer, std::uint64_t seed = 99) {
  random_stream random(seed);
  for_each_parameter(layer, [&](std::string_view, auto& p) {
    for (auto& v : p.value) v += static_cast<std::remove_cvref_t<decltype(v)>>(0.3f * random.normal());
  });
  for_each_buffer(layer, [&](std::string_view, auto& b) {
    for (auto& v : b.value) v += static_cast<std::remove_cvref_t<decltype(v)>>(random.uniform());
  });
}

/// What a result may be off by, relative to its largest value, when it is stored as Real; `in_float` if that is float.
template <class Real>
constexpr double tolerance_of(double in_float = 1e-6) {
  return std::is_same_v<Real, bfloat16> ? in_float + 0x1p-8 : std::is_same_v<Real, float> ? in_float : 1e-13;
}

/// Largest difference, relative to the largest value of b.
template <class A, class B>
double relative_difference(const tensor<A>& a, const tensor<B>& b) {
  require_shape("relative_difference", b.shape(), a.shape());
  double worst = 0, largest = 1e-12;
  for (index_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return worst / largest;
}

/// Gives `to` the values of `from`, parameter by parameter, buffer by buffer.
template <class To, class From>
void copy_values(From& from, To& to) {
  std::vector<double> values;
  const auto take = [&](std::string_view, auto& p) { values.insert(values.end(), p.value.begin(), p.value.end()); };
  for_each_parameter(from, take);
  for_each_buffer(from, take);
  std::size_t next = 0;
  const auto give = [&](std::string_view, auto& p) {
    for (auto& v : p.value) v = static_cast<std::remove_cvref_t<decltype(v)>>(values[next++]);
  };
  for_each_parameter(to, give);
  for_each_buffer(to, give);
}

/// Worst relative difference of output, input gradient and parameter gradients between a layer of float, or Stored, and one
/// of double with equal parameters.
template <class Stored = float, class Single, class Double>
double float_path_difference(context<cpu>& ctx, Single& single, Double& exact, const shape& x) {
  copy_values(exact, single);
  typename Single::saved single_kept;
  typename Double::saved exact_kept;
  const auto y = exact.forward(ctx, random_tensor<double>(x, 5), &exact_kept);
  const auto z = single.forward(ctx, random_tensor<Stored>(x, 5), &single_kept);
  double worst = relative_difference(z, y);
  clear_gradients(single);
  clear_gradients(exact);
  const auto dx = exact.backward(ctx, random_tensor<double>(y.shape(), 6), exact_kept);
  const auto dz = single.backward(ctx, random_tensor<Stored>(y.shape(), 6), single_kept);
  worst = std::max(worst, relative_difference(dz, dx));
  std::vector<tensor<double>> gradients;
  for_each_parameter(exact, [&](std::string_view, auto& p) { gradients.push_back(p.gradient); });
  std::size_t next = 0;
  for_each_parameter(single, [&](std::string_view, auto& p) {
    worst = std::max(worst, relative_difference(p.gradient, gradients[next++]));
  });
  return worst;
}

}  // namespace aixcell
