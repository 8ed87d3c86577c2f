#pragma once
#include <algorithm>
#include <cmath>
#include <numeric>

#include <nlohmann/json.hpp>

#include <aixcell/core/random.hpp>
#include <aixcell/quantify/detail/lbfgs.hpp>
#include <aixcell/quantify/feature_table.hpp>

namespace aixcell {

/// A class for objects from their features: multinomial logistic regression on standardised features. A value that is
/// missing counts as the mean of the training objects.
struct shape_classifier {
  std::vector<std::string> features;         ///< names, in the order of the columns
  std::vector<double> mean, scale;           ///< of each feature in training; scale 0: constant there, ignored
  std::vector<std::vector<double>> weights;  ///< [classes][features + 1], the last one stands alone (intercept)
  double penalty = 0;                        ///< that cross-validation chose

  std::size_t classes() const { return weights.size(); }

  /// Probabilities of the classes for one row of features.
  std::vector<double> probabilities(const double* row) const {
    std::vector<double> p(classes());
    for (std::size_t c = 0; c < classes(); ++c) {
      p[c] = weights[c].back();
      for (std::size_t f = 0; f < features.size(); ++f) p[c] += weights[c][f] * standardised(f, row[f]);
    }
    const double largest = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& v : p) sum += v = std::exp(v - largest);
    for (double& v : p) v /= sum;
    return p;
  }

  /// Probabilities for every row [rows][classes]. Throws data_error if the table has other features.
  std::vector<std::vector<double>> predict(const feature_table& table) const {
    if (table.names != features)
      throw data_error("shape_classifier: expected the " + std::to_string(features.size()) +
                       " features it was trained on, found " + std::to_string(table.columns()) +
                       " others; measure images with the channels of the training images");
    std::vector<std::vector<double>> all;
    for (std::size_t i = 0; i < table.rows(); ++i) all.push_back(probabilities(table.row(i)));
    return all;
  }

  double standardised(std::size_t feature, double value) const {
    if (!std::isfinite(value) || !(scale[feature] > 0)) return 0;
    // An object far outside what training saw must not overrule all other features.
    return std::clamp((value - mean[feature]) / scale[feature], -6.0, 6.0);
  }
};

struct shape_training {
  std::vector<double> penalties{1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 1e-4};  ///< of squared weights; the best is kept
  int folds = 5;                                                               ///< of cross-validation, at least 2
  bool balanced = true;    ///< every class counts the same, however rare
  std::uint64_t seed = 0;  ///< of the folds
};

namespace detail {

/// Standardised rows, their classes and weights: what the loss is computed from.
struct standard_rows {
  std::size_t columns = 0;
  int classes = 0;
  std::vector<double> values;  // [rows, columns]
  std::vector<int> object_class;
  std::vector<double> weight;  // sum 1

  /// Mean cross-entropy of the rows under weights [classes, columns + 1]; adds its gradient if asked for.
  double cross_entropy(const std::vector<double>& weights, std::vector<double>* gradient) const {
    const std::size_t stride = columns + 1;
    double loss = 0;
    std::vector<double> p(static_cast<std::size_t>(classes));
    for (std::size_t i = 0; i < object_class.size(); ++i) {
      const double* x = values.data() + i * columns;
      for (std::size_t c = 0; c < p.size(); ++c) {
        const double* w = weights.data() + c * stride;
        p[c] = w[columns] + std::inner_product(x, x + columns, w, 0.0);
      }
      const double largest = *std::max_element(p.begin(), p.end());
      double sum = 0;
      for (const double v : p) sum += std::exp(v - largest);
      const double log_sum = largest + std::log(sum);
      const auto truth = static_cast<std::size_t>(object_class[i]);
      loss += weight[i] * (log_sum - p[truth]);
      if (!gradient) continue;
      for (std::size_t c = 0; c < p.size(); ++c) {
        const double g = weight[i] * (std::exp(p[c] - log_sum) - (c == truth));
        double* to = gradient->data() + c * stride;
        for (std::size_t f = 0; f < columns; ++f) to[f] += g * x[f];
        to[columns] += g;
      }
    }
    return loss;
  }
};

/// The rows as the classifier sees them; of each class the weights sum to the same if `balanced`.
inline standard_rows standardise(const shape_classifier& by, const feature_table& table,
                                 const std::vector<int>& classes, const std::vector<std::size_t>& chosen,
                                 bool balanced) {
  standard_rows rows;
  rows.columns = by.features.size();
  rows.classes = static_cast<int>(by.classes());
  std::vector<double> count(by.classes(), 0.0);
  for (const std::size_t i : chosen) ++count[static_cast<std::size_t>(classes[i])];
  const auto present = static_cast<double>(std::count_if(count.begin(), count.end(), [](double n) { return n > 0; }));
  for (const std::size_t i : chosen) {
    for (std::size_t f = 0; f < rows.columns; ++f) rows.values.push_back(by.standardised(f, table.row(i)[f]));
    rows.object_class.push_back(classes[i]);
    rows.weight.push_back(balanced ? 1 / (present * count[static_cast<std::size_t>(classes[i])])
                                   : 1 / static_cast<double>(chosen.size()));
  }
  return rows;
}

/// Mean and standard deviation of the values that are known; class count and names.
inline shape_classifier untrained(const feature_table& table, const std::vector<std::size_t>& chosen, int classes) {
  shape_classifier made;
  made.features = table.names;
  made.weights.assign(static_cast<std::size_t>(classes), std::vector<double>(table.columns() + 1, 0.0));
  for (std::size_t f = 0; f < table.columns(); ++f) {
    double n = 0, sum = 0, squares = 0;
    for (const std::size_t i : chosen)
      if (const double v = table.row(i)[f]; std::isfinite(v)) ++n, sum += v;
    const double mean = n > 0 ? sum / n : 0;
    for (const std::size_t i : chosen)
      if (const double v = table.row(i)[f]; std::isfinite(v)) squares += (v - mean) * (v - mean);
    const double deviation = n > 0 ? std::sqrt(squares / n) : 0;
    made.mean.push_back(mean);
    made.scale.push_back(deviation > 1e-12 * (1 + std::abs(mean)) ? deviation : 0);
  }
  return made;
}

/// Trains on the chosen rows for each penalty, largest first, each from the one before; calls done(k) with the weights set.
template <class Function>
void train_along_penalties(shape_classifier& model, const standard_rows& rows, const std::vector<double>& penalties,
                           Function&& done) {
  const std::size_t stride = rows.columns + 1;
  std::vector<double> flat(model.classes() * stride, 0.0);
  std::vector<char> present(model.classes(), 0);
  for (const int c : rows.object_class) present[static_cast<std::size_t>(c)] = 1;
  // A class without objects: probability 0, which no step of the training moves.
  for (std::size_t c = 0; c < model.classes(); ++c)
    if (!present[c]) flat[c * stride + rows.columns] = -1000;
  for (std::size_t k = 0; k < penalties.size(); ++k) {
    minimise(flat, [&](const std::vector<double>& w, std::vector<double>& gradient) {
      std::fill(gradient.begin(), gradient.end(), 0.0);
      double loss = rows.cross_entropy(w, &gradient);
      for (std::size_t i = 0; i < w.size(); ++i) {
        if (i % stride == rows.columns) continue;  // the intercept is free
        loss += penalties[k] / 2 * w[i] * w[i];
        gradient[i] += penalties[k] * w[i];
      }
      return loss;
    });
    for (std::size_t c = 0; c < model.classes(); ++c)
      model.weights[c].assign(flat.begin() + static_cast<std::ptrdiff_t>(c * stride),
                              flat.begin() + static_cast<std::ptrdiff_t>((c + 1) * stride));
    model.penalty = penalties[k];
    done(k);
  }
}

/// A fold for each row: groups stay together, and each class is spread over the folds as evenly as they allow.
inline std::vector<int> folds_of(const std::vector<int>& classes, const std::vector<index_t>& groups, int folds,
                                 random_stream random) {
  std::vector<index_t> distinct = groups;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<int> fold(classes.size());
  if (static_cast<int>(distinct.size()) >= folds) {
    random.shuffle(distinct);
    std::vector<std::pair<index_t, int>> fold_of_group;
    for (std::size_t i = 0; i < distinct.size(); ++i)
      fold_of_group.emplace_back(distinct[i], static_cast<int>(i) % folds);
    std::sort(fold_of_group.begin(), fold_of_group.end());
    for (std::size_t i = 0; i < classes.size(); ++i)
      fold[i] = std::lower_bound(fold_of_group.begin(), fold_of_group.end(), std::pair{groups[i], 0})->second;
    return fold;
  }
  std::vector<index_t> order(classes.size());
  std::iota(order.begin(), order.end(), index_t{0});
  random.shuffle(order);
  std::stable_sort(order.begin(), order.end(), [&](index_t a, index_t b) {
    return classes[static_cast<std::size_t>(a)] < classes[static_cast<std::size_t>(b)];
  });
  for (std::size_t k = 0; k < order.size(); ++k) fold[static_cast<std::size_t>(order[k])] = static_cast<int>(k) % folds;
  return fold;
}

}  // namespace detail

/// Trains a classifier on objects with known classes (0 <= class < class_count; objects of class -1 are left out). The
/// penalty of the squared weights is the one with the least cross-entropy in cross-validation, where objects of one group
/// (an image; empty: each object alone) stay in one fold. With one class only, that class is always the answer. Same
/// bits for the same seed. Throws data_error if there is no object of known class or the sizes do not fit.
inline shape_classifier train_shape_classifier(const feature_table& table, const std::vector<int>& classes,
                                               int class_count, const std::vector<index_t>& groups = {},
                                               const shape_training& options = {}) {
  if (classes.size() != table.rows() || (!groups.empty() && groups.size() != table.rows()))
    throw data_error("train_shape_classifier: expected a class and a group for each of the " +
                     std::to_string(table.rows()) + " objects, found " + std::to_string(classes.size()) + " and " +
                     std::to_string(groups.size()));
  if (options.folds < 2 || options.penalties.empty())
    throw data_error("train_shape_classifier: expected at least 2 folds and a penalty, found " +
                     std::to_string(options.folds) + " and " + std::to_string(options.penalties.size()));
  std::vector<std::size_t> known;
  std::vector<int> known_class;
  std::vector<index_t> known_group;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] >= class_count)
      throw data_error("train_shape_classifier: object of class " + std::to_string(classes[i]) + ", expected 0.." +
                       std::to_string(class_count - 1) + ", or -1 for unknown");
    if (classes[i] < 0) continue;
    known.push_back(i);
    known_class.push_back(classes[i]);
    if (!groups.empty()) known_group.push_back(groups[i]);
  }
  if (known.empty())
    throw data_error("train_shape_classifier: none of the " + std::to_string(classes.size()) +
                     " objects has a known class; annotate some");

  std::vector<double> penalties = options.penalties;
  std::sort(penalties.begin(), penalties.end(), std::greater<>());
  std::size_t best = 0;
  if (penalties.size() > 1 && known.size() >= static_cast<std::size_t>(options.folds)) {
    const std::vector<int> fold =
        detail::folds_of(known_class, known_group, options.folds, random_stream(options.seed, 0x666f6c647300));
    std::vector<double> loss(penalties.size(), 0.0);
    for (int held_out = 0; held_out < options.folds; ++held_out) {
      std::vector<std::size_t> inside, outside;
      for (std::size_t i = 0; i < known.size(); ++i) (fold[i] == held_out ? outside : inside).push_back(known[i]);
      if (inside.empty() || outside.empty()) continue;
      shape_classifier trial = detail::untrained(table, inside, class_count);
      const auto to_learn = detail::standardise(trial, table, classes, inside, options.balanced);
      const auto to_test = detail::standardise(trial, table, classes, outside, options.balanced);
      detail::train_along_penalties(trial, to_learn, penalties, [&](std::size_t k) {
        std::vector<double> flat;
        for (const auto& w : trial.weights) flat.insert(flat.end(), w.begin(), w.end());
        // A class that the other folds lack costs 1000 at every penalty alike.
        loss[k] += to_test.cross_entropy(flat, nullptr);
      });
    }
    best = static_cast<std::size_t>(std::min_element(loss.begin(), loss.end()) - loss.begin());
  }
  shape_classifier model = detail::untrained(table, known, class_count);
  penalties.resize(best + 1);
  detail::train_along_penalties(model, detail::standardise(model, table, classes, known, options.balanced), penalties,
                                [](std::size_t) {});
  return model;
}

inline nlohmann::json to_json(const shape_classifier& model) {
  return {{"kind", "multinomial logistic regression"},
          {"features", model.features},
          {"mean", model.mean},
          {"scale", model.scale},
          {"weights", model.weights},
          {"penalty", model.penalty}};
}

/// Throws data_error, naming `where`, if sizes do not fit or a value is not finite.
inline shape_classifier shape_classifier_from_json(const nlohmann::json& j, const std::string& where) {
  shape_classifier model;
  try {
    model.features = j.at("features").get<std::vector<std::string>>();
    model.mean = j.at("mean").get<std::vector<double>>();
    model.scale = j.at("scale").get<std::vector<double>>();
    model.weights = j.at("weights").get<std::vector<std::vector<double>>>();
    model.penalty = j.at("penalty").get<double>();
  } catch (const nlohmann::json::exception&) {
    throw data_error(where + ": the shape classifier is damaged; copy the file again");
  }
  const auto all_finite = [](const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
  };
  bool sound = !model.weights.empty() && model.mean.size() == model.features.size() &&
               model.scale.size() == model.features.size() && all_finite(model.mean) && all_finite(model.scale);
  for (const auto& w : model.weights) sound = sound && w.size() == model.features.size() + 1 && all_finite(w);
  if (!sound)
    throw data_error(where + ": the shape classifier has " + std::to_string(model.features.size()) +
                     " features, but weights, means or scales for others; copy the file again");
  return model;
}

}  // namespace aixcell
