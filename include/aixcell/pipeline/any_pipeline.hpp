#pragma once
#include <memory>
#include <string>
#include <vector>

#include <aixcell/core/precision.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/pipeline/stage_reference.hpp>
#include <aixcell/pipeline/stage_values.hpp>

namespace aixcell {

/// What the data decides about a pipeline before training.
struct pipeline_setup {
  int channels = 1;        ///< of the images
  int pixel_classes = 2;   ///< of a semantic data set, background included
  int object_classes = 0;  ///< 0 if objects have no classes
  int image_classes = 0;   ///< 0 if images have no classes
  std::uint64_t seed = 0;  ///< of the initial weights
  /// Of the image classes among the images that are learned from, for the loss; not kept in model files.
  std::vector<float> image_class_shares = {};
  bool draw_weights = true;  ///< false where values of a file are about to replace them; not kept either
};

/// What a pipeline needs for a batch of images, found without running it.
struct resource_estimate {
  double parameters = 0;            ///< trainable values
  cost inference;                   ///< one forward pass
  cost training;                    ///< one forward and backward pass
  std::size_t weight_bytes = 0;     ///< parameters and running statistics, once
  std::size_t gradient_bytes = 0;   ///< of the parameters, once
  std::size_t inference_bytes = 0;  ///< of activations and workspace, without weights
  std::size_t training_bytes = 0;   ///< of activations, their gradients, targets and workspace, without weights

  /// What a model that was set up takes of the process while it predicts.
  std::size_t inference_memory() const { return weight_bytes + gradient_bytes + inference_bytes; }
  /// What a training run takes beside its images: weights, averaged and best weights, gradients, two moments.
  std::size_t training_memory() const { return 3 * weight_bytes + 3 * gradient_bytes + training_bytes; }
};

/// A pipeline whose type is not known: what training, prediction, files and search work with. One virtual call per
/// image or batch; everything inside runs on the static types. Const members may be called from several threads, each
/// with a context of its own.
class any_pipeline {
 public:
  virtual ~any_pipeline() = default;

  // Facts.
  virtual std::string name() const = 0;
  virtual task solves() const = 0;
  virtual bool needs_nuclei() const = 0;
  virtual bool needs_object_classes() const = 0;
  virtual bool needs_image_classes() const = 0;
  virtual bool accepts_channels([[maybe_unused]] int channels) const { return true; }  ///< of the images
  virtual const pipeline_setup& setup() const = 0;
  virtual resource_estimate estimate(const shape& batch, const compute_settings& how) const = 0;
  resource_estimate estimate(const shape& batch) const { return estimate(batch, {}); }
  /// The kernels of the network on preprocessed images [N,H,W,C], found without running it.
  virtual trace record(const shape& batch) const = 0;

  // Life: set_up, fit_preprocess, then learn; or set_up and reading the values of a file.
  virtual std::unique_ptr<any_pipeline> blank() const = 0;  ///< same stages and tunables, not set up
  virtual void set_up(context<cpu>& ctx, const pipeline_setup& setup) = 0;
  virtual void fit_preprocess(context<cpu>& ctx, const example_source& training) = 0;
  /// Forward, loss, backward on x [N,H,W,C] and target [N,H,W,T] ([N,1,1,T] where the image has one answer): adds to the
  /// gradients, returns the loss.
  virtual double learn(context<cpu>& ctx, const tensor<float>& x, const tensor<float>& target) = 0;
  /// Throws not_available if the pipeline is compiled for prediction alone (purpose).
  virtual void require_training() const {}
  /// Makes `forward` faster for contexts of this one's precision until `learn` or `tensors` is called: weights must not
  /// change before. Takes half the bytes of the weights in bfloat16, up to four times as many in float32, where 3x3 filters
  /// stay transformed; results differ by rounding.
  virtual void freeze(context<cpu>&) {}

  // The stages.
  virtual tensor<float> preprocess(context<cpu>& ctx, view<const float, cpu> pixels) const = 0;
  virtual tensor<float> forward(context<cpu>& ctx, const tensor<float>& x) const = 0;
  virtual tensor<float> target(context<cpu>& ctx, const annotation& truth) const = 0;
  virtual prediction decode(context<cpu>& ctx, view<const float, cpu> dense) const = 0;
  /// Gives the channels of a mirrored dense map [H,W,K] the meaning they have in the image that was not mirrored.
  virtual void restore_directions(view<float, cpu> dense, mirror m) const = 0;

  // Where the network computes: set_up asks its context. On a device, its network's `step` takes the place of learn.
  /// The device's network with the loss that the postprocess has now; null: on the processor. Throws not_available if the
  /// device cannot know the loss.
  virtual device_network* training_device() { return nullptr; }
  /// The stages as predict finds them on a device.
  virtual device_stages on_device() const { return {}; }
  /// Says that values of tensors() were changed: a device has to know.
  virtual void weights_changed() {}

  // Values.
  virtual std::vector<tunable> tunables() = 0;
  virtual std::vector<fitted_value> fitted_values() = 0;
  virtual std::vector<network_tensor> tensors() = 0;
};

}  // namespace aixcell
