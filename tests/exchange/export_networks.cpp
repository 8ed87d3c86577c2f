// Writes every pipeline it was built with, with random weights, as ONNX graphs for several image sizes, each beside an
// input and what aixcell makes of it: <folder>/<pipeline>_<HxW>.{onnx,input.npy,output.npy}. run_networks.py runs the
// graphs in other programs.
#include <cstdio>
#include <filesystem>

#include <aixcell/core/random.hpp>
#include <aixcell/exchange/onnx.hpp>
#include <aixcell/exchange/planes.hpp>
#include <aixcell/exchange/write_onnx.hpp>
#include <aixcell/io/npy.hpp>

#include "aixcell_instances.hpp"
#include "exchange/exported_model.hpp"

namespace aixcell {
namespace {

/// Random images [N,H,W,C] and the network's output for them, as planes.
void write_case(context<cpu>& ctx, const any_pipeline& model, const std::string& stem, const shape& batch,
                random_stream& random) {
  const tensor<float> images = test::random_image(batch, random);
  write_npy(stem + ".input.npy", to_planes(images));
  tensor<float> x(batch);
  for (index_t n = 0; n < batch[0]; ++n) {
    const tensor<float> one = model.preprocess(ctx, images.slice(n));
    std::copy(one.begin(), one.end(), x.slice(n).begin());
  }
  write_npy(stem + ".output.npy", to_planes(model.forward(ctx, x)));
}

}  // namespace
}  // namespace aixcell

int main(int argc, char** argv) {
  using namespace aixcell;
  if (argc != 2) return 2;
  std::filesystem::create_directories(argv[1]);
  context<cpu> ctx(1);
  std::uint64_t number = 0;
  const pipeline_list compiled = compiled_pipelines();
  for (const registered_pipeline& p : compiled.entries()) {
    const auto model = p.make();
    random_stream random = random_stream(7).child(number++);
    model->set_up(ctx, {.channels = 1 + static_cast<int>(number % 3), .image_classes = 4, .seed = number});
    test::disturb(ctx, *model, random);
    for (const auto& [height, width] : {std::pair{64, 64}, std::pair{65, 97}}) {
      const onnx_model exported = to_onnx(ctx, *model, {.height = height, .width = width});
      const std::string size = std::to_string(height) + "x" + std::to_string(width);
      const std::filesystem::path stem = std::filesystem::path(argv[1]) / (p.name + "_" + size);
      write_onnx(stem.string() + ".onnx", exported.graph);
      write_case(ctx, *model, stem.string(), {1, height, width, exported.channels}, random);
      // A graph that says so works on any number of images of other sizes.
      if (exported.any_size && exported.any_batch)
        write_case(ctx, *model, stem.string() + ".free", {2, 96, 160, exported.channels}, random);
    }
    std::printf("%s\n", p.name.c_str());
    std::fflush(stdout);
  }
}
