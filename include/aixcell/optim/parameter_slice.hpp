#pragma once
#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell {

/// One tensor of a network as an optimiser sees it: values to move and the gradient to move them by.
struct parameter_slice {
  float* value = nullptr;
  float* gradient = nullptr;
  index_t count = 0;
  bool decays = true;  ///< weight decay applies: true for filters, false for biases and normalisations
};

namespace detail {

/// Zeroed tensors, one for each parameter and of its size: moments.
inline std::vector<tensor<float>> zeros_like(std::span<const parameter_slice> parameters) {
  std::vector<tensor<float>> all;
  for (const parameter_slice& p : parameters) all.emplace_back(shape{p.count});
  return all;
}

/// Throws shape_error unless `moments` are what zeros_like made of these parameters.
inline void require_same_parameters(const char* name, const std::vector<tensor<float>>& moments,
                                    std::span<const parameter_slice> parameters) {
  if (moments.size() != parameters.size())
    throw shape_error(std::string(name) + ": made for " + std::to_string(moments.size()) + " parameters, found " +
                      std::to_string(parameters.size()) + "; make one for this network");
  for (std::size_t i = 0; i < moments.size(); ++i)
    if (moments[i].size() != parameters[i].count)
      throw shape_error(std::string(name) + ": parameter " + std::to_string(i) + " had " +
                        std::to_string(moments[i].size()) + " values, found " + std::to_string(parameters[i].count) +
                        "; make one for this network");
}

/// Calls f(parameter, begin, end) for ranges that together cover all values of all parameters, in parallel.
template <class Function>
void for_each_range(context<cpu>& ctx, std::span<const parameter_slice> parameters, Function&& f) {
  constexpr index_t grain = 1 << 15;
  struct range {
    std::size_t parameter;
    index_t begin;
  };
  index_t count = 0;
  for (const parameter_slice& p : parameters) count += (p.count + grain - 1) / grain;
  tensor<range> ranges(ctx, {count});
  range* next = ranges.data();
  for (std::size_t i = 0; i < parameters.size(); ++i)
    for (index_t begin = 0; begin < parameters[i].count; begin += grain) *next++ = {i, begin};
  parallel_for(ctx, count, [&](index_t r) {
    const auto [i, begin] = ranges[r];
    f(i, begin, std::min(begin + grain, parameters[i].count));
  });
}

}  // namespace detail

/// Zeros all gradients, which backward passes add to.
inline void clear_gradients(context<cpu>& ctx, std::span<const parameter_slice> parameters) {
  detail::for_each_range(ctx, parameters, [&](std::size_t i, index_t begin, index_t end) {
    std::fill(parameters[i].gradient + begin, parameters[i].gradient + end, 0.0f);
  });
}

}  // namespace aixcell
