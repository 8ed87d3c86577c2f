// What it does   Adds two stages of one's own, a preprocess and a postprocess policy, and trains a pipeline with them.
// How to run     02_custom_stage [epochs]            (20 if not said; about a minute)
// What it prints The pipeline's name, the loss of each epoch and the average precision on images it has not seen.
// Read next      03_embed.cpp: a trained model inside another program.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <aixcell/data/synthetic.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/pipeline/evaluate.hpp>
#include <aixcell/pipeline/fit.hpp>
#include <aixcell/pipeline/pipeline.hpp>

namespace my {

using namespace aixcell;
using aixcell::index_t;  // POSIX has a function of this name

/// Photon counts to a logarithmic scale: dim and bright cells look alike.
///   in [H,W,C] float32, >= 0        out [H,W,C] float32, 0 where the image is darkest
struct logarithm {
  static constexpr std::string_view name = "logarithm";
  static constexpr int channels_out(int channels_in) { return channels_in; }

  float unit = 100.0f;  ///< counts below this are nearly linear

  /// What a search may tune, and where. The default is the member's initialiser.
  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"unit", &logarithm::unit, 1.0f, 10000.0f, scale::logarithmic}};
  }

  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels) const {
    tensor<float> out(ctx, pixels.shape());
    float lowest = 1e30f;
    for (index_t i = 0; i < pixels.size(); ++i) {
      out[i] = std::log1p(std::max(0.0f, pixels[i]) / unit);
      lowest = std::min(lowest, out[i]);
    }
    for (float& v : out) v -= lowest;
    return out;
  }
};
static_assert(Preprocess<logarithm>);  // the first test of every policy: it is one

/// Objects as connected patches of foreground, for cells that do not touch. One output channel: the logit of foreground.
/// A postprocess policy owns its representation both ways: target and loss for training, decoding for prediction.
struct patches {
  static constexpr std::string_view name = "patches";
  static constexpr task solves = task::instance_segmentation;
  static constexpr int output_channels() { return 1; }
  static constexpr int target_channels() { return 1; }

  index_t gap = 2;          ///< pixels that are background on either side where objects touch
  index_t least_area = 60;  ///< smaller patches are noise

  /// [H,W,1]: 1 object, 0 background, -1 unknown. Pixels near another object count as background, to keep the two apart.
  tensor<float> target(context<cpu>& ctx, const annotation& truth) const {
    const label_map& labels = truth.labels;
    const index_t height = labels.extent(0), width = labels.extent(1);
    tensor<float> t(ctx, {height, width, 1});
    for (index_t y = 0; y < height; ++y)
      for (index_t x = 0; x < width; ++x) {
        const auto here = labels(y, x);
        bool touches = false;
        for (index_t v = std::max<index_t>(0, y - gap); v <= std::min(height - 1, y + gap); ++v)
          for (index_t u = std::max<index_t>(0, x - gap); u <= std::min(width - 1, x + gap); ++u)
            touches = touches || (labels(v, u) > 0 && labels(v, u) != here);
        t(y, x, 0) = here == ignored_label ? -1.0f : (here > 0 && !touches ? 1.0f : 0.0f);
      }
    return t;
  }

  /// Mean binary cross-entropy of output [N,H,W,1] against target [N,H,W,1]; the gradient is overwritten.
  double loss(context<cpu>&, view<const float, cpu> output, view<const float, cpu> target,
              view<float, cpu> gradient) const {
    double sum = 0;
    const double share = 1.0 / static_cast<double>(output.size());
    for (index_t i = 0; i < output.size(); ++i) {
      const double z = output[i], t = target[i];
      gradient[i] = 0;
      if (t < 0) continue;
      sum += share * (std::max(z, 0.0) - z * t + std::log1p(std::exp(-std::abs(z))));
      gradient[i] = static_cast<float>(share * (1 / (1 + std::exp(-z)) - t));
    }
    return sum;
  }

  /// Numbers the 4-connected patches of output [H,W,1] above 0.
  prediction decode(context<cpu>&, view<const float, cpu> output) const {
    const index_t height = output.extent(0), width = output.extent(1);
    prediction found;
    found.labels = label_map({height, width});
    label_map& labels = found.labels;
    std::vector<index_t> patch;
    for (index_t start = 0; start < labels.size(); ++start) {
      if (output[start] <= 0 || labels[start] != 0) continue;
      const auto number = static_cast<std::int32_t>(found.objects.size() + 1);
      patch.assign(1, start);
      labels[start] = number;
      for (std::size_t k = 0; k < patch.size(); ++k) {  // the patch grows while we walk over it
        const index_t y = patch[k] / width, x = patch[k] % width;
        const auto visit = [&](index_t to) {
          if (output[to] <= 0 || labels[to] != 0) return;
          labels[to] = number;
          patch.push_back(to);
        };
        if (y > 0) visit(patch[k] - width);
        if (y + 1 < height) visit(patch[k] + width);
        if (x > 0) visit(patch[k] - 1);
        if (x + 1 < width) visit(patch[k] + 1);
      }
      if (static_cast<index_t>(patch.size()) >= least_area)
        found.objects.emplace_back();
      else
        for (const index_t i : patch) labels[i] = ignored_label;  // not to be visited again
    }
    for (std::int32_t& label : labels) label = std::max(label, 0);
    return found;
  }
};
static_assert(Postprocess<patches>);

}  // namespace my

int main(int argc, char** argv) {
  using namespace aixcell;
  try {
    context<cpu> ctx;
    const dataset cells = synthetic_dataset(24, {.height = 128, .width = 128, .difficulty = 0.1f}, 2);
    const auto [to_learn, to_test] = split(cells, {.validation = 0.25});

    // Own stages beside those of the library; no registration, no base class.
    pipeline<my::logarithm, plain<3, 8>, unet, my::patches> model;
    std::printf("%s\n", model.name().c_str());

    fit_options options;
    options.training.epochs = argc > 1 ? std::atoi(argv[1]) : 20;
    options.training.tile = 128;
    options.on_epoch = [](const epoch_report& r) { std::printf("epoch %d: loss %.3f\n", r.epoch, r.loss); };
    fit(ctx, model, to_learn, options);
    std::printf("AP at IoU 0.5: %.3f\n", evaluate(ctx, model, to_test).objects.summary()[0].pooled.average_precision);
  } catch (const error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
}
