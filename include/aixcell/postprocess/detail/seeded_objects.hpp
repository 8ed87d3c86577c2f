#pragma once
#include <algorithm>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/cpu/connected_components.hpp>
#include <aixcell/kernels/cpu/label_runs.hpp>
#include <aixcell/kernels/cpu/watershed.hpp>

namespace aixcell::detail {

/// Rows that a task takes: enough of an image's to be worth one.
inline constexpr index_t rows_of_a_task = 64;

/// Partial results of ranges of rows, one each, in their order. `f(partial, first row, last row)`.
template <class Partial, class Function>
std::vector<Partial> of_row_ranges(const context<cpu>& ctx, index_t rows, Function&& f) {
  std::vector<Partial> partial(static_cast<std::size_t>((rows + rows_of_a_task - 1) / rows_of_a_task));
  parallel_ranges(ctx, rows, rows_of_a_task, [&](index_t first, index_t last) {
    f(partial[static_cast<std::size_t>(first / rows_of_a_task)], first, last);
  });
  return partial;
}

/// Pixels of each label 0..N, and the sums of a map over them if there is one.
struct label_sums {
  std::vector<index_t> areas{0};
  std::vector<double> sums{0.0};

  void add(std::size_t label, index_t area, double sum) {
    if (label >= areas.size()) areas.resize(label + 1, 0), sums.resize(label + 1, 0.0);
    areas[label] += area;
    sums[label] += sum;
  }
};
inline label_sums sums_of_labels(const context<cpu>& ctx, const label_map& labels, view<const float, cpu> map = {}) {
  label_sums all;
  for (const label_sums& part : of_row_ranges<label_sums>(
           ctx, labels.extent(0), [&](label_sums& partial, index_t first, index_t last) {
             for_each_label_run(labels, first, last, [&](std::int32_t label, index_t begin, index_t end) {
               double sum = 0;
               if (!map.empty() && label > 0)
                 for (index_t p = begin; p < end; ++p) sum += static_cast<double>(map[p]);
               partial.add(static_cast<std::size_t>(label), end - begin, sum);
             });
           }))
    for (std::size_t label = 0; label < part.areas.size(); ++label)
      all.add(label, part.areas[label], part.sums[label]);
  return all;
}

/// Every label by another.
inline void replace_labels(const context<cpu>& ctx, label_map& labels, const std::vector<std::int32_t>& other) {
  parallel_ranges(ctx, labels.extent(0), rows_of_a_task, [&](index_t first, index_t last) {
    for_each_label_run(labels, first, last, [&](std::int32_t label, index_t begin, index_t end) {
      const std::int32_t now = other[static_cast<std::size_t>(label)];
      if (now != label) std::fill(labels.data() + begin, labels.data() + end, now);
    });
  });
}

/// Labels of fewer than `least_area` pixels become background.
inline void remove_small(const context<cpu>& ctx, label_map& labels, index_t least_area) {
  const std::vector<index_t> areas = sums_of_labels(ctx, labels).areas;
  std::vector<std::int32_t> kept(areas.size(), 0);
  for (std::size_t label = 1; label < areas.size(); ++label)
    if (areas[label] >= least_area) kept[label] = static_cast<std::int32_t>(label);
  replace_labels(ctx, labels, kept);
}

/// Parts of the mask without any seed are objects of their own if they are large enough.
inline void add_unseeded(context<cpu>& ctx, const tensor<std::uint8_t>& mask, index_t least_area, label_map& labels) {
  label_map parts(ctx, labels.shape());
  const index_t count = connected_components(mask, connectivity::four, parts);
  struct part_run {
    std::int32_t part, greatest;  // label in it
    index_t pixels;
  };
  const auto runs = of_row_ranges<std::vector<part_run>>(
      ctx, labels.extent(0), [&](std::vector<part_run>& found, index_t first, index_t last) {
        for_each_label_run(parts, first, last, [&](std::int32_t part, index_t begin, index_t end) {
          found.push_back({part, *std::max_element(labels.data() + begin, labels.data() + end), end - begin});
        });
      });
  std::vector<index_t> areas(static_cast<std::size_t>(count) + 1, 0);
  std::vector<bool> seeded(areas.size(), false);
  std::int32_t greatest = 0;
  for (const std::vector<part_run>& range : runs)
    for (const part_run& run : range) {
      const auto part = static_cast<std::size_t>(run.part);
      areas[part] += run.pixels;
      if (run.greatest > 0) seeded[part] = true;
      greatest = std::max(greatest, run.greatest);
    }
  parallel_ranges(ctx, labels.extent(0), rows_of_a_task, [&](index_t first, index_t last) {
    for_each_label_run(parts, first, last, [&](std::int32_t run, index_t begin, index_t end) {
      if (const auto part = static_cast<std::size_t>(run); run > 0 && !seeded[part] && areas[part] >= least_area)
        std::fill(labels.data() + begin, labels.data() + end, greatest + run);
    });
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
  const label_sums of = sums_of_labels(ctx, labels, object);
  const std::vector<std::int32_t> number = number_objects(ctx, labels, of.areas, least_area);
  prediction found;
  found.labels = std::move(labels);
  for (std::size_t i = 1; i < number.size(); ++i)
    if (number[i] > 0) {
      found.objects.emplace_back();
      found.objects.back().score = static_cast<float>(of.sums[i] / static_cast<double>(of.areas[i]));
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
