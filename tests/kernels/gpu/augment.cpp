#include <aixcell/kernels/gpu/augment.hpp>
#include <aixcell/data/augment.hpp>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

/// An image and its labels, some of them below 0, of a size that the number says.
struct annotated_image {
  tensor<float> pixels;
  annotation truth;
};
annotated_image image_number(std::uint64_t number, index_t channels) {
  random_stream random(number, 3);
  const index_t height = 1 + random.below(40), width = 1 + random.below(40);
  annotated_image made{tensor<float>({height, width, channels}), {}};
  for (float& v : made.pixels) v = random.uniform(-0.2f, 1.3f);
  made.truth.labels = label_map({height, width});
  for (std::int32_t& l : made.truth.labels) l = static_cast<std::int32_t>(random.below(9)) - 1;
  return made;
}

/// Everything on, or as by default.
augmentation strong() {
  augmentation a;
  a.affine_probability = a.elastic_probability = a.intensity_probability = a.noise_probability = 1;
  a.elastic_spacing = 7;
  a.blur_probability = 0.5f, a.blur = 2.5f;
  return a;
}

/// A plan followed step by step: a gather of single pixels, each window of the blur by itself in float64, noise drawn in order.
tensor<float> followed(const crop_plan& plan, const tensor<float>& image) {
  const index_t edge = plan.from.edge, channels = image.extent(2);
  tensor<double> sharp({edge, edge, channels});
  for (int i = 0; i < edge; ++i)
    for (int j = 0; j < edge; ++j)
      for (index_t c = 0; c < channels; ++c) {
        const auto taps = detail::bilinear_taps::at(plan.from(i, j, plan.displacement.data()), image.extent(0),
                                                    image.extent(1), channels);
        const float v = taps(image.data() + c);
        sharp(i, j, c) =
            static_cast<double>(plan.intensities.empty() ? v : plan.intensities[static_cast<std::size_t>(c)](v));
      }
  const std::vector<float> weights = detail::gaussian_weights(plan.blur);
  const auto radius = std::ssize(weights) / 2;
  tensor<float> crop(sharp.shape());
  random_stream noise = plan.numbers;
  for (index_t i = 0; i < edge; ++i)
    for (index_t j = 0; j < edge; ++j)
      for (index_t c = 0; c < channels; ++c) {
        double sum = plan.noise > 0 ? static_cast<double>(plan.noise * noise.normal()) : 0.0;
        for (index_t y = -radius; y <= radius; ++y)
          for (index_t x = -radius; x <= radius; ++x)
            sum += static_cast<double>(weights[static_cast<std::size_t>(y + radius)]) *
                   static_cast<double>(weights[static_cast<std::size_t>(x + radius)]) *
                   sharp(detail::reflected(i + y, edge), detail::reflected(j + x, edge), c);
        crop(i, j, c) = static_cast<float>(sum);
      }
  return crop;
}

/// Some images with a plan each, and what that makes of them.
struct planned_batch {
  std::vector<annotated_image> images;
  std::vector<crop_plan> plans;
  tensor<float> pixels;  // [N,E,E,C]
  label_map labels;      // [N,E,E]

  planned_batch(const augmentation& a, index_t count, index_t edge, index_t channels)
      : pixels({count, edge, edge, channels}), labels({count, edge, edge}) {
    const context<cpu> ctx(1);
    for (index_t n = 0; n < count; ++n) {
      const auto seed = static_cast<std::uint64_t>(100 * edge + 10 * channels + n);
      images.push_back(image_number(seed, channels));
      random_stream random(seed);
      plans.push_back(plan_crop(a, images.back().pixels.shape(), images.back().truth, edge, random));
      const tensor<float> crop = followed(plans.back(), images.back().pixels);
      std::copy(crop.begin(), crop.end(), pixels.slice(n).begin());
      cut_labels(ctx, images.back().truth.labels, plans.back(), labels.slice(n));
    }
  }
};

/// The pixels of crops of images that are put on the device for it; in the given order.
template <class Context>
tensor<float> pixels_cut_on(Context& ctx, const planned_batch& batch, const std::vector<std::size_t>& order) {
  std::vector<device_tensor<float>> images;
  std::vector<crop_of<float, device_under_test>> crops;
  for (const std::size_t n : order) {
    images.push_back(to_device(ctx, batch.images[n].pixels));
    crops.push_back({std::as_const(images.back()).as_view(), &batch.plans[n]});
  }
  const shape& s = batch.pixels.shape();
  device_tensor<float> to(ctx, {std::ssize(order), s[1], s[2], s[3]});
  cut_pixels(ctx, crops, to);
  return to_host(ctx, to);
}

std::vector<std::size_t> in_order(const planned_batch& batch) {
  std::vector<std::size_t> order;
  for (std::size_t n = 0; n < batch.plans.size(); ++n) order.push_back(n);
  return order;
}

}  // namespace

TEST_CASE("gpu: crops follow their plans, noise and all", "[kernels][gpu]") {
  for (const augmentation& a : {augmentation(), strong()})
    for (const index_t edge : {1, 7, 16, 33})
      for (const index_t channels : {1, 3}) {
        if (edge == 33 && !unhurried()) continue;
        CAPTURE(edge, channels);
        const planned_batch batch(a, 5, edge, channels);
        on_every_device(
            [&](auto& ctx) { CHECK(agrees(pixels_cut_on(ctx, batch, in_order(batch)), batch.pixels, 1e-5)); });
      }
}

TEST_CASE("gpu: the plans of that test have every part", "[kernels][gpu]") {
  int displaced = 0, changed = 0, blurred = 0, noisy = 0;
  for (const crop_plan& p : planned_batch(strong(), 5, 16, 3).plans) {
    displaced += !p.displacement.empty(), changed += !p.intensities.empty(), blurred += p.blur > 0,
        noisy += p.noise > 0;
  }
  CHECK(displaced == 5);
  CHECK(changed == 5);
  CHECK(noisy == 5);
  CHECK(blurred > 0);
  CHECK(blurred < 5);
}

TEST_CASE("gpu: labels are cut as by the processor", "[kernels][gpu]") {
  for (const index_t edge : {1, 7, 33}) {
    const planned_batch batch(strong(), 4, edge, 1);
    on_every_device([&](auto& ctx) {
      std::vector<device_tensor<std::int32_t>> images;
      std::vector<crop_of<std::int32_t, device_under_test>> crops;
      for (std::size_t n = 0; n < batch.plans.size(); ++n) {
        images.push_back(to_device(ctx, batch.images[n].truth.labels));
        crops.push_back({std::as_const(images.back()).as_view(), &batch.plans[n]});
      }
      device_tensor<std::int32_t> to(ctx, batch.labels.shape());
      cut_labels(ctx, crops, to);
      CHECK(same_values(to_host(ctx, to), batch.labels));
    });
  }
}

TEST_CASE("gpu: a crop does not depend on its place in the batch", "[kernels][gpu]") {
  const planned_batch batch(strong(), 4, 9, 2);
  on_every_device([&](auto& ctx) {
    const tensor<float> together = pixels_cut_on(ctx, batch, {2, 0, 3, 1}), alone = pixels_cut_on(ctx, batch, {3});
    CHECK(std::equal(alone.begin(), alone.end(), together.slice(2).begin()));
  });
}

TEST_CASE("gpu: with all parts off a crop is a cut-out, mirrored beyond the image", "[kernels][gpu]") {
  for (const index_t edge : {2, 5, 50}) {
    const planned_batch batch(augmentation::none(), 3, edge, 2);
    on_every_device([&](auto& ctx) {
      const tensor<float> found = pixels_cut_on(ctx, batch, in_order(batch));
      for (index_t n = 0; n < 3; ++n) {
        const tensor<float>& image = batch.images[static_cast<std::size_t>(n)].pixels;
        const crop_map& from = batch.plans[static_cast<std::size_t>(n)].from;
        const float half = 0.5f * static_cast<float>(edge - 1);
        const auto top = static_cast<index_t>(from.y - half), left = static_cast<index_t>(from.x - half);
        index_t wrong = 0;
        for (index_t i = 0; i < edge; ++i)
          for (index_t j = 0; j < edge; ++j)
            for (index_t c = 0; c < 2; ++c)
              wrong += found(n, i, j, c) != image(detail::reflected(top + i, image.extent(0)),
                                                  detail::reflected(left + j, image.extent(1)), c);
        CHECK(wrong == 0);
      }
    });
  }
}

TEST_CASE("gpu: crops that do not fit are refused, no crop is no work", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    const auto image = to_device(ctx, random_tensor<float>({5, 4, 2}, 1)),
               none = to_device(ctx, tensor<float>({0, 4, 2}));
    crop_plan plan;
    plan.from.edge = 3;
    device_tensor<float> to(ctx, {1, 3, 3, 2}), larger(ctx, {1, 4, 4, 2}), other(ctx, {1, 3, 3, 1}),
        empty(ctx, {0, 3, 3, 2});
    const auto cut = [&](const auto& from, device_tensor<float>& into) {
      cut_pixels(ctx, std::vector<crop_of<float, device_under_test>>{{from.as_view(), &plan}}, into);
    };
    CHECK_THROWS_AS(cut(image, larger), shape_error);
    CHECK_THROWS_AS(cut(image, other), shape_error);
    CHECK_THROWS_AS(cut(none, to), shape_error);
    CHECK_THROWS_AS(cut(image, empty), shape_error);
    CHECK_NOTHROW(cut_pixels(ctx, {}, empty));
    plan.intensities.resize(1);
    CHECK_THROWS_AS(cut(image, to), shape_error);
    plan.intensities.resize(2);
    CHECK_NOTHROW(cut(image, to));
    plan.from.points = 3;
    CHECK_THROWS_AS(cut(image, to), shape_error);
  });
}

}  // namespace aixcell
