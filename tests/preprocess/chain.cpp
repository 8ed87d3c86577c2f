#include <aixcell/preprocess/chain.hpp>
#include <aixcell/preprocess/percentile.hpp>
#include <aixcell/preprocess/resize_to_diameter.hpp>
#include <aixcell/preprocess/top_hat.hpp>
#include <aixcell/preprocess/z_score.hpp>
#include "preprocess/examples.hpp"

namespace aixcell {

using whole_chain = chain<resize_to_diameter, top_hat, percentile, fitted_z_score>;
static_assert(Preprocess<whole_chain>);
static_assert(whole_chain::name == "resize_to_diameter_top_hat_percentile_fitted_z_score");
static_assert(chain<percentile>::name == "percentile");
static_assert(whole_chain::channels_out(3) == 3);

namespace {
/// Doubles the channels: what comes later must see them.
struct doubled {
  static constexpr std::string_view name = "doubled";
  static constexpr int channels_out(int channels_in) { return 2 * channels_in; }
  tensor<float> apply(context<cpu>&, view<const float, cpu> pixels) const {
    tensor<float> out({pixels.extent(0), pixels.extent(1), 2 * pixels.extent(2)});
    for (index_t i = 0; i < out.size(); ++i) out[i] = pixels[i / 2] + static_cast<float>(i % 2);
    return out;
  }
};

/// Infinity, wherever it is applied.
struct broken {
  static constexpr std::string_view name = "broken";
  static constexpr int channels_out(int channels_in) { return channels_in; }
  tensor<float> apply(context<cpu>&, view<const float, cpu> pixels) const {
    tensor<float> out(pixels.shape());
    out.fill(HUGE_VALF);
    return out;
  }
};
}  // namespace

static_assert(chain<doubled, percentile, doubled>::channels_out(3) == 12);

TEST_CASE("chain: each policy is fitted on what the ones before it make", "[preprocess]") {
  context<cpu> ctx(2);
  examples_in_memory training;
  for (std::uint64_t n = 0; n < 3; ++n) training.add(random_image({40, 120, 2}, n), squares({9, 10, 31}));
  const whole_chain policy{.policies = {resize_to_diameter{.diameter = 30}, top_hat{}, percentile{}, fitted_z_score{}}};
  const auto state = fit_preprocess(ctx, policy, training);
  const auto& [resized, opened, none, scored] = state.states;
  CHECK(resized.factor == Approx(30 / disc_diameter(10)));
  // The median object has 30 pixels by now, up to the rounding of the labels.
  CHECK(opened.radius == Approx(30).margin(1.01));
  REQUIRE(scored.mean.size() == 2);
  CHECK((scored.mean[0] > 0 && scored.mean[0] < 1));
  CHECK(state == fit_preprocess(ctx, policy, training));
  auto other = state;
  std::get<1>(other.states).radius += 1;
  CHECK_FALSE(state == other);

  // The same by hand.
  const tensor<float>& pixels = training.all[1].picture.pixels;
  const tensor<float> a = std::get<0>(policy.policies).apply(ctx, pixels, resized),
                      b = std::get<1>(policy.policies).apply(ctx, a, opened);
  const tensor<float> c = percentile{}.apply(ctx, b), d = fitted_z_score{}.apply(ctx, c, scored),
                      whole = apply_preprocess(ctx, policy, state, pixels);
  REQUIRE(whole.shape() == d.shape());
  CHECK(std::equal(whole.begin(), whole.end(), d.begin()));

  // All together the training images have mean 0 and deviation 1.
  double sum = 0, squares_sum = 0, count = 0;
  for (const example& e : training.all)
    for (const float v : policy.apply(ctx, e.picture.pixels, state))
      sum += static_cast<double>(v), squares_sum += static_cast<double>(v) * static_cast<double>(v), ++count;
  CHECK(sum / count == Approx(0).margin(1e-4));
  CHECK(squares_sum / count == Approx(1).epsilon(1e-4));
}

TEST_CASE("chain: names of state and tunables", "[preprocess]") {
  CHECK(member_names(whole_chain::state{}) == std::vector<std::string>{"resize_to_diameter.factor", "top_hat.radius",
                                                                       "fitted_z_score.mean",
                                                                       "fitted_z_score.deviation"});
  whole_chain policy;
  std::vector<std::string> names;
  for_each_hyperparameter(policy, [&](const auto& h, auto& value) {
    names.emplace_back(h.name);
    if (h.name == "percentile.high") value = static_cast<std::remove_reference_t<decltype(value)>>(96);
  });
  CHECK(names ==
        std::vector<std::string>{"resize_to_diameter.diameter", "top_hat.width", "percentile.low", "percentile.high"});
  CHECK(std::get<percentile>(policy.policies).high == 96);
}

TEST_CASE("chain: channels, odd shapes, a link that breaks", "[preprocess]") {
  context<cpu> ctx;
  const chain<doubled, percentile> policy{};
  check_policy(policy, {});
  const tensor<float> out = policy.apply(ctx, random_image({3, 5, 4}, 1), {});
  CHECK(out.shape() == shape{3, 5, 8});
  const chain<broken, percentile> bad{};
  CHECK_THROWS_AS(bad.apply(ctx, random_image({3, 5, 1}, 1), {}), data_error);
}

TEST_CASE("chain: labels and nuclei follow a change of size, by nearest neighbour", "[preprocess]") {
  examples_in_memory from;
  from.add(random_image({40, 80, 1}, 1), squares({10, 20}));
  from.all[0].truth.nuclei = squares({4, 5});
  const resize_to_diameter policy;
  const resize_to_diameter::state half{0.5f};
  const example e = detail::preprocessed_source<resize_to_diameter>(policy, half, from).load(0);
  REQUIRE(e.picture.pixels.shape() == shape{20, 40, 1});
  REQUIRE(e.truth.labels.shape() == shape{20, 40});
  REQUIRE(e.truth.nuclei.shape() == shape{20, 40});
  CHECK(std::count(e.truth.labels.begin(), e.truth.labels.end(), 3) == 25);
  CHECK(std::count(e.truth.labels.begin(), e.truth.labels.end(), 13) == 100);
  CHECK(std::count(e.truth.nuclei.begin(), e.truth.nuclei.end(), 3) == 4);
  CHECK(from.all[0].truth.labels.shape() == shape{40, 80});
}

}  // namespace aixcell
