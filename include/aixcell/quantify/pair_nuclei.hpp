#pragma once
#include <algorithm>
#include <cmath>
#include <map>

#include <aixcell/data/cell_nuclei.hpp>
#include <aixcell/metrics/region_properties.hpp>
#include <aixcell/quantify/neighbours.hpp>

namespace aixcell {

/// The centroids of objects, in their order.
inline std::vector<image_point> centroids_of(const std::vector<region_properties>& regions) {
  std::vector<image_point> points;
  for (const region_properties& r : regions) points.push_back({r.centroid_y, r.centroid_x});
  return points;
}

struct nucleus_assignment {
  std::int32_t nucleus = 0;  ///< its label
  std::int32_t cell = 0;     ///< label of its cell, 0 if none is near
  double distance = 0;       ///< from the nucleus' centroid to that cell's nearest pixel; 0 if most of it lies inside
};

/// The cell of every nucleus, by ascending label of nuclei: the one that covers most of it (see nuclei_of_cells), else the
/// one with a pixel nearest to its centroid, at most `radius` pixels away. `cells`, `nuclei` [H,W]. Throws shape_error
/// if the sizes differ.
inline std::vector<nucleus_assignment> assign_nuclei(const label_map& cells, const label_map& nuclei, double radius) {
  std::map<std::int32_t, std::int32_t> covered;
  const auto inside = nuclei_of_cells(cells, nuclei);
  for (std::size_t c = 0; c < inside.size(); ++c)
    for (const std::int32_t nucleus : inside[c]) covered[nucleus] = static_cast<std::int32_t>(c + 1);

  // The nearest pixel of a cell, seen from outside, is one of its edge.
  std::vector<image_point> edge;
  std::vector<std::int32_t> edge_cell;
  const index_t height = cells.extent(0), width = cells.extent(1);
  for (index_t y = 0; y < height; ++y)
    for (index_t x = 0; x < width; ++x) {
      const std::int32_t c = cells(y, x);
      if (c <= 0) continue;
      if (y > 0 && y + 1 < height && x > 0 && x + 1 < width && cells(y - 1, x) == c && cells(y + 1, x) == c &&
          cells(y, x - 1) == c && cells(y, x + 1) == c)
        continue;
      edge.push_back({static_cast<double>(y), static_cast<double>(x)});
      edge_cell.push_back(c);
    }
  const point_index edges(std::move(edge));

  std::vector<nucleus_assignment> all;
  for (const region_properties& n : measure_regions(nuclei)) {
    nucleus_assignment found{n.label, 0, 0};
    if (const auto in = covered.find(n.label); in != covered.end()) {
      found.cell = in->second;
    } else if (const auto near = edges.nearest({n.centroid_y, n.centroid_x}, 1);
               !near.empty() && near[0].distance <= radius) {
      found.cell = edge_cell[static_cast<std::size_t>(near[0].point)];
      found.distance = near[0].distance;
    }
    all.push_back(found);
  }
  return all;
}

/// When two nuclei are taken for those of one binuclear cell, where nobody sees the cells' outlines. The defaults are
/// those of sister nuclei that lie close and look alike; `fit_pair_criteria` learns them from images with cells.
struct pair_criteria {
  double distance = 2.5;   ///< at most, between centroids, in mean equivalent diameters of the two
  double area = 0.7;       ///< at least, smaller over larger
  double intensity = 0.6;  ///< at least, dimmer over brighter, mean of the first channel above background; 0: not asked
};

/// Two nuclei that are each other's nearest neighbour, and how alike they are.
struct nucleus_pair {
  index_t first = 0, second = 0;                 ///< positions in the list of nuclei, first < second
  double distance = 0, area = 1, intensity = 1;  ///< as in `pair_criteria`

  bool meets(const pair_criteria& c) const {
    return distance <= c.distance && area >= c.area && intensity >= c.intensity;
  }
};

/// All pairs of nuclei that are mutual nearest neighbours; no nucleus is in two. `background` is taken off the intensities,
/// which are the mean of the first channel; without intensities they count as equal.
inline std::vector<nucleus_pair> mutual_pairs(const std::vector<region_properties>& nuclei, double background = 0) {
  const point_index index(centroids_of(nuclei));
  std::vector<index_t> nearest;
  for (index_t i = 0; i < static_cast<index_t>(nuclei.size()); ++i) {
    const auto found = index.nearest(index.points()[static_cast<std::size_t>(i)], 1, i);
    nearest.push_back(found.empty() ? -1 : found[0].point);
  }
  const auto ratio = [](double a, double b) {
    const double low = std::max(0.0, std::min(a, b)), high = std::max(a, b);
    return high > 0 ? low / high : 1.0;
  };
  std::vector<nucleus_pair> pairs;
  for (index_t i = 0; i < static_cast<index_t>(nuclei.size()); ++i) {
    const index_t j = nearest[static_cast<std::size_t>(i)];
    if (j <= i || nearest[static_cast<std::size_t>(j)] != i) continue;
    const region_properties &a = nuclei[static_cast<std::size_t>(i)], &b = nuclei[static_cast<std::size_t>(j)];
    nucleus_pair pair{i, j};
    pair.distance = std::hypot(a.centroid_y - b.centroid_y, a.centroid_x - b.centroid_x) * 2 /
                    (a.equivalent_diameter + b.equivalent_diameter);
    pair.area = ratio(static_cast<double>(a.area), static_cast<double>(b.area));
    if (!a.mean_intensity.empty() && !b.mean_intensity.empty())
      pair.intensity = ratio(a.mean_intensity[0] - background, b.mean_intensity[0] - background);
    pairs.push_back(pair);
  }
  return pairs;
}

/// A pair and whether both nuclei are in one cell: what the criteria are learned from.
struct known_pair {
  nucleus_pair pair;
  bool one_cell = false;
};

/// The pairs of an image whose cells are annotated.
inline std::vector<known_pair> known_pairs(const label_map& cells, const label_map& nuclei,
                                           view<const float, cpu> pixels, double background = 0) {
  const std::vector<region_properties> regions = measure_regions(nuclei, pixels);
  std::map<std::int32_t, std::int32_t> cell_of;
  const auto inside = nuclei_of_cells(cells, nuclei);
  for (std::size_t c = 0; c < inside.size(); ++c)
    for (const std::int32_t nucleus : inside[c]) cell_of[nucleus] = static_cast<std::int32_t>(c + 1);
  std::vector<known_pair> known;
  for (const nucleus_pair& pair : mutual_pairs(regions, background)) {
    const auto a = cell_of.find(regions[static_cast<std::size_t>(pair.first)].label);
    const auto b = cell_of.find(regions[static_cast<std::size_t>(pair.second)].label);
    known.push_back({pair, a != cell_of.end() && b != cell_of.end() && a->second == b->second});
  }
  return known;
}

/// The criteria with the most pairs told right (most accepted of one cell, fewest of two: F1), tried over the values that
/// occur, at most 24 of each kind; the loosest among equals. The defaults if no known pair is of one cell.
inline pair_criteria fit_pair_criteria(const std::vector<known_pair>& known) {
  const auto total = std::count_if(known.begin(), known.end(), [](const known_pair& k) { return k.one_cell; });
  if (total == 0) return {};
  const auto quantiles = [&](double nucleus_pair::*value) {
    std::vector<double> all;
    for (const known_pair& k : known)
      if (k.one_cell) all.push_back(k.pair.*value);  // a threshold between two wrong pairs gains nothing
    std::sort(all.begin(), all.end());
    std::vector<double> chosen;
    const std::size_t count = std::min<std::size_t>(24, all.size());
    for (std::size_t i = 0; i < count; ++i) chosen.push_back(all[count == 1 ? 0 : i * (all.size() - 1) / (count - 1)]);
    return chosen;
  };
  const auto distances = quantiles(&nucleus_pair::distance), areas = quantiles(&nucleus_pair::area),
             intensities = quantiles(&nucleus_pair::intensity);
  pair_criteria best;
  double best_score = -1;
  for (auto d = distances.rbegin(); d != distances.rend(); ++d)
    for (const double area : areas)
      for (const double intensity : intensities) {
        const pair_criteria c{*d, area, intensity};
        double right = 0, accepted = 0;
        for (const known_pair& k : known)
          if (k.pair.meets(c)) ++accepted, right += k.one_cell;
        const double score = 2 * right / (accepted + static_cast<double>(total));
        if (score > best_score) best_score = score, best = c;
      }
  return best;
}

/// Cells for nuclei whose cells nobody sees: two nuclei of a pair that meets the criteria are one binuclear cell, every
/// other nucleus is a cell of its own. Entry i is the partner of nucleus i in the list, or -1.
inline std::vector<index_t> pair_nuclei(const std::vector<region_properties>& nuclei,
                                        const pair_criteria& criteria = {}, double background = 0) {
  std::vector<index_t> partner(nuclei.size(), -1);
  for (const nucleus_pair& pair : mutual_pairs(nuclei, background))
    if (pair.meets(criteria)) {
      partner[static_cast<std::size_t>(pair.first)] = pair.second;
      partner[static_cast<std::size_t>(pair.second)] = pair.first;
    }
  return partner;
}

}  // namespace aixcell
