#include <aixcell/library/registry.hpp>
#include <aixcell/pipeline/fit.hpp>
#include "pipeline/toy.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// Needs one level more than plain<2, ...> has.
struct hungry : unet {
  static constexpr std::string_view name = "hungry";
  static constexpr std::size_t levels_needed = 3;
};

}  // namespace

TEST_CASE("a product of stages holds what fits and nothing else", "[library]") {
  pipeline_list list;
  add_product(list, stages<percentile>, stages<plain<2, 4>, plain<3, 4>>, stages<unet, hungry>,
              stages<interior_border>);
  REQUIRE(list.entries().size() == 3);
  CHECK(list.contains("percentile+plain2x4+unet+interior_border"));
  CHECK(list.contains("percentile+plain3x4+hungry+interior_border"));
  CHECK_FALSE(list.contains("percentile+plain2x4+hungry+interior_border"));

  const registered_pipeline& entry = list.find("percentile+plain3x4+unet+interior_border");
  CHECK(entry.encoder == "plain3x4");
  CHECK(entry.make()->name() == entry.name);
  CHECK(entry.solves == task::instance_segmentation);
}

TEST_CASE("what is compiled for prediction predicts as ever and refuses to be trained", "[library]") {
  pipeline_list list;
  add_product<purpose::prediction>(list, stages<percentile>, stages<plain<2, 4>>, stages<unet>, stages<interior_border>);
  const auto model = list.find("percentile+plain2x4+unet+interior_border").make();
  context<cpu> ctx(1);
  const std::string refusal = "plain2x4+unet is compiled for prediction and cannot be trained";
  CHECK_THROWS_WITH(fit(ctx, *model, discs_dataset(4)), Catch::Contains(refusal));
  toy_pipeline trained;
  for (any_pipeline* p : {model.get(), static_cast<any_pipeline*>(&trained)}) p->set_up(ctx, {.channels = 1, .seed = 3});
  const tensor<float> x = discs_dataset(1).samples[0].read().picture.pixels.reshaped({1, 48, 48, 1});
  const tensor<float> found = model->forward(ctx, x), expected = trained.forward(ctx, x);
  CHECK(std::equal(found.begin(), found.end(), expected.begin(), expected.end()));
  CHECK_THROWS_AS(model->learn(ctx, x, expected), not_available);
  CHECK(model->estimate({1, 48, 48, 1}, {}).inference_bytes == trained.estimate({1, 48, 48, 1}, {}).inference_bytes);
  CHECK(model->estimate({1, 48, 48, 1}, {}).training_bytes == 0);
}

TEST_CASE("a pipeline that is added twice is listed once", "[library]") {
  pipeline_list list;
  add_pipeline<percentile, plain<2, 4>, unet, interior_border>(list);
  add_pipeline<percentile, plain<2, 4>, unet, interior_border>(list);
  CHECK(list.entries().size() == 1);
}

TEST_CASE("an unknown pipeline is refused with the nearest names", "[library]") {
  pipeline_list list;
  add_product(list, stages<percentile>, stages<plain<2, 4>, plain<3, 4>>, stages<unet>,
              stages<interior_border, star_convex<8>>);
  CHECK_THROWS_AS(list.find("nothing"), not_available);
  CHECK_THROWS_WITH(
      list.find("z_score+plain3x4+unet+star_convex8"),
      Catch::Contains("not among the 4") && Catch::Contains("nearest: percentile+plain3x4+unet+star_convex8"));
}

}  // namespace aixcell::test
