#include <aixcell/data/dataset.hpp>

#include <atomic>
#include <limits>

#include "data/examples.hpp"
#include "io/support.hpp"

using namespace aixcell;
using namespace aixcell::test;

TEST_CASE("a data set in memory knows its objects, classes and channels") {
  std::vector<example> examples{boxes({8, 10, 2}, {{0, 0, 3, 3}, {4, 4, 2, 2}}), boxes({5, 6, 2}, {}),
                                boxes({7, 7, 2}, {{1, 1, 2, 2}})};
  examples[0].truth.object_class = {1, -1};
  examples[0].truth.nuclei = label_map({8, 10});
  examples[0].picture.channel_names = {"DAPI", "membrane"};
  const dataset set = dataset::from_examples("cells", examples, {"a", "b"});
  CHECK(set.size() == 3);
  CHECK(set.channels == 2);
  CHECK(set.channel_names == std::vector<std::string>{"DAPI", "membrane"});
  CHECK(set.objects() == 3);
  CHECK(set.has_nuclei());
  CHECK(set.has_object_classes());
  CHECK(set.samples[0].objects == 2);
  CHECK(set.samples[0].class_counts == std::vector<double>{0, 1});
  CHECK(set.samples[1].objects == 0);
  CHECK(set.samples[1].size == shape{5, 6, 2});
  CHECK_NOTHROW(set.require_trainable());

  const dataset part = set.subset({2, 1});
  CHECK(part.size() == 2);
  CHECK(part.name == "cells");
  CHECK(part.samples[0].id == set.samples[2].id);
  CHECK(part.load(0).truth.labels(1, 1) == 1);
  CHECK_FALSE(part.has_nuclei());
  CHECK_FALSE(part.has_object_classes());
  CHECK_THROWS_AS(set.subset({3}), std::out_of_range);
  CHECK_THROWS_AS(set.load(3), std::out_of_range);
}

TEST_CASE("examples are loaded by several threads at once") {
  std::vector<example> examples;
  for (int n = 0; n < 8; ++n) examples.push_back(dots({16, 16}, n));
  const dataset set = dataset::from_examples("dots", std::move(examples));
  const context<cpu> ctx(4);
  std::atomic<int> wrong = 0;
  parallel_for(ctx, 64, [&](aixcell::index_t i) {
    if (detail::distinct_labels(set.load(i % 8).truth.labels).size() != static_cast<std::size_t>(i % 8)) ++wrong;
  });
  CHECK(wrong == 0);
}

TEST_CASE("an unusable example is refused by its name") {
  const auto refusal = [](std::vector<example> examples, std::vector<std::string> classes = {},
                          task solves = task::instance_segmentation) {
    return message_of<data_error>(
        [&] { dataset::from_examples("set", std::move(examples), std::move(classes), solves); });
  };
  const example good = boxes({8, 8}, {{0, 0, 2, 2}});

  example other_size = good;
  other_size.truth.labels = label_map({8, 6});
  CHECK(refusal({good, other_size}) == "set_1: mask is 8x6, image set_1 is 8x8; export both at one size");
  example other_nuclei = good;
  other_nuclei.truth.nuclei = label_map({4, 8});
  CHECK(contains(refusal({other_nuclei}), "set_0: label map of nuclei is 4x8, image set_0 is 8x8"));
  CHECK(contains(refusal({good, boxes({8, 8, 3}, {})}), "set_1: image has 3 channels, set_0 has 1"));
  example nan = boxes({8, 8}, {});
  nan.picture.pixels[17] = std::numeric_limits<float>::quiet_NaN();
  CHECK(contains(refusal({nan}), "set_0: pixel 17 is not a finite number"));
  CHECK(contains(refusal({example{}}), "at least one pixel"));

  example few_classes = boxes({8, 8}, {{0, 0, 2, 2}, {4, 4, 2, 2}});
  few_classes.truth.object_class = {0};
  CHECK(contains(refusal({few_classes}, {"a"}), "label 2 has no class"));
  few_classes.truth.object_class = {0, 1};
  CHECK(contains(refusal({few_classes}, {"a"}), "object 2 has class 1, but 1 classes are declared"));
  CHECK(contains(refusal({few_classes}, {"background", "a"}, task::semantic_segmentation), "pixel value 2"));
}

TEST_CASE("pixels of classes are counted, classes nobody named get names") {
  const example e = boxes({4, 4}, {{0, 0, 1, 4}, {1, 0, 1, 2}});
  const dataset set = dataset::from_examples("tissue", {e, boxes({4, 4}, {})}, {}, task::semantic_segmentation);
  CHECK(set.class_names == std::vector<std::string>{"background", "class 1", "class 2"});
  CHECK(set.samples[0].class_counts == std::vector<double>{10, 4, 2});
  CHECK(set.samples[1].class_counts == std::vector<double>{16, 0, 0});
  CHECK_NOTHROW(set.require_trainable());
  CHECK_THROWS_AS(set.subset({1}).require_trainable(), data_error);
}

TEST_CASE("a data set without objects is not trained on") {
  const dataset nothing = dataset::from_examples("empty", {boxes({4, 4}, {}), boxes({4, 4}, {})});
  CHECK(contains(message_of<data_error>([&] { nothing.require_trainable(); }), "no mask of the 2 training images"));
  CHECK(contains(message_of<data_error>([&] { dataset{}.require_trainable(); }), "has no images"));
}

TEST_CASE("labels with gaps become dense in their order") {
  label_map labels({1, 7});
  const std::int32_t values[] = {70000, 0, 5, 5, -1, 9, 70000}, dense[] = {3, 0, 1, 1, -1, 2, 3};
  std::copy_n(values, 7, labels.begin());
  CHECK(detail::make_labels_dense(labels) == std::vector<std::int32_t>{5, 9, 70000});
  CHECK(std::equal(labels.begin(), labels.end(), dense));
  CHECK(detail::make_labels_dense(labels) == std::vector<std::int32_t>{1, 2, 3});
}
