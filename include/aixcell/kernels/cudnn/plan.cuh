#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <aixcell/kernels/cudnn/convolution_graph.cuh>

namespace aixcell {

/// Which of cuDNN's engines may be taken.
struct cudnn_options {
  bool deterministic = true;  ///< only those whose results repeat bit by bit
  /// Filter gradients of bfloat16 images are rounded to bfloat16 before they are added: for GPUs on which cuDNN has no engine
  /// that leaves them in float32.
  bool rounded_filter_gradients = false;
  std::size_t most_workspace_bytes = std::size_t{1} << 30;
};

namespace detail {

/// An engine of cuDNN for one piece of work.
class convolution_plan {
 public:
  convolution_plan(convolution_graph graph, cudnn_descriptor configuration, cudnn_descriptor plan,
                   std::int64_t workspace_bytes, bool fused, std::int64_t engine)
      : graph_(std::move(graph)),
        configuration_(std::move(configuration)),
        plan_(std::move(plan)),
        workspace_bytes_(workspace_bytes),
        fused_(fused),
        engine_(engine) {}

  const cudnn_descriptor& descriptor() const noexcept { return plan_; }
  std::int64_t workspace_bytes() const noexcept { return workspace_bytes_; }
  /// With the epilogue; else it is our own kernel's, over the stored sums.
  bool fused() const noexcept { return fused_; }
  std::string how() const {
    return "engine " + std::to_string(engine_) + ", " + std::to_string(workspace_bytes_) + " bytes of workspace" +
           (fused_ ? ", with its epilogue" : "");
  }

 private:
  // The manual does not say whether a plan needs what it was made from: kept, to be sure.
  convolution_graph graph_;
  cudnn_descriptor configuration_, plan_;
  std::int64_t workspace_bytes_;
  bool fused_;
  std::int64_t engine_;
};

/// Whether an engine with these notes may compute the work.
inline bool is_allowed(const std::vector<cudnnBackendNumericalNote_t>& notes, const convolution_work& work,
                       const cudnn_options& options) {
  return std::none_of(notes.begin(), notes.end(), [&](cudnnBackendNumericalNote_t note) {
    switch (note) {
      case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
        return options.deterministic;
      case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
        return true;  // sums are float32, as everywhere
      case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
      case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
        return work.format == stored_format::float32 && !work.tf32;
      default:
        return false;
    }
  });
}

/// The first engine that cuDNN recommends for a graph, that the options allow, and that takes it; none if there is none.
inline std::optional<convolution_plan> first_plan(cudnnHandle_t handle, const convolution_work& work,
                                                  const graph_choice& choice, const cudnn_options& options) {
  const std::string of = to_string(work);
  convolution_graph graph(work, choice, handle);
  for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    cudnn_descriptor advice(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, "advice", of);
    advice.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.descriptor()).set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
    const cudnnStatus_t status = advice.try_to_finalise();
    if (static_cast<int>(status) / 1000 == 3) continue;  // nothing for this graph
    check_cudnn(status, "cudnnBackendFinalize of advice", of);
    const std::int64_t count = advice.fill(CUDNN_ATTR_ENGINEHEUR_RESULTS, {});
    std::vector<cudnn_descriptor> configurations;
    for (std::int64_t i = 0; i < count; ++i)
      configurations.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, "a configuration", of);
    const std::int64_t filled = count == 0 ? 0 : advice.fill(CUDNN_ATTR_ENGINEHEUR_RESULTS, configurations);
    for (std::int64_t i = 0; i < std::min(count, filled); ++i) {
      cudnn_descriptor& configuration = configurations[static_cast<std::size_t>(i)];
      std::vector<cudnn_descriptor> engine;
      engine.emplace_back(CUDNN_BACKEND_ENGINE_DESCRIPTOR, "an engine", of);
      configuration.fill(CUDNN_ATTR_ENGINECFG_ENGINE, engine);
      const auto notes = engine[0].values<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                                                       CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
      if (!is_allowed(notes, work, options)) continue;
      cudnn_descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, "a plan", of);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle).set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
      if (plan.try_to_finalise() != CUDNN_STATUS_SUCCESS) continue;  // recommended, but not for this GPU
      const std::int64_t bytes = plan.values<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, 1).at(0);
      if (static_cast<std::size_t>(bytes) > options.most_workspace_bytes) continue;
      const auto index = engine[0].values<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, 1).at(0);
      return convolution_plan(std::move(graph), std::move(configuration), std::move(plan), bytes, choice.fused, index);
    }
  }
  return std::nullopt;
}

/// What was asked for, if nothing can do it.
[[noreturn]] inline void throw_no_plan(const convolution_work& work, const cudnn_options& options) {
  std::string text = "cudnn " + cudnn_version_text(cudnnGetVersion()) + ": no engine for " + to_string(work);
  text += " with at most " + std::to_string(options.most_workspace_bytes) + " bytes of workspace";
  if (options.deterministic) text += ", deterministic";
  if (work.format == stored_format::float32 && !work.tf32) text += ", without TF32 (precision tf32)";
  text += "; allow more in cudnn_options";
  if (work.format == stored_format::bfloat16 && work.pass == convolution_pass::to_filter &&
      !options.rounded_filter_gradients)
    text += " (rounded_filter_gradients)";
  throw device_error(text + ", or compute with aixcell's own kernels (--convolutions own)");
}

/// With the epilogue in one engine, else the sums alone. Throws device_error if cuDNN has neither.
inline convolution_plan make_plan(cudnnHandle_t handle, const convolution_work& work, bool aligned,
                                  const cudnn_options& options) {
  graph_choice choice{
      .fused = false,
      .rounded_filter_gradient = options.rounded_filter_gradients && work.format == stored_format::bfloat16,
      .aligned = aligned};
  if (work.has_epilogue()) {
    choice.fused = true;
    if (auto plan = first_plan(handle, work, choice, options)) return std::move(*plan);
    choice.fused = false;
  }
  if (auto plan = first_plan(handle, work, choice, options)) return std::move(*plan);
  throw_no_plan(work, options);
}

}  // namespace detail
}  // namespace aixcell
