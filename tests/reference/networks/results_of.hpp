#pragma once
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <aixcell/layers/stochastic_depth.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>
#include <aixcell/pipeline/network.hpp>
#include "reference/drawn.hpp"
#include "reference/networks.hpp"

namespace aixcell {

namespace detail {

template <class T>
inline constexpr bool is_stochastic_depth = false;
template <class Device, class Real>
inline constexpr bool is_stochastic_depth<stochastic_depth<Device, Real>> = true;

template <class T>
inline constexpr bool is_batch_norm = false;
template <class Device, class Real>
inline constexpr bool is_batch_norm<batch_norm<Device, Real>> = true;

/// Below `member`: no branch is dropped, and running statistics follow a batch by `reference_momentum`.
template <class Member>
void make_comparable(Member& member) {
  if constexpr (is_stochastic_depth<Member>) {
    member.options.drop = 0;
  } else if constexpr (is_batch_norm<Member>) {
    member.momentum = reference_momentum;
  } else if constexpr (is_vector<Member>) {
    for (auto& m : member) make_comparable(m);
  } else if constexpr (is_optional<Member>) {
    if (member) make_comparable(*member);
  } else if constexpr (!is_parameter<Member> && !is_buffer<Member>) {
    Member::for_each_member(member, [](std::string_view, auto& m) { make_comparable(m); });
  }
}

template <class Real>
tensor<Real> converted(const tensor<float>& from) {
  tensor<Real> t(from.shape());
  std::copy(from.begin(), from.end(), t.begin());
  return t;
}

template <class Real>
struct run_of_network {
  named_tensors<Real> gradients;
  tensor<Real> output;
};

template <class Enc, class Dec, class Real>
run_of_network<Real> run_network(const tensor<float>& image, named_tensors<float>* weights) {
  context<cpu> ctx(1);
  random_stream unused(0);
  network<Enc, Dec, cpu, Real> net(ctx, static_cast<int>(image.extent(3)), {reference_outputs}, unused);
  make_comparable(net);
  const auto draw = [&](std::string_view name, auto& p) {
    if (name.ends_with("passes")) return;
    auto values = drawn_tensor(name, p.value.shape(), weight_range(name, p.value.shape()));
    std::copy(values.begin(), values.end(), p.value.begin());
    if (weights) weights->emplace(name, std::move(values));
  };
  for_each_parameter(net, draw);
  for_each_buffer(net, draw);
  const auto x = converted<Real>(image);
  run_of_network<Real> run;
  net.learn(ctx, x, [](const tensor<Real>& y, tensor<Real>& gradient) {
    gradient = converted<Real>(drawn_tensor("functional", y.shape(), unit_range));
    return 0.0;
  });
  for_each_parameter(net, [&](std::string_view name, auto& p) { run.gradients.emplace(name, std::move(p.gradient)); });
  run.output = net.forward(ctx, x, nullptr);
  return run;
}

}  // namespace detail

template <class Enc, class Dec>
network_results results_of(const shape& input) {
  network_results results;
  results.input = drawn_tensor("input", input, unit_range);
  auto run = detail::run_network<Enc, Dec, float>(results.input, &results.weights);
  results.output = std::move(run.output);
  results.gradients = std::move(run.gradients);
  auto run64 = detail::run_network<Enc, Dec, double>(results.input, nullptr);
  results.output64 = std::move(run64.output);
  results.gradients64 = std::move(run64.gradients);
  return results;
}

}  // namespace aixcell
