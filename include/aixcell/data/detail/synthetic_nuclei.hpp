#pragma once
#include <optional>

#include <aixcell/data/detail/synthetic_tissue.hpp>

namespace aixcell::detail {

/// One nucleus: an ellipse, or two that overlap (bilobed).
struct nucleus {
  std::vector<blob> lobes;
  float brightness = 1;
};

struct nuclei_options {
  float diameter;    ///< of a typical nucleus, pixels
  float difficulty;  ///< how often mononuclear looks binuclear and the reverse
};

inline blob nucleus_lobe(float diameter, float aspect, float angle, random_stream& random) {
  blob lobe;
  lobe.along = diameter / 2 * std::sqrt(aspect);
  lobe.across = diameter / 2 / std::sqrt(aspect);
  lobe.angle = angle + 0.15f * random.normal();
  roughen(lobe, 0.04f, random);
  return lobe;
}

inline void move_along(blob& b, float angle, float distance) {
  b.y += std::sin(angle) * distance;
  b.x += std::cos(angle) * distance;
}

/// The one nucleus of a mononuclear cell, around (0,0): plain, large (polyploid), long or bilobed.
inline nucleus lone_nucleus(const nuclei_options& options, float angle, random_stream& random) {
  const float spread = 0.12f * random.normal();
  const float diameter = options.diameter * std::exp(std::clamp(spread, -0.3f, 0.3f));
  const float aspect = random.uniform(1.15f, 2.0f);
  const float kind = random.uniform();
  if (kind < 0.45f * options.difficulty) {  // two lobes with a waist
    nucleus n{{nucleus_lobe(0.85f * diameter, random.uniform(1.1f, 1.4f), angle, random)}, 1};
    n.lobes.push_back(n.lobes.front());
    const float apart = random.uniform(0.6f, 0.8f) * n.lobes.front().along;
    move_along(n.lobes[0], angle, apart);
    move_along(n.lobes[1], angle, -apart);
    n.lobes[1].across *= random.uniform(0.8f, 1.1f);
    return n;
  }
  if (kind < 0.7f * options.difficulty) return {{nucleus_lobe(1.1f * diameter, 2.9f, angle, random)}, 1};
  if (kind < 0.9f * options.difficulty) return {{nucleus_lobe(1.4f * diameter, aspect, angle, random)}, 1};
  return {{nucleus_lobe(diameter, aspect, angle, random)}, 1};
}

/// The two nuclei of a binuclear cell, side by side along the cell, around (0,0).
inline std::vector<nucleus> twin_nuclei(const nuclei_options& options, float angle, random_stream& random) {
  const float diameter = 0.88f * options.diameter * random.uniform(0.9f, 1.1f);
  const float aspect = random.uniform(1.1f, 1.8f);
  std::vector<nucleus> twins;
  for (int i = 0; i < 2; ++i) twins.push_back({{nucleus_lobe(diameter, aspect, angle, random)}, 1});
  const float touching = 0.6f * options.difficulty;
  const float gap = random.chance(touching) ? random.uniform(0.0f, 2.0f) : random.uniform(2.0f, 1.6f * diameter);
  const float half = (twins[0].lobes[0].along + twins[1].lobes[0].along + gap) / 2;
  const float tilt = angle + 0.25f * random.normal();
  move_along(twins[0].lobes[0], tilt, half);
  move_along(twins[1].lobes[0], tilt, -half);
  return twins;
}

/// Pixels of a nucleus; none if one of them is not well inside the cell, belongs to another nucleus or is outside.
inline std::vector<index_t> nucleus_pixels(const nucleus& n, const label_map& cells, const label_map& nuclei,
                                           std::int32_t cell) {
  const index_t height = cells.extent(0), width = cells.extent(1);
  std::vector<index_t> pixels;
  bool fits = true;
  for (const blob& lobe : n.lobes) {
    const float reach = std::max(lobe.along, lobe.across);
    fits = fits && lobe.y - reach >= 0 && lobe.x - reach >= 0 && lobe.y + reach <= static_cast<float>(height) &&
           lobe.x + reach <= static_cast<float>(width);
    for_each_inside(lobe, cells.shape(), 1, [&](index_t y, index_t x, float) {
      fits = fits && y > 1 && x > 1 && y + 2 < height && x + 2 < width && cells(y, x) == cell && nuclei(y, x) == 0 &&
             cells(y - 2, x) == cell && cells(y + 2, x) == cell && cells(y, x - 2) == cell && cells(y, x + 2) == cell;
      if (fits) pixels.push_back(y * width + x);
    });
  }
  if (!fits || pixels.size() < 12) pixels.clear();
  return pixels;
}

struct cell_body {
  std::int32_t number;
  float y, x, angle;  ///< centre of its pixels, direction of its long axis
};

/// Puts the nuclei into their cell, trying places near its centre, ever smaller. False if they fit nowhere.
inline bool place_nuclei(std::vector<nucleus>& wanted, const cell_body& cell, const label_map& cells, label_map& nuclei,
                         std::int32_t& last_number, random_stream& random) {
  constexpr int attempts = 40;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const float shrink = std::pow(0.985f, static_cast<float>(attempt));
    const float along = random.normal(0, 2 + 0.25f * static_cast<float>(attempt));
    const float across = random.normal(0, 1);
    std::vector<nucleus> tried = wanted;
    for (nucleus& n : tried)
      for (blob& lobe : n.lobes) {
        lobe.along *= shrink;
        lobe.across *= shrink;
        lobe.y = cell.y + shrink * lobe.y + std::sin(cell.angle) * along + std::cos(cell.angle) * across;
        lobe.x = cell.x + shrink * lobe.x + std::cos(cell.angle) * along - std::sin(cell.angle) * across;
      }
    std::vector<std::vector<index_t>> pixels;
    for (const nucleus& n : tried) {
      pixels.push_back(nucleus_pixels(n, cells, nuclei, cell.number));
      if (pixels.back().empty()) break;
      for (const index_t i : pixels.back()) nuclei[i] = last_number + static_cast<std::int32_t>(pixels.size());
    }
    if (!pixels.back().empty()) {
      last_number += static_cast<std::int32_t>(pixels.size());
      wanted = std::move(tried);
      return true;
    }
    for (const auto& list : pixels)
      for (const index_t i : list) nuclei[i] = 0;
  }
  return false;
}

}  // namespace aixcell::detail
