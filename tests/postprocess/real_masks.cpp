// How well the representations hold real nuclei: encode, decode, compare.
#include <cstdlib>
#include <filesystem>

#include <aixcell/io/png.hpp>
#include <aixcell/io/read_image.hpp>
#include <aixcell/postprocess/interior_border.hpp>
#include <aixcell/postprocess/star_convex.hpp>

#include "postprocess/objects.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

TEST_CASE("real nuclei survive encoding and decoding", "[postprocess]") {
  const char* data = std::getenv("AIXCELL_DATA");
  if (!data) {
    WARN("AIXCELL_DATA is not set: skipped");
    return;
  }
  std::vector<std::filesystem::path> masks;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(data) / "dsb2018_fluo/test/masks"))
    masks.push_back(entry.path());
  std::sort(masks.begin(), masks.end());
  REQUIRE(masks.size() >= 40);

  context<cpu> ctx;
  const star_convex<32> stars;
  const interior_border borders;
  match_counts by_stars, by_borders;
  for (std::size_t i = 0; i < masks.size(); i += 3) {
    const label_map labels = codecs<png_codec>::read_labels(masks[i]);
    const prediction s = stars.decode(ctx, perfect_stars(stars.target(ctx, annotated(labels))));
    const prediction b = borders.decode(ctx, perfect_borders(borders.target(ctx, annotated(labels))));
    REQUIRE((is_consistent(s) && is_consistent(b)));
    by_stars += matching(labels, s.labels).counts;
    by_borders += matching(labels, b.labels).counts;
  }
  const match_scores s = scores_of(by_stars), b = scores_of(by_borders);
  UNSCOPED_INFO("star_convex<32>: AP@0.5 " << s.average_precision << ", mean IoU " << s.mean_true_score
                                           << "; interior_border: AP@0.5 " << b.average_precision << ", mean IoU "
                                           << b.mean_true_score << "; " << by_stars.truth() << " nuclei");
  CHECK(s.average_precision >= 0.97);
  CHECK(s.mean_true_score >= 0.9);
  CHECK(b.average_precision >= 0.97);
  CHECK(b.mean_true_score >= 0.9);
}

}  // namespace aixcell::test
