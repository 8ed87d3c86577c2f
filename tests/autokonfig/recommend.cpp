#include <aixcell/autokonfig/recommend.hpp>
#include "pipeline/toy.hpp"
#include "support/catch.hpp"

#include <aixcell/decoder/pooled.hpp>
#include <aixcell/library/registry.hpp>
#include <aixcell/postprocess/distance_watershed.hpp>
#include <aixcell/postprocess/flow_field.hpp>
#include <aixcell/postprocess/image_class.hpp>
#include <aixcell/postprocess/nuclei_per_cell.hpp>
#include <aixcell/postprocess/refined_star_convex.hpp>
#include <aixcell/postprocess/semantic.hpp>
#include <aixcell/postprocess/with_classes.hpp>
#include <aixcell/postprocess/with_image_class.hpp>
#include <aixcell/preprocess/chain.hpp>
#include <aixcell/preprocess/illumination_correction.hpp>
#include <aixcell/preprocess/stain_separation.hpp>
#include <aixcell/preprocess/z_score.hpp>

namespace aixcell::test {

namespace {

const pipeline_list& registered() {
  static const pipeline_list list = [] {
    pipeline_list l;
    add_product(l, stages<percentile>, stages<plain<2, 4>, plain<2, 32>>, stages<unet>,
                stages<semantic, interior_border, star_convex<8>, with_classes<interior_border>, nuclei_per_cell>);
    return l;
  }();
  return list;
}

fingerprint some_nuclei() {
  fingerprint f;
  f.images = 40;
  f.objects = 1000;
  f.median_height = f.median_width = 128;
  f.diameter_percentiles = {8, 15, 20, 25, 40};
  return f;
}

const machine_speed speed{1e11, 1e10};
const shape batch{4, 128, 128, 1};

}  // namespace

TEST_CASE("what solves another task does not fit, and says so", "[autokonfig]") {
  const auto all = recommend(registered(), some_nuclei(), {}, speed, batch);
  REQUIRE(all.size() == registered().entries().size());
  for (const candidate& c : all) {
    CAPTURE(c.pipeline->name, c.reason);
    CHECK(c.fits == (c.pipeline->postprocess == "interior_border" || c.pipeline->postprocess == "star_convex8"));
    CHECK_FALSE(c.reason.empty());
  }
}

TEST_CASE("polygons are preferred where the budget allows the steps they need", "[autokonfig]") {
  const auto first = [](double budget_s) {
    return recommend(registered(), some_nuclei(), {.budget_s = budget_s}, speed, batch).front().pipeline->postprocess;
  };
  CHECK(first(60) == "interior_border");
  CHECK(first(1e7) == "star_convex8");
}

TEST_CASE("representations of objects rank by rule, each with its reason", "[autokonfig]") {
  pipeline_list list;
  add_product(list, stages<percentile>, stages<plain<2, 4>>, stages<unet>,
              stages<star_convex<8>, distance_watershed, refined_star_convex<8>, interior_border, flow_field>);
  std::vector<std::string> order;
  for (const candidate& c : recommend(list, some_nuclei(), {.budget_s = 5}, speed, batch)) {
    CHECK_FALSE(c.reason.empty());
    order.push_back(c.pipeline->postprocess);
  }
  REQUIRE(order.size() == 5);
  CHECK(order[0] == "flow_field");
  CHECK(order[1] == "interior_border");
  CHECK(order[4] == "star_convex8");
}

TEST_CASE("object classes bring in the pipelines that tell them", "[autokonfig]") {
  fingerprint f = some_nuclei();
  f.has_object_classes = true;
  const auto fitting = [&](bool nuclei) {
    f.has_nuclei = nuclei;
    std::vector<std::string> names;
    for (const candidate& c : recommend(registered(), f, {.object_classes = true}, speed, batch))
      if (c.fits && c.pipeline->encoder == "plain2x4") names.push_back(c.pipeline->postprocess);
    return names;
  };
  CHECK(fitting(false) == std::vector<std::string>{"interior_border_classes"});
  CHECK(fitting(true) == std::vector<std::string>{"nuclei_per_cell", "interior_border_classes"});
  f.has_object_classes = false;
  CHECK(fitting(true) == std::vector<std::string>{"nuclei_per_cell"});
}

TEST_CASE("limits leave out what is predicted to exceed them", "[autokonfig]") {
  const auto names_that_fit = [&](requirements wanted) {
    std::vector<std::string> encoders;
    for (const candidate& c : recommend(registered(), some_nuclei(), wanted, speed, batch))
      if (c.fits) encoders.push_back(c.pipeline->encoder);
    return encoders;
  };
  double small = 0, large = 0;
  for (const candidate& c : recommend(registered(), some_nuclei(), {}, speed, batch)) {
    if (c.pipeline->postprocess != "interior_border") continue;
    (c.pipeline->encoder == "plain2x4" ? small : large) = c.latency_ms;
  }
  REQUIRE(small < large);
  for (const std::string& encoder : names_that_fit({.latency_ms = (small + large) / 2})) CHECK(encoder == "plain2x4");
  CHECK(names_that_fit({.memory_bytes = 1}).empty());
  CHECK(names_that_fit({.model_bytes = 1}).empty());
}

TEST_CASE("preprocessing follows what was measured or declared about the images", "[autokonfig]") {
  pipeline_list list;
  add_product(list,
              stages<percentile, chain<illumination_correction, percentile>, chain<stain_separation, percentile>,
                     fitted_z_score>,
              stages<plain<2, 4>>, stages<unet>, stages<interior_border>);
  fingerprint f = some_nuclei();
  f.channels = 3;
  f.objects_per_image = 25;
  const auto first = [&] { return recommend(list, f, {}, speed, {4, 128, 128, 3}).front().pipeline->preprocess; };
  CHECK(first() == "percentile");
  f.light_falloff = 0.4;
  CHECK(first() == "illumination_correction_percentile");
  f.objects_per_image = 1;  // one object in the middle looks like a lamp
  CHECK(first() == "percentile");
  f.stained = 0.9;
  CHECK(first() == "stain_separation_percentile");
  f.intensities_comparable = true;
  CHECK(first() == "fitted_z_score");

  f.channels = 1;
  for (const candidate& c : recommend(list, f, {}, speed, batch)) {
    CAPTURE(c.pipeline->name, c.reason);
    CHECK(c.fits == (c.pipeline->preprocess != "stain_separation_percentile"));
    if (!c.fits) CHECK(c.reason == "does not work on images of 1 channel(s)");
  }
}

TEST_CASE("classes of images bring in the pipelines that tell them", "[autokonfig]") {
  pipeline_list list;
  add_product(list, stages<percentile, fitted_z_score>, stages<plain<2, 4>>, stages<unet, pooled>,
              stages<semantic, with_image_class<semantic>, image_class>);
  CHECK(list.entries().size() == 2 * (2 + 1));  // what pools goes with what is pooled only
  fingerprint f;
  f.images = 500;
  f.median_height = f.median_width = 40;
  const auto fitting = [&](const requirements& wanted) {
    std::vector<std::string> names;
    for (const candidate& c : recommend(list, f, wanted, speed, batch))
      if (c.fits) names.push_back(c.pipeline->decoder + "+" + c.pipeline->postprocess);
    return names;
  };
  const requirements of_images{.solves = task::image_classification};
  CHECK(fitting(of_images).empty());
  f.has_image_classes = true;
  CHECK(fitting(of_images) == std::vector<std::string>(2, "pooled+image_class"));
  CHECK(fitting({.solves = task::semantic_segmentation}) == std::vector<std::string>(2, "unet+semantic"));
  CHECK(fitting({.solves = task::semantic_segmentation, .image_classes = true}) ==
        std::vector<std::string>(2, "unet+semantic_image_class"));
}

}  // namespace aixcell::test
