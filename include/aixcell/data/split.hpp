#pragma once
#include <algorithm>
#include <map>

#include <aixcell/core/random.hpp>
#include <aixcell/data/dataset.hpp>
#include <aixcell/data/tiles.hpp>

namespace aixcell {

/// What to do when a data set is a single image.
enum class single_image {
  refuse,  ///< data_error
  cut,     ///< cut it in two along its longer side: left (top) to train on, right (bottom) to validate
};

struct split_options {
  double validation = 0.15;  ///< share of the images, 0 < validation < 1; each side gets at least one group
  std::uint64_t seed = 0;
  single_image alone = single_image::refuse;
};

struct split_result {
  dataset train, validation;
};

namespace detail {

/// Images that stay together, and what they add to the side that gets them.
struct split_unit {
  std::vector<index_t> samples;
  std::vector<double> amounts;
};

/// The positions of `keys` in ascending order of their values, equal ones as they stand.
inline std::vector<std::size_t> positions_in_order(const std::vector<double>& keys) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < keys.size(); ++i) order.emplace_back(keys[i], i);
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> positions;
  for (const auto& [key, i] : order) positions.push_back(i);
  return positions;
}

/// Groups in order of first appearance (a sample without group is one of its own). Amounts: images, images in each
/// quartile of the number of objects, objects (pixels) of each class, images of each image class.
inline std::vector<split_unit> split_units(const dataset& set) {
  constexpr std::size_t quartiles = 4;
  std::vector<double> objects;
  for (const sample& s : set.samples) objects.push_back(static_cast<double>(s.objects));
  const std::vector<std::size_t> by_objects = positions_in_order(objects);
  std::vector<std::size_t> quartile(set.samples.size());
  for (std::size_t rank = 0; rank < by_objects.size(); ++rank)
    quartile[by_objects[rank]] = rank * quartiles / by_objects.size();

  std::vector<split_unit> units;
  std::map<std::string, std::size_t> unit_of_group;
  for (std::size_t i = 0; i < set.samples.size(); ++i) {
    const sample& s = set.samples[i];
    std::size_t u = units.size();
    if (!s.group.empty()) u = unit_of_group.try_emplace(s.group, u).first->second;
    const std::size_t first_image_class = 1 + quartiles + set.class_names.size();
    if (u == units.size())
      units.push_back({{}, std::vector<double>(first_image_class + set.image_class_names.size(), 0.0)});
    units[u].samples.push_back(static_cast<index_t>(i));
    units[u].amounts[0] += 1;
    units[u].amounts[1 + quartile[i]] += 1;
    for (std::size_t c = 0; c < std::min(s.class_counts.size(), set.class_names.size()); ++c)
      units[u].amounts[1 + quartiles + c] += s.class_counts[c];
    if (s.image_class >= 0) units[u].amounts[first_image_class + static_cast<std::size_t>(s.image_class)] += 1;
  }
  return units;
}

/// Assigns every group to a part so that each part gets its share of images, of crowded and sparse images, and of
/// each class: largest groups first, equal ones in random order, each to the part where it lowers the squared
/// relative distance from the wanted amounts most (in the spirit of Sechidis et al. 2011, iterative stratification).
/// No part stays empty. Returns the samples of each part, ascending.
inline std::vector<std::vector<index_t>> stratified_parts(const dataset& set, const std::vector<double>& shares,
                                                          std::uint64_t seed) {
  std::vector<split_unit> units = split_units(set);
  if (units.size() < shares.size())
    throw data_error(set.name + ": " + std::to_string(set.size()) + " image(s) in " + std::to_string(units.size()) +
                     " group(s) cannot be divided into " + std::to_string(shares.size()) +
                     " parts; add images or use fewer parts");
  random_stream random(seed, 0x73706c6974);  // "split"
  random.shuffle(units);
  std::vector<double> smallness;
  for (const split_unit& u : units) smallness.push_back(-static_cast<double>(u.samples.size()));

  const std::size_t dimensions = units.front().amounts.size();
  std::vector<double> total(dimensions, 0.0);
  for (const auto& u : units)
    for (std::size_t d = 0; d < dimensions; ++d) total[d] += u.amounts[d];
  std::vector<std::vector<double>> held(shares.size(), std::vector<double>(dimensions, 0.0));
  std::vector<std::vector<index_t>> parts(shares.size());
  std::size_t empty = shares.size(), left = units.size();
  for (const std::size_t i : positions_in_order(smallness)) {
    const auto& amounts = units[i].amounts;
    // How much the distance grows, relative to the share: (held + new - wanted)^2 - (held - wanted)^2, over wanted.
    const auto growth = [&](std::size_t p) {
      double sum = 0;
      for (std::size_t d = 0; d < dimensions; ++d)
        if (total[d] > 0)
          sum +=
              amounts[d] * (amounts[d] + 2 * (held[p][d] - shares[p] * total[d])) / (shares[p] * total[d] * total[d]);
      return sum;
    };
    const bool fill = left-- <= empty;  // as many groups left as empty parts
    std::size_t best = shares.size();
    for (std::size_t p = 0; p < shares.size(); ++p)
      if ((!fill || parts[p].empty()) && (best == shares.size() || growth(p) < growth(best))) best = p;
    if (parts[best].empty()) --empty;
    parts[best].insert(parts[best].end(), units[i].samples.begin(), units[i].samples.end());
    for (std::size_t d = 0; d < dimensions; ++d) held[best][d] += amounts[d];
  }
  for (auto& part : parts) std::sort(part.begin(), part.end());
  return parts;
}

inline example cut_example(const example& e, const rectangle& where) {
  example part = e;
  part.picture.pixels = crop_reflected(e.picture.pixels, where);
  if (!e.truth.labels.empty()) part.truth.labels = crop_reflected(e.truth.labels, where);
  if (!e.truth.nuclei.empty()) part.truth.nuclei = crop_reflected(e.truth.nuclei, where);
  return part;
}

/// A data set whose only image is the part `where` of the only image of `set`.
inline dataset cut_dataset(const dataset& set, const rectangle& where, const std::string& suffix) {
  dataset part = set;
  sample& s = part.samples.front();
  s.id += suffix;
  s.read = [read = s.read, where] { return cut_example(read(), where); };
  context<cpu> ctx(1);
  return dataset::checked(ctx, std::move(part));
}

}  // namespace detail

/// Divides a data set into training and validation images, stratified by object count and class, groups kept
/// together. The same seed gives the same split; the order of the samples is kept on each side.
/// Throws data_error if there are fewer than two groups (see single_image) or the share is not in (0, 1).
inline split_result split(const dataset& set, split_options options = {}) {
  if (!(options.validation > 0 && options.validation < 1))
    throw data_error("split: validation share " + std::to_string(options.validation) + " must be between 0 and 1");
  if (set.size() == 1 && options.alone == single_image::cut) {
    const index_t height = set.samples[0].size[0], width = set.samples[0].size[1], longer = std::max(height, width);
    if (longer < 2) throw data_error(set.name + ": a single image of 1x1 pixel cannot be split; add images");
    const index_t kept =
        std::clamp<index_t>(std::lround(static_cast<double>(longer) * (1 - options.validation)), 1, longer - 1);
    if (width >= height)
      return {detail::cut_dataset(set, {0, 0, height, kept}, "_left"),
              detail::cut_dataset(set, {0, kept, height, width - kept}, "_right")};
    return {detail::cut_dataset(set, {0, 0, kept, width}, "_top"),
            detail::cut_dataset(set, {kept, 0, height - kept, width}, "_bottom")};
  }
  const auto parts = detail::stratified_parts(set, {1 - options.validation, options.validation}, options.seed);
  return {set.subset(parts[0]), set.subset(parts[1])};
}

struct k_fold_options {
  int folds = 5;  ///< at least 2, at most the number of groups
  std::uint64_t seed = 0;
};

/// `folds` splits whose validation sides are disjoint and together hold every image; stratified and grouped as `split`.
inline std::vector<split_result> k_fold(const dataset& set, k_fold_options options = {}) {
  if (options.folds < 2) throw data_error("k_fold: " + std::to_string(options.folds) + " folds; give at least 2");
  const auto folds = static_cast<std::size_t>(options.folds);
  const auto parts =
      detail::stratified_parts(set, std::vector<double>(folds, 1.0 / static_cast<double>(folds)), options.seed);
  std::vector<split_result> result;
  for (std::size_t f = 0; f < folds; ++f) {
    std::vector<index_t> rest;
    for (std::size_t other = 0; other < folds; ++other)
      if (other != f) rest.insert(rest.end(), parts[other].begin(), parts[other].end());
    std::sort(rest.begin(), rest.end());
    result.push_back({set.subset(rest), set.subset(parts[f])});
  }
  return result;
}

}  // namespace aixcell
