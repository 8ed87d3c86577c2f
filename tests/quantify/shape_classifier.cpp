#include <aixcell/quantify/shape_classifier.hpp>
#include <aixcell/quantify/shape_features.hpp>
#include "quantify/discs.hpp"
#include "support/catch.hpp"

using namespace aixcell;
using namespace aixcell::test;

namespace {

struct labelled_table {
  feature_table features;
  std::vector<int> classes;
};

/// Rows around a mean that depends on the class.
labelled_table clouds(random_stream& random, const std::vector<index_t>& of_class, float apart) {
  labelled_table made;
  made.features.names = {"a", "b", "noise", "constant"};
  for (std::size_t c = 0; c < of_class.size(); ++c)
    for (index_t i = 0; i < of_class[c]; ++i) {
      made.features.labels.push_back(1);
      const float shift = apart * static_cast<float>(c);
      for (const float v : {random.normal(shift, 1), 100 * random.normal(-shift, 1), random.normal(), 5.0f})
        made.features.values.push_back(static_cast<double>(v));
      made.classes.push_back(static_cast<int>(c));
    }
  return made;
}

double accuracy(const shape_classifier& model, const labelled_table& data) {
  double right = 0;
  const auto p = model.predict(data.features);
  for (std::size_t i = 0; i < p.size(); ++i)
    right += std::max_element(p[i].begin(), p[i].end()) - p[i].begin() == data.classes[i];
  return right / static_cast<double>(p.size());
}

/// Nuclei alone (ellipses) and pairs of touching nuclei, with ragged outlines.
labelled_table nuclei_outlines(random_stream& random, index_t count) {
  labelled_table made;
  for (index_t i = 0; i < count; ++i) {
    label_map labels({80, 80});
    const bool two = random.chance(0.4f);
    const double size = static_cast<double>(random.uniform(7, 12)), turn = static_cast<double>(random.uniform(0, 3));
    const auto oval = [&](double y, double x, double scale) {
      const double major = scale * static_cast<double>(random.uniform(0.9f, 1.3f));
      draw(labels,
           {y, x, major, scale * static_cast<double>(random.uniform(0.8f, 1.0f)),
            turn + static_cast<double>(random.normal())},
           1);
    };
    if (two) {
      const double apart = 0.85 * size;
      oval(40 + apart * std::sin(turn), 40 + apart * std::cos(turn), size);
      oval(40 - apart * std::sin(turn), 40 - apart * std::cos(turn), size);
    } else {
      oval(40, 40, size * static_cast<double>(random.uniform(1.0f, 1.5f)));
    }
    label_map ragged = labels.clone();
    for (index_t y = 1; y + 1 < 80; ++y)
      for (index_t x = 1; x + 1 < 80; ++x)
        if (random.chance(0.15f)) ragged(y, x) = labels(y + random.below(3) - 1, x + random.below(3) - 1);
    made.features.append(shape_features(ragged));
    made.classes.push_back(two ? 1 : 0);
  }
  return made;
}

}  // namespace

TEST_CASE("the gradient of the cross-entropy is its slope", "[quantify]") {
  random_stream random(9);
  const labelled_table data = clouds(random, {5, 7, 4}, 0.7f);
  std::vector<std::size_t> rows(16);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  const shape_classifier frame = detail::untrained(data.features, rows, 3);
  const auto standard = detail::standardise(frame, data.features, data.classes, rows, true);
  std::vector<double> w(15), gradient(15, 0.0);
  for (double& v : w) v = static_cast<double>(random.normal());
  standard.cross_entropy(w, &gradient);
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double kept = w[i], h = 1e-5;
    w[i] = kept + h;
    const double up = standard.cross_entropy(w, nullptr);
    w[i] = kept - h;
    const double down = standard.cross_entropy(w, nullptr);
    w[i] = kept;
    CHECK(gradient[i] == Approx((up - down) / (2 * h)).margin(1e-8));
  }
}

TEST_CASE("minimise finds the least value of a quadratic", "[quantify]") {
  // f = sum k (x_k - k)^2, badly scaled
  std::vector<double> x(6, 0.0);
  detail::minimise(x, [](const std::vector<double>& at, std::vector<double>& gradient) {
    double f = 0;
    for (std::size_t k = 0; k < at.size(); ++k) {
      const double scale = std::pow(10.0, static_cast<double>(k) / 2), rest = at[k] - static_cast<double>(k);
      f += scale * rest * rest;
      gradient[k] = 2 * scale * rest;
    }
    return f;
  });
  for (std::size_t k = 0; k < x.size(); ++k) CHECK(x[k] == Approx(static_cast<double>(k)).margin(1e-5));
}

TEST_CASE("training ends where the slope of loss and penalty is zero", "[quantify]") {
  random_stream random(10);
  const labelled_table data = clouds(random, {30, 20, 10}, 1);
  const auto model = train_shape_classifier(data.features, data.classes, 3, {}, {.penalties = {0.05}});
  std::vector<std::size_t> rows(60);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  const auto standard = detail::standardise(model, data.features, data.classes, rows, true);
  std::vector<double> w, gradient(15, 0.0);
  for (const auto& one : model.weights) w.insert(w.end(), one.begin(), one.end());
  standard.cross_entropy(w, &gradient);
  for (std::size_t i = 0; i < w.size(); ++i)
    CHECK(gradient[i] + (i % 5 == 4 ? 0 : 0.05 * w[i]) == Approx(0).margin(1e-6));
  for (const auto& one : model.weights) CHECK(one[3] == 0);  // the constant feature
}

TEST_CASE("classes are learned from few objects, rare ones too", "[quantify]") {
  random_stream random(11);
  const labelled_table test = clouds(random, {400, 400}, 3);
  SECTION("tens of objects") {
    CHECK(accuracy(train_shape_classifier(clouds(random, {12, 12}, 3).features, clouds(random, {12, 12}, 3).classes, 2),
                   test) > 0.95);
  }
  SECTION("one in thirty") {
    const labelled_table rare = clouds(random, {300, 10}, 3);
    const auto model = train_shape_classifier(rare.features, rare.classes, 2);
    CHECK(accuracy(model, test) > 0.93);  // both classes equally often
    const auto plain = train_shape_classifier(rare.features, rare.classes, 2, {}, {.balanced = false});
    CHECK(accuracy(model, test) >= accuracy(plain, test));
  }
  SECTION("same seed, same bits") {
    const labelled_table some = clouds(random, {40, 20}, 1);
    const auto a = train_shape_classifier(some.features, some.classes, 2);
    const auto b = train_shape_classifier(some.features, some.classes, 2);
    CHECK(a.weights == b.weights);
    CHECK(a.penalty == b.penalty);
  }
  SECTION("noise alone is penalised away") {
    const labelled_table noise = clouds(random, {30, 30}, 0);
    CHECK(train_shape_classifier(noise.features, noise.classes, 2).penalty >= 0.1);
  }
}

TEST_CASE("what is missing counts as the mean", "[quantify]") {
  random_stream random(12);
  labelled_table data = clouds(random, {60, 60}, 3);
  for (std::size_t i = 0; i < data.features.values.size(); i += 7) data.features.values[i] = missing_value;
  const auto model = train_shape_classifier(data.features, data.classes, 2);
  for (const auto& w : model.weights)
    for (const double v : w) CHECK(std::isfinite(v));
  CHECK(accuracy(model, clouds(random, {200, 200}, 3)) > 0.95);
  std::vector<double> unknown(4, missing_value), mean = model.mean;
  CHECK(model.probabilities(unknown.data()) == model.probabilities(mean.data()));
}

TEST_CASE("a class without objects is never told, one class alone always", "[quantify]") {
  random_stream random(13);
  const labelled_table data = clouds(random, {30, 30}, 2);
  const auto model = train_shape_classifier(data.features, data.classes, 3);
  for (const auto& p : model.predict(data.features)) {
    CHECK(p[2] == 0);
    CHECK(p[0] + p[1] == Approx(1));
  }
  const labelled_table one = clouds(random, {0, 8}, 2);
  CHECK(accuracy(train_shape_classifier(one.features, one.classes, 2), one) == 1);
}

TEST_CASE("groups stay in one fold, classes are spread where there are too few groups", "[quantify]") {
  std::vector<int> classes;
  std::vector<index_t> groups;
  for (int i = 0; i < 60; ++i) classes.push_back(i % 3 == 0), groups.push_back(i / 5);
  const auto fold = detail::folds_of(classes, groups, 4, random_stream(1));
  for (int i = 0; i < 60; ++i) CHECK(fold[static_cast<std::size_t>(i)] == fold[static_cast<std::size_t>(i / 5 * 5)]);
  for (int f = 0; f < 4; ++f) CHECK(std::count(fold.begin(), fold.end(), f) == 15);
  const auto spread = detail::folds_of(classes, {}, 4, random_stream(1));
  for (int f = 0; f < 4; ++f) {
    int rare = 0;
    for (std::size_t i = 0; i < 60; ++i) rare += spread[i] == f && classes[i] == 1;
    CHECK(rare == 5);
  }
}

TEST_CASE("one nucleus is told from two that touch by the contour", "[quantify]") {
  random_stream random(14);
  const labelled_table train = nuclei_outlines(random, 80), test = nuclei_outlines(random, 300);
  const double right = accuracy(train_shape_classifier(train.features, train.classes, 2), test);
  INFO("accuracy " << right);
  CHECK(right > 0.95);
}

TEST_CASE("a classifier survives JSON, damage is refused", "[quantify]") {
  random_stream random(15);
  const labelled_table data = clouds(random, {20, 20, 20}, 1);
  const auto model = train_shape_classifier(data.features, data.classes, 3);
  const nlohmann::json j = to_json(model);
  const auto read = shape_classifier_from_json(nlohmann::json::parse(j.dump()), "file");
  CHECK(read.predict(data.features) == model.predict(data.features));
  for (const char* part : {"features", "mean", "scale", "weights", "penalty"}) {
    nlohmann::json damaged = j;
    damaged.erase(part);
    CHECK_THROWS_AS(shape_classifier_from_json(damaged, "file"), data_error);
  }
  nlohmann::json damaged = j;
  damaged["weights"][1].erase(0);
  CHECK_THROWS_AS(shape_classifier_from_json(damaged, "file"), data_error);
  damaged = j;
  damaged["mean"][0] = nullptr;
  CHECK_THROWS_AS(shape_classifier_from_json(damaged, "file"), data_error);
}

TEST_CASE("training refuses what it cannot learn from", "[quantify]") {
  random_stream random(16);
  const labelled_table data = clouds(random, {4, 4}, 1);
  CHECK_THROWS_AS(train_shape_classifier(data.features, {0, 1}, 2), data_error);
  CHECK_THROWS_AS(train_shape_classifier(data.features, std::vector<int>(8, -1), 2), data_error);
  CHECK_THROWS_AS(train_shape_classifier(data.features, std::vector<int>(8, 2), 2), data_error);
  CHECK_THROWS_AS(train_shape_classifier(data.features, data.classes, 2, {1, 2}), data_error);
  CHECK_THROWS_AS(train_shape_classifier(data.features, data.classes, 2, {}, {.folds = 1}), data_error);
  const auto model = train_shape_classifier(data.features, data.classes, 2);
  feature_table other = data.features;
  other.names[0] = "else";
  CHECK_THROWS_AS(model.predict(other), data_error);
}
