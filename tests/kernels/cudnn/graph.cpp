// What cuDNN says of our graphs without a GPU: it checks operations, types, shapes and strides when a graph is finalised.
#include <aixcell/kernels/cudnn/plan.cuh>
#include <set>
#include "support/catch.hpp"

namespace aixcell {
namespace {

convolution_work work_of(convolution_pass pass, stored_format format, const shape& x, const shape& filter,
                         conv2d_geometry g) {
  return {
      .pass = pass, .format = format, .x = x, .filter = filter, .y = conv2d_output_shape(x, filter, g), .geometry = g};
}

std::vector<convolution_work> works() {
  struct conv_case {
    shape x, filter;
    conv2d_geometry g;
  };
  std::vector<convolution_work> all;
  for (const conv_case& c : {conv_case{{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 0}},
                             {{2, 5, 7, 3}, {4, 3, 3, 3}, {1, 1}},
                             {{1, 8, 9, 4}, {6, 3, 3, 4}, {2, 1}},
                             {{1, 9, 10, 4}, {3, 3, 3, 4}, {2, 2, 2}},
                             {{2, 7, 6, 12}, {12, 3, 3, 4}, {1, 1, 1, 3}},
                             {{2, 9, 7, 19}, {19, 3, 3, 1}, {1, 1, 1, 19}},
                             {{16, 64, 64, 128}, {128, 3, 3, 128}, {1, 1}}})
    for (const auto pass : {convolution_pass::forward, convolution_pass::to_image, convolution_pass::to_filter})
      for (const auto format : {stored_format::float32, stored_format::float64, stored_format::bfloat16})
        all.push_back(work_of(pass, format, c.x, c.filter, c.g));
  return all;
}

}  // namespace

TEST_CASE("cudnn: the graph of every convolution is one that cuDNN accepts", "[kernels][cudnn]") {
  for (const convolution_work& w : works())
    for (const bool aligned : {true, false}) {
      CAPTURE(to_string(w), aligned);
      const detail::convolution_graph graph(w, {.fused = false, .rounded_filter_gradient = false, .aligned = aligned});
      CHECK(graph.operations() == 1);
      CHECK_NOTHROW(
          detail::convolution_graph(w, {.fused = false, .rounded_filter_gradient = true, .aligned = aligned}));
    }
}

TEST_CASE("cudnn: an epilogue becomes an operation for each of its parts", "[kernels][cudnn]") {
  for (const auto format : {stored_format::float32, stored_format::float64, stored_format::bfloat16})
    for (int parts = 0; parts < 8; ++parts)
      for (const activation act : {activation::none, activation::relu, activation::leaky_relu, activation::relu6,
                                   activation::silu, activation::gelu, activation::sigmoid}) {
        convolution_work w = work_of(convolution_pass::forward, format, {2, 8, 9, 16}, {24, 3, 3, 16}, {1, 1});
        w.scale = parts & 1;
        w.bias = parts & 2;
        w.residual = parts & 4;
        w.act = act;
        CAPTURE(to_string(w));
        const detail::convolution_graph graph(w, {.fused = true});
        CHECK(graph.operations() == std::size_t{1} + w.scale + w.bias + w.residual + (act != activation::none));
        CHECK(w.has_epilogue() == (graph.operations() > 1));
      }
}

TEST_CASE("cudnn: work that does not fit itself is refused with call, shapes and what to do", "[kernels][cudnn]") {
  convolution_work w = work_of(convolution_pass::forward, stored_format::float32, {2, 5, 7, 3}, {4, 3, 3, 3}, {1, 1});
  w.y = {2, 9, 9, 4};
  try {
    const detail::convolution_graph graph(w, {});
    FAIL("a graph of shapes that do not fit");
  } catch (const device_error& e) {
    const std::string text = e.what();
    CAPTURE(text);
    CHECK(text.starts_with("cudnn " + detail::cudnn_version_text(cudnnGetVersion())));
    for (const char* part : {"cudnnBackend", "conv2d of [2,5,7,3] by [4,3,3,3] to [2,9,9,4]", "CUDNN_STATUS_", "; "})
      CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("cudnn: other work has another key", "[kernels][cudnn]") {
  std::set<std::string> keys;
  std::size_t count = 0;
  for (convolution_work w : works()) {
    for (const activation act : {activation::none, activation::relu, activation::gelu}) {
      w.act = act;
      for (int parts = 0; parts < 8; ++parts, ++count) {
        w.scale = parts & 1;
        w.bias = parts & 2;
        w.residual = parts & 4;
        keys.insert(to_string(w));
      }
    }
  }
  CHECK(keys.size() == count);
  CHECK(to_string(work_of(convolution_pass::to_image, stored_format::bfloat16, {1, 8, 9, 4}, {6, 3, 3, 4}, {2, 1})) ==
        "conv2d_backward_data of [1,8,9,4] by [6,3,3,4] to [1,4,5,6], stride 2, padding 1, dilation 1, groups 1, "
        "bfloat16");
}

TEST_CASE("cudnn: engines are allowed by what cuDNN notes of them", "[kernels][cudnn]") {
  using enum stored_format;
  const auto allowed = [](std::vector<cudnnBackendNumericalNote_t> notes, stored_format f, cudnn_options o = {},
                          bool tf32 = false) { return detail::is_allowed(notes, {.format = f, .tf32 = tf32}, o); };
  CHECK(allowed({}, float32));
  CHECK(allowed({CUDNN_NUMERICAL_NOTE_WINOGRAD, CUDNN_NUMERICAL_NOTE_FFT}, float32));
  CHECK_FALSE(allowed({CUDNN_NUMERICAL_NOTE_WINOGRAD, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}, bfloat16));
  CHECK(allowed({CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}, bfloat16, {.deterministic = false}));
  CHECK_FALSE(allowed({CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, float32));
  CHECK_FALSE(allowed({CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS}, float32));
  CHECK(allowed({CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS}, float32, {}, true));
  CHECK(allowed({CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, bfloat16));
  CHECK(allowed({CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, float64));
  CHECK_FALSE(allowed({CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION}, bfloat16, {.deterministic = false}, true));
}

TEST_CASE("cudnn: what no engine does is refused with the cure", "[kernels][cudnn]") {
  const auto w = work_of(convolution_pass::to_filter, stored_format::bfloat16, {1, 8, 9, 4}, {6, 3, 3, 4}, {2, 1});
  CHECK_THROWS_WITH(detail::throw_no_plan(w, {}),
                    Catch::Contains("no engine for conv2d_backward_filter of [1,8,9,4]") &&
                        Catch::Contains(", deterministic") && Catch::Contains("rounded_filter_gradients") &&
                        Catch::Contains("--convolutions own"));
}

TEST_CASE("cudnn: a machine without a GPU is refused with what to do", "[kernels][cudnn]") {
  int gpus = 0;
  if (cudaGetDeviceCount(&gpus) == cudaSuccess && gpus > 0) return;
  CHECK_THROWS_WITH(detail::cudnn_handle(), Catch::Contains("cudnnCreate: CUDNN_STATUS_") &&
                                                Catch::Contains("is there a GPU") && Catch::Contains("aixcell doctor"));
}

}  // namespace aixcell
