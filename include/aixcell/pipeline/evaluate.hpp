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
  int object_class_count = 0;  ///< 0: the model tells no classes apart
  index_t images = 0;
  dataset_matching objects;            ///< instance segmentation
  std::vector<double> jaccard;         ///< aggregated Jaccard index by image
  confusion_matrix pixels;             ///< semantic segmentation: classes; instances: background and foreground
  std::vector<double> mean_iou;        ///< semantic segmentation, by image
  object_class_scores object_classes;  ///< where the model tells objects apart
  confusion_matrix image_classes;      ///< where the model tells whole images apart, empty if not

  void add(const annotation& truth, const prediction& found) {
    ++images;
    if (image_classes.classes() > 0 && truth.image_class >= 0 && found.image_class >= 0)
      image_classes.add({truth.image_class, found.image_class});
    if (solves == task::image_classification) return;
    if (solves == task::semantic_segmentation) {
      const confusion_matrix of_image = pixel_confusion(truth.labels, found.labels, pixels.classes());
      mean_iou.push_back(scores_of(of_image).mean_iou);
      pixels += of_image;
      return;
    }
    const overlap_table table = overlaps(truth.labels, found.labels);
    objects.add(table);
    jaccard.push_back(aggregated_jaccard_index(table));
    pixels += pixel_confusion(foreground(truth.labels), foreground(found.labels), 2);
    if (object_class_count > 0 && !truth.object_class.empty())
      object_classes += score_object_classes(truth, found, {.classes = object_class_count});
  }

  evaluation& operator+=(const evaluation& other) {
    images += other.images;
    objects.add(other.objects);
    jaccard.insert(jaccard.end(), other.jaccard.begin(), other.jaccard.end());
    pixels += other.pixels;
    mean_iou.insert(mean_iou.end(), other.mean_iou.begin(), other.mean_iou.end());
    object_classes += other.object_classes;
    image_classes += other.image_classes;
    return *this;
  }

  /// The one number by which models are chosen, in [0,1]. Instances: pooled AP averaged over IoU 0.5, 0.55, ... 0.9;
  /// with object classes, the mean of that and the class accuracy of all true objects. Semantic: mean IoU. Image
  /// classification: balanced accuracy; where the model finds shapes and classes of images, the mean of both.
  double score() const {
    if (solves == task::image_classification) return image_classes.balanced_accuracy();
    const double shapes = shape_score();
    return image_classes.total() > 0 ? (shapes + image_classes.balanced_accuracy()) / 2 : shapes;
  }

 private:
  double shape_score() const {
    if (solves == task::semantic_segmentation) return scores_of(pixels).mean_iou;
    double sum = 0;
    const auto summary = objects.summary();
    for (std::size_t k = 0; k + 1 < summary.size(); ++k) sum += summary[k].pooled.average_precision;
    const double found = sum / static_cast<double>(summary.size() - 1);
    return object_class_count > 0 ? (found + object_classes.among_all().estimate) / 2 : found;
  }

  static label_map foreground(const label_map& labels) {
    label_map mask(labels.shape());
    for (index_t i = 0; i < labels.size(); ++i) mask[i] = labels[i] > 0 ? 1 : labels[i];
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
  if (model.needs_image_classes()) e.image_classes = confusion_matrix(model.setup().image_classes);
  return e;
}

/// What a semantic model of two classes learns from objects: background and foreground.
inline void as_pixel_classes(annotation& truth, const any_pipeline& model) {
  if (model.solves() == task::semantic_segmentation && model.setup().pixel_classes == 2)
    for (std::int32_t& label : truth.labels) label = label > 0 ? 1 : label;
}

struct evaluate_options {
  predict_options predict;
  index_t at_most = 0;  ///< images, spread evenly over the set; 0 = all
  /// Changes a prediction before it is compared, as the classes of objects by their shape do; called from several threads.
  std::function<void(const image&, prediction&)> refine = {};
  /// Called for every image, from the calling thread, in order.
  std::function<void(index_t i, const example&, const prediction&)> seen = {};
};

/// Predicts every image of a set and compares with its annotation. The network runs on all threads, image after image;
/// what comes before and after it runs on several images at once.
inline evaluation evaluate(context<cpu>& ctx, const any_pipeline& model, const example_source& examples,
                           const evaluate_options& options = {}) {
  struct seen_image {
    index_t number;
    example e;
    tensor<float> pixels, dense;
    prediction found;
    evaluation score;
  };
  evaluation sum = empty_evaluation(model);
  const index_t count = options.at_most > 0 ? std::min(options.at_most, examples.size()) : examples.size();
  const index_t at_once = std::min<index_t>(count, 2 * ctx.threads());
  std::vector<context<cpu>> serial;
  for (index_t k = 0; k < at_once; ++k) serial.emplace_back(1);
  for (index_t first = 0; first < count; first += at_once) {
    std::vector<seen_image> group(static_cast<std::size_t>(std::min(at_once, count - first)));
    const auto for_each_at_once = [&](index_t begin, index_t end, auto&& f) {
      parallel_for(ctx, end - begin, [&](index_t k) {
        f(serial[static_cast<std::size_t>(begin + k)], group[static_cast<std::size_t>(begin + k)], first + begin + k);
      });
    };
    for_each_at_once(0, std::ssize(group), [&](context<cpu>& own, seen_image& seen, index_t k) {
      seen.number = k * examples.size() / count;
      seen.e = examples.load(seen.number);
      as_pixel_classes(seen.e.truth, model);
      detail::require_usable_image(model, seen.e.picture.pixels);
      seen.pixels = model.preprocess(own, seen.e.picture.pixels);
    });
    // The network's output is many times larger than the image: no more of it at once than a few small images have.
    for (index_t begin = 0, end = 0; begin < std::ssize(group); begin = end) {
      for (index_t pixels = 0; end < std::ssize(group) && pixels < index_t{1} << 20; ++end) {
        seen_image& seen = group[static_cast<std::size_t>(end)];
        seen.dense = predict_dense(ctx, model, seen.pixels, options.predict);
        pixels += seen.pixels.extent(0) * seen.pixels.extent(1);
      }
      for_each_at_once(begin, end, [&](context<cpu>& own, seen_image& seen, index_t) {
        const image& picture = seen.e.picture;
        seen.found = decode_to_size(own, model, seen.dense, picture.height(), picture.width());
        if (options.refine) options.refine(picture, seen.found);
        seen.score = empty_evaluation(model);
        seen.score.add(seen.e.truth, seen.found);
      });
      for (index_t k = begin; k < end; ++k) {
        seen_image& seen = group[static_cast<std::size_t>(k)];
        sum += seen.score;
        if (options.predict.keep_dense) seen.found.dense = std::move(seen.dense);
        if (options.seen) options.seen(seen.number, seen.e, seen.found);
        seen = {};
      }
    }
  }
  return sum;
}

}  // namespace aixcell
