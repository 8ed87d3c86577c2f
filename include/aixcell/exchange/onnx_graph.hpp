#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace aixcell {

// An ONNX model (github.com/onnx/onnx, docs/IR.md) as plain values: what `to_onnx` makes and `encode_onnx` turns into bytes.
// No protobuf here, so that graphs can be made, compared and tested without it.

inline constexpr int onnx_opset = 17;
inline constexpr int onnx_ir_version = 8;

/// A tensor with known elements, row-major: weights, or sizes.
struct onnx_constant {
  std::vector<std::int64_t> extents;
  std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>> elements;
  friend bool operator==(const onnx_constant&, const onnx_constant&) = default;
};

using onnx_attribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>>;

/// One operator. An input with an empty name is left out.
struct onnx_node {
  std::string op;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, onnx_attribute> attributes;
  friend bool operator==(const onnx_node&, const onnx_node&) = default;
};

/// A number, or the name of a size that is known when the model runs.
using onnx_extent = std::variant<std::int64_t, std::string>;

/// A float32 input or output of the model.
struct onnx_value {
  std::string name;
  std::vector<onnx_extent> extents;
  std::string meaning;  ///< for people
  friend bool operator==(const onnx_value&, const onnx_value&) = default;
};

struct onnx_graph {
  std::string name, description;
  std::vector<onnx_node> nodes;  ///< in an order in which they can run
  std::map<std::string, onnx_constant> constants;
  std::vector<onnx_value> inputs, outputs;
  std::map<std::string, std::string> metadata;
};

}  // namespace aixcell
