#include <aixcell/report/overlay.hpp>
#include "metrics/label_images.hpp"
#include "support/catch.hpp"

using namespace aixcell;

namespace {

rgb pixel(const rgb_picture& picture, index_t y, index_t x) {
  return {picture(y, x, 0), picture(y, x, 1), picture(y, x, 2)};
}
rgb_picture black(const label_map& labels) { return rgb_picture({labels.extent(0), labels.extent(1), 3}); }

}  // namespace

TEST_CASE("objects are outlined in their colour", "[report]") {
  const auto labels = drawn("....../.1112./.1112./.1112./......");
  const auto base = black(labels);
  const auto picture = object_overlay(base, labels);
  CHECK(pixel(picture, 0, 0) == rgb{0, 0, 0});
  CHECK(pixel(picture, 1, 1) == label_colour(1));
  CHECK(pixel(picture, 1, 4) == label_colour(2));
  CHECK(pixel(picture, 2, 3) == label_colour(1));  // where objects touch, both have an edge
  CHECK(pixel(picture, 2, 2) != label_colour(1));  // inside: a tint
  CHECK(pixel(picture, 2, 2) != rgb{0, 0, 0});
  CHECK(pixel(base, 1, 1) == rgb{0, 0, 0});  // the picture itself stays as it was
  CHECK(label_colour(1) != label_colour(2));

  const auto by_class = object_overlay(base, labels, {1, 0});
  CHECK(pixel(by_class, 1, 1) == class_colour(1));
  CHECK(pixel(by_class, 1, 4) == class_colour(0));
  CHECK(pixel(object_overlay(base, labels, {1}), 1, 4) == class_colour(-1));
  CHECK_THROWS_AS(object_overlay(rgb_picture({2, 2, 3}), labels), shape_error);
}

TEST_CASE("errors of objects", "[report]") {
  const auto truth = drawn("111.222....");
  const auto found = drawn("111.....333");
  const auto picture = object_errors(rgb_picture({1, 11, 3}), truth, found);
  CHECK(pixel(picture, 0, 2) == found_colour);
  CHECK(pixel(picture, 0, 4) == missed_colour);
  CHECK(pixel(picture, 0, 8) == false_colour);
  CHECK(pixel(picture, 0, 3) == rgb{0, 0, 0});
}

TEST_CASE("errors of classes", "[report]") {
  const auto picture = class_errors(rgb_picture({1, 4, 3}), drawn("01#2"), drawn("0211"));
  CHECK(pixel(picture, 0, 0) == rgb{0, 0, 0});
  CHECK(pixel(picture, 0, 1) != rgb{0, 0, 0});
  CHECK(pixel(picture, 0, 2) == rgb{0, 0, 0});
  CHECK(pixel(picture, 0, 3) != rgb{0, 0, 0});
}

TEST_CASE("a comparison in four views", "[report]") {
  annotation truth{drawn("11../11../..22/..22"), {0, 1}, {}};
  prediction predicted;
  predicted.labels = drawn("11../11../..../....");
  predicted.objects.resize(1);
  predicted.objects[0].object_class = 1;
  tensor<float> pixels({4, 4, 2});
  const auto c = compare(pixels, truth, predicted);
  CHECK(c.panel().shape() == shape{4, 4 * 4 + 3 * 4, 3});
  CHECK(pixel(c.truth, 1, 1) == class_colour(0));
  CHECK(pixel(c.predicted, 1, 1) == class_colour(1));
  CHECK(pixel(c.errors, 2, 2) == missed_colour);

  const auto small = compare(pixels, truth, predicted, {.longest_side = 2});
  CHECK(small.errors.shape() == shape{2, 2, 3});
  CHECK(pixel(small.errors, 1, 1) == missed_colour);

  const auto semantic = compare(pixels, truth, predicted, {.task = task::semantic_segmentation});
  CHECK(pixel(semantic.errors, 0, 0) == rgb{0, 0, 0});
  CHECK(pixel(semantic.errors, 3, 3) != rgb{0, 0, 0});
  CHECK_THROWS_AS(compare(tensor<float>({3, 4, 2}), truth, predicted), shape_error);
}
