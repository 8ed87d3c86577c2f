#pragma once
#include <string>
#include <variant>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell {

/// A tunable value of a stage, by name: `preprocess.low`, `postprocess.probability_threshold`.
struct tunable {
  std::string name;
  std::variant<float*, int*> value;
  double low, high;
  aixcell::scale scale;
  bool decodes_only;  ///< may change after training

  double get() const {
    return std::visit([](auto* v) { return static_cast<double>(*v); }, value);
  }
  void set(double to) const {
    std::visit([&](auto* v) { *v = static_cast<std::remove_reference_t<decltype(*v)>>(to); }, value);
  }
};

/// Part of what preprocessing learned from the training split.
struct fitted_value {
  std::string name;
  std::variant<float*, std::vector<float>*> value;
};

/// A tensor of the network by its name in the model file. `gradient` is null for running statistics.
struct network_tensor {
  std::string name;
  tensor<float>* value;
  tensor<float>* gradient;
  bool decays;
};

/// Every hyperparameter of a policy, under its name behind `prefix`.
std::vector<tunable> tunables_of(const std::string& prefix, auto& policy) {
  std::vector<tunable> all;
  for_each_hyperparameter(policy, [&](const auto& h, auto& value) {
    all.push_back({prefix + std::string(h.name), &value, static_cast<double>(h.low), static_cast<double>(h.high),
                   h.scale, h.decodes_only});
  });
  return all;
}

}  // namespace aixcell
