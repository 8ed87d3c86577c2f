// What preprocess policies make of an image on a device, against the processor.
#include <aixcell/device/emulated.hpp>
#include <aixcell/preprocess/gpu/of_stages.hpp>
#include <limits>
#include "device_under_test.hpp"
#include "preprocess/examples.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

/// Blobs on an uneven ground, in file units.
tensor<float> blobs(const shape& s) {
  tensor<float> image(s);
  random_stream random(4);
  for (index_t i = 0; i < s[0]; ++i)
    for (index_t j = 0; j < s[1]; ++j)
      for (index_t c = 0; c < s[2]; ++c)
        image(i, j, c) =
            40 + static_cast<float>(i + c) + ((i / 6 + j / 5) % 3 == 0 ? 120.0f : 0.0f) + 10 * random.uniform();
  return image;
}

template <Preprocess P>
void check_twin(const P& policy, const fitted_state_t<P>& learned, index_t channels, double tolerance) {
  context<cpu> processor(1);
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 7}, {29, 33}}) {
    CAPTURE(std::string(P::name), height, width);
    const tensor<float> image = blobs({height, width, channels});
    const tensor<float> expected = apply_preprocess(processor, policy, learned, image);
    on_every_device([&](auto& ctx) {
      const auto found = to_host(ctx, apply_preprocess(ctx, policy, learned, to_device(ctx, image)));
      REQUIRE(found.shape() == expected.shape());
      double worst = 0;
      for (index_t i = 0; i < found.size(); ++i)
        worst = std::max(worst, static_cast<double>(std::abs(found[i] - expected[i]) / (1 + std::abs(expected[i]))));
      CHECK(worst <= tolerance);
    });
  }
}

}  // namespace

TEST_CASE("gpu: every preprocess policy with a twin makes of an image what the processor makes", "[preprocess][gpu]") {
  check_twin(identity{}, {}, 2, 0);
  check_twin(percentile{}, {}, 2, 0);
  check_twin(fitted_percentile{}, {{40, 60}, {150, 60}}, 2, 0);
  check_twin(z_score{}, {}, 3, 1e-6);
  check_twin(fitted_z_score{}, {{70, 90}, {12, 0}}, 2, 0);
  check_twin(only_channels<2, 0>{}, {}, 3, 0);
  check_twin(top_hat{}, {7}, 2, 0);
  check_twin(top_hat{}, {0}, 1, 0);
  check_twin(clahe{.tiles = 3}, {}, 2, 1e-6);
  check_twin(colour_deconvolution<stains::haematoxylin_eosin>{}, {}, 3, 1e-5);
  check_twin(stain_separation{}, {{0.6f, 0.7f, 0.387f, 0.1f, 0.95f, 0.295f}}, 3, 1e-5);
  check_twin(resize_to_diameter{}, {0.7f}, 2, 1e-6);
  check_twin(resize_to_diameter{}, {2.3f}, 1, 1e-6);
  check_twin(illumination_correction{}, {}, 2, 1e-6);
  check_twin(flat_field{}, {2, 3, {0.5f, 1, 1, 0.9f, 1.5f, 1.1f, 1, 1, 1.2f, 0.8f, 0.8f, 1.2f}}, 2, 1e-6);
  check_twin(flat_field{}, {1, 1, {1.25f}}, 1, 1e-6);
}

TEST_CASE("gpu: a flat field learned from images evens out the same light as on the processor", "[preprocess][gpu]") {
  context<cpu> processor(1);
  examples_in_memory training;
  for (int i = 0; i < 3; ++i) training.add(blobs({35, 70, 2}), label_map({35, 70}));
  check_twin(flat_field{}, flat_field{}.fit(processor, training), 2, 1e-6);
}

TEST_CASE("gpu: a chain is its policies one after the other", "[preprocess][gpu]") {
  using policies = chain<colour_deconvolution<stains::haematoxylin_dab>, top_hat, resize_to_diameter, percentile>;
  check_twin(policies{}, {{no_state{}, top_hat::state{5}, resize_to_diameter::state{1.3f}, no_state{}}}, 3, 1e-4);
  using evened = chain<flat_field, illumination_correction, percentile>;
  check_twin(evened{}, {{flat_field::state{1, 2, {0.5f, 1.5f}}, no_state{}, no_state{}}}, 1, 1e-4);
}

TEST_CASE("gpu: what a policy refuses is refused with the same words", "[preprocess][gpu]") {
  context<device_under_test> ctx;
  const auto refusal = [](auto&& f) {
    try {
      f();
    } catch (const error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  context<cpu> processor(1);
  const auto check_refusal = [&](const auto& policy, const auto& learned, const tensor<float>& image) {
    const std::string expected = refusal([&] { apply_preprocess(processor, policy, learned, image); });
    CHECK_FALSE(expected.empty());
    CHECK(refusal([&] { apply_preprocess(ctx, policy, learned, to_device(ctx, image)); }) == expected);
  };
  const tensor<float> grey = blobs({5, 4, 1});
  check_refusal(identity{}, no_state{}, tensor<float>({0, 3, 1}));
  check_refusal(percentile{.low = 50, .high = 20}, no_state{}, grey);
  check_refusal(fitted_percentile{}, fitted_percentile::state{{1, 2}, {3, 4}}, grey);
  check_refusal(fitted_z_score{}, fitted_z_score::state{{1, 2}, {3, 4}}, grey);
  check_refusal(only_channels<1>{}, no_state{}, grey);
  check_refusal(colour_deconvolution<stains::haematoxylin_eosin>{}, no_state{}, grey);
  check_refusal(stain_separation{}, stain_separation::state{}, blobs({5, 4, 3}));
  check_refusal(illumination_correction{}, no_state{}, tensor<float>({0, 3, 1}));
  check_refusal(flat_field{}, flat_field::state{}, grey);
  check_refusal(flat_field{}, flat_field::state{1, 1, {1, 2}}, grey);
  using evened = chain<illumination_correction, flat_field>;
  check_refusal(evened{}, evened::state{{no_state{}, flat_field::state{1, 1, {1, 2}}}}, grey);
  tensor<float> spoiled = grey.clone();
  spoiled[6] = std::numeric_limits<float>::infinity();
  check_refusal(clahe{}, no_state{}, spoiled);
  check_refusal(illumination_correction{}, no_state{}, spoiled);
}

}  // namespace aixcell
