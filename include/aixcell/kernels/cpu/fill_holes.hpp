#pragma once
#include <algorithm>
#include <vector>

#include <aixcell/kernels/cpu/connected_components.hpp>
#include <aixcell/kernels/cpu/label_runs.hpp>

namespace aixcell {

/// Gives the holes of every object of a label map [H,W] to the object: parts of the background (4-neighbours) that touch
/// that object alone and not the edge of the image. O(H W); run by run of equal labels.
inline void fill_holes(view<std::int32_t, cpu> labels) {
  require_rank("fill_holes", 2, "a label map [H,W]", labels.shape());
  const index_t height = labels.extent(0), width = labels.extent(1);
  struct run {
    index_t end;               // where the next one begins
    std::int32_t label, part;  // part of the background, if the label is 0
  };
  constexpr std::int32_t nobody = 0, many = -1;
  detail::disjoint_sets parts;
  std::vector<std::int32_t> owner;  // of each part: an object, or many of them (the edge of the image is one, too)
  const auto owned_by = [&](std::int32_t part, std::int32_t label) {
    std::int32_t& o = owner[static_cast<std::size_t>(part)];
    if (label != nobody && o != label) o = o == nobody ? label : many;
  };
  std::vector<run> runs;
  std::vector<std::size_t> first_of_row(static_cast<std::size_t>(height) + 1, 0);
  for (index_t i = 0; i < height; ++i) {
    const std::int32_t* const row = labels.data() + i * width;
    const std::size_t here = runs.size();
    std::size_t above = i > 0 ? first_of_row[static_cast<std::size_t>(i) - 1] : here;
    first_of_row[static_cast<std::size_t>(i)] = here;
    for (index_t begin = 0, end = 0; begin < width; begin = end) {
      end = end_of_run(row, begin, width);
      run r{end, row[begin], 0};
      if (r.label == 0) {
        r.part = parts.make();
        const bool at_edge = i == 0 || i + 1 == height || begin == 0 || end == width;
        owner.push_back(at_edge ? many : nobody);
        if (begin > 0) owned_by(r.part, runs.back().label);
        if (end < width) owned_by(r.part, row[end]);
      }
      while (above < here && runs[above].end <= begin) ++above;
      for (std::size_t k = above; k < here; ++k) {
        const run& a = runs[k];
        if (r.label == 0 && a.label == 0)
          parts.join(a.part, r.part);
        else if (r.label == 0)
          owned_by(r.part, a.label);
        else if (a.label == 0)
          owned_by(a.part, r.label);
        if (a.end >= end) break;
      }
      runs.push_back(r);
    }
  }
  first_of_row.back() = runs.size();
  for (std::int32_t part = 0; part < static_cast<std::int32_t>(parts.size()); ++part)
    owned_by(parts.find(part), owner[static_cast<std::size_t>(part)]);
  for (index_t i = 0; i < height; ++i) {
    index_t begin = 0;
    for (std::size_t k = first_of_row[static_cast<std::size_t>(i)]; k < first_of_row[static_cast<std::size_t>(i) + 1];
         ++k) {
      const run& r = runs[k];
      if (r.label == 0)
        if (const std::int32_t o = owner[static_cast<std::size_t>(parts.find(r.part))]; o > 0)
          std::fill(labels.data() + i * width + begin, labels.data() + i * width + r.end, o);
      begin = r.end;
    }
  }
}

}  // namespace aixcell
