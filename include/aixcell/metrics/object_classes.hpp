#pragma once
#include <string>

#include <aixcell/metrics/confusion.hpp>
#include <aixcell/metrics/interval.hpp>
#include <aixcell/metrics/matching.hpp>

namespace aixcell {

/// How well the classes of objects were told. True objects of unknown class (-1) count nowhere. Images add up.
struct object_class_scores {
  confusion_matrix confusion;  ///< matched objects that were given a class
  index_t true_objects = 0;    ///< of known class
  index_t matched = 0;         ///< of these, matched to a predicted object
  index_t correct = 0;         ///< of these, given the right class

  /// Accuracy among matched objects; an object that was given no class is wrong.
  interval among_matched() const { return wilson_interval({.successes = correct, .trials = matched}); }
  /// Accuracy among all true objects: missed is wrong.
  interval among_all() const { return wilson_interval({.successes = correct, .trials = true_objects}); }

  object_class_scores& operator+=(const object_class_scores& other) {
    confusion += other.confusion;
    true_objects += other.true_objects;
    matched += other.matched;
    correct += other.correct;
    return *this;
  }
};

struct object_class_options {
  int classes = 1;
  double threshold = 0.5;  ///< least IoU of a match
};

/// Compares the classes of matched objects: object i+1 of the label map has class object_class[i], or objects[i] in the
/// prediction. Throws data_error if a label has no entry there or a class is not declared, shape_error as `overlaps`.
inline object_class_scores score_object_classes(const annotation& truth, const prediction& predicted,
                                                const object_class_options& options) {
  const overlap_table table = overlaps(truth.labels, predicted.labels);
  const auto entry = [](std::int32_t label, std::size_t entries, const char* where) {
    if (static_cast<std::size_t>(label) > entries)
      throw data_error(std::string("score_object_classes: ") + where + " has label " + std::to_string(label) +
                       " but classes for " + std::to_string(entries) + " objects; give each label a class, or -1");
    return static_cast<std::size_t>(label) - 1;
  };

  object_class_scores scores;
  scores.confusion = confusion_matrix(options.classes);
  for (const std::int32_t label : table.truth_labels)
    if (truth.object_class[entry(label, truth.object_class.size(), "the truth")] >= 0) ++scores.true_objects;
  for (const matched_pair& pair : matching(table, {.threshold = options.threshold}).pairs) {
    const int expected = truth.object_class[entry(pair.truth, truth.object_class.size(), "the truth")];
    const int found = predicted.objects[entry(pair.predicted, predicted.objects.size(), "the prediction")].object_class;
    if (expected < 0) continue;
    ++scores.matched;
    if (found < 0) continue;
    scores.confusion.add({expected, found});
    if (found == expected) ++scores.correct;
  }
  return scores;
}

}  // namespace aixcell
