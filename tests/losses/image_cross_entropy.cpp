#include <aixcell/losses/image_cross_entropy.hpp>

#include "loss_check.hpp"
#include "support/catch.hpp"

using namespace loss_check;

namespace {

/// The mean of its logits for each image, one pixel large, with the target of its first pixel.
arrangement of_means(const arrangement& a) {
  const index_t images = a.output.extent(0), pixels = pixels_of(a) / images, k = a.output.extent(3),
                t = a.target.extent(3);
  arrangement means{.output = tensor<double>({images, 1, 1, k}), .target = tensor<float>({images, 1, 1, t})};
  means.channels = a.channels, means.weight_channel = a.weight_channel, means.scale = a.scale;
  for (index_t n = 0; n < images; ++n) {
    for (index_t i = 0; i < pixels * k; ++i)
      means.output[n * k + i % k] += a.output[n * pixels * k + i] / static_cast<double>(pixels);
    std::copy_n(a.target.data() + n * pixels * t, t, means.target.data() + n * t);
  }
  return means;
}

}  // namespace

TEST_CASE("image_cross_entropy is cross_entropy of the images' mean logits") {
  for (const placed& at : placements(3))
    for (const int weight_channel : {-1, 1}) {
      CAPTURE(to_string(at.output), weight_channel);
      arrangement a{.output = random_logits(at.output, 3), .target = random_classes(at.output, 3, 5)};
      a.channels = at.channels, a.weight_channel = weight_channel, a.scale = 1.75;
      a.target[0] = 2, a.target[1] = 0.5f;  // of some image the class is known
      const index_t pixels = at.output[1] * at.output[2];
      const std::vector<float> offsets{0.5f, -1.25f, 2.0f};
      const image_cross_entropy loss{.label_smoothing = 0.1f, .offsets = offsets};
      const auto found = evaluate(loss, a, 1, 10.0);
      const auto expected = evaluate(cross_entropy{.label_smoothing = 0.1f, .offsets = offsets}, of_means(a));
      REQUIRE(expected.loss > 0);
      CHECK(found.loss == Approx(expected.loss).epsilon(1e-12));
      const index_t k = at.output[3];
      for (index_t i = 0; i < a.output.size(); ++i)
        CHECK(found.gradient[static_cast<std::size_t>(i)] ==
              Approx(10 + expected.gradient[static_cast<std::size_t>(i / k / pixels * k + i % k)] /
                              static_cast<double>(pixels))
                  .epsilon(1e-12));
      CHECK(gradient_error(loss, a) <= 1e-6);
      CHECK(float_error(loss, a) <= 1e-3);
    }
}

TEST_CASE("image_cross_entropy: images of unknown class and images without a pixel have no say") {
  arrangement a{.output = random_logits({2, 3, 3, 3}, 1), .target = tensor<float>({2, 3, 3, 1}), .channels = {0, 3}};
  a.target.fill(-1);
  CHECK(evaluate(image_cross_entropy{}, a).loss == 0);
  CHECK(largest(evaluate(image_cross_entropy{}, a).gradient) == 0);
  const arrangement none{
      .output = tensor<double>({2, 0, 3, 3}), .target = tensor<float>({2, 0, 3, 1}), .channels = {0, 3}};
  CHECK(evaluate(image_cross_entropy{}, none).loss == 0);
}

TEST_CASE("image_cross_entropy: same bits for any number of threads") {
  const shape s{3, 101, 103, 3};
  arrangement a{random_logits(s, 1), random_classes(s, 3, 2), {0, 3}};
  a.target[0] = 1;
  CHECK(same_for_any_threads(image_cross_entropy{}, a));
}

TEST_CASE("image_cross_entropy: refuses what does not fit before the gradient is touched") {
  arrangement a{.output = random_logits({1, 2, 2, 3}, 1), .target = tensor<float>({1, 2, 2, 1}), .channels = {0, 3}};
  CHECK_THROWS_AS(evaluate(image_cross_entropy{.offsets = {1, 1}}, a), shape_error);
  a.channels = {1, 3};
  CHECK_THROWS_AS(evaluate(image_cross_entropy{}, a), shape_error);
  a.channels = {0, 3};
  a.target[0] = 3;
  CHECK_THROWS_AS(evaluate(image_cross_entropy{}, a), data_error);
}
