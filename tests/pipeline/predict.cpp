#include <aixcell/pipeline/predict.hpp>
#include "pipeline/toy.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

namespace {
tensor<float> noise(const shape& s) {
  tensor<float> t(s);
  random_stream random(3);
  for (float& v : t) v = random.uniform(0, 100);
  return t;
}
}  // namespace

TEST_CASE("prediction takes images of any size and keeps it", "[pipeline]") {
  context<cpu> ctx(2);
  toy_star_pipeline model;
  model.set_up(ctx, {.channels = 1});
  const shape s = GENERATE(shape{1, 1, 1}, shape{1, 9, 1}, shape{31, 2, 1}, shape{37, 53, 1});
  const prediction found = predict(ctx, model, noise(s).as_view(), {.mirrored = true, .keep_dense = true});
  CHECK(found.labels.shape() == shape{s[0], s[1]});
  CHECK(found.dense.shape() == shape{s[0], s[1], 9});
  for (const std::int32_t label : found.labels)
    CHECK((label >= 0 && label <= static_cast<std::int32_t>(found.objects.size())));
}

TEST_CASE("tiles leave no seam", "[pipeline]") {
  context<cpu> ctx(2);
  toy_pipeline model;
  model.set_up(ctx, {.channels = 1, .seed = 4});
  const tensor<float> x = noise({70, 90, 1});
  const tensor<float> whole = predict_dense(ctx, model, x, {.tile = 128});
  const tensor<float> tiled = predict_dense(ctx, model, x, {.tile = 48, .overlap = 24});
  REQUIRE(tiled.shape() == whole.shape());
  // Tile borders see zeros instead of the neighbours; away from them, weights of the blend make them agree.
  double error = 0, size = 0;
  for (index_t i = 0; i < whole.size(); ++i) {
    error += std::abs(tiled[i] - whole[i]);
    size += std::abs(whole[i]);
  }
  CHECK(error / size < 0.05);
}

TEST_CASE("averaging over mirror images gives a mirrored result for a mirrored image", "[pipeline]") {
  context<cpu> ctx(1);
  toy_star_pipeline model;
  model.set_up(ctx, {.channels = 1, .seed = 4});
  const tensor<float> x = noise({24, 32, 1});
  const tensor<float> dense = predict_dense(ctx, model, x, {.mirrored = true});
  const mirror m = GENERATE(mirror::horizontal, mirror::vertical);
  const mirrored_axes axes{m == mirror::horizontal, m == mirror::vertical};
  tensor<float> x_turned(x.shape()), turned(dense.shape());
  mirror_image(ctx, x, axes, x_turned);
  mirror_image(ctx, predict_dense(ctx, model, x_turned, {.mirrored = true}), axes, turned);
  model.restore_directions(turned, m);
  for (index_t i = 0; i < dense.size(); ++i) REQUIRE(turned[i] == Approx(dense[i]).margin(1e-4));
}

TEST_CASE("prediction refuses what the model was not trained on", "[pipeline]") {
  context<cpu> ctx(1);
  toy_pipeline model;
  model.set_up(ctx, {.channels = 1});
  CHECK_THROWS_WITH(
      predict(ctx, model, noise({8, 8, 3}).as_view()),
      "predict: the model was trained on 1 channel(s), the image has 3; select the same channels as in training");
  tensor<float> nan = noise({8, 8, 1});
  nan[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(predict(ctx, model, nan.as_view()), data_error);
}

}  // namespace aixcell::test
