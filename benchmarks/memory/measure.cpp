// benchmark_memory                          a table of every compiled-in pipeline, training and inference; exit code 1
//                                           when a prediction is off by more than 10 %
// benchmark_memory <pipeline> <mode>        one of them, in this process: predicted and measured bytes
//
// Measured is the greatest resident size of the process (VmHWM, all pages that the operating system had to give: pool,
// optimiser, heap, stacks, code that was touched) less its resident size (VmRSS) before the pipeline was set up, when
// the images were already in memory. The kernel's own peak is reset at that moment. Every measurement is a process of its
// own, so that no memory is found that another left behind.
//   training    a real step of `training` (crops, augmentation, loss, backward, clipping, AdamW, averaging) on
//               4 crops of 256x256, and the validation of one image that ends the epoch
//   inference   `predict` on one image of 256x256, twice
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

#include <aixcell/data/synthetic.hpp>
#include <aixcell/pipeline/training.hpp>
#include "aixcell_instances.hpp"

namespace aixcell {
namespace {

constexpr index_t edge = 256;
constexpr int batch = 4;

/// A value of /proc/self/status in bytes.
double from_status(const std::string& key) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line))
    if (line.starts_with(key + ":")) return 1024 * std::stod(line.substr(key.size() + 1));
  throw not_available("benchmark_memory: /proc/self/status has no " + key + "; run it on Linux");
}

struct measurement {
  double predicted = 0, measured = 0;  // bytes

  double error() const { return predicted / measured - 1; }
};

measurement measure(const registered_pipeline& entry, bool training_steps) {
  const dataset images = synthetic_dataset(batch, {.height = edge, .width = edge}, 1);
  const std::unique_ptr<any_pipeline> model = entry.make();
  const shape extents{training_steps ? batch : 1, edge, edge, images.channels};
  measurement m;
  {
    const resource_estimate estimate = model->estimate(extents);
    m.predicted = static_cast<double>(training_steps ? estimate.training_memory() : estimate.inference_memory());
  }
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak starts anew (proc(5))
  const double before = from_status("VmRSS");
  context<cpu> ctx(1);
  model->set_up(ctx, {.channels = static_cast<int>(images.channels), .seed = 1});
  model->fit_preprocess(ctx, images);
  if (training_steps) {
    training_options plan;
    plan.epochs = 1;
    plan.batch = batch;
    plan.tile = edge;
    plan.crops_per_epoch = batch;
    plan.validate_at_most = 1;
    training run(ctx, *model, images, images, plan);
    run.run_epoch();
  } else {
    for (int i = 0; i < 2; ++i) predict(ctx, *model, images.load(0).picture);
  }
  m.measured = from_status("VmHWM") - before;
  return m;
}

/// What another process measured.
measurement measure_alone(const std::string& pipeline, const std::string& mode) {
  FILE* const child =
      popen(("\"$(readlink /proc/" + std::to_string(getpid()) + "/exe)\" " + pipeline + " " + mode).c_str(), "r");
  measurement m;
  if (!child) throw not_available("benchmark_memory: no shell to start a process with");
  const int numbers = std::fscanf(child, "%lf %lf", &m.predicted, &m.measured);
  if (pclose(child) != 0 || numbers != 2)
    throw not_available("benchmark_memory: the process for " + pipeline + " failed");
  return m;
}

int measure_all(const pipeline_list& compiled) {
  int off = 0;
  std::printf(
      "| network | training: predicted MiB | measured | error | inference: predicted MiB | measured | error |\n"
      "|---|--:|--:|--:|--:|--:|--:|\n");
  for (const registered_pipeline& entry : compiled.entries()) {
    std::printf("| %s+%s", entry.encoder.c_str(), entry.decoder.c_str());
    for (const char* mode : {"training", "inference"}) {
      const measurement m = measure_alone(entry.name, mode);
      std::printf(" | %.1f | %.1f | %+.1f %%", m.predicted / 0x1p20, m.measured / 0x1p20, 100 * m.error());
      off += std::abs(m.error()) > 0.1;
    }
    std::printf(" |\n");
    std::fflush(stdout);
  }
  std::printf("\n%d of %zu off by more than 10 %%\n", off, 2 * compiled.entries().size());
  return off > 0;
}

}  // namespace
}  // namespace aixcell

int main(int argc, char** argv) {
  using namespace aixcell;
  try {
    const pipeline_list compiled = compiled_pipelines();
    if (argc == 1) return measure_all(compiled);
    if (argc != 3) {
      std::fprintf(stderr, "usage: benchmark_memory [PIPELINE training|inference]\n");
      return 2;
    }
    const measurement m = measure(compiled.find(argv[1]), std::string(argv[2]) == "training");
    std::printf("%.0f %.0f\n", m.predicted, m.measured);
    return 0;
  } catch (const error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
}
