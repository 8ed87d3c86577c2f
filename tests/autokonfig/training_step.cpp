#include <aixcell/autokonfig/training_step.hpp>
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

training_step step_of(double largest_diameter, index_t edge, index_t objects = 100) {
  fingerprint f;
  f.objects = objects;
  f.median_height = edge / 2, f.median_width = edge;
  f.diameter_percentiles = {1, 2, 3, 4, largest_diameter};
  return recommended_step(f);
}

}  // namespace

TEST_CASE("a crop shows whole objects and no more than the image", "[autokonfig]") {
  CHECK(step_of(50, 256).tile == 128);
  CHECK(step_of(5, 1000).tile == 96);  // some surroundings, however small the objects
  CHECK(step_of(500, 1000).tile == 256);
  CHECK(step_of(500, 100).tile == 128);  // rounded up to what four halvings divide
  CHECK(step_of(5, 40).tile == 64);
  CHECK(step_of(0, 700, 0).tile == 256);  // pixel classes: as much as there is
}

TEST_CASE("a step sees about as many pixels whatever the crop", "[autokonfig]") {
  CHECK(step_of(50, 256).batch == 4);
  CHECK(step_of(500, 1000).batch == 2);
  CHECK(step_of(5, 40).batch == 16);
}

TEST_CASE("where whole images have a class, a crop is the image", "[autokonfig]") {
  fingerprint f;
  f.has_image_classes = true;
  f.median_height = 37, f.median_width = 40;
  CHECK(recommended_step(f).tile == 40);
  CHECK(recommended_step(f).batch == 32);
  f.median_width = 700;
  CHECK(recommended_step(f).tile == 256);
  CHECK(recommended_step(f).batch == 2);
  f.foreground = 0.3;  // masks, too: crops are as large as those want them
  f.median_width = 120;
  CHECK(recommended_step(f).tile == 128);
}

TEST_CASE("brightness is not changed where it may be what tells images apart", "[autokonfig]") {
  const auto gain = [](const char* preprocess, task solves) {
    registered_pipeline p;
    p.preprocess = preprocess;
    p.solves = solves;
    return recommended_augmentation(p).gain;
  };
  CHECK(gain("fitted_z_score", task::image_classification) == 0);
  CHECK(gain("percentile", task::image_classification) > 0);
  CHECK(gain("fitted_z_score", task::instance_segmentation) > 0);
}

}  // namespace aixcell::test
