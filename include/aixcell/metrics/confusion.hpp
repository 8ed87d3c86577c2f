#pragma once
#include <string>
#include <vector>

#include <aixcell/core/shape.hpp>

namespace aixcell {

/// A true class and the class that was predicted.
struct class_pair {
  int truth;
  int predicted;
};

/// Scores of one class, in [0,1]; 0 where the denominator is 0, but f1 and iou are 1 for a class that neither the truth
/// nor the prediction contains (see `present`).
struct class_scores {
  double precision = 0;
  double recall = 0;
  double f1 = 0;          ///< also the Dice coefficient
  double iou = 0;         ///< Jaccard index
  index_t truth = 0;      ///< items of this class
  index_t predicted = 0;  ///< items predicted as this class

  bool present() const { return truth + predicted > 0; }
};

/// Counts of (true class, predicted class); what one counts (pixels, objects, images) is up to the caller.
class confusion_matrix {
 public:
  confusion_matrix() = default;
  /// Throws data_error unless classes >= 1.
  explicit confusion_matrix(int classes) : classes_(classes) {
    if (classes < 1)
      throw data_error("confusion matrix: expected at least one class, found " + std::to_string(classes));
    counts_.assign(static_cast<std::size_t>(classes) * static_cast<std::size_t>(classes), 0);
  }

  int classes() const noexcept { return classes_; }

  /// Throws data_error on a class outside [0, classes).
  void add(class_pair item, index_t count = 1) { counts_[position(item)] += count; }
  index_t count(class_pair item) const { return counts_[position(item)]; }

  /// Adds the counts of a matrix with as many classes; an empty matrix takes the other's size.
  confusion_matrix& operator+=(const confusion_matrix& other) {
    if (other.classes_ == 0) return *this;
    if (classes_ == 0) return *this = other;
    if (classes_ != other.classes_)
      throw data_error("confusion matrix: expected " + std::to_string(classes_) + " classes, found " +
                       std::to_string(other.classes_));
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    return *this;
  }

  index_t total() const {
    index_t sum = 0;
    for (const index_t n : counts_) sum += n;
    return sum;
  }
  index_t correct() const {
    index_t sum = 0;
    for (int c = 0; c < classes_; ++c) sum += count({c, c});
    return sum;
  }

  class_scores scores(int c) const {
    class_scores s;
    for (int other = 0; other < classes_; ++other) {
      s.truth += count({c, other});
      s.predicted += count({other, c});
    }
    const double hits = static_cast<double>(count({c, c})), truth = static_cast<double>(s.truth),
                 predicted = static_cast<double>(s.predicted);
    s.recall = s.truth ? hits / truth : 0;
    s.precision = s.predicted ? hits / predicted : 0;
    s.f1 = s.present() ? 2 * hits / (truth + predicted) : 1;
    s.iou = s.present() ? hits / (truth + predicted - hits) : 1;
    return s;
  }

  /// Share of correct items; 1 if there are none.
  double accuracy() const {
    const index_t n = total();
    return n ? static_cast<double>(correct()) / static_cast<double>(n) : 1.0;
  }

  /// Mean recall over the classes that occur in the truth; 1 if there are none.
  double balanced_accuracy() const {
    double sum = 0;
    int present = 0;
    for (int c = 0; c < classes_; ++c) {
      const class_scores s = scores(c);
      if (s.truth == 0) continue;
      sum += s.recall;
      ++present;
    }
    return present ? sum / present : 1.0;
  }

  /// Mean F1 over the classes that occur in the truth or among the predictions; 1 if there are none.
  double macro_f1() const {
    double sum = 0;
    int present = 0;
    for (int c = 0; c < classes_; ++c)
      if (const class_scores s = scores(c); s.present()) sum += s.f1, ++present;
    return present ? sum / present : 1.0;
  }

  /// Agreement beyond chance (Cohen 1960), in [-1,1]. When chance alone agrees always (one class only), 1.
  double cohen_kappa() const {
    const double n = static_cast<double>(total());
    if (n == 0) return 1;
    double chance = 0;
    for (int c = 0; c < classes_; ++c) {
      const class_scores s = scores(c);
      chance += static_cast<double>(s.truth) / n * (static_cast<double>(s.predicted) / n);
    }
    return chance < 1 ? (accuracy() - chance) / (1 - chance) : 1.0;
  }

 private:
  std::size_t position(class_pair item) const {
    if (item.truth < 0 || item.truth >= classes_ || item.predicted < 0 || item.predicted >= classes_)
      throw data_error("confusion matrix: expected classes 0.." + std::to_string(classes_ - 1) + ", found true class " +
                       std::to_string(item.truth) + ", predicted class " + std::to_string(item.predicted));
    return static_cast<std::size_t>(item.truth) * static_cast<std::size_t>(classes_) +
           static_cast<std::size_t>(item.predicted);
  }

  int classes_ = 0;
  std::vector<index_t> counts_;  // [true, predicted]
};

}  // namespace aixcell
