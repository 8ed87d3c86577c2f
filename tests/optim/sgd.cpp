#include <aixcell/optim/sgd.hpp>
#include "optim/parameters.hpp"

namespace aixcell {

TEST_CASE("sgd with momentum, plain and Nesterov, equals a plain loop", "[optim]") {
  for (const bool nesterov : {false, true})
    for (const float momentum : {0.0f, 0.9f}) {
      const sgd_options options{.momentum = momentum, .weight_decay = 0.2f, .nesterov = nesterov};
      parameter_set p;
      std::vector<std::vector<double>> value, velocity;
      for (const auto& x : p.values) value.emplace_back(x.begin(), x.end()), velocity.emplace_back(x.size());
      sgd optimiser(options, p.slices);
      context<cpu> ctx(2);
      const double mu = static_cast<double>(momentum);
      for (int t = 1; t <= 12; ++t) {
        const double rate = 0.05 / t;
        p.set_gradients(static_cast<std::uint64_t>(t));
        for (std::size_t i = 0; i < value.size(); ++i)
          for (std::size_t k = 0; k < value[i].size(); ++k) {
            const double g = static_cast<double>(p.gradients[i][k]) + (p.slices[i].decays ? 0.2 * value[i][k] : 0);
            double& v = velocity[i][k];
            v = mu * v + g;
            value[i][k] -= rate * (nesterov ? g + mu * v : v);
          }
        optimiser.step(ctx, p.slices, rate);
      }
      double worst = 0;
      for (std::size_t i = 0; i < value.size(); ++i)
        for (std::size_t k = 0; k < value[i].size(); ++k)
          worst = std::max(worst, std::abs(value[i][k] - static_cast<double>(p.values[i][k])));
      CAPTURE(nesterov, momentum);
      CHECK(worst < 1e-5);
    }
}

TEST_CASE("sgd: two steps by hand", "[optim]") {
  float value = 1, gradient = 2;
  const std::vector<parameter_slice> slices{{&value, &gradient, 1, true}};
  context<cpu> ctx(1);
  sgd plain({.momentum = 0.5f, .weight_decay = 0, .nesterov = false}, slices);
  plain.step(ctx, slices, 0.1);  // v = 2
  CHECK(value == Approx(0.8));
  plain.step(ctx, slices, 0.1);  // v = 1 + 2
  CHECK(value == Approx(0.5));
  value = 1;
  sgd ahead({.momentum = 0.5f, .weight_decay = 0, .nesterov = true}, slices);
  ahead.step(ctx, slices, 0.1);  // 2 + 0.5 * 2
  CHECK(value == Approx(0.7));
}

TEST_CASE("sgd: resumed is uninterrupted, bit for bit", "[optim]") {
  check_resume<sgd>(sgd_options{});
  const parameter_set p;
  CHECK(members_of(sgd({}, p.slices)).tensors.at("velocity.4").size() == 130);
}

TEST_CASE("sgd refuses other parameters than its own", "[optim]") { check_refuses_other_parameters<sgd>(); }

}  // namespace aixcell
