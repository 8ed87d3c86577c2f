#pragma once
#include <cmath>
#include <string>

#include <aixcell/kernels/cpu/optimiser.hpp>
#include <aixcell/optim/options.hpp>
#include <aixcell/optim/parameter_slice.hpp>

namespace aixcell {

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2), bias-corrected.
class adamw {
 public:
  adamw() = default;
  adamw(const adamw_options& options, std::span<const parameter_slice> parameters)
      : options_(options), mean_(detail::zeros_like(parameters)), square_(detail::zeros_like(parameters)) {}

  /// Moves all values one step. The parameters are the ones given at construction, in their order, else shape_error.
  void step(context<cpu>& ctx, std::span<const parameter_slice> parameters, double learning_rate) {
    detail::require_same_parameters("adamw", mean_, parameters);
    const auto t = static_cast<double>(count_step());
    const auto correct1 = static_cast<float>(1 / (1 - std::pow(static_cast<double>(options_.beta1), t)));
    const auto correct2 = static_cast<float>(1 / (1 - std::pow(static_cast<double>(options_.beta2), t)));
    const auto rate = static_cast<float>(learning_rate);
    detail::for_each_range(ctx, parameters, [&](std::size_t i, index_t begin, index_t end) {
      const parameter_slice& p = parameters[i];
      move_by_adamw({.value = p.value + begin,
                     .mean = mean_[i].data() + begin,
                     .square = square_[i].data() + begin,
                     .gradient = p.gradient + begin,
                     .count = end - begin,
                     .beta1 = options_.beta1,
                     .beta2 = options_.beta2,
                     .epsilon = options_.epsilon,
                     .rate = rate,
                     .keep = 1 - (p.decays ? rate * options_.weight_decay : 0.0f),
                     .correct_mean = correct1,
                     .correct_square = correct2});
    });
  }

  /// The number of the step that somebody takes with these moments, counted from 1.
  std::int64_t count_step() { return ++steps_; }

  /// What a checkpoint must hold: visit(name, tensor<float>&) and visit(name, std::int64_t&).
  static void for_each_member(auto& self, auto&& visit) {
    visit("steps", self.steps_);
    for (std::size_t i = 0; i < self.mean_.size(); ++i) {
      visit("mean." + std::to_string(i), self.mean_[i]);
      visit("square." + std::to_string(i), self.square_[i]);
    }
  }

 private:
  adamw_options options_;
  std::int64_t steps_ = 0;
  std::vector<tensor<float>> mean_, square_;
};

}  // namespace aixcell
