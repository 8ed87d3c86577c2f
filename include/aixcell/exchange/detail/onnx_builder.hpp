#pragma once
#include <optional>
#include <span>

#include <aixcell/core/tensor.hpp>
#include <aixcell/exchange/onnx_graph.hpp>
#include <aixcell/kernels/activation.hpp>

namespace aixcell::detail {

using int64s = std::vector<std::int64_t>;

/// Adds nodes and constants to a graph and names them.
class onnx_builder {
 public:
  onnx_graph graph;

  /// Adds a node with one output and returns the output's name.
  std::string node(const std::string& op, std::vector<std::string> inputs,
                   std::map<std::string, onnx_attribute> attributes = {}) {
    const std::string output = op + "_" + std::to_string(graph.nodes.size());
    graph.nodes.push_back({op, std::move(inputs), {output}, std::move(attributes)});
    return output;
  }

  /// Adds a constant. If the name is taken by other elements, a number is appended to it.
  std::string constant(const std::string& name, onnx_constant c) {
    std::string free = name;
    for (int i = 2;; ++i) {
      const auto [at, is_new] = graph.constants.try_emplace(free, c);
      if (is_new || at->second == c) return free;
      free = name + "_" + std::to_string(i);
    }
  }
  std::string floats(const std::string& name, int64s extents, std::vector<float> elements) {
    return constant(name, {std::move(extents), std::move(elements)});
  }
  std::string number(const std::string& name, float value) { return floats(name, {}, {value}); }
  std::string integers(const std::string& name, int64s elements) {
    const auto count = static_cast<std::int64_t>(elements.size());
    return constant(name, {{count}, std::move(elements)});
  }
  /// One value for each channel, shaped [C,1,1], so that it meets the channels of [N,C,H,W].
  std::string by_channel(const std::string& name, std::span<const float> elements) {
    return floats(name, {static_cast<std::int64_t>(elements.size()), 1, 1}, {elements.begin(), elements.end()});
  }

  std::string activated(activation act, const std::string& x) {
    switch (act) {
      case activation::none:
        return x;
      case activation::relu:
        return node("Relu", {x});
      case activation::leaky_relu:
        return node("LeakyRelu", {x}, {{"alpha", static_cast<float>(leaky_relu_slope)}});
      case activation::relu6:
        return node("Clip", {x, number("zero", 0), number("six", 6)});
      case activation::silu:
        return node("Mul", {x, node("Sigmoid", {x})});
      case activation::gelu: {
        const std::string scaled =
            node("Mul", {x, number("inverse_sqrt2", static_cast<float>(1 / std::numbers::sqrt2))});
        const std::string share = node("Add", {node("Erf", {scaled}), number("one", 1)});
        return node("Mul", {node("Mul", {x, share}), number("half", 0.5f)});
      }
      case activation::sigmoid:
        return node("Sigmoid", {x});
    }
    throw not_available("ONNX export: an activation without a translation");
  }

  /// Part of the channels of x [N,C,H,W].
  std::string channels(const std::string& x, std::int64_t begin, std::int64_t count) {
    return node("Slice",
                {x, integers("from_" + std::to_string(begin), {begin}),
                 integers("to_" + std::to_string(begin + count), {begin + count}), integers("channel_axis", {1})});
  }

  /// Gives the value `from` the name `to` wherever it appears.
  void rename(const std::string& from, const std::string& to) {
    for (onnx_node& n : graph.nodes) {
      for (std::string& name : n.inputs)
        if (name == from) name = to;
      for (std::string& name : n.outputs)
        if (name == from) name = to;
    }
  }
};

}  // namespace aixcell::detail
