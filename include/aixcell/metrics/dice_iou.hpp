#pragma once
#include <vector>

#include <aixcell/metrics/confusion.hpp>
#include <aixcell/metrics/overlap.hpp>

namespace aixcell {

/// Scores of a semantic segmentation, in [0,1].
struct semantic_scores {
  std::vector<class_scores> classes;  ///< f1 is the Dice coefficient of the class
  double mean_dice = 1;               ///< over the classes that occur in the truth or in the prediction
  double mean_iou = 1;                ///< likewise
  double pixel_accuracy = 1;
};

/// Counts the pixels of two class maps [H,W] (class indices from 0); pixels that either map ignores are skipped.
/// Matrices of several images add up. Throws shape_error on different sizes, data_error on a class outside [0,
/// classes).
inline confusion_matrix pixel_confusion(label_view truth, label_view predicted, int classes) {
  require_rank("pixel_confusion", 2, "class maps [H,W]", truth.shape());
  require_equal_shapes("pixel_confusion", truth, predicted);
  confusion_matrix matrix(classes);
  for (index_t i = 0; i < truth.size(); ++i)
    if (truth[i] != ignored_label && predicted[i] != ignored_label) matrix.add({truth[i], predicted[i]});
  return matrix;
}

inline semantic_scores scores_of(const confusion_matrix& pixels) {
  semantic_scores all;
  double dice = 0, iou = 0;
  int present = 0;
  for (int c = 0; c < pixels.classes(); ++c) {
    all.classes.push_back(pixels.scores(c));
    if (!all.classes.back().present()) continue;
    dice += all.classes.back().f1;
    iou += all.classes.back().iou;
    ++present;
  }
  if (present) {
    all.mean_dice = dice / present;
    all.mean_iou = iou / present;
  }
  all.pixel_accuracy = pixels.accuracy();
  return all;
}

}  // namespace aixcell
