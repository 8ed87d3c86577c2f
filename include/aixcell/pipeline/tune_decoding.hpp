#pragma once
#include <aixcell/pipeline/evaluate.hpp>

namespace aixcell {

struct tune_options {
  int values = 7;        ///< tried in the range of each tunable
  int rounds = 2;        ///< over all tunables
  index_t at_most = 48;  ///< validation images
  predict_options predict = {.keep_dense = true};
};

/// Sets the tunables that act only in decoding (thresholds) to what scores best on the validation split: coordinate
/// search, the networks' outputs computed once. Returns the score reached; never worse than before on that split.
inline double tune_decoding(context<cpu>& ctx, any_pipeline& model, const example_source& validation,
                            tune_options options = {}) {
  struct seen_image {
    example truth;
    tensor<float> dense;
    index_t height, width;
  };
  std::vector<seen_image> images;
  options.predict.keep_dense = true;
  evaluate(ctx, model, validation,
           {.predict = options.predict,
            .at_most = options.at_most,
            .seen = [&](index_t, const example& e, const prediction& p) {
              images.push_back({{{}, e.truth}, p.dense.clone(), e.picture.height(), e.picture.width()});
            }});
  const auto score = [&] {
    evaluation sum = empty_evaluation(model);
    std::vector<prediction> found(images.size());
    parallel_for(ctx, static_cast<index_t>(images.size()), [&](index_t i) {
      context<cpu> serial(1);
      const seen_image& image = images[static_cast<std::size_t>(i)];
      found[static_cast<std::size_t>(i)] = decode_to_size(serial, model, image.dense, image.height, image.width);
    });
    for (std::size_t i = 0; i < images.size(); ++i) sum.add(images[i].truth.truth, found[i]);
    return sum.score();
  };
  double best = score();
  for (int round = 0; round < options.rounds; ++round) {
    bool changed = false;
    for (const tunable& t : model.tunables()) {
      if (!t.decodes_only) continue;
      double kept = t.get();
      for (int v = 0; v < options.values; ++v) {
        const double candidate = t.low + (t.high - t.low) * (v + 0.5) / options.values;
        t.set(candidate);
        // A tie keeps the default, which was chosen on more data than this split.
        if (const double s = score(); s > best + 1e-6) best = s, kept = candidate, changed = true;
      }
      t.set(kept);
    }
    if (!changed) break;
  }
  return best;
}

}  // namespace aixcell
