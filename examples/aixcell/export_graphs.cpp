#include "export_graphs.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>

#include <aixcell/exchange/bioimageio.hpp>
#include <aixcell/io/any_image.hpp>
#include <aixcell/pipeline/predict.hpp>

#include "found_images.hpp"

namespace aixcell::program {

namespace {

std::string now_utc() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// Bright discs on a noisy dark background, in the range of 8-bit files: looks enough like cells for a network to find
/// something.
tensor<float> synthetic_image(const shape& extents) {
  tensor<float> image(extents);
  random_stream random(1);
  for (float& v : image) v = 20 + 4 * random.normal();
  const index_t discs = std::max<index_t>(1, extents[0] * extents[1] / 2048);
  for (index_t d = 0; d < discs; ++d) {
    const index_t radius = 5 + random.below(7), top = random.below(extents[0]), left = random.below(extents[1]);
    const auto brightness = static_cast<float>(60 + random.below(100));
    for (index_t i = std::max<index_t>(0, top - radius); i < std::min(extents[0], top + radius); ++i)
      for (index_t j = std::max<index_t>(0, left - radius); j < std::min(extents[1], left + radius); ++j)
        if ((i - top) * (i - top) + (j - left) * (j - left) < radius * radius)
          for (index_t c = 0; c < extents[2]; ++c) image(i, j, c) = brightness + 6 * random.normal();
  }
  return image;
}

/// The size [H,W] to record where none is asked for: of a model of whole images, that of the images it learned from.
shape usual_size(const loaded_model& loaded) {
  const nlohmann::json& facts = loaded.card.facts;
  if (loaded.model->solves() != task::image_classification || !facts.contains("data")) return {256, 256};
  const index_t height = facts["data"].value("median_height", index_t{0}),
                width = facts["data"].value("median_width", index_t{0});
  return height > 0 && width > 0 ? shape{height, width} : shape{256, 256};
}

/// The upper left part of the given image, or a synthetic one. Without a size: at most 512 pixels an edge, in steps of 32
/// but where the image is what is classified.
tensor<float> test_image(const export_arguments& a, const loaded_model& loaded) {
  const index_t channels = loaded.model->setup().channels;
  if (a.test_image.empty()) {
    const shape size = a.size.rank() ? a.size : usual_size(loaded);
    return synthetic_image({size[0], size[1], channels});
  }
  const acquisition& how = loaded.card.acquired;
  const tensor<float> pixels = read_image(a.test_image, how).pixels;
  if (pixels.extent(2) != channels)
    throw data_error(a.test_image.string() + ": has " + std::to_string(pixels.extent(2)) +
                     " channel(s), the model was trained on " + std::to_string(channels));
  const auto edge = [&](int axis) {
    if (a.size.rank()) return a.size[axis];
    const index_t most = std::min<index_t>(512, pixels.extent(axis));
    return most < 32 || loaded.model->solves() == task::image_classification ? most : most / 32 * 32;
  };
  const index_t height = edge(0), width = edge(1);
  if (height > pixels.extent(0) || width > pixels.extent(1))
    throw data_error(a.test_image.string() + ": is " + std::to_string(pixels.extent(0)) + "x" +
                     std::to_string(pixels.extent(1)) + ", smaller than --size " + std::to_string(height) + "x" +
                     std::to_string(width));
  tensor<float> part({height, width, channels});
  for (index_t i = 0; i < height; ++i) std::copy_n(pixels.slice(i).data(), width * channels, part.slice(i).data());
  return part;
}

void print_facts(const std::filesystem::path& out, const onnx_model& m) {
  std::printf("%s\n  image: %td channel(s), %s, %s\n", out.c_str(), m.channels,
              m.graph.metadata.at("aixcell.size").c_str(), m.any_batch ? "any number of images" : "one image");
  for (const char* fact : {"preprocessing", "postprocessing"})
    std::printf("  %s %s\n", fact, m.graph.metadata.at("aixcell." + std::string(fact)).c_str());
  for (const onnx_value& v : m.graph.outputs) std::printf("  gives %s: %s\n", v.name.c_str(), v.meaning.c_str());
}

}  // namespace

void export_onnx(context<cpu>& ctx, loaded_model& loaded, const export_arguments& a) {
  onnx_options options{.preprocessing = a.preprocessing};
  const shape size = a.size.rank() ? a.size : usual_size(loaded);
  options.height = size[0], options.width = size[1];
  const onnx_model exported = to_onnx(ctx, *loaded.model, options);
  write_onnx(a.out, exported.graph);
  print_facts(a.out, exported);
}

void export_bioimageio(context<cpu>& ctx, loaded_model& loaded, const export_arguments& a) {
  if (!a.name.empty() && (a.name.size() < 5 || a.name.size() > 128))
    throw data_error("--name: expected 5 to 128 characters, found " + std::to_string(a.name.size()));
  const any_pipeline& model = *loaded.model;
  package_options options{.test_image = test_image(a, loaded)};
  options.name = a.name, options.authors = a.authors, options.licence = a.licence, options.timestamp = now_utc();
  image picture;
  picture.pixels = options.test_image;
  const rgb_picture shown = display(ctx, picture.pixels);
  const std::vector<std::byte> cover = encode_png(
      (model.solves() == task::image_classification
           ? enlarged(shown, 512)
           : side_by_side({shown, overlay_of(ctx, picture.pixels, predict(ctx, model, picture), model.solves())}))
          .as_view());
  options.cover_png.assign(reinterpret_cast<const char*>(cover.data()), cover.size());
  print_facts(a.out, write_bioimageio(ctx, a.out, *loaded.model, loaded.card, options));
  if (a.authors.empty()) std::printf("  note: bioimage.io asks for authors, --author NAME\n");
  if (a.licence.empty()) std::printf("  note: bioimage.io asks for a licence, --license SPDX\n");
}

}  // namespace aixcell::program
