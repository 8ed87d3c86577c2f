#include <aixcell/preprocess/z_score.hpp>
#include "preprocess/examples.hpp"

namespace aixcell {

namespace {
struct moments {
  double mean = 0, deviation = 0;
};
moments plain_moments(const std::vector<double>& values) {
  moments m;
  for (const double v : values) m.mean += v / static_cast<double>(values.size());
  for (const double v : values) m.deviation += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  m.deviation = std::sqrt(m.deviation);
  return m;
}
void append_channel(const tensor<float>& pixels, index_t c, std::vector<double>& values) {
  for (index_t i = c; i < pixels.size(); i += pixels.extent(2)) values.push_back(static_cast<double>(pixels[i]));
}
}  // namespace

TEST_CASE("z_score: mean 0 and deviation 1 of each channel", "[preprocess]") {
  context<cpu> ctx;
  check_policy(z_score{}, {});
  tensor<float> pixels = random_image({21, 35, 3}, 4);
  for (index_t i = 0; i < pixels.size(); i += 3) pixels[i] += 60000;  // far from 0: no cancellation
  for (index_t i = 2; i < pixels.size(); i += 3) pixels[i] = 0.1f;
  const tensor<float> out = z_score{}.apply(ctx, pixels);
  for (index_t c = 0; c < 3; ++c) {
    std::vector<double> in, found;
    append_channel(pixels, c, in);
    append_channel(out, c, found);
    const moments m = plain_moments(in), after = plain_moments(found);
    CHECK(after.mean == Approx(0).margin(1e-6));
    CHECK(after.deviation == Approx(c == 2 ? 0.0 : 1.0).margin(1e-6));
    for (std::size_t p = 0; p < in.size(); ++p)
      REQUIRE(found[p] == Approx(c == 2 ? 0.0 : (in[p] - m.mean) / m.deviation).margin(1e-5));
  }
}

TEST_CASE("fitted_z_score: moments of all pixels of all images of the training split", "[preprocess]") {
  context<cpu> ctx(3);
  examples_in_memory training;
  std::vector<double> first, second;
  for (const shape& size : {shape{5, 9, 2}, shape{1, 1, 2}, shape{31, 17, 2}}) {
    training.add(random_image(size, static_cast<std::uint64_t>(size[0]), static_cast<float>(10 * size[1]), 300),
                 label_map({size[0], size[1]}));
    append_channel(training.all.back().picture.pixels, 0, first);
    append_channel(training.all.back().picture.pixels, 1, second);
  }
  const fitted_z_score policy;
  const auto state = policy.fit(ctx, training);
  REQUIRE(state.mean.size() == 2);
  const moments a = plain_moments(first), b = plain_moments(second);
  CHECK(state.mean[0] == Approx(a.mean));
  CHECK(state.deviation[0] == Approx(a.deviation));
  CHECK(state.mean[1] == Approx(b.mean));
  CHECK(state.deviation[1] == Approx(b.deviation));
  CHECK(state == fit_preprocess(ctx, policy, training));
  CHECK(member_names(state) == std::vector<std::string>{"mean", "deviation"});

  const tensor<float> image = random_image({3, 5, 2}, 8), out = policy.apply(ctx, image, state);
  for (index_t i = 0; i < image.size(); ++i) {
    const moments& m = i % 2 ? b : a;
    REQUIRE(static_cast<double>(out[i]) == Approx((static_cast<double>(image[i]) - m.mean) / m.deviation).margin(1e-5));
  }
  CHECK_THROWS_AS(policy.apply(ctx, random_image({3, 5, 3}, 1), state), shape_error);
  CHECK_THROWS_AS(policy.fit(ctx, examples_in_memory{}), data_error);
  training.add(random_image({3, 5, 1}, 1), label_map({3, 5}));
  CHECK_THROWS_AS(policy.fit(ctx, training), data_error);
}

TEST_CASE("fitted_z_score: a channel that is constant in all images becomes 0", "[preprocess]") {
  context<cpu> ctx;
  examples_in_memory training;
  for (const index_t edge : {3, 7, 11}) {
    training.add(tensor<float>({edge, edge, 1}), label_map({edge, edge}));
    training.all.back().picture.pixels.fill(0.1f);
  }
  const auto state = fitted_z_score{}.fit(ctx, training);
  for (const float v : fitted_z_score{}.apply(ctx, random_image({4, 4, 1}, 1), state)) CHECK(v == 0);
}

}  // namespace aixcell
