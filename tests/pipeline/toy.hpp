#pragma once
// A data set and a pipeline small enough to train in a test.
#include <aixcell/data/dataset.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/pipeline/pipeline.hpp>
#include <aixcell/postprocess/interior_border.hpp>
#include <aixcell/postprocess/star_convex.hpp>
#include <aixcell/preprocess/percentile.hpp>

namespace aixcell::test {

using toy_pipeline = pipeline<percentile, plain<2, 4>, unet, interior_border>;
using toy_star_pipeline = pipeline<percentile, plain<2, 4>, unet, star_convex<8>>;

/// Bright discs of radius 5 to 8 on a noisy dark background; one that would hide behind another is left out.
inline example discs(index_t height, index_t width, int count, random_stream random) {
  example e;
  e.picture.pixels = tensor<float>({height, width, 1});
  e.truth.labels = label_map({height, width});
  for (float& v : e.picture.pixels) v = 20 + 4 * random.normal();
  for (int n = 1; n <= count; ++n) {
    const auto radius = static_cast<float>(5 + random.below(4));
    const auto y = static_cast<float>(random.below(height)), x = static_cast<float>(random.below(width));
    std::vector<index_t> disc;
    bool free = true;
    for (index_t i = 0; i < height; ++i)
      for (index_t j = 0; j < width; ++j) {
        const float dy = static_cast<float>(i) - y, dx = static_cast<float>(j) - x;
        if (dy * dy + dx * dx > radius * radius) continue;
        disc.push_back(i * width + j);
        free = free && e.truth.labels[disc.back()] == 0;
      }
    for (const index_t p : disc) {
      if (!free) break;
      e.truth.labels[p] = n;
      e.picture.pixels[p] += 80;
    }
  }
  return e;
}

/// Share of the pixels whose labels differ.
inline double unlike(const label_map& a, const label_map& b) {
  if (a.shape() != b.shape()) return 1;
  index_t count = 0;
  for (index_t p = 0; p < a.size(); ++p) count += a[p] != b[p];
  return a.empty() ? 0 : static_cast<double>(count) / static_cast<double>(a.size());
}

inline dataset discs_dataset(int images, index_t height = 48, index_t width = 48) {
  std::vector<example> all;
  for (int i = 0; i < images; ++i)
    all.push_back(discs(height, width, 4, random_stream(11).child(static_cast<std::uint64_t>(i))));
  return dataset::from_examples("discs", std::move(all));
}

}  // namespace aixcell::test
