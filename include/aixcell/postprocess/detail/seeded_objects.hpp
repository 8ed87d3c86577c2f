#pragma once
#include <algorithm>
#include <vector>

#include <aixcell/kernels/cpu/connected_components.hpp>
#include <aixcell/kernels/cpu/watershed.hpp>

namespace aixcell::detail {

/// Pixels of each label 0..N.
inline std::vector<index_t> areas_of(const label_map& labels) {
  std::vector<index_t> areas(1, 0);
  for (const std::int32_t label : labels) {
    if (static_cast<std::size_t>(label) >= areas.size()) areas.resize(static_cast<std::size_t>(label) + 1, 0);
    ++areas[static_cast<std::size_t>(label)];
  }
  return areas;
}

/// Labels of fewer than `least_area` pixels become background.
inline void remove_small(label_map& labels, index_t least_area) {
  const std::vector<index_t> areas = areas_of(labels);
  for (std::int32_t& label : labels)
    if (label > 0 && areas[static_cast<std::size_t>(label)] < least_area) label = 0;
}

/// Parts of the mask without any seed are objects of their own if they are large enough.
inline void add_unseeded(const tensor<std::uint8_t>& mask, index_t least_area, label_map& labels) {
  label_map parts(labels.shape());
  const index_t count = connected_components(mask, connectivity::four, parts);
  std::vector<bool> seeded(static_cast<std::size_t>(count) + 1, false);
  std::int32_t last = 0;
  for (index_t p = 0; p < labels.size(); ++p) {
    last = std::max(last, labels[p]);
    if (labels[p] > 0) seeded[static_cast<std::size_t>(parts[p])] = true;
  }
  const std::vector<index_t> areas = areas_of(parts);
  for (index_t p = 0; p < labels.size(); ++p) {
    const auto part = static_cast<std::size_t>(parts[p]);
    if (part > 0 && !seeded[part] && areas[part] >= least_area) labels[p] = last + parts[p];
  }
}

/// Gives the labels numbers 1..N without gaps, in the order of the old ones; those of fewer than `least_area` pixels
/// become background. Returns the new number of each old label, 0 for those that are gone.
inline std::vector<std::int32_t> number_objects(label_map& labels, index_t least_area) {
  const std::vector<index_t> areas = areas_of(labels);
  std::vector<std::int32_t> number(areas.size(), 0);
  std::int32_t next = 0;
  for (std::size_t i = 1; i < areas.size(); ++i)
    if (areas[i] >= std::max<index_t>(1, least_area)) number[i] = ++next;
  for (std::int32_t& label : labels) label = number[static_cast<std::size_t>(label)];
  return number;
}

/// Labels 1..N without gaps, each scored with its mean object probability.
inline prediction numbered_and_scored(label_map labels, const tensor<float>& object, index_t least_area) {
  prediction found;
  found.labels = std::move(labels);
  number_objects(found.labels, least_area);
  std::vector<double> sums(1, 0.0), counts(1, 0.0);
  for (index_t p = 0; p < found.labels.size(); ++p) {
    const auto label = static_cast<std::size_t>(found.labels[p]);
    if (label >= sums.size()) sums.resize(label + 1, 0.0), counts.resize(label + 1, 0.0);
    sums[label] += static_cast<double>(object[p]);
    ++counts[label];
  }
  for (std::size_t i = 1; i < sums.size(); ++i) {
    found.objects.emplace_back();
    found.objects.back().score = static_cast<float>(sums[i] / counts[i]);
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
inline prediction grow_seeds(const seeded_map& map, label_map seeds) {
  add_unseeded(map.mask, map.least_area, seeds);
  watershed(map.landscape, map.mask, seeds);
  return numbered_and_scored(std::move(seeds), map.object, map.least_area);
}

}  // namespace aixcell::detail
