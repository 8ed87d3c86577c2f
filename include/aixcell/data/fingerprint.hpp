#pragma once
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include <aixcell/data/dataset.hpp>
#include <aixcell/kernels/cpu/illumination.hpp>

namespace aixcell {

/// What a data set looks like, in numbers that decide which pipeline suits it.
struct fingerprint {
  index_t images = 0;
  index_t channels = 0;
  index_t median_height = 0, median_width = 0;
  index_t objects = 0;                            ///< 0 for semantic data sets, as all below that speaks of objects
  double objects_per_image = 0;                   ///< median
  std::array<double, 5> diameter_percentiles{};   ///< 5, 25, 50, 75, 95 percent, of the disc of equal area, pixels
  double foreground = 0;                          ///< share of annotated pixels
  double touching = 0;                            ///< share of objects that touch another
  std::array<double, 3> intensity_percentiles{};  ///< 1, 50, 99.8 percent, mean over images and channels, file units
  double background_unevenness = 0;               ///< deviation of the background between image blocks / its range
  double light_falloff = 0;                       ///< of the light that all images share: 1 - darkest / brightest place
  double stained = 0;                             ///< share of images in colour on a bright background
  bool intensities_comparable = false;            ///< declared: a value means the same in every image
  double noise = 0;                               ///< robust deviation of the Laplacian / intensity range
  std::vector<double> class_counts;               ///< objects (semantic: pixels) by class
  std::vector<double> image_class_counts;         ///< images by class
  bool has_nuclei = false;
  bool has_object_classes = false;
  bool has_image_classes = false;
  std::uint64_t digest = 0;  ///< of ids, sizes, labels and pixels: equal data, equal digest
};

namespace detail {

/// What one image adds to the fingerprint.
struct image_facts {
  std::vector<double> diameters;
  double touching = 0, foreground = 0;
  std::array<double, 3> intensity{};
  double unevenness = 0, noise = 0;
  illumination light;
  bool stained = false;
  std::uint64_t digest = 0;
};

/// FNV-1a over 32-bit words.
constexpr std::uint64_t mix_digest(std::uint64_t digest, std::uint32_t word) {
  return (digest ^ word) * 0x100000001B3u;
}

inline double at_percent(std::vector<double>& values, double percent) {
  if (values.empty()) return 0;
  const auto k = static_cast<std::ptrdiff_t>(percent / 100 * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + k, values.end());
  return values[static_cast<std::size_t>(k)];
}

inline void survey_labels(const label_map& labels, image_facts& f) {
  if (labels.empty()) return;
  std::vector<double> areas(1, 0);
  std::vector<bool> touches(1, false);
  const auto note = [&](std::int32_t label) {
    if (static_cast<std::size_t>(label) >= areas.size())
      areas.resize(static_cast<std::size_t>(label) + 1, 0), touches.resize(areas.size(), false);
  };
  for (index_t i = 0; i < labels.extent(0); ++i)
    for (index_t j = 0; j < labels.extent(1); ++j) {
      const std::int32_t a = labels(i, j);
      f.digest = mix_digest(f.digest, static_cast<std::uint32_t>(a));
      if (a <= 0) continue;
      note(a);
      ++areas[static_cast<std::size_t>(a)];
      f.foreground += 1.0 / static_cast<double>(labels.size());
      const auto meet = [&](std::int32_t b) {
        if (b <= 0 || b == a) return;
        note(b);
        touches[static_cast<std::size_t>(a)] = touches[static_cast<std::size_t>(b)] = true;
      };
      if (j + 1 < labels.extent(1)) meet(labels(i, j + 1));
      if (i + 1 < labels.extent(0)) meet(labels(i + 1, j));
    }
  for (std::size_t o = 1; o < areas.size(); ++o) {
    if (areas[o] == 0) continue;
    f.diameters.push_back(2 * std::sqrt(areas[o] / std::numbers::pi));
    f.touching += touches[o];
  }
}

inline void survey_intensities(const tensor<float>& pixels, const label_map& labels, image_facts& f) {
  const index_t height = pixels.extent(0), width = pixels.extent(1), channels = pixels.extent(2);
  for (const float v : pixels) f.digest = mix_digest(f.digest, std::bit_cast<std::uint32_t>(v));
  for (index_t c = 0; c < channels; ++c) {
    std::vector<double> values;
    for (index_t p = 0; p < height * width; ++p) values.push_back(static_cast<double>(pixels[p * channels + c]));
    const double low = at_percent(values, 1), middle = at_percent(values, 50), high = at_percent(values, 99.8),
                 range = std::max(high - low, 1e-12);
    const double share = 1.0 / static_cast<double>(channels);
    f.intensity[0] += share * low, f.intensity[1] += share * middle, f.intensity[2] += share * high;
    // Medians of the background in 4 x 4 blocks.
    std::vector<double> medians;
    for (index_t b = 0; b < 16; ++b) {
      std::vector<double> block;
      for (index_t i = b / 4 * height / 4; i < (b / 4 + 1) * height / 4; ++i)
        for (index_t j = b % 4 * width / 4; j < (b % 4 + 1) * width / 4; ++j)
          if (labels.empty() || labels(i, j) <= 0) block.push_back(static_cast<double>(pixels(i, j, c)));
      if (block.size() >= 16) medians.push_back(at_percent(block, 50));
    }
    double mean = 0, square = 0;
    for (const double m : medians) mean += m / static_cast<double>(medians.size());
    for (const double m : medians) square += (m - mean) * (m - mean) / static_cast<double>(medians.size());
    f.unevenness += share * std::sqrt(square) / range;
    std::vector<double> laplacian;
    for (index_t i = 1; i + 1 < height; ++i)
      for (index_t j = 1; j + 1 < width; ++j)
        laplacian.push_back(
            std::abs(4.0 * static_cast<double>(pixels(i, j, c)) - static_cast<double>(pixels(i - 1, j, c)) -
                     static_cast<double>(pixels(i + 1, j, c)) - static_cast<double>(pixels(i, j - 1, c)) -
                     static_cast<double>(pixels(i, j + 1, c))));
    // Median absolute deviation to deviation, and the Laplacian's gain on white noise: sqrt(16 + 4).
    f.noise += share * at_percent(laplacian, 50) * 1.4826 / std::sqrt(20.0) / range;
  }
}

/// Red, green and blue of which even the darkest is bright where nothing lies: light passed through a specimen that takes
/// away more of one colour than of another.
inline bool looks_stained(const tensor<float>& pixels) {
  if (pixels.extent(2) != 3) return false;
  const double white = *std::max_element(pixels.begin(), pixels.end()) > 255 ? 65535 : 255;
  std::vector<double> darkest;
  double colour = 0;
  for (index_t p = 0; p < pixels.size(); p += 3) {
    const auto [low, high] = std::minmax({pixels[p], pixels[p + 1], pixels[p + 2]});
    darkest.push_back(static_cast<double>(low));
    colour += static_cast<double>(high) - static_cast<double>(low);
  }
  const auto count = static_cast<double>(darkest.size());
  return at_percent(darkest, 95) > 0.4 * white && colour / count > 0.05 * white;
}

/// What the light of all images has in common: their objects lie here and there and cancel. Images of other numbers of
/// channels than the first do not count.
inline illumination common_light(const std::vector<image_facts>& facts) {
  illumination common;
  double images = 0;
  for (const image_facts& f : facts) {
    if (common.log_light.empty()) common.log_light.resize(f.light.log_light.size());
    if (common.log_light.size() != f.light.log_light.size()) continue;
    ++images;
    for (std::size_t c = 0; c < common.log_light.size(); ++c)
      for (std::size_t k = 0; k < common.log_light[c].size(); ++k)
        common.log_light[c][k] += (f.light.log_light[c][k] - common.log_light[c][k]) / images;
  }
  return common;
}

}  // namespace detail

/// One pass over all images, in parallel. Throws what reading throws.
inline fingerprint fingerprint_of(context<cpu>& ctx, const dataset& set) {
  std::vector<detail::image_facts> facts(static_cast<std::size_t>(set.size()));
  parallel_for(ctx, set.size(), [&](index_t i) {
    const example e = set.load(i);
    detail::image_facts& f = facts[static_cast<std::size_t>(i)];
    f.digest = 0xCBF29CE484222325u;
    for (const char letter : set.samples[static_cast<std::size_t>(i)].id)
      f.digest = detail::mix_digest(f.digest, static_cast<unsigned char>(letter));
    for (int d = 0; d < 3; ++d)
      f.digest = detail::mix_digest(f.digest, static_cast<std::uint32_t>(e.picture.pixels.extent(d)));
    if (e.truth.image_class >= 0) f.digest = detail::mix_digest(f.digest, static_cast<std::uint32_t>(e.truth.image_class));
    detail::survey_labels(e.truth.labels, f);
    if (set.task == task::semantic_segmentation) f.diameters.clear(), f.touching = 0;  // class regions are no objects
    detail::survey_intensities(e.picture.pixels, e.truth.labels, f);
    context<cpu> serial(1);
    f.light = estimate_illumination(serial, e.picture.pixels);
    f.stained = detail::looks_stained(e.picture.pixels);
  });

  fingerprint all;
  all.images = set.size();
  all.channels = set.channels;
  all.light_falloff = falloff(detail::common_light(facts));
  all.intensities_comparable = set.intensities_comparable;
  all.has_nuclei = set.has_nuclei();
  all.has_object_classes = set.has_object_classes();
  all.has_image_classes = set.has_image_classes();
  all.image_class_counts = set.image_class_counts();
  all.class_counts.assign(set.class_names.size(), 0.0);
  all.digest = 0xCBF29CE484222325u;
  std::vector<double> heights, widths, counts, diameters;
  const double share = 1.0 / static_cast<double>(std::max<index_t>(1, set.size()));
  double touching = 0;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const detail::image_facts& f = facts[i];
    const sample& s = set.samples[i];
    heights.push_back(static_cast<double>(s.size[0]));
    widths.push_back(static_cast<double>(s.size[1]));
    counts.push_back(static_cast<double>(f.diameters.size()));
    diameters.insert(diameters.end(), f.diameters.begin(), f.diameters.end());
    touching += f.touching;
    all.foreground += share * f.foreground;
    for (std::size_t k = 0; k < 3; ++k) all.intensity_percentiles[k] += share * f.intensity[k];
    all.background_unevenness += share * f.unevenness;
    all.stained += f.stained ? share : 0;
    all.noise += share * f.noise;
    for (std::size_t c = 0; c < std::min(s.class_counts.size(), all.class_counts.size()); ++c)
      all.class_counts[c] += s.class_counts[c];
    all.digest = detail::mix_digest(detail::mix_digest(all.digest, static_cast<std::uint32_t>(f.digest)),
                                    static_cast<std::uint32_t>(f.digest >> 32));
  }
  all.objects = static_cast<index_t>(diameters.size());
  all.touching = diameters.empty() ? 0 : touching / static_cast<double>(diameters.size());
  all.median_height = static_cast<index_t>(detail::at_percent(heights, 50));
  all.median_width = static_cast<index_t>(detail::at_percent(widths, 50));
  all.objects_per_image = detail::at_percent(counts, 50);
  constexpr std::array<double, 5> percents{5, 25, 50, 75, 95};
  for (std::size_t k = 0; k < percents.size(); ++k)
    all.diameter_percentiles[k] = detail::at_percent(diameters, percents[k]);
  return all;
}

}  // namespace aixcell
