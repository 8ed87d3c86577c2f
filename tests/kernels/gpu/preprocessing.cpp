#include <aixcell/kernels/gpu/clahe.hpp>
#include <aixcell/kernels/gpu/grey_opening.hpp>
#include <aixcell/kernels/gpu/unmix_stains.hpp>
#include <aixcell/preprocess/clahe.hpp>
#include <aixcell/preprocess/colour_deconvolution.hpp>
#include <limits>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: openings by squares and top-hats equal windows looked at one by one", "[kernels][gpu]") {
  for (const auto& [s, radius] : {std::pair{shape{1, 1, 1}, 3}, {{7, 5, 2}, 0}, {{7, 5, 2}, 1}, {{9, 12, 1}, 2}, {{12, 9, 3}, 40}}) {
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
  std::array<detail::stain, 3> colours = detail::known_stains<stains::haematoxylin_eosin>::colours;
  for (detail::stain& colour : colours) colour = detail::normalised(colour);
  const double volume = detail::dot(colours[0], detail::cross(colours[1], colours[2]));
  stain_amounts amounts;
  for (std::size_t k = 0; k < 3; ++k) {
    const detail::stain row = detail::cross(colours[(k + 1) % 3], colours[(k + 2) % 3]);
    for (std::size_t c = 0; c < 3; ++c) amounts.amounts[k][c] = static_cast<float>(row[c] / volume);
  }
  for (const float greatest : {255.0f, 3000.0f}) {
    CAPTURE(greatest);
    auto image = random_tensor<float>({5, 7, 3}, 2);
    for (float& v : image) v = std::min(greatest, std::abs(v) * greatest / 2);
    image[3] = -1;
    context<cpu> processor(1);
    const auto expected = policy{}.apply(processor, image);
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

}  // namespace aixcell
