#include <aixcell/exchange/onnx.hpp>

#include <aixcell/decoder/fpn.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/exchange/write_onnx.hpp>
#include <aixcell/pipeline/pipeline.hpp>
#include <aixcell/postprocess/with_classes.hpp>
#include <aixcell/preprocess/chain.hpp>
#include <aixcell/preprocess/top_hat.hpp>

#include "exchange/exported_model.hpp"
#include "support/catch.hpp"

using namespace aixcell;

namespace {

using small_pipeline = pipeline<percentile, plain<2, 4>, unet, interior_border>;

std::vector<std::string> operators_of(const onnx_graph& graph) {
  std::vector<std::string> names;
  for (const onnx_node& n : graph.nodes) names.push_back(n.op);
  return names;
}

int count_of(const onnx_graph& graph, const std::string& op) {
  const auto all = operators_of(graph);
  return static_cast<int>(std::count(all.begin(), all.end(), op));
}

}  // namespace

TEST_CASE("the trace of a small network is what the network does", "[exchange]") {
  context<cpu> ctx(1);
  small_pipeline model;
  model.set_up(ctx, {.channels = 2});
  const trace t = model.record({1, 16, 24, 2});
  CHECK(t.input_shape == shape{1, 16, 24, 2});
  CHECK(t.output_shape == shape{1, 16, 24, 3});
  std::map<std::string_view, int> count;
  for (const recorded_kernel& k : t.kernels) ++count[k.name];
  // Two units at each of two levels, two after the join, the head; their normalisations are folded.
  CHECK(count["conv2d"] == 7);
  CHECK(count["normalisation_coefficients"] == 6);
  CHECK(count["max_pool2d"] == 1);
  CHECK(count["upsample"] == 1);
  CHECK(count["concatenate_channels"] == 1);
  CHECK(t.kernels.size() == 16);
  for (const network_tensor& p : model.tensors())
    CHECK(std::any_of(t.parameters.begin(), t.parameters.end(), [&](const auto& v) { return v.second == p.name; }));
}

TEST_CASE("normalisations are folded into the convolutions of the graph", "[exchange]") {
  context<cpu> ctx(1);
  pipeline<identity, plain<2, 4>, unet, interior_border> model;
  model.set_up(ctx, {.channels = 2, .seed = 3});
  random_stream random(5);
  test::disturb(ctx, model, random);
  const onnx_model exported = to_onnx(ctx, model, {.height = 32, .width = 32, .probabilities = false});
  CHECK(operators_of(exported.graph) == std::vector<std::string>{"Conv", "Relu", "Conv", "Relu", "MaxPool", "Conv",
                                                                 "Relu", "Conv", "Relu", "Resize", "Concat", "Conv",
                                                                 "Relu", "Conv", "Relu", "Conv"});
  std::map<std::string, const tensor<float>*> values;
  for (const network_tensor& t : model.tensors()) values[t.name] = t.value;
  const std::string first = exported.graph.nodes[0].inputs[1], stem = first.substr(0, first.rfind("conv.weight"));
  const onnx_constant& w = exported.graph.constants.at(first);
  CHECK(w.extents == std::vector<std::int64_t>{4, 2, 3, 3});
  const tensor<float>& filter = *values.at(first);
  const auto& elements = std::get<std::vector<float>>(w.elements);
  for (index_t k = 0; k < 4; ++k) {
    const double scale = static_cast<double>((*values.at(stem + "norm.weight"))[k]) /
                         std::sqrt(static_cast<double>((*values.at(stem + "norm.running_var"))[k]) + 1e-5);
    for (index_t c = 0; c < 2; ++c)
      for (index_t r = 0; r < 3; ++r)
        for (index_t s = 0; s < 3; ++s)
          CHECK(static_cast<double>(elements[static_cast<std::size_t>(((k * 2 + c) * 3 + r) * 3 + s)]) ==
                Approx(scale * static_cast<double>(filter(k, r, s, c))).epsilon(1e-6));
  }
}

TEST_CASE("what does not depend on the size of the image is free in the graph", "[exchange]") {
  context<cpu> ctx(1);
  small_pipeline model;
  model.set_up(ctx, {});
  const onnx_model free = to_onnx(ctx, model, {.height = 64, .width = 32});
  CHECK(free.any_size);
  CHECK(free.any_batch);
  CHECK(free.graph.inputs[0].extents == std::vector<onnx_extent>{"batch", std::int64_t{1}, "height", "width"});
  CHECK(free.graph.outputs[1].name == "pixel_probabilities");
  const onnx_model fixed = to_onnx(ctx, model, {.height = 33, .width = 47});
  CHECK_FALSE(fixed.any_size);
  CHECK(fixed.any_batch);
  CHECK(fixed.graph.outputs[0].extents ==
        std::vector<onnx_extent>{"batch", std::int64_t{3}, std::int64_t{33}, std::int64_t{47}});
  CHECK(fixed.graph.metadata.at("aixcell.size") == "33x47 only");
}

TEMPLATE_TEST_CASE("the ONNX checker accepts what we write", "[exchange]", percentile, z_score, fitted_z_score,
                   identity) {
  context<cpu> ctx(1);
  pipeline<TestType, plain<2, 4>, fpn, with_classes<interior_border>> model;
  model.set_up(ctx, {.channels = 2, .object_classes = 2});
  for (const fitted_value& f : model.fitted_values()) *std::get<std::vector<float>*>(f.value) = {3.0f, 0.5f};
  for (const index_t height : {32, 1, 45}) {
    const onnx_model exported = to_onnx(ctx, model, {.height = height, .width = 31});
    CHECK(exported.preprocessing_inside);
    CHECK(exported.graph.outputs.back().name == "object_class_probabilities");
    const std::string bytes = encode_onnx(exported.graph);
    CHECK(bytes.size() > 4 * 100);
    CHECK(bytes == encode_onnx(exported.graph));
    CHECK(count_of(exported.graph, "InstanceNormalization") > 0);  // the group normalisations of fpn
  }
}

TEST_CASE("preprocessing that ONNX cannot say stays outside, and the graph says so", "[exchange]") {
  context<cpu> ctx(1);
  pipeline<chain<top_hat, percentile>, plain<2, 4>, unet, interior_border> model;
  model.set_up(ctx, {});
  const onnx_model exported = to_onnx(ctx, model, {.height = 32, .width = 32});
  CHECK_FALSE(exported.preprocessing_inside);
  CHECK(exported.graph.metadata.at("aixcell.preprocessing").find("outside, before the graph: top_hat_percentile") == 0);
  small_pipeline named;
  named.set_up(ctx, {});
  CHECK_FALSE(to_onnx(ctx, named, {.height = 32, .width = 32, .preprocessing = false}).preprocessing_inside);
}

TEST_CASE("the checker's refusal and impossible sizes are errors", "[exchange]") {
  context<cpu> ctx(1);
  small_pipeline model;
  model.set_up(ctx, {});
  CHECK_THROWS_AS(to_onnx(ctx, model, {.height = 0, .width = 8}), shape_error);
  onnx_graph broken = to_onnx(ctx, model, {.height = 8, .width = 8}).graph;
  broken.nodes[0].op = "NoSuchOperator";
  CHECK_THROWS_WITH(encode_onnx(broken), Catch::Contains("the ONNX checker refuses the graph"));
  CHECK_THROWS_AS(write_onnx("/nowhere/a.onnx", to_onnx(ctx, model, {.height = 8, .width = 8}).graph), io_error);
}
