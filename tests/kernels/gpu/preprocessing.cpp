#include <aixcell/kernels/gpu/clahe.hpp>
#include <aixcell/kernels/gpu/grey_opening.hpp>
#include <aixcell/kernels/gpu/resize.hpp>
#include <aixcell/kernels/gpu/standardise.hpp>
#include <aixcell/kernels/gpu/take_channels.hpp>
#include <aixcell/kernels/gpu/unmix_stains.hpp>
#include <aixcell/kernels/gpu/usable_values.hpp>
#include <aixcell/kernels/cpu/resize.hpp>
#include <aixcell/preprocess/clahe.hpp>
#include <aixcell/preprocess/colour_deconvolution.hpp>
#include <limits>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: openings by squares and top-hats equal windows looked at one by one", "[kernels][gpu]") {
  for (const auto& [s, radius] : {std::pair{shape{0, 5, 1}, 2},
                                  {shape{1, 1, 1}, 3},
                                  {{3, 270, 1}, 2},
                                  {{7, 5, 2}, 0},
                                  {{7, 5, 2}, 1},
                                  {{9, 12, 1}, 2},
                                  {{12, 9, 3}, 40}}) {
    CAPTURE(to_string(s), radius);
    const auto image = random_tensor<float>(s, 1);
    const auto extreme_of = [&s = s, radius = radius](const tensor<float>& from, bool least) {
      tensor<float> to(s);
      for (index_t i = 0; i < s[0]; ++i)
        for (index_t j = 0; j < s[1]; ++j)
          for (index_t c = 0; c < s[2]; ++c) {
            float best = from(i, j, c);
            for (index_t y = std::max<index_t>(0, i - radius); y <= std::min(s[0] - 1, i + radius); ++y)
              for (index_t x = std::max<index_t>(0, j - radius); x <= std::min(s[1] - 1, j + radius); ++x)
                best = least ? std::min(best, from(y, x, c)) : std::max(best, from(y, x, c));
            to(i, j, c) = best;
          }
      return to;
    };
    const auto opened = extreme_of(extreme_of(image, true), false);
    tensor<float> rest(s);
    for (index_t i = 0; i < rest.size(); ++i) rest[i] = radius > 0 ? image[i] - opened[i] : image[i];
    on_every_device([&, r = radius, extents = s](auto& ctx) {
      const auto on = to_device(ctx, image);
      device_tensor<float> found(ctx, extents);
      grey_opening(ctx, on, r, found);
      CHECK(same_values(to_host(ctx, found), opened));
      white_top_hat(ctx, on, r, found);
      CHECK(same_values(to_host(ctx, found), rest));
    });
  }
}

TEST_CASE("gpu: amounts of stain are the processor's", "[kernels][gpu]") {
  using policy = colour_deconvolution<stains::haematoxylin_eosin>;
  stain_amounts amounts;
  const auto inverse = detail::unmixing_by(policy::colours());
  for (std::size_t k = 0; k < 3; ++k) std::copy(inverse[k].begin(), inverse[k].end(), amounts.amounts[k]);
  for (const auto& [s, greatest] : {std::pair{shape{5, 7, 3}, 255.0f},
                                    {shape{5, 7, 3}, 3000.0f},
                                    {shape{0, 7, 3}, 255.0f},
                                    {shape{1, 1, 3}, 255.0f},
                                    {shape{67, 63, 3}, 3000.0f}}) {
    CAPTURE(to_string(s), greatest);
    auto image = random_tensor<float>(s, 2);
    for (float& v : image) v = std::min(greatest, std::abs(v) * greatest / 2);
    if (image.size() > 3) image[3] = -1;
    context<cpu> processor(1);
    const auto expected = image.empty() ? image : policy{}.apply(processor, image);  // which refuses no pixels
    on_every_device([&](auto& ctx) {
      auto on = to_device(ctx, image);
      unmix_stains(ctx, on, amounts, on);
      CHECK(agrees(to_host(ctx, on), expected, 1e-5));
    });
  }
}

TEST_CASE("gpu: adaptive histogram equalisation is the processor's", "[kernels][gpu]") {
  for (const shape& s : {shape{1, 1, 1}, shape{9, 13, 2}, shape{40, 33, 1}}) {
    if (s[0] == 40 && !unhurried()) continue;
    CAPTURE(to_string(s));
    auto image = random_tensor<float>(s, 3);
    for (index_t i = 1; s[2] > 1 && i < image.size(); i += 2) image[i] = 4;  // a channel of one value
    const clahe policy{.tiles = 3, .clip_limit = 2};
    context<cpu> processor(1);
    const auto expected = policy.apply(processor, image);
    on_every_device([&](auto& ctx) {
      device_tensor<float> found(ctx, s);
      clahe_equalise(ctx, to_device(ctx, image), {.tiles = 3, .clip_limit = 2}, found);
      CHECK(agrees(to_host(ctx, found), expected, 1e-6));
    });
  }
  context<device_under_test> ctx;
  device_tensor<float> empty(ctx, {0, 3, 1});
  CHECK_THROWS_AS(clahe_equalise(ctx, empty, {}, empty), shape_error);
}

TEST_CASE("gpu: images at another size are the processor's", "[kernels][gpu]") {
  context<cpu> processor(1);
  for (const auto& [s, to] : {std::pair{shape{1, 1, 1}, shape{3, 2, 1}},
                              {shape{9, 7, 3}, shape{4, 13, 3}},
                              {shape{33, 20, 1}, shape{8, 5, 1}},
                              {shape{5, 4, 2}, shape{11, 13, 2}}}) {
    CAPTURE(to_string(s), to_string(to));
    const auto image = random_tensor<float>(s, 5);
    const auto expected = resize_image(processor, image, to[0], to[1]);
    on_every_device([&, extents = to](auto& ctx) {
      device_tensor<float> found(ctx, extents);
      resize_image(ctx, to_device(ctx, image), found);
      CHECK(agrees(to_host(ctx, found), expected, 1e-6));
    });
  }
  context<device_under_test> ctx;
  CHECK_THROWS_AS(resize_image(ctx, device_tensor<float>(ctx, {0, 3, 1}), device_tensor<float>(ctx, {2, 2, 1})),
                  shape_error);
  CHECK_THROWS_AS(resize_image(ctx, device_tensor<float>(ctx, {2, 3, 1}), device_tensor<float>(ctx, {2, 2, 2})),
                  shape_error);
}

TEST_CASE("gpu: mean and deviation by channel are sums in float64, and images are brought to 0 and 1 by them",
          "[kernels][gpu]") {
  for (const shape& s : {shape{1, 1, 1}, shape{7, 9, 3}, shape{70, 61, 2}}) {
    CAPTURE(to_string(s));
    auto image = random_tensor<float>(s, 6);
    for (index_t i = 0; i < image.size(); ++i)
      image[i] = i % s[2] == 1 ? 5.0f : 1000 + image[i];  // one channel is constant
    const index_t channels = s[2], count = s[0] * s[1];
    tensor<double> moments({2, channels});
    for (index_t i = 0; i < image.size(); ++i)
      moments[i % channels] += static_cast<double>(image[i]) / static_cast<double>(count);
    for (index_t i = 0; i < image.size(); ++i) {
      const double d = static_cast<double>(image[i]) - moments[i % channels];
      moments[channels + i % channels] += d * d / static_cast<double>(count);
    }
    for (index_t c = 0; c < channels; ++c) moments(1, c) = std::sqrt(moments(1, c));
    if (channels > 1) moments(0, 1) = 5, moments(1, 1) = 0;
    tensor<float> expected(s);
    for (index_t i = 0; i < image.size(); ++i) {
      const index_t c = i % channels;
      expected[i] =
          moments(1, c) > 0 ? static_cast<float>((static_cast<double>(image[i]) - moments(0, c)) / moments(1, c)) : 0;
    }
    on_every_device([&](auto& ctx) {
      const auto on = to_device(ctx, image);
      device_tensor<double> found(ctx, {2, image.shape()[2]});
      device_tensor<float> out(ctx, image.shape());
      channel_moments(ctx, on, found);
      CHECK(agrees(to_host(ctx, found), moments, 1e-11));
      standardise(ctx, on, to_device(ctx, moments), out);
      CHECK(same_values(to_host(ctx, out), expected));
    });
  }
  context<device_under_test> ctx;
  CHECK_THROWS_AS(channel_moments(ctx, device_tensor<float>(ctx, {0, 3, 1}), device_tensor<double>(ctx, {2, 1})),
                  shape_error);
}

TEST_CASE("gpu: the first value that cannot be used is found", "[kernels][gpu]") {
  for (const index_t size : {0, 1, 300, 9000}) {
    if (size == 9000 && !unhurried()) continue;
    tensor<float> values({size});
    values.fill(-1e30f);
    for (const index_t first : {index_t{-1}, size - 1, size / 2}) {
      if (first >= size) continue;
      auto spoiled = values.clone();
      if (first >= 0) spoiled[size - 1] = 2e30f, spoiled[first] = std::numeric_limits<float>::quiet_NaN();
      on_every_device([&](auto& ctx) { CHECK(first_unusable(ctx, to_device(ctx, spoiled)) == first); });
    }
  }
}

TEST_CASE("gpu: channels are taken in their order", "[kernels][gpu]") {
  const shape s = GENERATE(shape{5, 4, 3}, shape{0, 4, 3}, shape{1, 1, 3}, shape{17, 16, 3});
  CAPTURE(to_string(s));
  const auto image = random_tensor<float>(s, 7);
  on_every_device([&](auto& ctx) {
    const std::array<int, 4> from{2, 0, 0, 1};
    device_tensor<float> found(ctx, {s[0], s[1], 4});
    take_channels(ctx, to_device(ctx, image), from, found);
    const auto here = to_host(ctx, found);
    bool same = true;
    for (index_t p = 0; p < s[0] * s[1]; ++p)
      for (index_t k = 0; k < 4; ++k)
        same = same && here[4 * p + k] == image[3 * p + from[static_cast<std::size_t>(k)]];
    CHECK(same);
    CHECK_THROWS_AS(take_channels(ctx, found, std::array<int, 4>{0, 1, 2, 4}, found), shape_error);
  });
}

}  // namespace aixcell
