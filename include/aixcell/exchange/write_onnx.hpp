#pragma once
// The only header that includes protobuf; target aixcell::exchange.
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <aixcell/exchange/onnx_graph.hpp>
#include <aixcell/io/file.hpp>
#include <aixcell/version.hpp>

namespace aixcell {

namespace detail {

inline void set_onnx_value(onnx::ValueInfoProto& to, const onnx_value& from) {
  to.set_name(from.name);
  to.set_doc_string(from.meaning);
  auto& type = *to.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  auto& extents = *type.mutable_shape();
  for (const onnx_extent& e : from.extents)
    if (const auto* name = std::get_if<std::string>(&e))
      extents.add_dim()->set_dim_param(*name);
    else
      extents.add_dim()->set_dim_value(std::get<std::int64_t>(e));
}

inline void set_onnx_constant(onnx::TensorProto& to, const std::string& name, const onnx_constant& from) {
  to.set_name(name);
  for (const std::int64_t e : from.extents) to.add_dims(e);
  std::visit(
      [&]<class T>(const std::vector<T>& elements) {
        to.set_data_type(std::is_same_v<T, float>    ? onnx::TensorProto::FLOAT
                         : std::is_same_v<T, double> ? onnx::TensorProto::DOUBLE
                                                     : onnx::TensorProto::INT64);
        to.set_raw_data(elements.data(), elements.size() * sizeof(T));  // little-endian, as this machine is
      },
      from.elements);
}

inline void set_onnx_attribute(onnx::AttributeProto& to, const std::string& name, const onnx_attribute& from) {
  to.set_name(name);
  if (const auto* i = std::get_if<std::int64_t>(&from)) {
    to.set_type(onnx::AttributeProto::INT);
    to.set_i(*i);
  } else if (const auto* f = std::get_if<float>(&from)) {
    to.set_type(onnx::AttributeProto::FLOAT);
    to.set_f(*f);
  } else if (const auto* s = std::get_if<std::string>(&from)) {
    to.set_type(onnx::AttributeProto::STRING);
    to.set_s(*s);
  } else if (const auto* is = std::get_if<std::vector<std::int64_t>>(&from)) {
    to.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t v : *is) to.add_ints(v);
  } else {
    to.set_type(onnx::AttributeProto::FLOATS);
    for (const float v : std::get<std::vector<float>>(from)) to.add_floats(v);
  }
}

}  // namespace detail

/// The bytes of an ONNX file. Throws error if ONNX's own checker refuses the graph, which means a fault of the translation,
/// and io_error if the weights exceed the 2 GiB a file may have.
inline std::string encode_onnx(const onnx_graph& from) {
  onnx::ModelProto model;
  model.set_ir_version(onnx_ir_version);
  model.set_producer_name("aixcell");
  model.set_producer_version(std::string(version));
  model.set_doc_string(from.description);
  model.add_opset_import()->set_version(onnx_opset);
  for (const auto& [key, value] : from.metadata) {
    auto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  auto& graph = *model.mutable_graph();
  graph.set_name(from.name);
  std::size_t bytes = 0;
  for (const auto& [name, constant] : from.constants) {
    detail::set_onnx_constant(*graph.add_initializer(), name, constant);
    bytes += graph.initializer(graph.initializer_size() - 1).raw_data().size();
  }
  if (bytes > (std::size_t{1} << 31) - (std::size_t{1} << 24))
    throw io_error(from.name + ": " + std::to_string(bytes >> 20) +
                   " MiB of weights exceed the 2 GiB of an ONNX file; choose a smaller network");
  for (const onnx_node& n : from.nodes) {
    auto& node = *graph.add_node();
    node.set_op_type(n.op);
    node.set_name(n.outputs[0]);
    for (const std::string& i : n.inputs) node.add_input(i);
    for (const std::string& o : n.outputs) node.add_output(o);
    for (const auto& [name, value] : n.attributes) detail::set_onnx_attribute(*node.add_attribute(), name, value);
  }
  for (const onnx_value& v : from.inputs) detail::set_onnx_value(*graph.add_input(), v);
  for (const onnx_value& v : from.outputs) detail::set_onnx_value(*graph.add_output(), v);
  try {
    onnx::checker::check_model(model);
  } catch (const std::exception& e) {
    throw error(from.name + ": the ONNX checker refuses the graph: " + e.what());
  }
  return model.SerializeAsString();
}

/// The same as a file, all or nothing. Throws io_error if it cannot be written.
inline void write_onnx(const std::filesystem::path& path, const onnx_graph& graph) {
  write_file_atomically(path, encode_onnx(graph));
}

}  // namespace aixcell
