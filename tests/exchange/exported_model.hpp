#pragma once
#include <aixcell/core/random.hpp>
#include <aixcell/pipeline/any_pipeline.hpp>

namespace aixcell::test {

/// Random pixels in the range of 8-bit files.
inline tensor<float> random_image(const shape& extents, random_stream& random) {
  tensor<float> image(extents);
  for (float& v : image) v = 255.0f * random.uniform();
  return image;
}

/// Moves every value that is 0 or 1 at first, so that no tensor can hide in another's place. Running statistics become
/// those of a random image: with arbitrary ones a deep network's values would grow or vanish.
inline void disturb(context<cpu>& ctx, any_pipeline& model, random_stream& random) {
  for (const network_tensor& t : model.tensors())
    if (t.gradient && !t.decays)
      for (float& v : *t.value) v += 0.2f * random.normal();
  const tensor<float> image = random_image({96, 96, model.setup().channels}, random);
  const tensor<float> x = model.preprocess(ctx, image.as_view());
  annotation truth;
  truth.labels = label_map({x.extent(0), x.extent(1)});
  const tensor<float> target = model.target(ctx, truth);
  const auto as_batch = [](const tensor<float>& t) { return t.reshaped({1, t.extent(0), t.extent(1), t.extent(2)}); };
  for (int step = 0; step < 2; ++step) model.learn(ctx, as_batch(x), as_batch(target));  // moves the statistics
}

}  // namespace aixcell::test
