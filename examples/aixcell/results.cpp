#include "results.hpp"

#include <aixcell/metrics/balanced_accuracy.hpp>
#include <aixcell/report/text.hpp>

namespace aixcell::program {

namespace {

std::string with_interval(const interval& i) {
  return fixed_text(i.estimate, 3) + " [" + fixed_text(i.low, 3) + ", " + fixed_text(i.high, 3) + "]";
}

nlohmann::json to_json(const interval& i) { return {{"estimate", i.estimate}, {"interval", {i.low, i.high}}}; }

/// AP at IoU 0.5 image by image, with the interval over images: shows how much depends on the choice of the images.
interval average_precision_by_image(const dataset_matching& objects) {
  std::vector<double> scores;
  for (const auto& image : objects.images()) scores.push_back(scores_of(image[0]).average_precision);
  return bootstrap_mean_interval(scores, random_stream(0));
}

std::string name_of(const std::vector<std::string>& names, int c) {
  const auto i = static_cast<std::size_t>(c);
  return i < names.size() ? names[i] : "class " + std::to_string(c);
}

nlohmann::json confusion_json(const confusion_matrix& matrix, const std::vector<std::string>& names) {
  nlohmann::json classes = nlohmann::json::array(), counts = nlohmann::json::array();
  for (int t = 0; t < matrix.classes(); ++t) {
    const class_scores s = matrix.scores(t);
    classes.push_back({{"name", name_of(names, t)},
                       {"precision", s.precision},
                       {"recall", s.recall},
                       {"f1", s.f1},
                       {"iou", s.iou},
                       {"truth", s.truth},
                       {"predicted", s.predicted}});
    nlohmann::json row = nlohmann::json::array();
    for (int p = 0; p < matrix.classes(); ++p) row.push_back(matrix.count({t, p}));
    counts.push_back(row);
  }
  return {{"classes", classes}, {"confusion", counts}, {"confusion_rows", "truth"}};
}

bool is_nuclearity(const std::vector<std::string>& names) {
  return names == std::vector<std::string>{"mononuclear", "binuclear"};
}

interval accuracy_interval(const confusion_matrix& counts) {
  return wilson_interval({counts.correct(), counts.total()});
}

std::string image_classes_text(const confusion_matrix& counts, const std::vector<std::string>& names) {
  std::string text = "balanced accuracy " + with_interval(balanced_accuracy_interval(counts)) + ", accuracy " +
                     with_interval(accuracy_interval(counts)) + ", macro F1 " + fixed_text(counts.macro_f1(), 3) + " (" +
                     std::to_string(counts.total()) + " images)\n";
  for (int c = 0; c < counts.classes(); ++c)
    text += "  " + name_of(names, c) + ": recall " + fixed_text(counts.scores(c).recall, 3) + ", precision " +
            fixed_text(counts.scores(c).precision, 3) + " (n=" + std::to_string(counts.scores(c).truth) + ")\n";
  return text;
}

}  // namespace

nlohmann::json metrics_json(const evaluation& e, const answer_names& names) {
  const std::vector<std::string>& class_names = names.classes;
  nlohmann::json j = {{"images", e.images}, {"score", e.score()}};
  if (e.image_classes.total() > 0) {
    j["image_classes"] = confusion_json(e.image_classes, names.image_classes);
    j["image_classes"]["accuracy"] = to_json(accuracy_interval(e.image_classes));
    j["image_classes"]["balanced_accuracy"] = to_json(balanced_accuracy_interval(e.image_classes));
    j["image_classes"]["macro_f1"] = e.image_classes.macro_f1();
    j["image_classes"]["cohen_kappa"] = e.image_classes.cohen_kappa();
  }
  if (e.solves == task::image_classification) return j;
  const semantic_scores pixels = scores_of(e.pixels);
  if (e.solves == task::semantic_segmentation) {
    j["pixels"] = confusion_json(e.pixels, class_names);
    j["pixels"]["mean_iou"] = pixels.mean_iou;
    j["pixels"]["mean_iou_by_image"] = to_json(bootstrap_mean_interval(e.mean_iou, random_stream(0)));
    j["pixels"]["mean_dice"] = pixels.mean_dice;
    j["pixels"]["accuracy"] = pixels.pixel_accuracy;
    return j;
  }
  nlohmann::json by_iou = nlohmann::json::array();
  for (const dataset_match_scores& s : e.objects.summary())
    by_iou.push_back({{"iou", s.threshold},
                      {"average_precision", s.pooled.average_precision},
                      {"precision", s.pooled.precision},
                      {"recall", s.pooled.recall},
                      {"f1", s.pooled.f1},
                      {"panoptic_quality", s.pooled.panoptic_quality},
                      {"true_positives", s.counts.true_positives},
                      {"false_positives", s.counts.false_positives},
                      {"false_negatives", s.counts.false_negatives}});
  const match_counts counts = e.objects.summary()[0].counts;
  j["objects"] = {{"truth", counts.truth()},
                  {"predicted", counts.predicted()},
                  {"by_iou", by_iou},
                  {"mean_average_precision", e.objects.mean_average_precision()},
                  {"average_precision_50_by_image", to_json(average_precision_by_image(e.objects))},
                  {"aggregated_jaccard_index", to_json(bootstrap_mean_interval(e.jaccard, random_stream(0)))},
                  {"foreground_dice", pixels.classes.back().f1},
                  {"foreground_iou", pixels.classes.back().iou}};
  if (e.object_class_count > 0) {
    const object_class_scores& c = e.object_classes;
    j["object_classes"] = confusion_json(c.confusion, class_names);
    j["object_classes"]["accuracy"] = to_json(c.among_matched());
    j["object_classes"]["matched"] = c.matched;
    j["object_classes"]["accuracy_of_all_true_objects"] = to_json(c.among_all());
    j["object_classes"]["true_objects"] = c.true_objects;
  }
  return j;
}

std::string metrics_text(const evaluation& e, const answer_names& names) {
  const std::vector<std::string>& class_names = names.classes;
  if (e.solves == task::image_classification) return image_classes_text(e.image_classes, names.image_classes);
  const semantic_scores pixels = scores_of(e.pixels);
  std::string text;
  if (e.image_classes.total() > 0) text = image_classes_text(e.image_classes, names.image_classes);
  if (e.solves == task::semantic_segmentation) {
    text += "mean IoU " + fixed_text(pixels.mean_iou, 3) + ", by image " +
           with_interval(bootstrap_mean_interval(e.mean_iou, random_stream(0))) + ", mean Dice " +
           fixed_text(pixels.mean_dice, 3) + ", pixel accuracy " + fixed_text(pixels.pixel_accuracy, 3) + " (" +
           std::to_string(e.images) + " images)\n";
    for (int c = 0; c < e.pixels.classes(); ++c)
      text += "  " + name_of(class_names, c) + ": IoU " +
              fixed_text(pixels.classes[static_cast<std::size_t>(c)].iou, 3) + "\n";
    return text;
  }
  const auto summary = e.objects.summary();
  const auto at = [&](std::size_t k) { return fixed_text(summary[k].pooled.average_precision, 3); };
  text += "AP@0.5 " + at(0) + "  AP@0.75 " + at(5) + "  AP@0.9 " + at(8) + "  (" + std::to_string(e.images) +
         " images, " + std::to_string(summary[0].counts.truth()) + " objects, " +
         std::to_string(summary[0].counts.predicted()) + " predicted)\n";
  text += "AP@0.5 by image " + with_interval(average_precision_by_image(e.objects)) + ", panoptic quality " +
          fixed_text(summary[0].pooled.panoptic_quality, 3) + ", foreground Dice " +
          fixed_text(pixels.classes.back().f1, 3) + "\n";
  if (e.object_class_count > 0 && e.object_classes.true_objects > 0) {
    const object_class_scores& c = e.object_classes;
    text += std::string(is_nuclearity(class_names) ? "mono-/binuclear accuracy " : "class accuracy ") +
            with_interval(c.among_matched()) + " (n=" + std::to_string(c.matched) + " found objects)\n" +
            "  counting missed objects as wrong " + with_interval(c.among_all()) +
            " (n=" + std::to_string(c.true_objects) + ")\n";
    for (int k = 0; k < c.confusion.classes(); ++k)
      text += "  " + name_of(class_names, k) + ": recall " + fixed_text(c.confusion.scores(k).recall, 3) +
              ", precision " + fixed_text(c.confusion.scores(k).precision, 3) +
              " (n=" + std::to_string(c.confusion.scores(k).truth) + ")\n";
  }
  return text;
}

double score_of_image(const evaluation& e, const annotation& truth, const prediction& found) {
  if (e.solves == task::image_classification) {
    const auto c = static_cast<std::size_t>(truth.image_class);
    return c < found.image_class_probabilities.size() ? static_cast<double>(found.image_class_probabilities[c]) : 0;
  }
  if (e.solves == task::semantic_segmentation)
    return scores_of(pixel_confusion(truth.labels, found.labels, e.pixels.classes())).mean_iou;
  double sum = 0;
  const auto& counts = e.objects.images().back();
  for (const match_counts& c : counts) sum += scores_of(c).average_precision;
  return sum / static_cast<double>(counts.size());
}

}  // namespace aixcell::program
