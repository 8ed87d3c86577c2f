#pragma once
#include <span>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell {

/// One tensor of a network as an optimiser sees it: values to move and the gradient to move them by.
struct parameter_slice {
  float* value = nullptr;
  float* gradient = nullptr;
  index count = 0;
  bool decays = true;  ///< weight decay applies: true for filters, false for biases and normalisations
};

namespace detail {

/// Zeroed tensors, one for each parameter and of its size: moments.
inline std::vector<tensor<float>> zeros_like(std::span<const parameter_slice> parameters) {
  std::vector<tensor<float>> all;
  for (const parameter_slice& p : parameters) all.emplace_back(shape{p.count});
  return all;
}

/// Calls f(parameter, begin, end) for ranges that together cover all values of all parameters, in parallel.
template <class Function>
void for_each_range(context<cpu>& ctx, std::span<const parameter_slice> parameters, Function&& f) {
  constexpr index grain = 1 << 15;
  std::vector<std::pair<std::size_t, index>> ranges;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    for (index begin = 0; begin < parameters[i].count; begin += grain) ranges.emplace_back(i, begin);
  parallel_for(ctx, static_cast<index>(ranges.size()), [&](index r) {
    const auto [i, begin] = ranges[static_cast<std::size_t>(r)];
    f(i, begin, std::min(begin + grain, parameters[i].count));
  });
}

}  // namespace detail
}  // namespace aixcell
