// What it does   Uses a trained model inside another program: loads the file, predicts from pixels in memory. No registry,
//                no image formats, nothing but the one pipeline is compiled in, and that for prediction alone.
// How to run     03_embed cells.safetensors          (which 01_fit_and_predict wrote)
// What it prints Position, size and kind of every cell it finds.
// Read next      docs/tutorial.md, then the headers of include/aixcell/core.
#include <cstdio>
#include <vector>

#include <aixcell/data/synthetic.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/metrics/region_properties.hpp>
#include <aixcell/pipeline/model_file.hpp>
#include <aixcell/pipeline/pipeline.hpp>
#include <aixcell/pipeline/predict.hpp>
#include <aixcell/postprocess/nuclei_per_cell.hpp>
#include <aixcell/preprocess/percentile.hpp>

namespace {

/// What a camera or a viewer holds: 16-bit samples, channels next to each other.
struct frame {
  aixcell::index_t height, width, channels;
  std::vector<std::uint16_t> samples;
};

frame grab_frame() {  // stands for your camera
  const aixcell::image picture =
      aixcell::make_synthetic({.height = 256, .width = 320}, aixcell::random_stream(7)).picture;
  frame f{picture.height(), picture.width(), picture.channels(), {}};
  for (const float v : picture.pixels) f.samples.push_back(static_cast<std::uint16_t>(v));
  return f;
}

/// Pixels are float in the units of the file the model was trained on: 16-bit numbers stay what they are. 8-bit buffers
/// go the same way.
aixcell::tensor<float> pixels_of(const frame& f) {
  aixcell::tensor<float> pixels({f.height, f.width, f.channels});
  std::copy(f.samples.begin(), f.samples.end(), pixels.begin());
  return pixels;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace aixcell;
  if (argc != 2) {
    std::fprintf(stderr, "usage: 03_embed cells.safetensors\n");
    return 2;
  }
  try {
    // Load once. A model is const from here on: any number of threads may predict with it, each with its own context.
    context<cpu> ctx;
    pipeline<percentile, plain<4, 16>, unet, nuclei_per_cell, purpose::prediction> model;
    const model_card card = load_model_into(ctx, argv[1], model);

    const tensor<float> pixels = pixels_of(grab_frame());
    const prediction found = predict(ctx, model, pixels.as_view());

    for (const region_properties& cell : measure_regions(found.labels)) {
      const detected_object& object = found.objects[static_cast<std::size_t>(cell.label) - 1];
      const auto kind = static_cast<std::size_t>(object.object_class);
      std::printf("cell %d at (%.0f, %.0f): %td pixels, %s\n", cell.label, cell.centroid_y, cell.centroid_x, cell.area,
                  kind < card.class_names.size() ? card.class_names[kind].c_str() : "kind unknown");
    }
  } catch (const error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
}
