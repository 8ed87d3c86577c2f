#include <aixcell/core/image.hpp>

#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("an image knows its sides", "[core]") {
  image picture;
  picture.pixels = tensor<float>({3, 5, 2});
  CHECK(picture.height() == 3);
  CHECK(picture.width() == 5);
  CHECK(picture.channels() == 2);
  CHECK(picture.pixel_size_um == 0);
}

TEST_CASE("what is not known is empty", "[core]") {
  const annotation truth;
  CHECK(truth.labels.empty());
  CHECK(truth.object_class.empty());
  CHECK(truth.nuclei.empty());
  const prediction said;
  CHECK(said.dense.empty());
  CHECK(detected_object{}.object_class == -1);
  CHECK(detected_object{}.nuclei == -1);
}
