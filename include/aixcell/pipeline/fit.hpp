#pragma once
#include <filesystem>

#include <aixcell/data/split.hpp>
#include <aixcell/pipeline/checkpoint.hpp>
#include <aixcell/pipeline/training.hpp>
#include <aixcell/pipeline/tune_decoding.hpp>

namespace aixcell {

struct fit_options {
  training_options training;
  double validation_share = 0.15;    ///< of the images, by group, held out to choose weights and thresholds
  std::filesystem::path checkpoint = {};  ///< file saved after every epoch and gone on from if it exists; empty: none
  std::function<void(const epoch_report&)> on_epoch = {};
  std::function<void(any_pipeline&)> initialise = {};  ///< changes the random initial weights, e.g. weights::load
};

struct fit_report {
  int epochs = 0;
  double seconds = 0;
  double validation = 0;  ///< evaluation::score after tuning the thresholds
  index_t training_images = 0, validation_images = 0;
};

namespace detail {

/// Of each class among the crops of an epoch.
inline std::vector<float> shares_seen(const std::vector<double>& counts) {
  const double most = *std::max_element(counts.begin(), counts.end());
  double all = 0;
  std::vector<double> seen;
  for (const double n : counts) {
    seen.push_back(n > 0 ? n * static_cast<double>(repeats_of_class(n, most)) : 0);
    all += seen.back();
  }
  std::vector<float> shares;
  for (const double s : seen) shares.push_back(static_cast<float>(s / all));
  return shares;
}

}  // namespace detail

/// What the data set decides about a pipeline. Throws data_error if it lacks what the pipeline needs.
inline pipeline_setup setup_for(const any_pipeline& model, const dataset& data, std::uint64_t seed) {
  data.require_trainable();
  if (model.needs_nuclei() && !data.has_nuclei())
    throw data_error(data.name + ": pipeline " + model.name() +
                     " needs the nuclei inside the objects, the data set has none; add a folder nuclei/ beside masks/");
  if (model.needs_object_classes() && !data.has_object_classes())
    throw data_error(data.name + ": pipeline " + model.name() +
                     " needs a class for each object, the data set has none; add classes.csv (id,label,class)");
  if (model.needs_image_classes() && !data.has_image_classes())
    throw data_error(data.name + ": pipeline " + model.name() +
                     " needs a class for each image, the data set has none; put the images into folders named after "
                     "their classes, or add the column class to images.csv");
  if (model.solves() != task::image_classification && data.task == task::image_classification)
    throw data_error(data.name + ": pipeline " + model.name() +
                     " needs masks, the data set has classes of whole images; take a pipeline with image_class");
  if (model.solves() == task::instance_segmentation && data.task == task::semantic_segmentation)
    throw data_error(
        data.name + ": pipeline " + model.name() +
        " finds objects, the masks hold pixel classes; take a pipeline with semantic, or label every object");
  if (!model.accepts_channels(static_cast<int>(data.channels)))
    throw data_error(data.name + ": pipeline " + model.name() + " does not work on images of " +
                     std::to_string(data.channels) +
                     " channel(s); select others, or take a pipeline with another preprocessing");
  pipeline_setup setup;
  setup.channels = static_cast<int>(data.channels);
  setup.seed = seed;
  if (data.task == task::semantic_segmentation)
    setup.pixel_classes = std::max<int>(2, static_cast<int>(data.class_names.size()));
  else if (data.has_object_classes())
    setup.object_classes = static_cast<int>(data.class_names.size());
  if (model.needs_image_classes()) {
    setup.image_classes = static_cast<int>(data.image_class_names.size());
    setup.image_class_shares = detail::shares_seen(data.image_class_counts());
  }
  return setup;
}

/// Runs epochs until the plan or the budget is done, saving after each.
inline void run_training(training& run, const fit_options& options) {
  while (!run.finished()) {
    const epoch_report report = run.run_epoch();
    if (!options.checkpoint.empty()) save_checkpoint(run, options.checkpoint);
    if (options.on_epoch) options.on_epoch(report);
  }
}

/// What a finished run leaves behind: its best averaged weights in the pipeline, thresholds of decoding tuned on the
/// validation split, and what it took.
inline fit_report finish_training(context<cpu>& ctx, any_pipeline& model, training& run, const split_result& parts) {
  run.keep_best();
  return {.epochs = run.epochs(),
          .seconds = run.elapsed_s(),
          .validation = tune_decoding(ctx, model, parts.validation, {.at_most = run.validated_at_most()}),
          .training_images = parts.train.size(),
          .validation_images = parts.validation.size()};
}

/// Trains a pipeline on a data set: holds out a validation split, fits preprocessing on the rest, trains, keeps the
/// best averaged weights and tunes the thresholds of decoding. With a checkpoint file of the same run, goes on there.
inline fit_report fit(context<cpu>& ctx, any_pipeline& model, const dataset& data, const fit_options& options = {}) {
  model.require_training();
  const pipeline_setup setup = setup_for(model, data, options.training.seed);
  const split_result parts = split(data, {.validation = options.validation_share, .seed = options.training.seed});
  model.set_up(ctx, setup);
  if (options.initialise) options.initialise(model);
  model.weights_changed();
  model.fit_preprocess(ctx, parts.train);
  training run(ctx, model, parts.train, parts.validation, options.training);
  if (!options.checkpoint.empty() && std::filesystem::exists(options.checkpoint))
    load_checkpoint(run, options.checkpoint);
  run_training(run, options);
  return finish_training(ctx, model, run, parts);
}

}  // namespace aixcell
