// The processor's crops and a device's, from one plan. (nvcc does not read the processor's loops, so this runs emulated only.)
#include <aixcell/device/emulated.hpp>
#include <aixcell/device/transfer.hpp>
#include <aixcell/kernels/gpu/augment.hpp>
#include <aixcell/data/augment.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("a plan gives the same crop on the processor and on a device", "[pipeline][gpu]") {
  augmentation strong;
  strong.affine_probability = strong.elastic_probability = strong.intensity_probability = strong.noise_probability = 1;
  strong.blur_probability = 0.5f;
  for (const augmentation& a : {augmentation(), strong, strong.quantitative(), augmentation::none()})
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const index_t edge = 1 + static_cast<index_t>(seed) * 3, channels = 1 + static_cast<index_t>(seed) % 3;
      CAPTURE(seed, edge, channels);
      const auto image = random_tensor<float>({31, 27, channels}, seed);
      random_stream random(seed), again(seed);
      const crop_plan plan = plan_crop(a, image.shape(), {}, edge, random);
      const tensor<float> expected = augment(a, image, {}, edge, again).pixels;
      CHECK(random.counter() == again.counter());
      context<emulated> ctx;
      const auto there = to_device(ctx, image);
      tensor<float, emulated> crop(ctx, {1, edge, edge, channels});
      cut_pixels(ctx, std::vector<crop_of<float, emulated>>{{there.as_view(), &plan}}, crop);
      const tensor<float> found = to_host(ctx, crop);
      float worst = 0;
      for (index_t i = 0; i < found.size(); ++i)
        worst = std::max(worst, std::abs(found[i] - expected[i]) / (1 + std::abs(expected[i])));
      CHECK(worst <= 1e-5f);
      if (plan.blur == 0 && plan.noise == 0) CHECK(worst == 0);
    }
}

}  // namespace aixcell
