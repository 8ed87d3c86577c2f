#include <aixcell/pipeline/model_file.hpp>
#include "pipeline/toy.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

#include <aixcell/library/load_model.hpp>
#include <aixcell/library/registry.hpp>
#include <aixcell/pipeline/predict.hpp>
#include <aixcell/preprocess/chain.hpp>
#include <aixcell/preprocess/flat_field.hpp>
#include <aixcell/preprocess/resize_to_diameter.hpp>
#include <aixcell/preprocess/stain_separation.hpp>
#include <aixcell/preprocess/z_score.hpp>

namespace aixcell::test {

namespace {

using fitted_pipeline = pipeline<chain<resize_to_diameter, percentile>, plain<2, 4>, unet, interior_border>;

pipeline_list toy_list() {
  pipeline_list list;
  add_pipeline<percentile, plain<2, 4>, unet, interior_border>(list);
  add_pipeline<chain<resize_to_diameter, percentile>, plain<2, 4>, unet, interior_border>(list);
  return list;
}

/// Saves and loads a pipeline whose preprocessing has learned from the data: the same pixels come out of it.
template <class Pre>
void check_fitted_state_is_saved(const dataset& data) {
  const scratch_folder folder("model");
  const auto file = folder.path / "model.safetensors";
  context<cpu> ctx(1);
  pipeline<Pre, plain<2, 4>, unet, interior_border> model, loaded;
  model.set_up(ctx, {.channels = static_cast<int>(data.channels)});
  model.fit_preprocess(ctx, data);
  save_model(file, model, {});
  load_model_into(ctx, file, loaded);
  const image picture = data.load(0).picture;
  const tensor<float> expected = model.preprocess(ctx, picture.pixels), found = loaded.preprocess(ctx, picture.pixels);
  CAPTURE(model.name());
  REQUIRE(found.shape() == expected.shape());
  CHECK(std::equal(found.begin(), found.end(), expected.begin()));
}

}  // namespace

TEST_CASE("what preprocessing learned from the data is saved", "[pipeline]") {
  const dataset gray = discs_dataset(3);
  std::vector<example> coloured;
  for (index_t i = 0; i < gray.size(); ++i) {
    example e = gray.load(i);
    tensor<float> rgb({48, 48, 3});
    for (index_t p = 0; p < rgb.size(); ++p)
      rgb[p] = 250 - e.picture.pixels[p / 3] * (p % 3 == 0 ? 0.7f : p % 3 == 1 ? 1.5f : 0.4f) * (p / 3 % 5 == 0 ? 0.4f : 1);
    e.picture.pixels = rgb;
    coloured.push_back(e);
  }
  check_fitted_state_is_saved<fitted_percentile>(gray);
  check_fitted_state_is_saved<fitted_z_score>(gray);
  check_fitted_state_is_saved<flat_field>(gray);
  check_fitted_state_is_saved<chain<stain_separation, fitted_percentile>>(
      dataset::from_examples("coloured", std::move(coloured)));
}

TEST_CASE("a model comes back from its file as it was", "[pipeline]") {
  const scratch_folder folder("model");
  const auto file = folder.path / "model.safetensors";
  context<cpu> ctx(2);
  fitted_pipeline model;
  const dataset data = discs_dataset(3);
  model.set_up(ctx, {.channels = 1, .seed = 3});
  model.fit_preprocess(ctx, data);
  for (const tunable& t : model.tunables())
    if (t.decodes_only) t.set(t.low + 0.25 * (t.high - t.low));
  const acquisition acquired{.channels = {"DAPI"}, .channel_names = {"actin", "DAPI"}, .z = z_projection::focus_stack};
  save_model(file, model,
             {.pipeline = {},
              .setup = {},
              .class_names = {"cell"},
              .image_class_names = {"T", "B"},
              .channel_names = {"DAPI"},
              .acquired = acquired,
              .facts = {{"score", 0.5}}});

  const loaded_model loaded = load_model(ctx, file, toy_list());
  CHECK(loaded.card.pipeline == model.name());
  CHECK(loaded.card.class_names == std::vector<std::string>{"cell"});
  CHECK(loaded.card.image_class_names == std::vector<std::string>{"T", "B"});
  CHECK(loaded.card.channel_names == std::vector<std::string>{"DAPI"});
  CHECK(loaded.card.acquired == acquired);
  CHECK(loaded.card.facts["score"] == 0.5);
  const image picture = discs(53, 41, 4, random_stream(8)).picture;
  const prediction a = predict(ctx, model, picture, {.keep_dense = true}),
                   b = predict(ctx, *loaded.model, picture, {.keep_dense = true});
  CHECK(std::equal(a.labels.begin(), a.labels.end(), b.labels.begin()));
  CHECK(std::equal(a.dense.begin(), a.dense.end(), b.dense.begin()));

  fitted_pipeline same_type;
  CHECK(load_model_into(ctx, file, same_type).pipeline == model.name());
  toy_pipeline other_type;
  CHECK_THROWS_WITH(load_model_into(ctx, file, other_type), Catch::Contains("holds pipeline " + model.name()));
  pipeline_list empty;
  CHECK_THROWS_AS(load_model(ctx, file, empty), not_available);
}

TEST_CASE("damaged and foreign model files are refused with the file's name", "[pipeline]") {
  const scratch_folder folder("model");
  const auto file = folder.path / "model.safetensors";
  context<cpu> ctx(1);
  toy_pipeline model;
  model.set_up(ctx, {.channels = 1});
  save_model(file, model, {});
  const safetensors_file whole = read_safetensors(file);
  const pipeline_list list = toy_list();
  const auto refused = [&](const safetensors_file& content, const std::string& because) {
    write_safetensors(file, content);
    CHECK_THROWS_WITH(load_model(ctx, file, list), Catch::StartsWith(file.string()) && Catch::Contains(because));
  };
  const auto described = [&](auto&& change) {
    safetensors_file content = whole;
    nlohmann::json j = nlohmann::json::parse(content.metadata["aixcell"]);
    change(j);
    content.metadata["aixcell"] = j.dump();
    return content;
  };

  safetensors_file foreign = whole;
  foreign.metadata.clear();
  refused(foreign, "not a model of aixcell");
  foreign.metadata["aixcell"] = "{";
  refused(foreign, "damaged");
  refused(described([](auto& j) { j["format"] = 99; }), "model format 99");
  refused(described([](auto& j) { j["format"] = 1; }), "model format 1");
  refused(described([](auto& j) { j["setup"]["image_classes"] = -1; }), "number of image classes");
  refused(described([](auto& j) { j["pipeline"] = "a+b+c+d"; }), "not among");
  refused(described([](auto& j) { j["pipeline"] = 7; }), "damaged");
  refused(described([](auto& j) { j["setup"]["channels"] = 1 << 30; }), "number of channels");
  refused(described([](auto& j) { j["setup"]["channels"] = 2; }), "expected F32");
  refused(described([](auto& j) { j.erase("tunables"); }), "damaged");
  refused(described([](auto& j) { j["acquisition"]["z"] = "median"; }), "\"median\" is no way");
  refused(described([](auto& j) { j["acquisition"].erase("channels"); }), "damaged");
  safetensors_file missing = whole;
  missing.tensors.erase(missing.tensors.begin());
  refused(missing, "is missing");
  safetensors_file extra = whole;
  extra.tensors["left.over"] = extra.tensors.begin()->second;
  refused(extra, "expected");
  safetensors_file broken = whole;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(broken.tensors.begin()->second.bytes.data(), &nan, sizeof nan);
  refused(broken, "not finite");
  write_safetensors(file, whole);
  CHECK_NOTHROW(load_model(ctx, file, list));
}

}  // namespace aixcell::test
