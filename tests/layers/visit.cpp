#include <aixcell/layers/visit.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

struct pair_of_units {
  static void for_each_member(auto& self, auto&& visit) {
    visit("head", self.head);
    visit("body", self.body);
    visit("absent", self.absent);
  }

  convolution<cpu, float> head;
  std::vector<conv_norm_act<cpu, float>> body;
  std::optional<convolution<cpu, float>> absent;
};

}  // namespace

TEST_CASE("for_each_parameter walks members, vectors and optionals, and skips what does not exist", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1);
  pair_of_units layer{{ctx, {.inputs = 2, .outputs = 3, .kernel = 1, .bias = false}, random}, {}, {}};
  layer.body.emplace_back(ctx, conv_norm_act_options{.inputs = 3, .outputs = 4}, random);
  std::vector<std::string> names, decaying;
  for_each_parameter(layer, [&](std::string_view name, auto& p) {
    names.emplace_back(name);
    if (p.decays) decaying.emplace_back(name);
    p.gradient.fill(1);
  });
  CHECK(names ==
        std::vector<std::string>{"head.weight", "body.0.conv.weight", "body.0.norm.weight", "body.0.norm.bias"});
  CHECK(decaying == std::vector<std::string>{"head.weight", "body.0.conv.weight"});
  CHECK(parameter_count(layer) == 6 + 4 * 27 + 8);
  clear_gradients(layer);
  CHECK(layer.body[0].conv.weight.gradient[3] == 0);
  names.clear();
  for_each_buffer(std::as_const(layer), [&](std::string_view name, const auto&) { names.emplace_back(name); });
  CHECK(names == std::vector<std::string>{"body.0.norm.running_mean", "body.0.norm.running_var"});
}

}  // namespace aixcell
