#pragma once
#include <aixcell/exchange/detail/onnx_kernels.hpp>
#include <aixcell/exchange/detail/onnx_preprocessing.hpp>
#include <aixcell/exchange/output_maps.hpp>
#include <aixcell/version.hpp>

namespace aixcell {

struct onnx_options {
  index_t height = 256, width = 256;  ///< of the image; a multiple of 32 gives a graph for every multiple of 32
  bool preprocessing = true;          ///< inside the graph, where ONNX can say it
  bool probabilities = true;          ///< as outputs beside the network's own
};

/// A pipeline as an ONNX graph, and what the graph says of itself.
struct onnx_model {
  onnx_graph graph;
  bool preprocessing_inside = false;
  bool any_batch = false;  ///< the first extent is free
  bool any_size = false;   ///< height and width may be any multiples of 32
  index_t channels = 1;    ///< of the input
};

namespace detail {

struct onnx_translation {
  onnx_builder built;
  bool preprocessing_inside = false;
};

/// Nodes and constants for a batch [N,H,W,C] of preprocessed images; extents of inputs and outputs are left open.
inline onnx_translation translate_to_onnx(any_pipeline& model, const shape& batch, const onnx_options& options) {
  onnx_translation t;
  std::map<std::string, const tensor<float>*> parameters;
  for (const network_tensor& p : model.tensors()) parameters[p.name] = p.value;
  const std::string image = "image";
  std::string input = options.preprocessing ? add_onnx_preprocessing(t.built, model, image) : "";
  t.preprocessing_inside = !input.empty();
  if (input.empty()) input = image;
  const trace recorded = model.record(batch);
  onnx_kernels kernels(t.built, recorded, input,
                       [&](const std::string& name) -> const tensor<float>& { return *parameters.at(name); });
  t.built.rename(kernels.translate(), "output");
  if (options.probabilities)
    for (const output_map& map : output_maps_of(model, recorded.output_shape[3])) {
      const std::string logits =
          map.count == recorded.output_shape[3] ? "output" : t.built.channels("output", map.first, map.count);
      t.built.rename(map.logistic ? t.built.node("Sigmoid", {logits})
                                  : t.built.node("Softmax", {logits}, {{"axis", std::int64_t{1}}}),
                     map.name);
    }
  return t;
}

inline bool same_onnx(const onnx_graph& a, const onnx_graph& b) {
  return a.nodes == b.nodes && a.constants == b.constants;
}

}  // namespace detail

/// The network of a pipeline, with its weights, as a graph:
///   image    [N,C,H,W] float32, in file units if preprocessing is inside, else preprocessed
///   output   [N,K,H,W], what `forward` gives; then probabilities by the names of `output_maps_of`
/// Batch normalisation is folded into convolutions. The network is recorded for one size; where recordings of other sizes
/// and batches give the same graph, those extents are left free. Throws not_available for a kernel without a translation,
/// shape_error for a size below 1.
inline onnx_model to_onnx(context<cpu>& ctx, any_pipeline& model, const onnx_options& options = {}) {
  if (options.height < 1 || options.width < 1)
    throw shape_error("to_onnx: expected a size of at least 1x1, found " + std::to_string(options.height) + "x" +
                      std::to_string(options.width));
  const index_t channels = network_channels(ctx, model), height = options.height, width = options.width;
  auto translated = detail::translate_to_onnx(model, {1, height, width, channels}, options);
  onnx_model out{.graph = std::move(translated.built.graph), .preprocessing_inside = translated.preprocessing_inside};
  out.channels = out.preprocessing_inside ? model.setup().channels : channels;
  const auto unchanged = [&](const shape& batch) {
    return detail::same_onnx(out.graph, detail::translate_to_onnx(model, batch, options).built.graph);
  };
  out.any_batch = unchanged({2, height, width, channels});
  out.any_size = height % 32 == 0 && width % 32 == 0 && unchanged({1, height + 32, width + 64, channels});

  const auto batch = out.any_batch ? onnx_extent("batch") : onnx_extent(std::int64_t{1});
  const auto rows = out.any_size ? onnx_extent("height") : onnx_extent(std::int64_t{height});
  const auto columns = out.any_size ? onnx_extent("width") : onnx_extent(std::int64_t{width});
  // A dense map has the size of the image; whatever else a network gives has a size of its own.
  const shape given = model.record({1, height, width, channels}).output_shape;
  const bool dense = given[1] == height && given[2] == width;
  const auto map_of = [&](const std::string& name, index_t count, std::string meaning) {
    return onnx_value{name,
                      {batch, std::int64_t{count}, dense ? rows : onnx_extent(std::int64_t{given[1]}),
                       dense ? columns : onnx_extent(std::int64_t{given[2]})},
                      std::move(meaning)};
  };
  const std::string preprocessing = preprocessing_text(model);
  out.graph.inputs.push_back(
      {"image",
       {batch, std::int64_t{out.channels}, rows, columns},
       out.preprocessing_inside ? "pixels in the units of the file" : "pixels after preprocessing: " + preprocessing});
  out.graph.outputs.push_back(map_of("output", given[3], "what the network gives, before any decoding"));
  if (options.probabilities)
    for (const output_map& map : output_maps_of(model, given[3]))
      out.graph.outputs.push_back(map_of(map.name, map.count, map.meaning));

  out.graph.name = model.name();
  out.graph.description = "Network of the aixcell pipeline " + model.name();
  auto& facts = out.graph.metadata;
  facts["aixcell.version"] = std::string(version);
  facts["aixcell.pipeline"] = model.name();
  facts["aixcell.preprocessing"] =
      (out.preprocessing_inside ? "inside the graph, over each whole image: " : "outside, before the graph: ") +
      preprocessing;
  facts["aixcell.postprocessing"] = "outside, after the graph: " + stage_names_of(model).postprocess;
  facts["aixcell.size"] = out.any_size ? "height and width multiples of 32"
                                       : std::to_string(height) + "x" + std::to_string(width) + " only";
  for (const tunable& t : model.tunables())
    if (t.decodes_only) facts["aixcell." + t.name] = std::to_string(t.get());
  return out;
}

}  // namespace aixcell
