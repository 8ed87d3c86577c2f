#include <aixcell/data/split.hpp>

#include <numeric>
#include <set>

#include "data/examples.hpp"
#include "io/support.hpp"

using namespace aixcell;
using namespace aixcell::test;

namespace {

/// Samples with facts only: no image is read to divide them.
dataset facts(const std::vector<int>& objects, const std::vector<std::string>& groups = {}) {
  dataset set;
  set.name = "facts";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    sample s;
    s.id = "i" + std::to_string(i);
    s.objects = objects[i];
    if (!groups.empty()) s.group = groups[i];
    set.samples.push_back(s);
  }
  return set;
}

std::set<std::string> set_of_ids(const dataset& set) {
  std::set<std::string> names;
  for (const sample& s : set.samples) names.insert(s.id);
  return names;
}

std::vector<int> random_counts(std::size_t images, std::uint64_t seed) {
  random_stream random(seed);
  std::vector<int> counts;
  for (std::size_t i = 0; i < images; ++i) counts.push_back(static_cast<int>(random.below(i % 7 == 0 ? 300 : 30)));
  return counts;
}

}  // namespace

TEST_CASE("a split takes each image once and its share of them") {
  for (const std::size_t images : {2u, 3u, 7u, 100u, 487u})
    for (const double share : {0.05, 0.15, 0.5}) {
      const dataset set = facts(random_counts(images, images));
      const auto [train, validation] = split(set, {.validation = share, .seed = 3});
      CHECK(train.size() + validation.size() == set.size());
      CHECK(train.size() >= 1);
      CHECK(validation.size() >= 1);
      std::set<std::string> both = set_of_ids(train);
      both.merge(set_of_ids(validation));
      CHECK(both.size() == images);
      if (images >= 100)
        CHECK(std::abs(static_cast<double>(validation.size()) - share * static_cast<double>(images)) <= 2);
    }
}

TEST_CASE("one seed, one split; another seed, another split") {
  const dataset set = facts(random_counts(60, 1));
  const auto first = set_of_ids(split(set, {.seed = 5}).validation);
  CHECK(first == set_of_ids(split(set, {.seed = 5}).validation));
  CHECK(first != set_of_ids(split(set, {.seed = 6}).validation));
}

TEST_CASE("crowded and sparse images and all classes are on both sides in their share") {
  dataset set = facts(random_counts(200, 2));
  set.class_names = {"mono", "bi", "rare"};
  random_stream random(8);
  for (std::size_t i = 0; i < set.samples.size(); ++i) {
    sample& s = set.samples[i];
    const double bi = random.uniform() * static_cast<double>(s.objects);
    s.class_counts = {static_cast<double>(s.objects) - bi, bi, i % 20 == 0 ? 1.0 : 0.0};
  }
  std::vector<aixcell::index_t> counts;
  for (const sample& s : set.samples) counts.push_back(s.objects);
  std::nth_element(counts.begin(), counts.begin() + 50, counts.end());
  // Shares that a side has: of each class, and of the quarter of images with fewest objects.
  const auto amounts = [&](const dataset& d) {
    std::vector<double> sum(4, 0);
    for (const sample& s : d.samples) {
      for (std::size_t c = 0; c < 3; ++c) sum[c] += s.class_counts[c];
      sum[3] += s.objects < counts[50];
    }
    return sum;
  };
  const std::vector<double> all = amounts(set);
  const auto squared_error = [&](const dataset& d) {
    std::vector<double> error = amounts(d);
    for (std::size_t k = 0; k < error.size(); ++k) error[k] = std::pow(error[k] / all[k] - 0.2, 2);
    return error;
  };
  std::vector<double> ours(4, 0), chance(4, 0);
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    std::vector<aixcell::index_t> order(set.samples.size());
    std::iota(order.begin(), order.end(), aixcell::index_t{0});
    random_stream(seed, 1).shuffle(order);
    order.resize(40);
    const auto mine = squared_error(split(set, {.validation = 0.2, .seed = seed}).validation);
    const auto other = squared_error(set.subset(order));
    for (std::size_t k = 0; k < 4; ++k) ours[k] += mine[k] / 30, chance[k] += other[k] / 30;
  }
  for (std::size_t k = 0; k < 4; ++k) {
    INFO("amount " << k << ": " << std::sqrt(ours[k]) << ", by chance " << std::sqrt(chance[k]));
    CHECK(std::sqrt(ours[k]) < 0.06);
    CHECK(std::sqrt(ours[k]) < 0.6 * std::sqrt(chance[k]));
  }
}

TEST_CASE("a group is never on both sides") {
  std::vector<std::string> wells;
  for (int i = 0; i < 90; ++i) wells.push_back(i % 10 == 0 ? "" : "well" + std::to_string(i * i % 13));
  const dataset set = facts(random_counts(90, 4), wells);
  const auto groups = [](const dataset& d) {
    std::set<std::string> names;
    for (const sample& s : d.samples) names.insert(s.group.empty() ? s.id : s.group);
    return names;
  };
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto [train, validation] = split(set, {.validation = 0.25, .seed = seed});
    for (const std::string& g : groups(validation)) CHECK(groups(train).count(g) == 0);
    CHECK(std::abs(static_cast<double>(validation.size()) / 90 - 0.25) < 0.12);
    for (const auto& fold : k_fold(set, {.folds = 4, .seed = seed}))
      for (const std::string& g : groups(fold.validation)) CHECK(groups(fold.train).count(g) == 0);
  }
}

TEST_CASE("folds hold every image once") {
  for (const std::size_t images : {2u, 5u, 23u}) {
    const dataset set = facts(random_counts(images, 9));
    const int folds = images == 2 ? 2 : 5;
    const auto result = k_fold(set, {.folds = folds, .seed = 1});
    REQUIRE(result.size() == static_cast<std::size_t>(folds));
    std::multiset<std::string> validated;
    for (const auto& [train, validation] : result) {
      CHECK(train.size() + validation.size() == set.size());
      CHECK(validation.size() >= 1);
      CHECK(validation.size() <= static_cast<aixcell::index_t>(images) / folds + 1);
      for (const sample& s : validation.samples) validated.insert(s.id);
    }
    CHECK(validated.size() == images);
    for (const std::string& id : set_of_ids(set)) CHECK(validated.count(id) == 1);
  }
}

TEST_CASE("what cannot be divided is refused") {
  const auto refusal = [](const dataset& set, split_options options = {}) {
    return message_of<data_error>([&] { split(set, options); });
  };
  CHECK(contains(refusal(facts({5})), "1 image(s) in 1 group(s) cannot be divided into 2 parts"));
  CHECK(contains(refusal(facts({5, 6, 7}, {"a", "a", "a"})), "3 image(s) in 1 group(s)"));
  CHECK(contains(refusal(facts({})), "0 image(s)"));
  CHECK(contains(refusal(facts({1, 2}), {.validation = 0}), "between 0 and 1"));
  CHECK(contains(refusal(facts({1, 2}), {.validation = 1}), "between 0 and 1"));
  CHECK_THROWS_AS(k_fold(facts({1, 2, 3}), {.folds = 4}), data_error);
  CHECK_THROWS_AS(k_fold(facts({1, 2, 3}), {.folds = 1}), data_error);
}

TEST_CASE("a single image is cut in two on request") {
  for (const bool wide : {true, false}) {
    const shape size = wide ? shape{10, 40} : shape{40, 10};
    const dataset set = dataset::from_examples("one", {boxes(size, {{0, 0, 2, 2}, {size[0] - 2, size[1] - 2, 2, 2}})});
    const auto [train, validation] = split(set, {.validation = 0.25, .alone = single_image::cut});
    CHECK(train.samples[0].size == (wide ? shape{10, 30, 1} : shape{30, 10, 1}));
    CHECK(validation.samples[0].size == (wide ? shape{10, 10, 1} : shape{10, 10, 1}));
    CHECK(train.samples[0].objects == 1);
    CHECK(validation.samples[0].objects == 1);
    CHECK(train.samples[0].id != validation.samples[0].id);
    CHECK(validation.load(0).truth.labels(9, 9) == 2);
    CHECK(validation.load(0).picture.pixels(9, 9, 0) == 110);
  }
  const dataset pixel = dataset::from_examples("dot", {boxes({1, 1}, {})});
  CHECK_THROWS_AS(split(pixel, {.alone = single_image::cut}), data_error);
}

TEST_CASE("rare classes of images are on both sides of a split") {
  std::vector<example> all;
  for (int i = 0; i < 60; ++i) {
    example e;
    e.picture.pixels = tensor<float>({3, 3, 1});
    e.truth.image_class = i % 15 == 4;
    all.push_back(std::move(e));
  }
  const dataset set = dataset::from_examples("cells", all, {"common", "rare"}, task::image_classification);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const split_result parts = split(set, {.validation = 0.25, .seed = seed});
    CHECK(parts.validation.image_class_counts()[1] == 1);
    CHECK(parts.train.image_class_counts()[1] == 3);
    CHECK(std::abs(parts.validation.size() - 15) <= 1);
  }
}
