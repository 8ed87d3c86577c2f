// An image through a file and through a pipeline that was compiled in.
#include <aixcell/io/any_image.hpp>
#include <aixcell/io/write_png.hpp>
#include <aixcell/pipeline/predict.hpp>

#include "aixcell_instances.hpp"

int main() {
  using namespace aixcell;
  const char* const path = "consumer_labels.png";
  tensor<std::int32_t> labels({32, 40});
  for (aixcell::index_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i);
  write_png_labels(path, labels);
  const image picture = read_image(path);
  std::filesystem::remove(path);
  if (picture.pixels(31, 39, 0) != 1279) return 1;

  const pipeline_list compiled = compiled_pipelines();
  if (compiled.entries().size() != 1) return 2;
  const auto model = compiled.entries().front().make();
  context<cpu> ctx;
  model->set_up(ctx, {.channels = 1, .seed = 1});
  const prediction said = predict(ctx, *model, picture);
  return said.labels.shape() == shape{32, 40} ? 0 : 3;
}
