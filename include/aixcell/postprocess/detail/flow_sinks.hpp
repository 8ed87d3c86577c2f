#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <aixcell/core/image.hpp>

namespace aixcell::detail {

/// One object for each place where the pixels of a mask end. The numbers of pixels that end at each pixel are a
/// histogram; its peaks in windows of 5x5, highest first, grow five times by the neighbours where more than two pixels
/// end; what ends in a grown peak, or beside one, is that object's (after Stringer et al. 2021, methods, "mask
/// creation").
///   ends [H,W,2] row and column   mask [H,W]   least: pixels that must end at a peak   labels [H,W] overwritten
inline void flow_sinks(view<const float, cpu> ends, view<const std::uint8_t, cpu> mask, std::int32_t least,
                       view<std::int32_t, cpu> labels) {
  constexpr index_t window = 2;
  constexpr int growth = 5;
  constexpr std::int32_t few = 2;
  const index_t height = mask.extent(0), width = mask.extent(1);
  tensor<std::int32_t> count(mask.shape()), sink(mask.shape());
  const auto end_of = [&](index_t p) { return std::lround(ends[2 * p]) * width + std::lround(ends[2 * p + 1]); };
  for (index_t p = 0; p < mask.size(); ++p)
    if (mask[p]) ++count[end_of(p)];
  const auto each_near = [&](index_t p, index_t reach, auto&& f) {
    const index_t i = p / width, j = p % width;
    for (index_t y = std::max<index_t>(0, i - reach); y <= std::min(height - 1, i + reach); ++y)
      for (index_t x = std::max<index_t>(0, j - reach); x <= std::min(width - 1, j + reach); ++x) f(y * width + x);
  };
  std::vector<index_t> peaks;
  for (index_t p = 0; p < count.size(); ++p) {
    if (count[p] < std::max(1, least)) continue;
    bool greatest = true;
    each_near(p, window, [&](index_t q) { greatest = greatest && count[q] <= count[p]; });
    if (greatest) peaks.push_back(p);
  }
  std::stable_sort(peaks.begin(), peaks.end(), [&](index_t a, index_t b) { return count[a] > count[b]; });
  std::int32_t next = 0;
  std::vector<index_t> rim, grown;
  for (const index_t peak : peaks) {
    if (sink[peak] > 0) continue;  // a plateau has several peaks
    sink[peak] = ++next;
    rim.assign(1, peak);
    for (int g = 0; g < growth; ++g) {
      grown.clear();
      for (const index_t p : rim)
        each_near(p, 1, [&](index_t q) {
          if (sink[q] != 0 || count[q] <= few) return;
          sink[q] = next;
          grown.push_back(q);
        });
      rim.swap(grown);
    }
  }
  for (index_t p = 0; p < mask.size(); ++p) {
    labels[p] = mask[p] ? sink[end_of(p)] : 0;
    if (!mask[p] || labels[p] > 0) continue;
    each_near(end_of(p), 1, [&](index_t q) {
      if (labels[p] == 0) labels[p] = sink[q];
    });
  }
}

}  // namespace aixcell::detail
