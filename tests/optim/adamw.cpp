#include <aixcell/optim/adamw.hpp>
#include "optim/parameters.hpp"

namespace aixcell {

TEST_CASE("adamw follows algorithm 2 of its paper", "[optim]") {
  const adamw_options options{.beta1 = 0.8f, .beta2 = 0.95f, .epsilon = 1e-6f, .weight_decay = 0.3f};
  parameter_set p;
  std::vector<std::vector<double>> value, m, v;
  for (const auto& x : p.values)
    value.emplace_back(x.begin(), x.end()), m.emplace_back(x.size()), v.emplace_back(x.size());
  adamw optimiser(options, p.slices);
  context<cpu> ctx(2);
  const double b1 = static_cast<double>(options.beta1), b2 = static_cast<double>(options.beta2);
  for (int t = 1; t <= 20; ++t) {
    const double rate = 0.1 / t;
    p.set_gradients(static_cast<std::uint64_t>(t));
    for (std::size_t i = 0; i < value.size(); ++i)
      for (std::size_t k = 0; k < value[i].size(); ++k) {
        const double g = static_cast<double>(p.gradients[i][k]),
                     decay = p.slices[i].decays ? static_cast<double>(options.weight_decay) : 0;
        m[i][k] = b1 * m[i][k] + (1 - b1) * g;
        v[i][k] = b2 * v[i][k] + (1 - b2) * g * g;
        const double mean = m[i][k] / (1 - std::pow(b1, t)), square = v[i][k] / (1 - std::pow(b2, t));
        value[i][k] -= rate * (mean / (std::sqrt(square) + static_cast<double>(options.epsilon)) + decay * value[i][k]);
      }
    optimiser.step(ctx, p.slices, rate);
  }
  double worst = 0;
  for (std::size_t i = 0; i < value.size(); ++i)
    for (std::size_t k = 0; k < value[i].size(); ++k)
      worst = std::max(worst, std::abs(value[i][k] - static_cast<double>(p.values[i][k])));
  CHECK(worst < 1e-5);
}

TEST_CASE("adamw: the first step has the length of the learning rate, whatever the gradient", "[optim]") {
  float value[3] = {1, 1, 1}, gradient[3] = {1e-3f, -5e4f, 0};
  const std::vector<parameter_slice> slices{{value, gradient, 3, false}};
  context<cpu> ctx(1);
  adamw({}, slices).step(ctx, slices, 0.25);
  CHECK(value[0] == Approx(0.75).epsilon(1e-4));
  CHECK(value[1] == Approx(1.25));
  CHECK(value[2] == 1);
}

TEST_CASE("adamw: resumed is uninterrupted, bit for bit", "[optim]") {
  check_resume<adamw>(adamw_options{});
  const parameter_set p;
  const optimiser_members m = members_of(adamw({}, p.slices));
  CHECK(m.counts.count("steps") == 1);
  CHECK(m.tensors.size() == 10);
  CHECK(m.tensors.at("mean.3").size() == 33000);
  CHECK(m.tensors.at("square.1").size() == 7);
}

TEST_CASE("adamw refuses other parameters than its own", "[optim]") { check_refuses_other_parameters<adamw>(); }

}  // namespace aixcell
