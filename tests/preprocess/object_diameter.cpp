#include <aixcell/preprocess/object_diameter.hpp>
#include "preprocess/examples.hpp"

namespace aixcell {

TEST_CASE("median_object_diameter: of the discs as large as the objects, over all images", "[preprocess]") {
  context<cpu> ctx(3);
  examples_in_memory training;
  CHECK(median_object_diameter(ctx, training) == 0);
  training.add(tensor<float>({40, 80, 1}), squares({4, 6}));
  training.add(tensor<float>({40, 40, 1}), label_map({40, 40}));  // nothing in it
  training.add(tensor<float>({40, 120, 1}), squares({10, 20, 30}));
  CHECK(median_object_diameter(ctx, training) == Approx(disc_diameter(10)));
  label_map& labels = training.all[1].truth.labels;
  labels.fill(ignored_label);
  CHECK(median_object_diameter(ctx, training) == Approx(disc_diameter(10)));
  labels.fill(5);
  labels(0, 0) = 9;
  CHECK(median_object_diameter(ctx, training) == Approx(disc_diameter(10)));  // of 4, 6, 10, 20, 30, 40 and one pixel
  labels.fill(0);
  labels(0, 0) = labels(39, 39) = 7;  // one object of two pixels that do not touch: six in all
  CHECK(median_object_diameter(ctx, training) == Approx((disc_diameter(6) + disc_diameter(10)) / 2));
}

}  // namespace aixcell
