#pragma once
#include <array>
#include <string_view>

#include <nlohmann/json.hpp>

#include <aixcell/metrics/object_classes.hpp>
#include <aixcell/quantify/shape_classifier.hpp>
#include <aixcell/quantify/shape_features.hpp>

namespace aixcell {

/// Who says the class of an object.
enum class class_source {
  pixels,  ///< the model: votes of the object's pixels, or the number of its nuclei
  shape,   ///< a classifier on shape and intensity of the object
  mean,    ///< the mean of both probabilities
};
inline constexpr std::array<std::string_view, 3> class_source_names{"pixels", "shape", "mean"};

/// How the classes of a model's objects are told: the part of a model card that `predict` and `quantify` apply.
struct class_rule {
  class_source source = class_source::pixels;
  int classes = 2;
  std::vector<std::string> channels;                   ///< names that the features were measured with
  shape_classifier shape;                              ///< without features if it could not be trained
  std::array<object_class_scores, 3> validation = {};  ///< of each source, on objects of the validation images

  bool has_shape() const { return !shape.features.empty(); }
  const object_class_scores& chosen() const { return validation[static_cast<std::size_t>(source)]; }
};

/// Names for the channels of features: those of the data set, else channel_1, channel_2, ... (one alone: intensity).
inline std::vector<std::string> feature_channels(std::vector<std::string> names, index_t channels) {
  if (static_cast<index_t>(names.size()) == channels) return names;
  names.clear();
  for (index_t c = 0; c < channels; ++c)
    names.push_back(channels == 1 ? "intensity" : "channel_" + std::to_string(c + 1));
  return names;
}

namespace detail {

/// What the model said of an object, as probabilities: its votes, or all for its class; equal ones if it said nothing.
inline std::vector<double> pixel_probabilities(const detected_object& o, int classes) {
  const auto n = static_cast<std::size_t>(classes);
  if (o.class_probabilities.size() == n) return {o.class_probabilities.begin(), o.class_probabilities.end()};
  std::vector<double> p(n, o.object_class < 0 ? 1.0 / classes : 0.0);
  if (o.object_class >= 0 && o.object_class < classes) p[static_cast<std::size_t>(o.object_class)] = 1;
  return p;
}

inline void give_class(detected_object& o, const std::vector<double>& p) {
  o.class_probabilities.assign(p.begin(), p.end());
  o.object_class = static_cast<int>(std::max_element(p.begin(), p.end()) - p.begin());
}

/// Gives every object the class that one source says; `features` has the rows of the objects that have pixels.
inline void apply_source(class_source source, const class_rule& rule, const feature_table& features,
                         prediction& found) {
  if (source == class_source::pixels) return;
  for (std::size_t i = 0; i < features.rows(); ++i) {
    detected_object& o = found.objects.at(static_cast<std::size_t>(features.labels[i]) - 1);
    std::vector<double> p = rule.shape.probabilities(features.row(i));
    if (source == class_source::mean) {
      const std::vector<double> pixels = pixel_probabilities(o, rule.classes);
      for (std::size_t c = 0; c < p.size(); ++c) p[c] = (p[c] + pixels[c]) / 2;
    }
    give_class(o, p);
  }
}

}  // namespace detail

/// Gives the objects of a prediction their classes by the rule; `pixels` [H,W,C] is the image. Throws data_error if the
/// image has other channels than the rule was made with.
inline void apply_class_rule(const class_rule& rule, view<const float, cpu> pixels, prediction& found) {
  if (rule.source == class_source::pixels || found.objects.empty()) return;
  if (pixels.extent(2) != static_cast<index_t>(rule.channels.size()))
    throw data_error("apply_class_rule: the classifier of objects was trained on " +
                     std::to_string(rule.channels.size()) + " channel(s), the image has " +
                     std::to_string(pixels.extent(2)));
  detail::apply_source(rule.source, rule, shape_features(found.labels, pixels, rule.channels), found);
}

namespace detail {

inline nlohmann::json to_json(const object_class_scores& s) {
  const interval accuracy = s.among_matched();
  nlohmann::json confusion = nlohmann::json::array();
  for (int t = 0; t < s.confusion.classes(); ++t) {
    confusion.push_back(nlohmann::json::array());
    for (int p = 0; p < s.confusion.classes(); ++p) confusion.back().push_back(s.confusion.count({t, p}));
  }
  return {{"true_objects", s.true_objects},
          {"matched", s.matched},
          {"correct", s.correct},
          {"accuracy", {{"estimate", accuracy.estimate}, {"interval", {accuracy.low, accuracy.high}}}},
          {"balanced_accuracy", s.confusion.balanced_accuracy()},
          {"confusion", confusion}};
}

inline object_class_scores object_class_scores_from_json(const nlohmann::json& j, int classes) {
  object_class_scores s;
  s.true_objects = j.at("true_objects");
  s.matched = j.at("matched");
  s.correct = j.at("correct");
  s.confusion = confusion_matrix(classes);
  for (int t = 0; t < classes; ++t)
    for (int p = 0; p < classes; ++p)
      s.confusion.add({t, p},
                      j.at("confusion").at(static_cast<std::size_t>(t)).at(static_cast<std::size_t>(p)).get<index_t>());
  return s;
}

}  // namespace detail

inline nlohmann::json to_json(const class_rule& rule) {
  nlohmann::json j = {{"chosen", class_source_names[static_cast<std::size_t>(rule.source)]},
                      {"classes", rule.classes},
                      {"channels", rule.channels}};
  for (std::size_t s = 0; s < class_source_names.size(); ++s)
    if (s == 0 || rule.has_shape())
      j["validation"][std::string(class_source_names[s])] = detail::to_json(rule.validation[s]);
  if (rule.has_shape()) j["shape"] = to_json(rule.shape);
  return j;
}

/// Throws data_error, naming `where`, if the description is damaged.
inline class_rule class_rule_from_json(const nlohmann::json& j, const std::string& where) {
  class_rule rule;
  try {
    const std::string chosen = j.at("chosen");
    const auto at = std::find(class_source_names.begin(), class_source_names.end(), chosen);
    rule.classes = j.at("classes");
    if (at == class_source_names.end() || rule.classes < 1 || rule.classes > 4096)
      throw data_error(where + ": the classifier of objects is \"" + chosen + "\" of " + std::to_string(rule.classes) +
                       " classes; this version knows pixels, shape, mean");
    rule.source = static_cast<class_source>(at - class_source_names.begin());
    rule.channels = j.at("channels").get<std::vector<std::string>>();
    if (j.contains("shape")) rule.shape = shape_classifier_from_json(j.at("shape"), where);
    for (std::size_t s = 0; s < class_source_names.size(); ++s)
      if (const std::string name(class_source_names[s]); j.at("validation").contains(name))
        rule.validation[s] = detail::object_class_scores_from_json(j.at("validation").at(name), rule.classes);
  } catch (const nlohmann::json::exception&) {
    throw data_error(where + ": the classifier of objects is damaged; copy the file again");
  }
  const bool needs_shape = rule.source != class_source::pixels;
  if (needs_shape && (rule.shape.features != shape_feature_names(rule.channels) ||
                      rule.shape.classes() != static_cast<std::size_t>(rule.classes)))
    throw data_error(where +
                     ": the shape classifier has other features or classes than this version measures; fit again");
  return rule;
}

}  // namespace aixcell
