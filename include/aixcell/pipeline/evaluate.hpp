#pragma once
#include <functional>

#include <aixcell/metrics/aji.hpp>
#include <aixcell/metrics/dice_iou.hpp>
#include <aixcell/metrics/object_classes.hpp>
#include <aixcell/pipeline/predict.hpp>

namespace aixcell {

/// How good predictions are, in the terms of the task. Images add up.
struct evaluation {
  task solves = task::instance_segmentation;
  int object_class_count = 0;          ///< 0: the model tells no classes apart
  index images = 0;
  dataset_matching objects;            ///< instance segmentation
  std::vector<double> jaccard;         ///< aggregated Jaccard index by image
  confusion_matrix pixels;             ///< semantic segmentation: classes; instances: background and foreground
  object_class_scores object_classes;  ///< where the model tells objects apart

  void add(const annotation& truth, const prediction& found) {
    ++images;
    if (solves == task::semantic_segmentation) {
      pixels += pixel_confusion(truth.labels, found.labels, pixels.classes());
      return;
    }
    const overlap_table table = overlaps(truth.labels, found.labels);
    objects.add(table);
    jaccard.push_back(aggregated_jaccard_index(table));
    pixels += pixel_confusion(foreground(truth.labels), foreground(found.labels), 2);
    if (object_class_count > 0 && !truth.object_class.empty())
      object_classes += score_object_classes(truth, found, {.classes = object_class_count});
  }

  /// The one number by which models are chosen, in [0,1]. Instances: pooled AP averaged over IoU 0.5, 0.55, ... 0.9;
  /// with object classes, the mean of that and the class accuracy of all true objects. Semantic: mean IoU.
  double score() const {
    if (solves == task::semantic_segmentation) return scores_of(pixels).mean_iou;
    double sum = 0;
    const auto summary = objects.summary();
    for (std::size_t k = 0; k + 1 < summary.size(); ++k) sum += summary[k].pooled.average_precision;
    const double found = sum / static_cast<double>(summary.size() - 1);
    return object_class_count > 0 ? (found + object_classes.among_all().estimate) / 2 : found;
  }

 private:
  static label_map foreground(const label_map& labels) {
    label_map mask(labels.shape());
    for (index i = 0; i < labels.size(); ++i) mask[i] = labels[i] > 0 ? 1 : labels[i];
    return mask;
  }
};

/// An evaluation of this model that has seen no image yet.
inline evaluation empty_evaluation(const any_pipeline& model) {
  evaluation e;
  e.solves = model.solves();
  e.pixels = confusion_matrix(e.solves == task::semantic_segmentation ? model.setup().pixel_classes : 2);
  if (model.needs_object_classes()) e.object_class_count = model.setup().object_classes;
  if (model.needs_nuclei()) e.object_class_count = std::max(2, model.setup().object_classes);  // mono-, binuclear
  return e;
}

/// What a semantic model of two classes learns from objects: background and foreground.
inline void as_pixel_classes(annotation& truth, const any_pipeline& model) {
  if (model.solves() == task::semantic_segmentation && model.setup().pixel_classes == 2)
    for (std::int32_t& label : truth.labels) label = label > 0 ? 1 : label;
}

struct evaluate_options {
  predict_options predict;
  index at_most = 0;  ///< images, spread evenly over the set; 0 = all
  /// Called for every image, from the calling thread, in order.
  std::function<void(index i, const example&, const prediction&)> seen = {};
};

/// Predicts every image of a set and compares with its annotation. The network runs on all threads, image after image.
inline evaluation evaluate(context<cpu>& ctx, const any_pipeline& model, const example_source& examples,
                           const evaluate_options& options = {}) {
  evaluation sum = empty_evaluation(model);
  const index count = options.at_most > 0 ? std::min(options.at_most, examples.size()) : examples.size();
  for (index k = 0; k < count; ++k) {
    const index i = k * examples.size() / count;
    example e = examples.load(i);
    as_pixel_classes(e.truth, model);
    const prediction found = predict(ctx, model, e.picture, options.predict);
    sum.add(e.truth, found);
    if (options.seen) options.seen(i, e, found);
  }
  return sum;
}

}  // namespace aixcell
