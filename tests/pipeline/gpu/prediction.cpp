// A whole prediction on a device, image to labels, against the processor alone.
#include <aixcell/device/emulated.hpp>
#include <aixcell/postprocess/gpu/of_stages.hpp>
#include <aixcell/preprocess/gpu/of_stages.hpp>
#include <aixcell/pipeline/gpu/networks_on.hpp>
#include <aixcell/decoder/pooled.hpp>
#include <aixcell/pipeline/fit.hpp>
#include <aixcell/pipeline/predict_blocks.hpp>
#include <aixcell/preprocess/flat_field.hpp>
#include <map>
#include "pipeline/toy.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

using small = plain<2, 4>;
using rgb_chain = chain<colour_deconvolution<stains::haematoxylin_dab>, fitted_z_score>;

// Under the names of the pipelines: what is prepared how, and what is looked for.
using stars = pipeline<percentile, small, unet, star_convex<8>>;
using borders = pipeline<chain<top_hat, fitted_percentile>, small, unet, interior_border>;
using depths = pipeline<clahe, small, unet, distance_watershed>;
using connected_parts = pipeline<z_score, small, unet, connected_foreground>;
using resized_classes = pipeline<chain<resize_to_diameter, z_score>, small, unet, with_classes<star_convex<8>>>;
using stained_pixels = pipeline<rgb_chain, small, unet, semantic>;
using nuclei = pipeline<first_channels<1>, small, unet, nuclei_per_cell>;
using image_classes = pipeline<identity, small, pooled, image_class>;
using shapes_and_image_classes = pipeline<fitted_z_score, small, unet, with_image_class<connected_foreground>>;

/// Counts what crosses over between host and device.
struct traffic {
  int uploads = 0, downloads = 0, batches = 0;
};

class watched_network final : public device_network {
 public:
  watched_network(std::unique_ptr<device_network> inner, traffic& seen) : inner_(std::move(inner)), seen_(seen) {}
  void take_weights(const std::vector<network_tensor>& from) override { inner_->take_weights(from); }
  tensor<float> forward(const tensor<float>& x) override { return ++seen_.batches, inner_->forward(x); }
  bool has_twin(const stage_reference& stage) const override { return inner_->has_twin(stage); }
  device_map_pointer upload(view<const float, cpu> map) override { return ++seen_.uploads, inner_->upload(map); }
  tensor<float> download(const device_map& map) override { return ++seen_.downloads, inner_->download(map); }
  device_map_pointer preprocess(const stage_reference& stage, const device_map& pixels) override {
    return inner_->preprocess(stage, pixels);
  }
  device_map_pointer dense(const device_map& prepared, const rectangle& where, const predict_options& options,
                           const channel_order& order) override {
    return inner_->dense(prepared, where, options, order);
  }
  prediction decode(const stage_reference& stage, const device_map& dense) override {
    return inner_->decode(stage, dense);
  }
  void set_loss(std::vector<any_loss_term> terms) override { inner_->set_loss(std::move(terms)); }
  void begin_steps(const training_state& state, optimiser kind) override { inner_->begin_steps(state, kind); }
  step_result step(const tensor<float>& x, const tensor<float>& target, const step_options& options) override {
    return inner_->step(x, target, options);
  }
  std::unique_ptr<device_images> keep(const std::vector<const tensor<float>*>& images) override {
    return inner_->keep(images);
  }
  step_result step(const device_images& images, const std::vector<crop_of_kept>& crops, const tensor<float>& target,
                   const step_options& options) override {
    return inner_->step(images, crops, target, options);
  }
  void end_steps() override { inner_->end_steps(); }

 private:
  std::unique_ptr<device_network> inner_;
  traffic& seen_;
};

class watched_device final : public compute_device {
 public:
  explicit watched_device(traffic& seen) : seen_(seen) {
    inner_.add<small, unet>().add<small, pooled>();
    inner_.add<percentile, clahe, z_score, fitted_z_score, identity, rgb_chain, first_channels<1>,
               chain<top_hat, fitted_percentile>, chain<resize_to_diameter, z_score>>();
    inner_.add<star_convex<8>, interior_border, distance_watershed, connected_foreground, semantic, nuclei_per_cell,
               with_classes<star_convex<8>>, image_class, with_image_class<connected_foreground>>();
  }
  std::string name() const override { return inner_.name(); }
  std::string description() const override { return inner_.description(); }
  std::unique_ptr<device_network> make(const network_request& wanted) override {
    return std::make_unique<watched_network>(inner_.make(wanted), seen_);
  }

 private:
  networks_on<emulated> inner_{"emulated", context<emulated>()};
  traffic& seen_;
};

context<cpu> with_networks_on(std::shared_ptr<compute_device> device) {
  context<cpu> ctx(1, precision::float32);
  ctx.run_networks_on(std::move(device));
  return ctx;
}

/// Discs in as many channels as wanted, with classes of objects, pixels and images.
example coloured(index_t height, index_t width, int channels, std::uint64_t seed) {
  example e = test::discs(height, width, 4, random_stream(seed));
  tensor<float> pixels({height, width, channels});
  for (index_t p = 0; p < height * width; ++p)
    for (int c = 0; c < channels; ++c)
      pixels[p * channels + c] =
          channels == 1 ? e.picture.pixels[p] : 255 - e.picture.pixels[p] * static_cast<float>(c + 1) / 3;
  e.picture.pixels = std::move(pixels);
  for (int n = 0; n < 4; ++n) e.truth.object_class.push_back(n % 2);
  e.truth.nuclei = e.truth.labels.clone();
  e.truth.image_class = static_cast<int>(seed % 2);
  return e;
}

struct coloured_examples final : example_source {
  explicit coloured_examples(int image_channels) : channels(image_channels) {}
  index_t size() const override { return 4; }
  example load(index_t i) const override { return coloured(40, 36, channels, static_cast<std::uint64_t>(i) + 11); }
  int channels;
};

/// The same pipeline twice, one with its network on a device, both a little trained.
template <class Pipeline>
struct two_of_a_kind {
  explicit two_of_a_kind(std::shared_ptr<compute_device> device, int image_channels = 1)
      : channels(image_channels), there_ctx(with_networks_on(std::move(device))) {
    const pipeline_setup setup{.channels = channels, .object_classes = 2, .image_classes = 2, .seed = 3};
    const coloured_examples data(channels);
    here.set_up(ctx, setup);
    here.fit_preprocess(ctx, data);
    training_options o;
    o.epochs = 1, o.batch = 2, o.tile = 32, o.crops_per_epoch = 120, o.average_decay = 0.5;
    training run(ctx, here, data, data, o);
    run.run_epoch();
    run.keep_best();
    there.set_up(there_ctx, setup);
    there.fit_preprocess(there_ctx, data);
    const auto from = here.tensors(), to = there.tensors();
    for (std::size_t i = 0; i < from.size(); ++i)
      std::copy(from[i].value->begin(), from[i].value->end(), to[i].value->begin());
    there.weights_changed();
    // So little training finds little that is likely.
    for (auto* model : {&here, &there})
      for (const tunable& t : model->tunables())
        if (t.name.ends_with("object_threshold") || t.name.ends_with("seed_threshold")) t.set(t.low);
  }

  int channels;
  context<cpu> ctx{1, precision::float32}, there_ctx;
  Pipeline here, there;
};

/// Where floods tie, the watershed of a device gives pixels to another neighbour (kernels/gpu/watershed.hpp).
void check_same(const prediction& found, const prediction& expected, double ties) {
  CHECK(test::unlike(found.labels, expected.labels) <= ties);
  CHECK(test::unlike(found.nuclei, expected.nuclei) <= ties);
  CHECK(found.image_class == expected.image_class);
  REQUIRE(found.image_class_probabilities.size() == expected.image_class_probabilities.size());
  for (std::size_t c = 0; c < found.image_class_probabilities.size(); ++c)
    CHECK(found.image_class_probabilities[c] == Approx(expected.image_class_probabilities[c]).margin(1e-4));
  REQUIRE(found.objects.size() == expected.objects.size());
  for (std::size_t i = 0; i < found.objects.size(); ++i) {
    const detected_object &a = found.objects[i], &b = expected.objects[i];
    CHECK(a.score == Approx(b.score).margin(1e-4 + ties));
    if (ties == 0) CHECK(a.nuclei == b.nuclei);
    REQUIRE(a.class_probabilities.size() == b.class_probabilities.size());
    for (std::size_t c = 0; c < a.class_probabilities.size(); ++c)
      CHECK(a.class_probabilities[c] == Approx(b.class_probabilities[c]).margin(1e-4));
  }
}

template <class Pipeline>
constexpr double ties_of =
    std::is_same_v<Pipeline, borders> || std::is_same_v<Pipeline, depths> || std::is_same_v<Pipeline, nuclei> ? 0.03
                                                                                                              : 0.0;
template <class Pipeline>
constexpr int channels_of = std::is_same_v<Pipeline, stained_pixels> ? 3
                            : std::is_same_v<Pipeline, nuclei>       ? 2
                                                                     : 1;

}  // namespace

TEMPLATE_TEST_CASE("an image becomes labels on a device, those of the processor, and nothing else comes back",
                   "[pipeline][gpu]", stars, borders, depths, connected_parts, resized_classes, stained_pixels, nuclei,
                   image_classes, shapes_and_image_classes) {
  traffic seen;
  two_of_a_kind<TestType> models(std::make_shared<watched_device>(seen), channels_of<TestType>);
  std::size_t objects = 0;
  for (const auto& [height, width] : {std::pair{45, 37}, {1, 1}, {9, 50}}) {
    CAPTURE(height, width);
    const image picture = coloured(height, width, models.channels, 77).picture;
    std::map<std::string, int> stages;
    predict_options options{.tile = 32, .overlap = 8};
    const prediction expected = predict(models.ctx, models.here, picture, options);
    options.took = [&](std::string_view stage, double) { ++stages[std::string(stage)]; };
    seen = {};
    const prediction found = predict(models.there_ctx, models.there, picture, options);
    check_same(found, expected, ties_of<TestType>);
    CHECK((seen.uploads == 1 && seen.downloads == 0 && seen.batches == 0));
    CHECK(stages == std::map<std::string, int>{{"preprocessing", 1}, {"network", 1}, {"decoding", 1}});
    objects += expected.objects.size();
  }
  if (models.here.solves() == task::instance_segmentation) CHECK(objects > 0);
}

TEMPLATE_TEST_CASE("mirror images and overlapping blocks are predicted on a device too", "[pipeline][gpu]", stars,
                   connected_parts) {
  traffic seen;
  two_of_a_kind<TestType> models(std::make_shared<watched_device>(seen));
  const image picture = coloured(71, 83, 1, 78).picture;
  predict_options options{.tile = 64, .overlap = 16, .mirrored = true};
  check_same(predict(models.there_ctx, models.there, picture, options),
             predict(models.ctx, models.here, picture, options), 0);
  CHECK((seen.uploads == 1 && seen.downloads == 0));
  seen = {};
  const block_plan plan{.edge = 48, .overlap = 12, .tile = 32};
  options.mirrored = false;
  check_same(predict_in_blocks(models.there_ctx, models.there, picture.pixels, plan, options),
             predict_in_blocks(models.ctx, models.here, picture.pixels, plan, options), 0);
  CHECK((seen.uploads == 1 && seen.downloads == 0 && seen.batches == 0));
}

TEST_CASE("the dense map comes back when asked for, and is that of the processor", "[pipeline][gpu]") {
  traffic seen;
  two_of_a_kind<stars> models(std::make_shared<watched_device>(seen));
  const image picture = coloured(45, 37, 1, 79).picture;
  const predict_options options{.tile = 32, .overlap = 8, .mirrored = true, .keep_dense = true};
  const prediction found = predict(models.there_ctx, models.there, picture, options),
                   expected = predict(models.ctx, models.here, picture, options);
  CHECK(seen.downloads == 1);
  REQUIRE(found.dense.shape() == expected.dense.shape());
  for (index_t i = 0; i < found.dense.size(); ++i) REQUIRE(found.dense[i] == Approx(expected.dense[i]).margin(1e-4));
}

TEST_CASE("an image without an object has none on a device", "[pipeline][gpu]") {
  traffic seen;
  two_of_a_kind<stars> models(std::make_shared<watched_device>(seen));
  models.there.postprocess_policy().probability_threshold = 0.999f;
  tensor<float> grey({33, 21, 1});
  grey.fill(7);
  const prediction found = predict(models.there_ctx, models.there, grey.as_view());
  CHECK(found.objects.empty());
  CHECK(std::all_of(found.labels.begin(), found.labels.end(), [](std::int32_t l) { return l == 0; }));
  CHECK(found.labels.shape() == shape{33, 21});
}

TEST_CASE("what was not added to a device is done on the processor, and said so", "[pipeline][gpu]") {
  using field = pipeline<flat_field, small, unet, semantic>;
  auto device = std::make_shared<networks_on<emulated>>("emulated", context<emulated>());
  device->add<small, unet>();
  for (const bool decodes : {false, true}) {
    if (decodes) device->add<semantic>();
    two_of_a_kind<field> models(device);
    const image picture = coloured(40, 36, 1, 80).picture;
    std::string stages;
    predict_options options;
    const prediction expected = predict(models.ctx, models.here, picture, options);
    options.took = [&](std::string_view stage, double) { stages += std::string(stage) + "; "; };
    check_same(predict(models.there_ctx, models.there, picture, options), expected, 0);
    CHECK(stages == std::string("preprocessing on the processor; network; ") +
                        (decodes ? "decoding; " : "decoding on the processor; "));
  }
  CHECK(
      device->description() ==
      "emulated: networks plain2x4+unet; preprocessing by none; decoding of semantic; the rest of a prediction on the "
      "processor");
}

TEST_CASE("unusable pixels are refused on a device as on the processor", "[pipeline][gpu]") {
  traffic seen;
  two_of_a_kind<stars> models(std::make_shared<watched_device>(seen));
  image picture = coloured(9, 7, 1, 81).picture;
  picture.pixels[3 * 7 + 2] = std::numeric_limits<float>::quiet_NaN();
  picture.pixels[5 * 7 + 1] = 2e30f;
  CHECK_THROWS_WITH(predict(models.there_ctx, models.there, picture),
                    "preprocess: pixel (3, 2) is not a finite number below 1e30; replace NaN and infinity before");
}

}  // namespace aixcell
