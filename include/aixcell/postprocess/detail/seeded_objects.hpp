#pragma once
#include <algorithm>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/cpu/connected_components.hpp>
#include <aixcell/kernels/cpu/label_runs.hpp>
#include <aixcell/kernels/cpu/watershed.hpp>

namespace aixcell::detail {

/// Pixels of each label 0..N, and the sums of a map over those of labels > 0, if there is one.
struct label_sums {
  std::vector<index_t> areas{0};
  std::vector<double> sums{0.0};
};
inline label_sums sums_of_labels(const label_map& labels, view<const float, cpu> map = {}) {
  label_sums found;
  for_each_label_run(labels, 0, labels.extent(0), [&](std::int32_t label, index_t begin, index_t end) {
    const auto at = static_cast<std::size_t>(label);
    if (at >= found.areas.size()) found.areas.resize(at + 1, 0), found.sums.resize(at + 1, 0.0);
    found.areas[at] += end - begin;
    if (!map.empty() && label > 0)
      for (index_t p = begin; p < end; ++p) found.sums[at] += static_cast<double>(map[p]);
  });
  return found;
}

/// Every label by another.
inline void replace_labels(const context<cpu>& ctx, label_map& labels, const std::vector<std::int32_t>& other) {
  parallel_ranges(ctx, labels.extent(0), 64, [&](index_t first, index_t last) {
    for_each_label_run(labels, first, last, [&](std::int32_t label, index_t begin, index_t end) {
      const std::int32_t now = other[static_cast<std::size_t>(label)];
      if (now != label) std::fill(labels.data() + begin, labels.data() + end, now);
    });
  });
}

/// Labels of fewer than `least_area` pixels become background.
inline void remove_small(const context<cpu>& ctx, label_map& labels, index_t least_area) {
  const std::vector<index_t> areas = sums_of_labels(labels).areas;
  std::vector<std::int32_t> kept(areas.size(), 0);
  for (std::size_t label = 1; label < areas.size(); ++label)
    if (areas[label] >= least_area) kept[label] = static_cast<std::int32_t>(label);
  replace_labels(ctx, labels, kept);
}

/// Parts of the mask without any seed are objects of their own if they are large enough.
inline void add_unseeded(context<cpu>& ctx, const tensor<std::uint8_t>& mask, index_t least_area, label_map& labels) {
  label_map parts(ctx, labels.shape());
  const index_t count = connected_components(mask, connectivity::four, parts);
  std::vector<index_t> areas(static_cast<std::size_t>(count) + 1, 0);
  std::vector<bool> seeded(areas.size(), false);
  std::int32_t greatest = 0;
  for_each_label_run(parts, 0, parts.extent(0), [&](std::int32_t part, index_t begin, index_t end) {
    const std::int32_t label = *std::max_element(labels.data() + begin, labels.data() + end);
    areas[static_cast<std::size_t>(part)] += end - begin;
    if (label > 0) seeded[static_cast<std::size_t>(part)] = true;
    greatest = std::max(greatest, label);
  });
  std::vector<std::int32_t> added(areas.size(), 0);
  for (std::size_t part = 1; part < areas.size(); ++part)
    if (!seeded[part] && areas[part] >= least_area) added[part] = greatest + static_cast<std::int32_t>(part);
  for_each_label_run(parts, 0, parts.extent(0), [&](std::int32_t part, index_t begin, index_t end) {
    if (const std::int32_t label = added[static_cast<std::size_t>(part)]; label > 0)
      std::fill(labels.data() + begin, labels.data() + end, label);
  });
}

/// Gives the labels numbers 1..N without gaps, in the order of the old ones; those of fewer than `least_area` pixels
/// become background. Returns the new number of each old label, 0 for those that are gone.
inline std::vector<std::int32_t> number_objects(const context<cpu>& ctx, label_map& labels,
                                                const std::vector<index_t>& areas, index_t least_area) {
  std::vector<std::int32_t> number(areas.size(), 0);
  std::int32_t next = 0;
  for (std::size_t i = 1; i < areas.size(); ++i)
    if (areas[i] >= std::max<index_t>(1, least_area)) number[i] = ++next;
  replace_labels(ctx, labels, number);
  return number;
}

/// Labels 1..N without gaps, each scored with its mean object probability.
inline prediction numbered_and_scored(const context<cpu>& ctx, label_map labels, const tensor<float>& object,
                                      index_t least_area) {
  const label_sums all = sums_of_labels(labels, object);
  const std::vector<std::int32_t> number = number_objects(ctx, labels, all.areas, least_area);
  prediction found;
  found.labels = std::move(labels);
  for (std::size_t i = 1; i < number.size(); ++i)
    if (number[i] > 0) {
      found.objects.emplace_back();
      found.objects.back().score = static_cast<float>(all.sums[i] / static_cast<double>(all.areas[i]));
    }
  return found;
}

/// What a watershed makes of seeds: where objects may be, how likely each pixel is one's, what is too small.
struct seeded_map {
  tensor<float> landscape;    ///< [H,W] in [0,1], low where an object's middle is
  tensor<std::uint8_t> mask;  ///< [H,W] pixels that objects may have
  tensor<float> object;       ///< [H,W] probability that a pixel is an object's
  index_t least_area = 1;     ///< pixels; smaller objects are noise
};

/// Seeds grow over the mask; parts of the mask without a seed are objects too small for one.
inline prediction grow_seeds(context<cpu>& ctx, const seeded_map& map, label_map seeds) {
  add_unseeded(ctx, map.mask, map.least_area, seeds);
  watershed(ctx, map.landscape, map.mask, seeds);
  return numbered_and_scored(ctx, std::move(seeds), map.object, map.least_area);
}

}  // namespace aixcell::detail
