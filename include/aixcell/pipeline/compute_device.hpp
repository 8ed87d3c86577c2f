#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <aixcell/core/compute_settings.hpp>
#include <aixcell/kernels/augment.hpp>
#include <aixcell/losses/any_loss_term.hpp>
#include <aixcell/optim/options.hpp>
#include <aixcell/pipeline/network.hpp>
#include <aixcell/pipeline/stage_reference.hpp>
#include <aixcell/pipeline/stage_values.hpp>
#include <aixcell/pipeline/tiled_output.hpp>

namespace aixcell {

// A device beside the processor on which networks run. In training, reading images, planning crops, targets and evaluation stay
// on the processor; what goes over is a batch, or the plans of its crops, and its targets; what comes back is the loss of a
// step. In `predict` an image goes over and labels come back, where the device has a twin of every stage. Nothing here knows a
// device: pipeline/gpu/networks_on.hpp is written for all of them.

/// What a training moves, on the host: between epochs everything is there, so that checkpoints, validation and the choice of
/// the best weights do not know where steps are taken, and a run may go on elsewhere.
struct training_state {
  std::vector<network_tensor> tensors;
  std::vector<tensor<float>*> averages;  ///< one for each tensor
  std::vector<tensor<float>*>
      moments;  ///< of each parameter in their order: AdamW's mean and square, or SGD's velocity
};

struct step_options {
  aixcell::optimiser optimiser = aixcell::optimiser::adamw;
  adamw_options adamw;
  sgd_options sgd;
  double learning_rate = 0;
  double clip_norm = 0;      ///< 0: no clipping
  double average_decay = 0;  ///< of the moving average of the weights
  std::int64_t step = 1;     ///< of the optimiser, counted from 1

  friend constexpr bool operator==(const step_options&, const step_options&) = default;
};

struct step_result {
  double loss = 0;
  double gradient_norm = 0;  ///< before clipping; 0 without clipping
};

/// Images that stay on a device, as long as this lives.
class device_images {
 public:
  virtual ~device_images() = default;
};

/// A crop of one of them, by its place among them.
struct crop_of_kept {
  std::size_t image = 0;
  crop_plan plan;
};

/// An image or a map [H,W,C] in the memory of a device: what `predict` hands from stage to stage. Only networks of that device
/// read it.
class device_map {
 public:
  virtual ~device_map() = default;
  virtual shape extents() const = 0;
};
using device_map_pointer = std::shared_ptr<const device_map>;

/// One network on a device, with weights of its own. Safe for several threads, which take turns.
class device_network {
 public:
  virtual ~device_network() = default;

  /// Copies the host's values over; the tensors are those of the same network on the processor.
  virtual void take_weights(const std::vector<network_tensor>& from) = 0;
  /// [N,H,W,C] to [N,H,W,K], both on the host.
  virtual tensor<float> forward(const tensor<float>& x) = 0;

  /// Whether the device has a twin of a stage before or behind the network.
  virtual bool has_twin(const stage_reference& stage) const = 0;
  virtual device_map_pointer upload(view<const float, cpu> map) = 0;
  virtual tensor<float> download(const device_map& map) = 0;
  /// As apply_preprocess, same errors. Only where has_twin.
  virtual device_map_pointer preprocess(const stage_reference& stage, const device_map& pixels) = 0;
  /// The output of the network for the part `where` of a preprocessed image, as tiled_output and crop_reflected.
  virtual device_map_pointer dense(const device_map& prepared, const rectangle& where, const predict_options& options,
                                   const channel_order& order) = 0;
  /// As a postprocess decodes a dense map. Only where has_twin.
  virtual prediction decode(const stage_reference& stage, const device_map& dense) = 0;

  /// What steps make small.
  virtual void set_loss(std::vector<any_loss_term> terms) = 0;
  /// From here to end_steps the state lives on the device. `state` must outlive the steps.
  virtual void begin_steps(const training_state& state, aixcell::optimiser kind) = 0;
  /// Forward, loss, backward, clipping, optimiser, average. Throws data_error if the target has classes that the output has
  /// not.
  virtual step_result step(const tensor<float>& x, const tensor<float>& target, const step_options& options) = 0;
  /// Sends images [H,W,C] over, from which steps cut their crops. Null where they would take more than a quarter of the
  /// device's memory: crops are then cut on the processor.
  virtual std::unique_ptr<device_images> keep(const std::vector<const tensor<float>*>& images) = 0;
  /// The same step with a batch that is cut on the device from what `keep` of this network gave.
  virtual step_result step(const device_images& images, const std::vector<crop_of_kept>& crops,
                           const tensor<float>& target, const step_options& options) = 0;
  /// Writes everything back to the host.
  virtual void end_steps() = 0;
};

/// What to make a network of.
struct network_request {
  std::string_view encoder, decoder;  ///< by the names of their policies
  int channels = 1;                   ///< of the preprocessed image
  output_head head;
  compute_settings compute = {};  ///< precision automatic: what the device is fastest in
};

/// See context<cpu>::run_networks_on.
class compute_device {
 public:
  virtual ~compute_device() = default;
  virtual std::string name() const = 0;
  /// What is done there, in words: networks, and the stages before and behind them that have twins.
  virtual std::string description() const = 0;
  /// With weights of 0. Throws not_available for a pair that was not compiled for the device: nothing falls back to the
  /// processor.
  virtual std::unique_ptr<device_network> make(const network_request& wanted) = 0;
};

}  // namespace aixcell
