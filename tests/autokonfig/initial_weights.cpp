#include <aixcell/autokonfig/initial_weights.hpp>
#include <aixcell/exchange/weights.hpp>
#include <aixcell/library/registry.hpp>
#include "pipeline/toy.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

TEST_CASE("candidates whose encoder the weights do not fit are left out, with the reason", "[autokonfig]") {
  pipeline_list list;
  add_product(list, stages<percentile>, stages<plain<3, 4>, plain<2, 4>>, stages<unet>,
              stages<interior_border, star_convex<8>>);
  context<cpu> ctx(1);
  toy_pipeline source;  // its encoder is plain2x4
  source.set_up(ctx, {.channels = 3, .seed = 5});
  safetensors_file file;
  for (const network_tensor& t : source.tensors()) file.put(t.name, weights::detail::to_torch(*t.value));
  int networks = 0;
  const auto initialise = [&](any_pipeline& model) {
    ++networks;
    CHECK(model.setup().channels == 1);
    weights::load(model, file, "w.safetensors");
  };

  auto candidates = recommend(list, fingerprint_of(ctx, discs_dataset(3)), {}, {1e11, 1e10}, {1, 32, 32, 1});
  REQUIRE(candidates.size() == 4);
  candidates[3].fits = false;
  candidates[3].reason = "of another kind";
  const std::string other_kind = candidates[3].pipeline->name;
  require_initialised(ctx, candidates, 1, initialise);
  CHECK(networks == 2);  // one of each encoder
  bool before_fits = true;
  int fit = 0;
  for (const candidate& c : candidates) {
    CAPTURE(c.pipeline->name, c.reason);
    CHECK((before_fits || !c.fits));  // those that fit come first
    before_fits = c.fits;
    fit += c.fits;
    if (c.pipeline->name == other_kind) {
      CHECK(c.reason == "of another kind");
    } else {
      CHECK(c.fits == (c.pipeline->encoder == "plain2x4"));
      if (!c.fits) CHECK_THAT(c.reason, Catch::Contains("w.safetensors: tensor \"encoder.stage.2.0.conv.weight\""));
    }
  }
  CHECK((fit == 1 || fit == 2));

  require_initialised(ctx, candidates, 1, [](any_pipeline&) { throw io_error("nothing fits"); });
  for (const candidate& c : candidates) CHECK_FALSE(c.fits);
}

}  // namespace aixcell::test
