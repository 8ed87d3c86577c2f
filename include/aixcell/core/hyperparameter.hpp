#pragma once
#include <string>
#include <string_view>
#include <tuple>

#include <aixcell/core/error.hpp>

namespace aixcell {

/// How a search walks between low and high.
enum class scale { linear, logarithmic };

/// A member that may be tuned, with its range. The default is the member's initialiser.
template <class Owner, class Value>
struct hyperparameter {
  std::string_view name;
  Value Owner::*member;
  Value low, high;
  aixcell::scale scale = aixcell::scale::linear;
  bool decodes_only = false;  ///< acts on the network's output alone: may be tuned after training

  constexpr hyperparameter(std::string_view n, Value Owner::*m, Value lowest, Value highest,
                           aixcell::scale s = aixcell::scale::linear)
      : name(n), member(m), low(lowest), high(highest), scale(s) {}
};

/// Marks a hyperparameter that acts only in decoding.
template <class Owner, class Value>
constexpr hyperparameter<Owner, Value> decoding(hyperparameter<Owner, Value> h) {
  h.decodes_only = true;
  return h;
}

/// Calls f(hyperparameter, reference to the value) for each hyperparameter the policy declares, if any.
template <class Policy, class Function>
void for_each_hyperparameter(Policy& policy, Function&& f) {
  if constexpr (requires { std::remove_const_t<Policy>::hyperparameters(); }) {
    std::apply([&](const auto&... h) { (f(h, policy.*(h.member)), ...); },
               std::remove_const_t<Policy>::hyperparameters());
  }
}

}  // namespace aixcell
