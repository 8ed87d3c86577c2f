// How well the representations hold real nuclei: encode, decode, compare.
#include <cstdlib>
#include <filesystem>

#include <aixcell/io/png.hpp>
#include <aixcell/io/read_image.hpp>

#include "postprocess/perfect.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// Every third test mask of the fluorescent nuclei; empty where the data are not there.
std::vector<label_map> some_real_masks() {
  const char* data = std::getenv("AIXCELL_DATA");
  if (!data) {
    WARN("AIXCELL_DATA is not set: skipped");
    return {};
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(data) / "dsb2018_fluo/test/masks"))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  REQUIRE(files.size() >= 40);
  std::vector<label_map> masks;
  for (std::size_t i = 0; i < files.size(); i += 3) masks.push_back(codecs<png_codec>::read_labels(files[i]));
  return masks;
}

}  // namespace

TEMPLATE_TEST_CASE("real nuclei survive encoding and decoding", "[postprocess]", interior_border, star_convex<32>,
                   refined_star_convex<32>, distance_watershed, flow_field) {
  context<cpu> ctx;
  const TestType policy;
  dataset_matching clean, noisy;
  for (const label_map& labels : some_real_masks()) {
    tensor<float> output = perfect(policy, policy.target(ctx, annotated(labels)));
    const prediction found = policy.decode(ctx, output);
    REQUIRE(is_consistent(found));
    clean.add(labels, found.labels);
    random_stream random(5);
    for (index_t p = 0; p < output.size(); ++p)
      output[p] += 0.5f * noise_scale(policy, p % output.extent(2)) * random.normal();
    noisy.add(labels, policy.decode(ctx, output).labels);
  }
  if (clean.images().empty()) return;
  const auto before = clean.summary(), after = noisy.summary();
  const match_scores &half = before[0].pooled, &close = before[8].pooled, &shaken = after[0].pooled;
  CAPTURE(TestType::name, half.average_precision, close.average_precision, half.mean_true_score,
          shaken.average_precision, before[0].counts.truth());
  CHECK(half.average_precision >= 0.98);
  CHECK(half.mean_true_score >= 0.95);
  CHECK(close.average_precision >= 0.93);
  CHECK(shaken.average_precision >= 0.96);
}

}  // namespace aixcell::test
