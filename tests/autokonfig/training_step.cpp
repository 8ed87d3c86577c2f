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

}  // namespace aixcell::test
