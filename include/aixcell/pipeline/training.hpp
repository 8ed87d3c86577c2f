#pragma once
#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <variant>

#include <aixcell/data/augment.hpp>
#include <aixcell/data/dataset.hpp>
#include <aixcell/optim/adamw.hpp>
#include <aixcell/optim/clip.hpp>
#include <aixcell/optim/moving_average.hpp>
#include <aixcell/optim/schedule.hpp>
#include <aixcell/optim/options.hpp>
#include <aixcell/optim/sgd.hpp>
#include <aixcell/pipeline/compute_device.hpp>
#include <aixcell/pipeline/evaluate.hpp>

namespace aixcell {

struct training_options {
  int epochs = 0;           ///< planned; 0: as many as the budget allows
  double budget_s = 600;    ///< seconds for a run without a planned number of epochs
  int batch = 4;            ///< crops a step
  index_t tile = 256;       ///< edge of a training crop; of whole images with a class at most that of the largest image
  int crops_per_epoch = 0;  ///< 0: one for each tile of the training images, at least 64
  int epochs_in_budget =
      12;  ///< at least; where a pass over all crops takes longer than its share, the epoch ends early
  aixcell::optimiser optimiser = aixcell::optimiser::adamw;
  adamw_options adamw;
  sgd_options sgd;
  cosine_schedule schedule;
  double clip_norm = 1;           ///< greatest norm of all gradients together; 0: no clipping
  double average_decay = 0.998;   ///< of the moving average of the weights, the ones that are validated and kept
  int patience = 0;               ///< epochs without a better validation score before training ends; 0: never
  index_t validate_at_most = 48;  ///< images validated after an epoch; of images smaller than 2^16 pixels as many more
  augmentation augment;
  std::uint64_t seed = 0;
  std::function<bool()> stop_requested = {};       ///< asked before every step; true throws `interrupted`
  std::size_t cache_bytes = std::size_t{2} << 30;  ///< of preprocessed training images kept in memory
};

/// What an epoch gave.
struct epoch_report {
  int epoch = 0;        ///< 1, 2, ...
  double progress = 0;  ///< share of the run that is done, 0..1
  double loss = 0;      ///< mean over the epoch's steps
  double learning_rate = 0;
  double validation = 0;   ///< evaluation::score of the averaged weights
  double best = 0;         ///< of the weights kept so far
  double elapsed_s = 0;    ///< of the run, interruptions not counted
  double remaining_s = 0;  ///< estimated
  double crops_per_s = 0;
};

/// How often a pass over all crops shows an image of a class with `count` images, where the most frequent class has `most`:
/// by the square root of what it lacks (Mahajan et al. 2018, section 2.3). The loss makes up for the rest, see
/// pipeline_setup::image_class_shares.
inline index_t repeats_of_class(double count, double most) {
  return std::max<index_t>(1, std::lround(std::sqrt(most / count)));
}

/// A training run: the pipeline's weights, the optimiser's moments, the averaged and the best weights, and where in the
/// plan it is. Everything that decides the next epoch is in `for_each_value`, and every random number comes from (seed,
/// epoch, crop): a run that was saved after an epoch and goes on elsewhere gives the same bits as one that never stopped.
///
/// The learning rate follows `progress`, from 0 to 1. With planned epochs every step advances it equally; with a time
/// budget it is the share of the time that is spent, so that the schedule ends with the budget on a machine of any, even
/// changing, speed.
class training {
 public:
  /// The pipeline must be set up and its preprocessing fitted. `train` and `validation` outlive the run.
  training(context<cpu>& ctx, any_pipeline& model, const example_source& train, const example_source& validation,
           training_options options)
      : ctx_(ctx),
        model_(model),
        train_(train),
        validation_(validation),
        options_(std::move(options)),
        tensors_(model.tensors()) {
    for (const network_tensor& t : tensors_) {
      if (t.gradient) trained_.push_back({t.value->data(), t.gradient->data(), t.value->size(), t.decays});
      averaged_.push_back(t.value->clone());
      best_.push_back(t.value->clone());
    }
    if (options_.optimiser == optimiser::adamw)
      adamw_ = adamw(options_.adamw, trained_);
    else
      sgd_ = sgd(options_.sgd, trained_);
    read_training_images();
  }

  bool finished() const { return progress_ >= 1 || (options_.patience > 0 && epochs_since_best_ >= options_.patience); }
  int epochs() const { return static_cast<int>(epoch_); }
  int cycle() const { return static_cast<int>(cycle_); }  ///< restarts so far
  double best_score() const { return best_score_; }
  double elapsed_s() const { return elapsed_s_; }
  const training_options& options() const { return options_; }
  bool cuts_on_device() const { return images_ != nullptr; }  ///< where the crops of the last epoch came from
  index_t validated_at_most() const { return validated_at_most_; }  ///< images after each epoch; 0: all

  /// One pass over the crops of an epoch, then validation of the averaged weights.
  epoch_report run_epoch() {
    const auto start = std::chrono::steady_clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    const std::vector<index_t> order = crop_order();
    const index_t steps = std::max<index_t>(1, static_cast<index_t>(order.size()) / options_.batch);
    const bool planned = options_.epochs > 0;
    const double epochs_left = options_.epochs - static_cast<double>(epoch_ - cycle_start_epoch_);
    const double epoch_s = options_.budget_s / std::max(1, options_.epochs_in_budget);
    // After the given step of this epoch.
    const auto progress_at = [&](index_t step) {
      if (!planned)  // the last validation belongs to the budget; how long one takes varies, the schedule goes on only
        return std::max(progress_,
                        (elapsed_s_ - cycle_start_s_ + seconds()) / std::max(1e-9, options_.budget_s - validation_s_));
      return progress_ +
             (1 - progress_) / std::max(1.0, epochs_left) * static_cast<double>(step) / static_cast<double>(steps);
    };
    epoch_report report;
    device_ = model_.training_device();
    if (device_) {
      if (!images_) images_ = kept_images();
      device_->begin_steps(state(), options_.optimiser);
    }
    index_t step = 0;
    for (; step < steps; ++step) {
      if (options_.stop_requested && options_.stop_requested())
        throw interrupted("training stopped in epoch " + std::to_string(epoch_ + 1) +
                          "; all earlier epochs are in the checkpoint");
      const double at = progress_at(step);
      if (!planned && step > 0 && (at >= 1 || seconds() + validation_s_ > epoch_s)) break;
      report.learning_rate = learning_rate_at(at);
      report.loss += learn_batch(order, step, report.learning_rate);
    }
    if (device_) device_->end_steps();
    report.loss /= static_cast<double>(step);
    report.crops_per_s = static_cast<double>(step * options_.batch) / seconds();
    progress_ = progress_at(step);
    ++epoch_;

    const double trained_s = seconds();
    report.validation = validate();
    validation_s_ = seconds() - trained_s;
    elapsed_s_ += seconds();
    // What is left must be worth another validation.
    if (!planned && options_.budget_s - (elapsed_s_ - cycle_start_s_) < 2 * validation_s_) progress_ = 1;
    if (progress_ > 1 - 1e-9) progress_ = 1;
    report.epoch = static_cast<int>(epoch_);
    report.progress = progress_;
    report.best = best_score_;
    report.elapsed_s = elapsed_s_;
    const double per_progress = (elapsed_s_ - cycle_start_s_) / std::max(progress_, 1e-9);
    report.remaining_s = options_.epochs > 0 ? per_progress * (1 - progress_)
                                             : std::max(0.0, cycle_start_s_ + options_.budget_s - elapsed_s_);
    if (progress_ >= 1) report.remaining_s = 0;
    return report;
  }

  /// Goes on after the end: a new warm restart of the schedule (Loshchilov & Hutter 2017) with a budget of its own.
  void restart(double budget_s) {
    options_.budget_s = budget_s;
    progress_ = 0;
    cycle_start_s_ = elapsed_s_;
    cycle_start_epoch_ = epoch_;
    best_has_settled_ = 0;
    ++cycle_;
  }

  /// Leaves in the pipeline the averaged weights that scored best in the second half of the schedule.
  void keep_best() {
    for (std::size_t i = 0; i < tensors_.size(); ++i)
      std::copy(best_[i].begin(), best_[i].end(), tensors_[i].value->begin());
    model_.weights_changed();
  }

  /// What must be equal for a checkpoint to be gone on from: pipeline, data, seed, plan and step size.
  std::string identity() const {
    return model_.name() + ", " + std::to_string(train_.size()) + " training images, seed " +
           std::to_string(options_.seed) +
           (options_.epochs > 0 ? ", " + std::to_string(options_.epochs) + " epochs" : ", within a budget") +
           ", batch " + std::to_string(options_.batch) + " of " + std::to_string(options_.tile);
  }

  /// A value by its name; it belongs to the run.
  using value_address = std::variant<tensor<float>*, double*, std::int64_t*>;
  struct stored_value {
    std::string name;
    value_address value;
  };

  /// Everything that a checkpoint must hold.
  std::vector<stored_value> values() {
    std::vector<stored_value> all;
    const auto add = [&](std::string name, value_address value) { all.push_back({std::move(name), value}); };
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      add("model." + tensors_[i].name, tensors_[i].value);
      add("average." + tensors_[i].name, &averaged_[i]);
      add("best." + tensors_[i].name, &best_[i]);
    }
    if (options_.optimiser == optimiser::adamw)
      adamw::for_each_member(adamw_, [&](const std::string& name, auto& value) { add("adamw." + name, &value); });
    else
      sgd::for_each_member(sgd_, [&](const std::string& name, auto& value) { add("sgd." + name, &value); });
    add("epoch", &epoch_);
    add("steps", &steps_);
    add("epochs_since_best", &epochs_since_best_);
    add("best_has_settled", &best_has_settled_);
    add("cycle", &cycle_);
    add("cycle_start_epoch", &cycle_start_epoch_);
    add("progress", &progress_);
    add("best_score", &best_score_);
    add("elapsed_s", &elapsed_s_);
    add("cycle_start_s", &cycle_start_s_);
    add("validation_s", &validation_s_);
    return all;
  }

  /// visit(name, tensor<float>&), visit(name, double&) or visit(name, std::int64_t&) for each of them.
  template <class Visit>
  void for_each_value(Visit&& visit) {
    for (const stored_value& stored : values())
      std::visit([&](auto* value) { visit(stored.name, *value); }, stored.value);
  }

 private:
  struct prepared {
    tensor<float> pixels;
    annotation truth;
  };

  static index_t tiles_of(const shape& s, index_t tile) {
    return ((s[0] + tile - 1) / tile) * ((s[1] + tile - 1) / tile);
  }

  prepared prepare(context<cpu>& ctx, index_t i) const {
    example e = train_.load(i);
    prepared p{model_.preprocess(ctx, e.picture.pixels), std::move(e.truth)};
    fit_labels(p.truth, p.pixels.extent(0), p.pixels.extent(1));
    as_pixel_classes(p.truth, model_);
    return p;
  }

  void read_training_images() {
    cache_.resize(static_cast<std::size_t>(train_.size()));
    classes_.resize(cache_.size());
    std::vector<shape> sizes(cache_.size());
    std::vector<std::size_t> bytes(cache_.size());
    parallel_for(ctx_, train_.size(), [&](index_t i) {
      context<cpu> serial(1);
      const auto at = static_cast<std::size_t>(i);
      cache_[at] = prepare(serial, i);
      cache_[at]->pixels = cache_[at]->pixels.clone();  // out of the short-lived context's pool
      sizes[at] = cache_[at]->pixels.shape();
      classes_[at] = cache_[at]->truth.image_class;
      bytes[at] =
          static_cast<std::size_t>(cache_[at]->pixels.size() + 2 * cache_[at]->truth.labels.size()) * sizeof(float);
    });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < cache_.size(); ++i)
      if ((kept += bytes[i]) > options_.cache_bytes) cache_[i].reset();  // read again when its turn comes

    // A class belongs to the whole image, and what a crop showed beyond it would be its mirror image.
    if (model_.solves() == task::image_classification) {
      index_t largest = 1;
      for (const shape& s : sizes) largest = std::max({largest, s[0], s[1]});
      options_.tile = std::min(options_.tile, largest);
    }
    if (!sizes.empty()) channels_ = sizes[0][2];
    index_t pixels = 0;
    for (const shape& s : sizes) crops_of_.push_back(tiles_of(s, options_.tile)), pixels += s[0] * s[1];
    const index_t mean = std::max<index_t>(1, pixels / std::max<index_t>(1, std::ssize(sizes)));
    validated_at_most_ = options_.validate_at_most * std::max<index_t>(1, (index_t{1} << 16) / mean);
    if (model_.needs_image_classes()) repeat_rare_classes();
  }

  void repeat_rare_classes() {
    std::map<int, double> count;
    for (const int c : classes_) ++count[c];
    double most = 0;
    for (const auto& [c, n] : count)
      if (c >= 0) most = std::max(most, n);
    for (std::size_t i = 0; i < crops_of_.size(); ++i)
      if (classes_[i] >= 0) crops_of_[i] *= repeats_of_class(count[classes_[i]], most);
  }

  /// Which image each crop of this epoch comes from: images by the number of their crops, in random order.
  std::vector<index_t> crop_order() const {
    std::vector<index_t> pool;
    for (std::size_t i = 0; i < crops_of_.size(); ++i)
      pool.insert(pool.end(), static_cast<std::size_t>(crops_of_[i]), static_cast<index_t>(i));
    const std::size_t wanted = options_.crops_per_epoch > 0 ? static_cast<std::size_t>(options_.crops_per_epoch)
                                                            : std::max<std::size_t>(pool.size(), 64);
    std::vector<index_t> order;
    random_stream random = random_stream(options_.seed).child(0x6F72646572).child(static_cast<std::uint64_t>(epoch_));
    while (order.size() < wanted) {
      random.shuffle(pool);
      order.insert(order.end(), pool.begin(), pool.end());
    }
    order.resize(std::max<std::size_t>(wanted, static_cast<std::size_t>(options_.batch)));
    return order;
  }

  double learn_batch(const std::vector<index_t>& order, index_t step, double learning_rate) {
    const index_t batch = options_.batch, tile = options_.tile;
    std::vector<crop_of_kept> crops(static_cast<std::size_t>(batch));
    std::vector<tensor<float>> targets(crops.size());
    tensor<float> x(ctx_, {images_ ? 0 : batch, tile, tile, channels_});
    while (serial_.size() < crops.size()) serial_.emplace_back(1);
    parallel_for(ctx_, batch, [&](index_t b) {
      const auto slot = static_cast<std::size_t>(b);
      const index_t position = step * batch + b, i = order[static_cast<std::size_t>(position)];
      random_stream random = random_stream(options_.seed)
                                 .child(0x63726F70)
                                 .child(static_cast<std::uint64_t>(epoch_))
                                 .child(static_cast<std::uint64_t>(position));
      const std::optional<prepared>& cached = cache_[static_cast<std::size_t>(i)];
      prepared read;
      if (!cached) read = prepare(serial_[slot], i);
      const prepared& whole = cached ? *cached : read;
      // Pixels are cut where the step is taken, labels where targets are made of them, both by one plan.
      crop_of_kept& crop = crops[slot];
      crop = {static_cast<std::size_t>(i), plan_crop(options_.augment, whole.pixels.shape(), whole.truth, tile, random)};
      targets[slot] = model_.target(serial_[slot], cut_annotation(serial_[slot], whole.truth, crop.plan));
      if (!images_) cut_pixels(serial_[slot], whole.pixels, crop.plan, x.slice(b));
    });
    const shape ts = targets[0].shape();
    tensor<float> target(ctx_, {batch, ts[0], ts[1], ts[2]});
    for (index_t b = 0; b < batch; ++b) {
      const tensor<float>& from = targets[static_cast<std::size_t>(b)];
      std::copy(from.begin(), from.end(), target.slice(b).begin());
    }
    const double decay = moving_average_decay(options_.average_decay, steps_++);
    return device_ ? step_on_device(x, crops, target, learning_rate, decay)
                   : step_here(x, target, learning_rate, static_cast<float>(decay));
  }

  /// Throws data_error unless what a step found is finite.
  void require_finite(double found, const char* what, double learning_rate) const {
    if (!std::isfinite(found))
      throw data_error("training: " + std::string(what) + " is not finite in epoch " + std::to_string(epoch_ + 1) +
                       "; lower the learning rate (now " + std::to_string(learning_rate) + ")");
  }

  double step_here(const tensor<float>& x, const tensor<float>& target, double learning_rate, float decay) {
    clear_gradients(ctx_, trained_);
    const double loss = model_.learn(ctx_, x, target);
    require_finite(loss, "the loss", learning_rate);
    if (options_.clip_norm > 0)
      require_finite(clip_gradient_norm(ctx_, trained_, options_.clip_norm), "a gradient", learning_rate);
    if (options_.optimiser == optimiser::adamw)
      adamw_.step(ctx_, trained_, learning_rate);
    else
      sgd_.step(ctx_, trained_, learning_rate);
    parallel_for(ctx_, static_cast<index_t>(tensors_.size()), [&](index_t i) {
      const auto at = static_cast<std::size_t>(i);
      const float* value = tensors_[at].value->data();
      float* average = averaged_[at].data();
      for (index_t k = 0; k < averaged_[at].size(); ++k) average[k] += (1 - decay) * (value[k] - average[k]);
    });
    return loss;
  }

  double step_on_device(const tensor<float>& x, const std::vector<crop_of_kept>& crops, const tensor<float>& target,
                        double learning_rate, double decay) {
    const step_options how{.optimiser = options_.optimiser,
                           .adamw = options_.adamw,
                           .sgd = options_.sgd,
                           .learning_rate = learning_rate,
                           .clip_norm = options_.clip_norm,
                           .average_decay = decay,
                           .step = adamw_.count_step()};
    const step_result found =
        images_ ? device_->step(*images_, crops, target, how) : device_->step(x, target, how);
    require_finite(found.loss, "the loss", learning_rate);
    require_finite(found.gradient_norm, "a gradient", learning_rate);
    return found.loss;
  }

  /// The training images on the device, so that it cuts crops by itself; null where they do not fit there or here.
  std::unique_ptr<device_images> kept_images() const {
    std::vector<const tensor<float>*> all;
    for (const std::optional<prepared>& p : cache_) {
      if (!p) return nullptr;
      all.push_back(&p->pixels);
    }
    return device_->keep(all);
  }

  /// What a device moves.
  training_state state() {
    training_state all{tensors_, {}, {}};
    for (tensor<float>& t : averaged_) all.averages.push_back(&t);
    const auto add = [&](const std::string&, auto& value) {
      if constexpr (requires { value.shape(); }) all.moments.push_back(&value);
    };
    if (options_.optimiser == optimiser::adamw)
      adamw::for_each_member(adamw_, add);
    else
      sgd::for_each_member(sgd_, add);
    return all;
  }

  double validate() {
    exchange_with_average();
    const double score =
        evaluate(ctx_, model_, validation_, {.predict = {}, .at_most = validated_at_most_}).score();
    // A lucky early score on a small validation split must not win against weights that had time to settle: the first
    // half of a schedule only keeps its latest weights.
    const bool settled = progress_ >= 0.5;
    if (score > best_score_ || !best_has_settled_) {
      best_has_settled_ = settled;
      best_score_ = score;
      epochs_since_best_ = 0;
      for (std::size_t i = 0; i < tensors_.size(); ++i)
        std::copy(tensors_[i].value->begin(), tensors_[i].value->end(), best_[i].begin());
    } else {
      ++epochs_since_best_;
    }
    exchange_with_average();
    return score;
  }

  void exchange_with_average() {
    for (std::size_t i = 0; i < tensors_.size(); ++i)
      std::swap_ranges(tensors_[i].value->begin(), tensors_[i].value->end(), averaged_[i].begin());
    model_.weights_changed();
  }

  double learning_rate_at(double progress) const {
    const double base =
        options_.optimiser == optimiser::adamw ? options_.adamw.learning_rate : options_.sgd.learning_rate;
    return base * options_.schedule.factor(progress);
  }

  context<cpu>& ctx_;
  any_pipeline& model_;
  device_network* device_ = nullptr;       // where the steps of this epoch are taken; null: here
  std::unique_ptr<device_images> images_;  // there, to cut crops from; null: crops are cut here
  const example_source& train_;
  const example_source& validation_;
  training_options options_;
  std::vector<network_tensor> tensors_;
  std::vector<parameter_slice> trained_;
  std::vector<tensor<float>> averaged_, best_;
  aixcell::adamw adamw_;
  aixcell::sgd sgd_;
  std::vector<std::optional<prepared>> cache_;
  index_t channels_ = 0;  // of preprocessed images
  index_t validated_at_most_ = 0;
  std::vector<int> classes_;       // of the training images
  std::vector<index_t> crops_of_;  // of a training image in a pass over all
  std::vector<context<cpu>> serial_;  // one for each crop of a batch: their buffers are reused

  std::int64_t epoch_ = 0, steps_ = 0, epochs_since_best_ = 0, best_has_settled_ = 0, cycle_ = 0,
               cycle_start_epoch_ = 0;
  double progress_ = 0, best_score_ = -1, elapsed_s_ = 0, cycle_start_s_ = 0, validation_s_ = 0;
};

}  // namespace aixcell
