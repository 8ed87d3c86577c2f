#include <aixcell/data/synthetic.hpp>

#include "io/support.hpp"

using namespace aixcell;
using namespace aixcell::test;

namespace {

/// For each cell, its components of pixels above `threshold` (8-connected) with at least `least` pixels.
std::vector<int> bright_components(const tensor<float>& dapi, const label_map& cells, float threshold,
                                   std::size_t least) {
  const aixcell::index_t height = cells.extent(0), width = cells.extent(1);
  std::vector<char> open(static_cast<std::size_t>(cells.size()));
  for (aixcell::index_t i = 0; i < cells.size(); ++i)
    open[static_cast<std::size_t>(i)] = cells[i] > 0 && dapi[i] > threshold;
  std::vector<int> found(static_cast<std::size_t>(*std::max_element(cells.begin(), cells.end())) + 1, 0);
  for (aixcell::index_t start = 0; start < cells.size(); ++start) {
    std::vector<aixcell::index_t> queue;
    const auto visit = [&](aixcell::index_t i) {
      if (!open[static_cast<std::size_t>(i)] || cells[i] != cells[start]) return;
      open[static_cast<std::size_t>(i)] = 0;
      queue.push_back(i);
    };
    visit(start);
    for (std::size_t next = 0; next < queue.size(); ++next)
      for (aixcell::index_t dy = -1; dy <= 1; ++dy)
        for (aixcell::index_t dx = -1; dx <= 1; ++dx) {
          const aixcell::index_t y = queue[next] / width + dy, x = queue[next] % width + dx;
          if (y >= 0 && x >= 0 && y < height && x < width) visit(y * width + x);
        }
    if (!queue.empty()) found[static_cast<std::size_t>(cells[start])] += queue.size() >= least;
  }
  return found;
}

/// DAPI, lightly smoothed, and its threshold after Otsu 1979.
std::pair<tensor<float>, float> smoothed_dapi(const example& e) {
  tensor<float> dapi({e.picture.height(), e.picture.width()});
  for (aixcell::index_t i = 0; i < dapi.size(); ++i) dapi[i] = e.picture.pixels[2 * i];
  gaussian_blur(context<cpu>(1), dapi, {1.0f, 1.0f});
  std::vector<float> sorted(dapi.begin(), dapi.end());
  std::sort(sorted.begin(), sorted.end());
  double total = 0, below = 0, best = -1;
  for (const float v : sorted) total += static_cast<double>(v);
  float threshold = 0;
  const double n = static_cast<double>(sorted.size());
  for (std::size_t k = 1; k < sorted.size(); ++k) {
    below += static_cast<double>(sorted[k - 1]);
    const double w = static_cast<double>(k), difference = below / w - (total - below) / (n - w);
    if (w * (n - w) * difference * difference > best)
      best = w * (n - w) * difference * difference, threshold = sorted[k];
  }
  return {dapi, threshold};
}

/// Share of cells whose class is told by counting bright components in the true cell (an advantage no program has),
/// with the best of several thresholds around Otsu's and of two least sizes.
double baseline_accuracy(float difficulty, int images) {
  std::vector<int> right(8, 0);
  int all = 0;
  for (int i = 0; i < images; ++i) {
    const example e = make_synthetic({.difficulty = difficulty}, random_stream(11, static_cast<std::uint64_t>(i)));
    const auto [dapi, threshold] = smoothed_dapi(e);
    all += static_cast<int>(e.truth.object_class.size());
    std::size_t setting = 0;
    for (const float factor : {0.8f, 1.0f, 1.2f, 1.5f})
      for (const std::size_t least : {8u, 25u}) {
        const auto found = bright_components(dapi, e.truth.labels, factor * threshold, least);
        for (std::size_t c = 0; c < e.truth.object_class.size(); ++c)
          right[setting] += (found[c + 1] >= 2) == (e.truth.object_class[c] == 1);
        ++setting;
      }
  }
  return static_cast<double>(*std::max_element(right.begin(), right.end())) / all;
}

}  // namespace

TEST_CASE("the ground truth of a synthetic section is consistent") {
  for (const float difficulty : {0.0f, 0.5f, 1.0f})
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      const example e = make_synthetic({.difficulty = difficulty}, random_stream(seed));
      REQUIRE(e.picture.pixels.shape() == shape{256, 256, 2});
      CHECK(e.picture.channel_names == std::vector<std::string>{"DAPI", "membrane"});
      for (const float v : e.picture.pixels) REQUIRE((v >= 0 && v <= 65535 && v == std::floor(v)));

      const auto cells = detail::distinct_labels(e.truth.labels);
      REQUIRE(cells.size() == e.truth.object_class.size());
      REQUIRE(cells.back() == static_cast<std::int32_t>(cells.size()));
      CHECK(cells.size() >= 8);
      const auto nuclei = nuclei_of_cells(e.truth.labels, e.truth.nuclei);
      std::size_t annotated = 0;
      for (std::size_t c = 0; c < cells.size(); ++c) {
        REQUIRE(nuclei[c].size() == static_cast<std::size_t>(e.truth.object_class[c]) + 1);
        annotated += nuclei[c].size();
      }
      CHECK(annotated == detail::distinct_labels(e.truth.nuclei).size());
      std::vector<std::int32_t> cell_of(annotated + 1, 0);
      for (aixcell::index_t i = 0; i < e.truth.nuclei.size(); ++i) {
        const std::int32_t n = e.truth.nuclei[i];
        if (n == 0) continue;
        REQUIRE(e.truth.labels[i] > 0);  // nuclei lie in cells, each in one
        auto& cell = cell_of[static_cast<std::size_t>(n)];
        REQUIRE((cell == 0 || cell == e.truth.labels[i]));
        cell = e.truth.labels[i];
      }
      label_map parts = e.truth.labels.clone();
      detail::keep_largest_parts(parts, 1);  // every cell is one piece
      CHECK(std::equal(parts.begin(), parts.end(), e.truth.labels.begin()));
    }
}

TEST_CASE("cells touch, are elongated, and as many as asked for have two nuclei") {
  const dataset set = synthetic_dataset(30, {.difficulty = 0.5f, .binuclear_fraction = 0.4f}, 3);
  CHECK(set.class_names == std::vector<std::string>{"mononuclear", "binuclear"});
  CHECK(set.has_nuclei());
  CHECK(set.has_object_classes());
  double binuclear = 0, touching = 0, area = 0;
  for (aixcell::index_t k = 0; k < set.size(); ++k) {
    const example e = set.load(k);
    std::vector<char> touches(e.truth.object_class.size() + 1, 0);
    for (aixcell::index_t y = 0; y + 1 < 256; ++y)
      for (aixcell::index_t x = 0; x + 1 < 256; ++x)
        for (const std::int32_t other : {e.truth.labels(y + 1, x), e.truth.labels(y, x + 1)})
          if (const std::int32_t here = e.truth.labels(y, x); here > 0 && other > 0 && here != other)
            touches[static_cast<std::size_t>(here)] = touches[static_cast<std::size_t>(other)] = 1;
    touching += static_cast<double>(std::count(touches.begin(), touches.end(), 1));
    for (const std::int32_t v : e.truth.labels) area += v > 0;
    for (const int c : e.truth.object_class) binuclear += c;
  }
  const double cells = static_cast<double>(set.objects());
  CHECK(binuclear / cells == Approx(0.4).margin(0.08));
  CHECK(touching / cells > 0.5);
  CHECK(2 * std::sqrt(area / cells / 3.14159) == Approx(48).margin(8));
}

TEST_CASE("counting bright spots does not solve the synthetic task") {
  const double easy = baseline_accuracy(0.0f, 8), middle = baseline_accuracy(0.5f, 8),
               hard = baseline_accuracy(1.0f, 8);
  INFO("accuracy " << easy << " " << middle << " " << hard);
  CHECK(easy > 0.9);  // the easiest sections are what they are for
  CHECK(middle < 0.85);
  CHECK(hard < middle + 0.05);
}

TEST_CASE("a section depends on seed and number only") {
  const synthetic_options options{.height = 96, .width = 128, .cell_diameter = 32};
  const dataset five = synthetic_dataset(5, options, 7), two = synthetic_dataset(2, options, 7);
  for (aixcell::index_t i = 0; i < 2; ++i) {
    const example a = five.load(i), b = two.load(i);
    REQUIRE(a.picture.pixels.shape() == shape{96, 128, 2});
    CHECK(std::equal(a.picture.pixels.begin(), a.picture.pixels.end(), b.picture.pixels.begin()));
    CHECK(std::equal(a.truth.labels.begin(), a.truth.labels.end(), b.truth.labels.begin()));
  }
  const example a = five.load(0), other = synthetic_dataset(1, options, 8).load(0);
  CHECK_FALSE(std::equal(a.picture.pixels.begin(), a.picture.pixels.end(), other.picture.pixels.begin()));
}

TEST_CASE("sections that cannot be are refused") {
  const auto refusal = [](const synthetic_options& options) {
    return message_of<data_error>([&] { make_synthetic(options, random_stream(1)); });
  };
  CHECK(contains(refusal({.height = 8}), "32x32"));
  CHECK(contains(refusal({.difficulty = 1.5f}), "difficulty"));
  CHECK(contains(refusal({.binuclear_fraction = -1}), "binuclear_fraction"));
  CHECK(contains(refusal({.cell_diameter = 4}), "cell_diameter"));
  CHECK(contains(refusal({.height = 32, .width = 32, .cell_diameter = 300}), "no cell"));
}
