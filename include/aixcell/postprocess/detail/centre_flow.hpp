#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/cpu/connected_components.hpp>
#include <aixcell/kernels/cpu/heat_diffusion.hpp>

namespace aixcell::detail {

/// Pixels of one connected part of an object, by row, then column.
struct object_part {
  std::vector<index_t> pixels;
  index_t top, left, height, width;  ///< bounding box
};

inline std::vector<object_part> parts_of(view<const std::int32_t, cpu> labels) {
  label_map number(labels.shape());
  const index_t count = connected_parts(labels, connectivity::eight, number), width = labels.extent(1);
  std::vector<object_part> parts(static_cast<std::size_t>(count));
  for (index_t p = 0; p < labels.size(); ++p)
    if (number[p] > 0) parts[static_cast<std::size_t>(number[p] - 1)].pixels.push_back(p);
  for (object_part& part : parts) {
    index_t right = 0;
    part.left = width;
    for (const index_t p : part.pixels) part.left = std::min(part.left, p % width), right = std::max(right, p % width);
    part.top = part.pixels.front() / width;
    part.height = part.pixels.back() / width - part.top + 1;
    part.width = right - part.left + 1;
  }
  return parts;
}

/// The pixel of a part that is nearest to the median of its rows and columns.
inline index_t middle_of(const object_part& part, index_t width) {
  std::vector<index_t> rows, columns;
  for (const index_t p : part.pixels) rows.push_back(p / width), columns.push_back(p % width);
  const auto median = [](std::vector<index_t>& v) {
    const auto half = v.begin() + std::ssize(v) / 2;
    std::nth_element(v.begin(), half, v.end());
    return *half;
  };
  const index_t row = median(rows), column = median(columns);
  return *std::min_element(part.pixels.begin(), part.pixels.end(), [&](index_t a, index_t b) {
    const auto squared = [&](index_t p) {
      const index_t dy = p / width - row, dx = p % width - column;
      return dy * dy + dx * dx;
    };
    return squared(a) < squared(b);
  });
}

/// Heat that spread from the middle of a part through its bounding box [h,w], as many steps as the box is high and wide,
/// twice. A part of more than `exact_edge` pixels across first spreads on a grid that is coarser by a whole factor, and
/// then for a few steps on its own pixels: steps grow with the edge, so that this keeps the time linear in the pixels.
inline tensor<double> heat_of(const object_part& part, index_t middle, index_t width, index_t exact_edge) {
  const index_t factor = (std::max(part.height, part.width) + exact_edge - 1) / exact_edge;
  const index_t height = (part.height + factor - 1) / factor, columns = (part.width + factor - 1) / factor;
  tensor<std::uint8_t> coarse({height, columns});
  tensor<double> heat({height, columns});
  for (const index_t p : part.pixels) coarse((p / width - part.top) / factor, (p % width - part.left) / factor) = 1;
  const heat_source source{middle / width - part.top, middle % width - part.left};
  diffuse_heat(coarse, {source.row / factor, source.column / factor}, 2 * (height + columns), heat);
  if (factor == 1) return heat;

  tensor<std::uint8_t> inside({part.height, part.width});
  tensor<double> fine(inside.shape());
  for (const index_t p : part.pixels) {
    const index_t i = p / width - part.top, j = p % width - part.left;
    inside(i, j) = 1;
    // Between the middles of coarse pixels; beyond the region there is no heat.
    const double y = (static_cast<double>(i) + 0.5) / static_cast<double>(factor) - 0.5;
    const double x = (static_cast<double>(j) + 0.5) / static_cast<double>(factor) - 0.5;
    const auto top = static_cast<index_t>(std::floor(y)), left = static_cast<index_t>(std::floor(x));
    double sum = 0;
    for (index_t a = top; a <= top + 1; ++a)
      for (index_t b = left; b <= left + 1; ++b)
        if (a >= 0 && a < height && b >= 0 && b < columns)
          sum += heat(a, b) * (1 - std::abs(y - static_cast<double>(a))) * (1 - std::abs(x - static_cast<double>(b)));
    fine(i, j) = sum;
  }
  // Where heat has settled, the same source makes the same heat on a grid of any width (-log r / R).
  diffuse_heat(inside, source, 4 * factor, fine);
  return fine;
}

/// A vector of length 1 at every pixel of an object, up the heat that spreads from the object's middle (Stringer et al.
/// 2021): towards the middle, around bends. 0 outside and where there is no slope. Each connected part of an object has
/// its own middle.
///   labels [H,W]   flow [H,W,2] rows, columns
inline void centre_flow(context<cpu>& ctx, view<const std::int32_t, cpu> labels, view<float, cpu> flow,
                        index_t exact_edge = 64) {
  const index_t width = labels.extent(1);
  require_shape("centre_flow", {labels.extent(0), width, 2}, flow.shape());
  std::fill(flow.begin(), flow.end(), 0.0f);
  const std::vector<object_part> parts = parts_of(labels);
  parallel_for(ctx, std::ssize(parts), [&](index_t k) {
    const object_part& part = parts[static_cast<std::size_t>(k)];
    tensor<double> heat = heat_of(part, middle_of(part, width), width, exact_edge);
    for (double& v : heat) v = std::log1p(v);
    const auto at = [&](index_t i, index_t j) {
      return i >= 0 && i < part.height && j >= 0 && j < part.width ? heat(i, j) : 0.0;
    };
    for (const index_t p : part.pixels) {
      const index_t i = p / width - part.top, j = p % width - part.left;
      const double dy = at(i + 1, j) - at(i - 1, j), dx = at(i, j + 1) - at(i, j - 1), length = std::hypot(dy, dx);
      if (!(length > 0)) continue;
      flow[2 * p] = static_cast<float>(dy / length);
      flow[2 * p + 1] = static_cast<float>(dx / length);
    }
  });
}

}  // namespace aixcell::detail
