#include <aixcell/data/write_dataset.hpp>

#include <aixcell/data/read_dataset.hpp>
#include <aixcell/data/synthetic.hpp>

#include "data/examples.hpp"
#include "io/support.hpp"

using namespace aixcell;
using namespace aixcell::test;

namespace {

void check_equal(const example& a, const example& b) {
  REQUIRE(a.picture.pixels.shape() == b.picture.pixels.shape());
  CHECK(std::equal(a.picture.pixels.begin(), a.picture.pixels.end(), b.picture.pixels.begin()));
  CHECK(std::equal(a.truth.labels.begin(), a.truth.labels.end(), b.truth.labels.begin()));
  CHECK(a.truth.object_class == b.truth.object_class);
  REQUIRE(a.truth.nuclei.shape() == b.truth.nuclei.shape());
  CHECK(std::equal(a.truth.nuclei.begin(), a.truth.nuclei.end(), b.truth.nuclei.begin()));
}

}  // namespace

TEST_CASE("what is written is read again") {
  const temporary_folder folder;
  dataset set = synthetic_dataset(5, {.height = 96, .width = 80, .cell_diameter = 24}, 2);
  for (std::size_t i = 0; i < 5; ++i) set.samples[i].group = i < 3 ? "heart A" : "heart, B";
  write_dataset(set, folder / "set", {.test = 0.4, .seed = 1});
  context<cpu> ctx(2);
  const dataset_parts parts = read_dataset(ctx, folder / "set");
  CHECK(parts.train.size() + parts.test.size() == 5);
  CHECK(parts.test.size() == 2);
  CHECK(parts.train.name == "synthetic");
  CHECK(parts.train.licence == set.licence);
  CHECK(parts.train.class_names == set.class_names);
  CHECK(parts.train.channel_names == set.channel_names);
  CHECK(parts.train.has_nuclei());
  CHECK(parts.train.has_object_classes());
  for (const dataset* part : {&parts.train, &parts.test})
    for (aixcell::index_t i = 0; i < part->size(); ++i) {
      const sample& s = part->samples[static_cast<std::size_t>(i)];
      const auto original =
          std::find_if(set.samples.begin(), set.samples.end(), [&](const sample& o) { return o.id == s.id; });
      REQUIRE(original != set.samples.end());
      CHECK(s.group == original->group);
      check_equal(part->load(i), original->read());
    }
}

TEST_CASE("fractions, negative values and pixels nobody annotated survive") {
  const temporary_folder folder;
  example e = boxes({9, 7, 2}, {{1, 1, 3, 3}});
  e.picture.pixels[0] = -0.25f;
  e.picture.pixels[5] = 1e6f;
  e.truth.labels(8, 6) = ignored_label;
  write_dataset(dataset::from_examples("float", {e}), folder / "set", {.test = 0});
  context<cpu> ctx(1);
  const dataset_parts parts = read_dataset(ctx, folder / "set");
  CHECK(parts.test.size() == 0);
  REQUIRE(parts.train.size() == 1);
  check_equal(parts.train.load(0), e);
}

TEST_CASE("classes of pixels survive; a folder with files is not written into") {
  const temporary_folder folder;
  const dataset set = dataset::from_examples("tissue", {boxes({6, 6}, {{0, 0, 2, 2}, {3, 3, 2, 2}})},
                                             {"background", "stroma", "gland"}, task::semantic_segmentation);
  write_dataset(set, folder / "set", {.test = 0});
  context<cpu> ctx(1);
  const dataset_parts parts = read_dataset(ctx, folder / "set");
  CHECK(parts.train.task == task::semantic_segmentation);
  CHECK(parts.train.class_names == set.class_names);
  check_equal(parts.train.load(0), set.load(0));
  CHECK(contains(message_of<data_error>([&] { write_dataset(set, folder / "set", {.test = 0}); }), "is not empty"));
}

TEST_CASE("classes of images survive, alone and beside masks") {
  const temporary_folder folder;
  std::vector<example> cells;
  for (int i = 0; i < 10; ++i) {
    example e = boxes({5, 7}, {{1, 1, 2, 2}});
    e.picture.pixels[0] = static_cast<float>(i);
    e.truth.labels = {};
    e.truth.image_class = i % 2;
    cells.push_back(std::move(e));
  }
  const dataset set = dataset::from_examples("cells", cells, {"lone", "twin"}, task::image_classification);
  write_dataset(set, folder / "set", {.test = 0.4, .seed = 3});
  context<cpu> ctx(1);
  const dataset_parts parts = read_dataset(ctx, folder / "set");
  CHECK(parts.train.task == task::image_classification);
  CHECK(parts.train.image_class_names == set.image_class_names);
  CHECK(parts.train.image_class_counts() == std::vector<double>{3, 3});  // stratified
  CHECK(parts.test.image_class_counts() == std::vector<double>{2, 2});
  for (index_t i = 0; i < parts.test.size(); ++i) {
    const example e = parts.test.load(i);
    CHECK(static_cast<int>(e.picture.pixels[0]) % 2 == e.truth.image_class);
  }

  dataset both = dataset::from_examples("smear", {boxes({6, 6}, {{0, 0, 2, 2}})}, {"background", "cell"},
                                        task::semantic_segmentation);
  both.image_class_names = {"B", "T"};
  both.samples[0].read = [read = both.samples[0].read] {
    example e = read();
    e.truth.image_class = 1;
    return e;
  };
  both = dataset::checked(ctx, std::move(both));
  write_dataset(both, folder / "both", {.test = 0});
  const dataset_parts again = read_dataset(ctx, folder / "both");
  CHECK(again.train.image_class_names == both.image_class_names);
  CHECK(again.train.load(0).truth.image_class == 1);
  check_equal(again.train.load(0), both.load(0));
}
