#pragma once
#include <tuple>

#include <aixcell/core/hyperparameter.hpp>

namespace aixcell {

// What an optimiser is told, whoever computes its steps.

enum class optimiser { adamw, sgd };

struct adamw_options {
  float learning_rate = 2e-3f;
  float beta1 = 0.9f;    ///< memory of the mean gradient
  float beta2 = 0.999f;  ///< memory of the mean squared gradient
  float epsilon = 1e-8f;
  float weight_decay = 1e-2f;

  friend constexpr bool operator==(const adamw_options&, const adamw_options&) = default;

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"learning_rate", &adamw_options::learning_rate, 1e-5f, 1e-2f, scale::logarithmic},
                      hyperparameter{"weight_decay", &adamw_options::weight_decay, 1e-5f, 1e-1f, scale::logarithmic}};
  }
};

struct sgd_options {
  float learning_rate = 1e-2f;
  float momentum = 0.9f;
  float weight_decay = 1e-4f;  ///< added to the gradient
  bool nesterov = true;        ///< look ahead by the momentum (Sutskever et al. 2013)

  friend constexpr bool operator==(const sgd_options&, const sgd_options&) = default;

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"learning_rate", &sgd_options::learning_rate, 1e-4f, 1e-1f, scale::logarithmic},
                      hyperparameter{"momentum", &sgd_options::momentum, 0.0f, 0.99f}};
  }
};

}  // namespace aixcell
