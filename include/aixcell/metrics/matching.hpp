#pragma once
#include <array>
#include <string>
#include <vector>

#include <aixcell/metrics/assignment.hpp>
#include <aixcell/metrics/overlap.hpp>

namespace aixcell {

/// A true and a predicted object (their numbers in the label maps) that were matched.
struct matched_pair {
  std::int32_t truth;
  std::int32_t predicted;
  double iou;
};

/// What a matching found. Counts of several images add up.
struct match_counts {
  index_t true_positives = 0;
  index_t false_positives = 0;
  index_t false_negatives = 0;
  double matched_iou = 0;  ///< sum over the true positives

  index_t truth() const { return true_positives + false_negatives; }
  index_t predicted() const { return true_positives + false_positives; }
  match_counts& operator+=(const match_counts& other) {
    true_positives += other.true_positives;
    false_positives += other.false_positives;
    false_negatives += other.false_negatives;
    matched_iou += other.matched_iou;
    return *this;
  }
};

/// All in [0,1]. No objects and none found is a perfect answer: every score is 1 (StarDist's `matching` says 0, which
/// punishes empty images). Otherwise a score whose denominator is 0 is 0.
struct match_scores {
  double precision = 0;           ///< tp / (tp + fp)
  double recall = 0;              ///< tp / (tp + fn)
  double f1 = 0;                  ///< 2 tp / (2 tp + fp + fn)
  double average_precision = 0;   ///< tp / (tp + fp + fn): "AP" of StarDist and of the Data Science Bowl 2018
  double mean_matched_score = 0;  ///< mean IoU over the true positives
  double mean_true_score = 0;     ///< the same sum, over all true objects
  double panoptic_quality = 0;    ///< sum of IoU / (tp + fp/2 + fn/2), Kirillov et al. 2019
};

inline match_scores scores_of(const match_counts& counts) {
  if (counts.truth() == 0 && counts.predicted() == 0) return {1, 1, 1, 1, 1, 1, 1};
  const double tp = static_cast<double>(counts.true_positives), fp = static_cast<double>(counts.false_positives),
               fn = static_cast<double>(counts.false_negatives);
  const auto ratio = [](double part, double whole) { return whole > 0 ? part / whole : 0.0; };
  return {.precision = ratio(tp, tp + fp),
          .recall = ratio(tp, tp + fn),
          .f1 = ratio(2 * tp, 2 * tp + fp + fn),
          .average_precision = ratio(tp, tp + fp + fn),
          .mean_matched_score = ratio(counts.matched_iou, tp),
          .mean_true_score = ratio(counts.matched_iou, tp + fn),
          .panoptic_quality = ratio(counts.matched_iou, tp + fp / 2 + fn / 2)};
}

struct matching_options {
  double threshold = 0.5;  ///< least IoU of a match, in (0,1]
};

struct matching_result {
  double threshold = 0.5;
  match_counts counts;
  match_scores scores;
  std::vector<matched_pair> pairs;  ///< the true positives, ordered by their true label
};

/// Matches true and predicted objects one to one: as many pairs with IoU >= threshold as possible, and among these
/// matchings the one with the greatest sum of IoU (as `matching` of StarDist, Schmidt et al. 2018; there pairs below
/// the threshold take part in the tie-break, which can change which objects match but not how many). Above 0.5 no
/// object has two candidates, so the answer is unique. Throws data_error on a threshold outside (0,1].
inline matching_result matching(const overlap_table& table, const matching_options& options = {}) {
  if (!(options.threshold > 0 && options.threshold <= 1))
    throw data_error("matching: expected an IoU threshold in (0,1], found " + std::to_string(options.threshold));

  const index_t truth = static_cast<index_t>(table.truth_labels.size());
  const index_t predicted = static_cast<index_t>(table.predicted_labels.size());
  // One more match must outweigh any loss of IoU, which is at most 1 for each pair.
  const double per_match = static_cast<double>(std::min(truth, predicted)) + 1;
  assignment_problem problem{truth, predicted, {}};
  for (const overlap& pair : table.pairs)
    if (const double iou = table.iou(pair); iou >= options.threshold)
      problem.edges.push_back({pair.truth, pair.predicted, per_match + iou});
  const std::vector<index_t> assigned = best_assignment(std::move(problem));

  matching_result result;
  result.threshold = options.threshold;
  for (const overlap& pair : table.pairs) {
    const auto t = static_cast<std::size_t>(pair.truth), p = static_cast<std::size_t>(pair.predicted);
    if (assigned[t] != pair.predicted) continue;
    result.pairs.push_back({table.truth_labels[t], table.predicted_labels[p], table.iou(pair)});
    result.counts.matched_iou += result.pairs.back().iou;
  }
  result.counts.true_positives = static_cast<index_t>(result.pairs.size());
  result.counts.false_positives = predicted - result.counts.true_positives;
  result.counts.false_negatives = truth - result.counts.true_positives;
  result.scores = scores_of(result.counts);
  return result;
}

/// The same for two label maps [H,W] of one size.
inline matching_result matching(label_view truth, label_view predicted, const matching_options& options = {}) {
  return matching(overlaps(truth, predicted), options);
}

/// The thresholds of the Data Science Bowl 2018 and of COCO: 0.5, 0.55, ... 0.95.
inline constexpr std::array<double, 10> iou_thresholds{0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95};

/// One threshold over a whole data set.
struct dataset_match_scores {
  double threshold = 0.5;
  match_counts counts;    ///< of all images together
  match_scores pooled;    ///< from these counts: every object weighs the same (`by_image=False` in StarDist)
  match_scores by_image;  ///< mean over the images' scores: every image weighs the same
};

/// Collects the matchings of a data set, image by image, at `iou_thresholds`. `images()[i][k]` is image i at threshold
/// k.
class dataset_matching {
 public:
  using image_counts = std::array<match_counts, iou_thresholds.size()>;

  void add(label_view truth, label_view predicted) { add(overlaps(truth, predicted)); }
  void add(const overlap_table& table) {
    image_counts counts;
    for (std::size_t k = 0; k < iou_thresholds.size(); ++k)
      counts[k] = matching(table, {.threshold = iou_thresholds[k]}).counts;
    images_.push_back(counts);
  }

  void add(const dataset_matching& other) { images_.insert(images_.end(), other.images_.begin(), other.images_.end()); }

  const std::vector<image_counts>& images() const noexcept { return images_; }

  /// Ten entries in the order of `iou_thresholds`; `by_image` of no images is all 1, like `pooled`.
  std::vector<dataset_match_scores> summary() const {
    std::vector<dataset_match_scores> all;
    for (std::size_t k = 0; k < iou_thresholds.size(); ++k) {
      dataset_match_scores at;
      at.threshold = iou_thresholds[k];
      for (const image_counts& one : images_) at.counts += one[k];
      at.pooled = scores_of(at.counts);
      at.by_image = mean_scores(k);
      all.push_back(at);
    }
    return all;
  }

  /// Pooled average precision, averaged over the ten thresholds.
  double mean_average_precision() const {
    double sum = 0;
    for (const auto& at : summary()) sum += at.pooled.average_precision;
    return sum / static_cast<double>(iou_thresholds.size());
  }

 private:
  match_scores mean_scores(std::size_t k) const {
    if (images_.empty()) return scores_of(match_counts{});
    match_scores mean;
    const double share = 1.0 / static_cast<double>(images_.size());
    for (const image_counts& one : images_) {
      const match_scores s = scores_of(one[k]);
      for (const auto member :
           {&match_scores::precision, &match_scores::recall, &match_scores::f1, &match_scores::average_precision,
            &match_scores::mean_matched_score, &match_scores::mean_true_score, &match_scores::panoptic_quality})
        mean.*member += share * s.*member;
    }
    return mean;
  }

  std::vector<image_counts> images_;
};

}  // namespace aixcell
