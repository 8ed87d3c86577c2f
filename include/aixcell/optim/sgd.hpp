#pragma once
#include <string>

#include <aixcell/optim/options.hpp>
#include <aixcell/optim/parameter_slice.hpp>

namespace aixcell {

/// Stochastic gradient descent with momentum: v = momentum * v + g; value -= rate * (g + momentum * v), or rate * v.
class sgd {
 public:
  sgd() = default;
  sgd(const sgd_options& options, std::span<const parameter_slice> parameters)
      : options_(options), velocity_(detail::zeros_like(parameters)) {}

  /// Moves all values one step. The parameters are the ones given at construction, in their order, else shape_error.
  void step(context<cpu>& ctx, std::span<const parameter_slice> parameters, double learning_rate) {
    detail::require_same_parameters("sgd", velocity_, parameters);
    const auto rate = static_cast<float>(learning_rate);
    detail::for_each_range(ctx, parameters, [&](std::size_t i, index_t begin, index_t end) {
      const parameter_slice& p = parameters[i];
      float* v = velocity_[i].data();
      const float decay = p.decays ? options_.weight_decay : 0.0f;
      for (index_t k = begin; k < end; ++k) {
        const float g = p.gradient[k] + decay * p.value[k];
        v[k] = options_.momentum * v[k] + g;
        p.value[k] -= rate * (options_.nesterov ? g + options_.momentum * v[k] : v[k]);
      }
    });
  }

  /// What a checkpoint must hold: visit(name, tensor<float>&).
  static void for_each_member(auto& self, auto&& visit) {
    for (std::size_t i = 0; i < self.velocity_.size(); ++i) visit("velocity." + std::to_string(i), self.velocity_[i]);
  }

 private:
  sgd_options options_;
  std::vector<tensor<float>> velocity_;
};

}  // namespace aixcell
