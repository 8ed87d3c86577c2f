#pragma once
#include <aixcell/core/random.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/core/tensor.hpp>

inline std::vector<float> draws(std::uint64_t seed) {
  aixcell::random_stream random(seed);
  aixcell::tensor<float> numbers({3, 5});
  aixcell::require_shape("draws", {3, 5}, numbers.shape());
  for (float& x : numbers) x = random.normal();
  return {numbers.begin(), numbers.end()};
}

std::vector<float> draws_elsewhere(std::uint64_t seed);
