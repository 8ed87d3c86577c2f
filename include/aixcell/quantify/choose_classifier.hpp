#pragma once
#include <aixcell/data/cell_nuclei.hpp>
#include <aixcell/data/dataset.hpp>
#include <aixcell/pipeline/evaluate.hpp>
#include <aixcell/quantify/class_rule.hpp>

namespace aixcell {

/// Classes of annotated objects: those given, else from the nuclei inside (0 one, 1 two or more, -1 none), else empty.
inline std::vector<int> known_classes(const annotation& truth) {
  if (!truth.object_class.empty() || truth.nuclei.empty()) return truth.object_class;
  std::vector<int> classes;
  for (const auto& nuclei : nuclei_of_cells(truth.labels, truth.nuclei))
    classes.push_back(std::min<int>(static_cast<int>(nuclei.size()), 2) - 1);
  return classes;
}

struct choose_options {
  double iou = 0.5;       ///< of a found object with the true one whose class it should have
  index_t at_most = 200;  ///< training images that shapes are learned from, spread evenly
  predict_options predict = {.mirrored = true};
  shape_training shape = {};
  std::function<bool()> stop_requested = {};  ///< asked for every image; true: throws `interrupted`
};

namespace detail {

/// Objects with known classes, gathered image by image.
struct classified_objects {
  feature_table features;
  std::vector<int> classes;
  std::vector<index_t> images;

  void add(const feature_table& measured, std::size_t row, int object_class, index_t image) {
    if (object_class < 0) return;
    features.append_row(measured, row);
    classes.push_back(object_class);
    images.push_back(image);
  }
};

inline std::size_t row_of(const feature_table& table, std::int32_t label) {
  return static_cast<std::size_t>(std::lower_bound(table.labels.begin(), table.labels.end(), label) -
                                  table.labels.begin());
}

}  // namespace detail

/// How a trained model's objects get their classes best. A shape classifier is trained on the objects of the training images,
/// as annotated and as the model finds them (so that it knows both clean and real outlines); then the model's own
/// classes, the shape classifier and the mean of both are measured on what the model finds in the validation images.
/// The source with the greatest balanced accuracy is kept; the model's own where another is not better. Throws
/// data_error if the model tells no classes.
inline class_rule choose_class_rule(context<cpu>& ctx, const any_pipeline& model, const dataset& train,
                                    const dataset& validation, const choose_options& options = {}) {
  const int classes = empty_evaluation(model).object_class_count;
  if (classes < 1)
    throw data_error("choose_class_rule: pipeline " + model.name() +
                     " tells no classes of objects; take one with _classes or nuclei_per_cell");
  class_rule rule;
  rule.classes = classes;
  rule.channels = feature_channels(train.channel_names, train.channels);
  const auto go_on = [&] {
    if (options.stop_requested && options.stop_requested())
      throw interrupted("stopped while choosing how to tell classes");
  };

  detail::classified_objects objects;
  evaluate(ctx, model, train,
           {.predict = options.predict,
            .at_most = options.at_most,
            .seen = [&](index_t i, const example& e, const prediction& found) {
              go_on();
              const std::vector<int> known = known_classes(e.truth);
              const auto class_of = [&](std::int32_t label) {
                return static_cast<std::size_t>(label) <= known.size() ? known[static_cast<std::size_t>(label) - 1]
                                                                       : -1;
              };
              const feature_table annotated = shape_features(e.truth.labels, e.picture.pixels, rule.channels);
              for (std::size_t row = 0; row < annotated.rows(); ++row)
                objects.add(annotated, row, class_of(annotated.labels[row]), i);
              const feature_table measured = shape_features(found.labels, e.picture.pixels, rule.channels);
              for (const matched_pair& pair : matching(e.truth.labels, found.labels, {.threshold = options.iou}).pairs)
                objects.add(measured, detail::row_of(measured, pair.predicted), class_of(pair.truth), i);
            }});
  if (!objects.classes.empty())
    rule.shape = train_shape_classifier(objects.features, objects.classes, classes, objects.images, options.shape);

  for (object_class_scores& s : rule.validation) s.confusion = confusion_matrix(classes);
  evaluate(ctx, model, validation,
           {.predict = options.predict, .seen = [&](index_t, const example& e, const prediction& found) {
              go_on();
              annotation truth = e.truth;
              truth.object_class = known_classes(truth);
              if (truth.object_class.empty()) return;
              const feature_table features =
                  rule.has_shape() ? shape_features(found.labels, e.picture.pixels, rule.channels) : feature_table{};
              for (std::size_t s = 0; s < rule.validation.size(); ++s) {
                prediction told = found;
                if (rule.has_shape()) detail::apply_source(static_cast<class_source>(s), rule, features, told);
                rule.validation[s] += score_object_classes(truth, told, {.classes = classes, .threshold = options.iou});
              }
            }});
  const auto quality = [&](std::size_t s) {
    // Objects without a class are wrong: the mean recall of those that have one, times their share.
    const object_class_scores& v = rule.validation[s];
    return v.matched == 0 ? 0
                          : v.confusion.balanced_accuracy() * static_cast<double>(v.confusion.total()) /
                                static_cast<double>(v.matched);
  };
  if (!rule.has_shape()) return rule;
  for (std::size_t s = 1; s < rule.validation.size(); ++s)
    if (quality(s) > quality(static_cast<std::size_t>(rule.source)) + 1e-9) rule.source = static_cast<class_source>(s);
  return rule;
}

}  // namespace aixcell
