// What decoders find on a device, against the processor's: perfect and noisy outputs, empty ones, sizes from 1x1.
#include <aixcell/device/emulated.hpp>
#include <aixcell/postprocess/gpu/of_stages.hpp>
#include "device_under_test.hpp"
#include "postprocess/perfect.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

/// The output that fits a scene, with noise; below it all channels that `policy` wants besides, at random.
template <class Policy, class Shapes>
tensor<float> noisy_output(const Policy& policy, const Shapes& shapes, const shape& s, float noise,
                           std::uint64_t seed) {
  random_stream random(seed);
  context<cpu> ctx(1);
  const label_map truth =
      test::ellipses({.height = s[0], .width = s[1], .objects = static_cast<int>(s[0] * s[1] / 120)}, random);
  const tensor<float> perfect = test::perfect(shapes, shapes.target(ctx, test::annotated(truth.clone())));
  tensor<float> output({s[0], s[1], policy.output_channels()});
  for (index_t p = 0; p < s[0] * s[1]; ++p)
    for (index_t c = 0; c < output.extent(2); ++c)
      output[p * output.extent(2) + c] =
          c < perfect.extent(2)
              ? perfect[p * perfect.extent(2) + c] + noise * test::noise_scale(shapes, c) * random.normal()
              : random.normal();
  return output;
}

/// `ties`: share of pixels that a watershed may give to another neighbour (kernels/gpu/watershed.hpp).
template <class Policy, class Shapes>
void check_decoding(const Policy& policy, const Shapes& shapes, double ties) {
  context<cpu> processor(1);
  for (const auto& [s, noise] :
       {std::pair{shape{1, 1}, 0.5f}, {shape{1, 9}, 0.5f}, {shape{33, 29}, 0.0f}, {shape{33, 29}, 1.0f}}) {
    CAPTURE(to_string(s), noise);
    const tensor<float> output = noisy_output(policy, shapes, s, noise, 5);
    const prediction expected = policy.decode(processor, output);
    on_every_device([&](auto& ctx) {
      const prediction found = decode(ctx, policy, to_device(ctx, output));
      REQUIRE(found.labels.shape() == expected.labels.shape());
      index_t other = 0;
      for (index_t p = 0; p < found.labels.size(); ++p) other += found.labels[p] != expected.labels[p];
      CHECK(static_cast<double>(other) <= ties * static_cast<double>(found.labels.size()));
      REQUIRE(found.objects.size() == expected.objects.size());
      for (std::size_t i = 0; i < found.objects.size(); ++i) {
        const detected_object &a = found.objects[i], &b = expected.objects[i];
        CHECK(a.score == Approx(b.score).margin(1e-5 + ties));
        REQUIRE(a.class_probabilities.size() == b.class_probabilities.size());
        for (std::size_t c = 0; c < a.class_probabilities.size(); ++c)
          CHECK(a.class_probabilities[c] == Approx(b.class_probabilities[c]).margin(1e-5 + ties));
      }
      REQUIRE(found.image_class_probabilities.size() == expected.image_class_probabilities.size());
      for (std::size_t c = 0; c < found.image_class_probabilities.size(); ++c)
        CHECK(found.image_class_probabilities[c] == Approx(expected.image_class_probabilities[c]).margin(1e-6));
    });
    if (s[0] == 33 && noise == 0) CHECK(!expected.objects.empty());
  }
}

constexpr double watershed_ties = 0.02;

}  // namespace

TEST_CASE("gpu: connected foreground and star-convex polygons are decoded to the processor's labels",
          "[postprocess][gpu]") {
  check_decoding(connected_foreground{}, connected_foreground{}, 0);
  check_decoding(star_convex<32>{}, star_convex<32>{}, 0);
}

TEST_CASE("gpu: watersheds are decoded to the processor's labels but for ties", "[postprocess][gpu]") {
  check_decoding(interior_border{}, interior_border{}, watershed_ties);
  check_decoding(distance_watershed{}, distance_watershed{}, watershed_ties);
  check_decoding(refined_star_convex<32>{}, refined_star_convex<32>{}, watershed_ties);
}

TEST_CASE("gpu: flows are followed and measured to the processor's labels", "[postprocess][gpu]") {
  check_decoding(flow_field{}, flow_field{}, 0);
}

TEST_CASE("gpu: classes of objects and of images come with the shapes", "[postprocess][gpu]") {
  with_classes<connected_foreground> parts;
  parts.classes = 3;
  check_decoding(parts, connected_foreground{}, 0);
  check_decoding(with_classes<star_convex<32>>{}, star_convex<32>{}, 0);
  with_image_class<interior_border> borders;
  borders.image_classes = 3;
  check_decoding(borders, interior_border{}, watershed_ties);
}

TEST_CASE("gpu: classes of pixels are the greatest channel, the first of equal ones", "[postprocess][gpu]") {
  const semantic policy{.classes = 4};
  context<cpu> processor(1);
  tensor<float> output({7, 9, 4});
  random_stream random(3);
  for (float& v : output) v = std::round(2 * random.normal());
  output[5] = std::numeric_limits<float>::quiet_NaN();
  const prediction expected = policy.decode(processor, output);
  on_every_device([&](auto& ctx) {
    const prediction found = decode(ctx, policy, to_device(ctx, output));
    CHECK(std::equal(found.labels.begin(), found.labels.end(), expected.labels.begin()));
    CHECK_THROWS_AS(decode(ctx, semantic{.classes = 5}, to_device(ctx, output)), shape_error);
  });
}

TEST_CASE("gpu: no object is an empty result", "[postprocess][gpu]") {
  on_every_device([&](auto& ctx) {
    const auto check_empty = [&](const auto& policy) {
      tensor<float> output({9, 6, policy.output_channels()});
      output.fill(-8);
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(policy)>, interior_border>)
        for (index_t p = 0; p < 54; ++p) output[3 * p] = 8;
      const prediction found = decode(ctx, policy, to_device(ctx, output));
      CHECK(found.objects.empty());
      CHECK(std::all_of(found.labels.begin(), found.labels.end(), [](std::int32_t l) { return l == 0; }));
    };
    check_empty(connected_foreground{});
    check_empty(interior_border{});
    check_empty(distance_watershed{});
    check_empty(flow_field{});
    check_empty(star_convex<8>{});
    check_empty(refined_star_convex<8>{});
    check_empty(with_classes<star_convex<8>>{});
  });
}

}  // namespace aixcell
