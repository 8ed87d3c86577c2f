#pragma once
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include <aixcell/core/random.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell {

// Values that follow from a tensor's name alone, so that two programs have the same weights without exchanging them.
// torch/drawn.py draws the same bits.

struct value_range {
  double low = -1, high = 1;
};

/// FNV-1a, 64 bits.
constexpr std::uint64_t name_hash(std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

/// Uniform in [low, high), 24 bits, rounded to float32: the stream of the name's hash, element by element.
inline tensor<float> drawn_tensor(std::string_view name, const shape& extents, value_range range) {
  random_stream random(name_hash(name));
  tensor<float> t(extents);
  for (float& v : t)
    v = static_cast<float>(range.low + (range.high - range.low) * static_cast<double>(random.uniform()));
  return t;
}

/// What a tensor of a network is filled with. Filters keep the variance of activations through ReLU layers; nothing
/// stays at a value, such as 0 or 1, that would hide a tensor put in another's place.
inline value_range weight_range(std::string_view name, const shape& extents) {
  if (name.ends_with("running_mean")) return {-0.3, 0.3};
  if (name.ends_with("running_var")) return {1, 3};
  if (extents.rank() == 4 || extents.rank() == 2) {
    const double bound = std::sqrt(6.0 / static_cast<double>(extents.count() / extents[0]));
    return {-bound, bound};
  }
  if (name.ends_with("bias")) return {-0.2, 0.2};
  return {0.5, 1.5};  // the factors of normalisations and layer scales
}

/// Mean 0, variance 1.
inline constexpr value_range unit_range{-1.7320508075688772, 1.7320508075688772};

}  // namespace aixcell
