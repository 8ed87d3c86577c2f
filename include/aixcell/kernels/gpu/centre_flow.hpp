#pragma once
#include <cmath>
#include <limits>

#include <aixcell/kernels/gpu/connected_components.hpp>
#include <aixcell/kernels/gpu/region_sums.hpp>

namespace aixcell {

namespace detail {

/// A block a connected part of an object: its middle, heat that spreads from there, and the way up the heat. A part of more than
/// `exact_edge` pixels across spreads on a grid that is coarser by a whole factor first, which fits shared memory as every
/// small part does, and then for a few steps on its own pixels, in global memory.
struct centre_flow_kernel {
  static constexpr std::string_view name = "centre_flow";
  static constexpr int threads = 256, exact_edge = 64, pitch = exact_edge + 2;
  struct shared {
    double heat[2][pitch * pitch];  // with a rim of zeros
    std::uint8_t inside[pitch * pitch];
    std::uint64_t middle;
    int count;
  };
  struct part_map {
    const std::int32_t* parts;
    int height, width, part, top, left, rows, columns;
    constexpr bool has(int y, int x) const {
      return y >= 0 && y < height && x >= 0 && x < width && parts[y * width + x] == part;
    }
  };

  constexpr void operator()(auto t, shared& s, int height, int width, const std::int32_t* parts,
                            const std::uint64_t* sums, const std::int32_t* boxes, double* heat, double* spare,
                            float* flow) const {
    const int k = t.block().x;
    const std::int32_t* const box = boxes + k * region_edge_count;
    const part_map m{parts,
                     height,
                     width,
                     k + 1,
                     box[top_edge],
                     box[left_edge],
                     box[bottom_edge] - box[top_edge],
                     box[right_edge] - box[left_edge]};
    const auto area = static_cast<int>(sums[k * region_sum_count + area_sum]);
    const int middle = middle_of(t, s, m, area), row = middle / width - m.top, column = middle % width - m.left;
    const int longest = m.rows > m.columns ? m.rows : m.columns, factor = (longest + exact_edge - 1) / exact_edge;
    const int result = spread_coarse(t, s, m, factor, row / factor, column / factor);
    const double* const coarse = s.heat[result];
    for_each_pixel(t, m, [&](int p, int i, int j) {
      heat[p] = factor == 1 ? coarse[(i + 1) * pitch + j + 1] : between(coarse, i, j, factor);
    });
    t.sync();
    if (factor > 1) {
      // Where heat has settled, the same source makes the same heat on a grid of any width (-log r / R).
      double *now = heat, *next = spare;
      for (int step = 0; step < 4 * factor; ++step) {
        if (t.rank() == 0) now[middle] += 1;
        t.sync();
        for_each_pixel(t, m, [&](int p, int i, int j) { next[p] = spread(m, now, m.top + i, m.left + j); });
        t.sync();
        double* const before = now;
        now = next;
        next = before;
      }  // an even number of steps: the result is in `heat`
    }
    for_each_pixel(t, m, [&](int p, int, int) { heat[p] = std::log1p(heat[p]); });
    t.sync();
    for_each_pixel(t, m, [&](int p, int i, int j) {
      const int y = m.top + i, x = m.left + j;
      const auto at = [&](int v, int u) { return m.has(v, u) ? heat[v * width + u] : 0.0; };
      const double dy = at(y + 1, x) - at(y - 1, x), dx = at(y, x + 1) - at(y, x - 1), length = std::hypot(dy, dx);
      flow[2 * p] = length > 0 ? static_cast<float>(dy / length) : 0.0f;
      flow[2 * p + 1] = length > 0 ? static_cast<float>(dx / length) : 0.0f;
    });
  }

 private:
  /// f(pixel, row, column of the box) for the pixels of the part.
  static constexpr void for_each_pixel(auto t, const part_map& m, auto&& f) {
    for (int b = t.rank(); b < m.rows * m.columns; b += threads) {
      const int i = b / m.columns, j = b % m.columns, p = (m.top + i) * m.width + m.left + j;
      if (m.parts[p] == m.part) f(p, i, j);
    }
  }

  /// How many pixels of the part fulfil a condition.
  static constexpr int count_if(auto t, shared& s, const part_map& m, auto&& condition) {
    t.sync();
    if (t.rank() == 0) s.count = 0;
    t.sync();
    int own = 0;
    for_each_pixel(t, m, [&](int, int i, int j) { own += condition(i, j) ? 1 : 0; });
    t.atomic_add(&s.count, own);
    t.sync();
    return s.count;
  }

  /// The pixel that is nearest to the median of the part's rows and columns, of equal ones the first.
  static constexpr int middle_of(auto t, shared& s, const part_map& m, int area) {
    // The least row that more than half of the pixels do not lie below.
    const auto median = [&](int extent, auto&& place) {
      int low = 0, high = extent - 1;
      while (low < high) {
        const int half = (low + high) / 2;
        if (count_if(t, s, m, [&](int i, int j) { return place(i, j) <= half; }) > area / 2)
          high = half;
        else
          low = half + 1;
      }
      return low;
    };
    const int row = median(m.rows, [](int i, int) { return i; }),
              column = median(m.columns, [](int, int j) { return j; });
    if (t.rank() == 0) s.middle = std::numeric_limits<std::uint64_t>::max();
    t.sync();
    for_each_pixel(t, m, [&](int p, int i, int j) {
      const auto squared = static_cast<std::uint64_t>((i - row) * (i - row) + (j - column) * (j - column));
      t.atomic_min(&s.middle, squared << 32 | static_cast<std::uint64_t>(p));
    });
    t.sync();
    return static_cast<int>(s.middle & 0xffffffffu);
  }

  /// Heat on the grid of `factor` by `factor` pixels a cell; which of the two buffers holds it.
  static constexpr int spread_coarse(auto t, shared& s, const part_map& m, int factor, int row, int column) {
    const int rows = (m.rows + factor - 1) / factor, columns = (m.columns + factor - 1) / factor;
    for (int i = t.rank(); i < pitch * pitch; i += threads) {
      s.heat[0][i] = s.heat[1][i] = 0;
      s.inside[i] = 0;
    }
    t.sync();
    for_each_pixel(t, m, [&](int, int i, int j) {
      t.store(&s.inside[(i / factor + 1) * pitch + j / factor + 1], std::uint8_t{1});
    });
    t.sync();
    const int steps = 2 * (rows + columns), source = (row + 1) * pitch + column + 1;
    for (int step = 0; step < steps; ++step) {
      double* const now = s.heat[step % 2];
      double* const next = s.heat[(step + 1) % 2];
      if (t.rank() == 0) now[source] += 1;
      t.sync();
      for (int b = t.rank(); b < rows * columns; b += threads) {
        const int at = (b / columns + 1) * pitch + b % columns + 1;
        const auto line = [&](int c) { return now[c - 1] + now[c] + now[c + 1]; };
        if (s.inside[at]) next[at] = 1.0 / 9 * (line(at - pitch) + line(at) + line(at + pitch));
      }
      t.sync();
    }
    return steps % 2;
  }

  /// The mean of a pixel and its eight neighbours, 0 outside the part.
  static constexpr double spread(const part_map& m, const double* now, int y, int x) {
    const auto at = [&](int v, int u) { return m.has(v, u) ? now[v * m.width + u] : 0.0; };
    const auto line = [&](int v) { return at(v, x - 1) + at(v, x) + at(v, x + 1); };
    return 1.0 / 9 * (line(y - 1) + line(y) + line(y + 1));
  }

  /// Of the coarse heat at a pixel, between the middles of cells; beyond the part there is none.
  static constexpr double between(const double* coarse, int i, int j, int factor) {
    const double y = (static_cast<double>(i) + 0.5) / static_cast<double>(factor) - 0.5;
    const double x = (static_cast<double>(j) + 0.5) / static_cast<double>(factor) - 0.5;
    const auto top = static_cast<int>(std::floor(y)), left = static_cast<int>(std::floor(x));
    double sum = 0;
    for (int a = top; a <= top + 1; ++a)
      for (int b = left; b <= left + 1; ++b)
        sum += coarse[(a + 1) * pitch + b + 1] * (1 - std::abs(y - static_cast<double>(a))) *
               (1 - std::abs(x - static_cast<double>(b)));
    return sum;
  }
};

}  // namespace detail

/// As detail::centre_flow of the processor: a vector of length 1 at every pixel of an object of a label map [H,W], up the heat that
/// spreads from the object's middle (Stringer et al. 2021); 0 outside. flow [H,W,2], rows and columns. In float64, in the
/// processor's order. Waits for the device.
template <GpuDevice Device>
void centre_flow(context<Device>& ctx, view_on<const std::int32_t, Device> labels, view_on<float, Device> flow) {
  require_rank("centre_flow", 2, "a label map [H,W]", labels.shape());
  require_shape("centre_flow", {labels.extent(0), labels.extent(1), 2}, flow.shape());
  detail::counted("centre_flow", flow.size());
  tensor<std::int32_t, Device> parts(ctx, labels.shape()), number(ctx, {1});
  connected_parts(ctx, labels, connectivity::eight, parts, number);
  const int count = detail::read_one(ctx, number);
  tensor<std::uint64_t, Device> sums(ctx, {count, region_sum_count});
  tensor<std::int32_t, Device> boxes(ctx, {count, region_edge_count});
  region_sums(ctx, parts, sums, boxes);
  tensor<double, Device> heat(ctx, labels.shape()), spare(ctx, labels.shape());
  detail::launch_map(ctx, detail::zeros{}, flow.size(), flow.data());
  launch(ctx, {count, 1, 1}, detail::centre_flow_kernel{}, static_cast<int>(labels.extent(0)),
         static_cast<int>(labels.extent(1)), static_cast<const std::int32_t*>(parts.data()),
         static_cast<const std::uint64_t*>(sums.data()), static_cast<const std::int32_t*>(boxes.data()), heat.data(),
         spare.data(), flow.data());
}

}  // namespace aixcell
