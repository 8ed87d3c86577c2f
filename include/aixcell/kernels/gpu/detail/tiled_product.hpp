#pragma once
#include <aixcell/kernels/gpu/detail/tile_sums.hpp>

namespace aixcell::detail {

/// A matrix product [rows, columns] = left [rows, depth] right [depth, columns] whose operands are not stored but looked up:
/// the three directions of a convolution differ only in what a row, a column and a depth mean. Any arithmetic type, any
/// size; the oracle of the tensor-core variants. Every sum is added by one thread in the order of depth.
///
/// A Problem says
///   name, and left_by_depth, right_by_depth: whether neighbours in depth are neighbours in memory, else rows and columns are
///   enter(block) -> tile: first row and column, extents, the range of depth of this block, and what else it needs
///   row_of(tile, row), column_of(tile, column), slice_of(tile, depth): what is worked out once for many products
///   left(tile, row, slice), right(tile, column, slice): values
///   store(tile, row, column, sum): and, where sums of what was stored may be wanted, leaves that in `sum`; then also
///   totals, and add_totals(thread, tile, summed_tile)
template <class Real, class Problem>
struct tiled_product_kernel {
  static constexpr std::string_view name = Problem::name;
  static constexpr int threads = 128, rows = 64, columns = 32, depth = 16, each = 4;  // each: sums of a thread, 4 x 4
  static constexpr int skew = 4;                                                      // fewer bank conflicts
  using slice = typename Problem::slice;
  struct tiles {
    alignas(16) Real left[depth][rows + skew];
    alignas(16) Real right[depth][columns + skew];
    slice slices[2][depth];  // of this step and the next
  };
  union shared {
    tiles in;
    summed_tile<Real, rows, columns, threads> out;
  };
  Problem problem;

  constexpr void operator()(auto t, shared& memory) const {
    tiles& s = memory.in;
    const int id = t.rank();
    const auto tile = problem.enter(t.block());
    // Loading: which rows (columns) and which depths are this thread's.
    constexpr int left_each = rows * depth / threads, right_each = columns * depth / threads;
    constexpr int left_rows = Problem::left_by_depth ? left_each : 1,
                  right_columns = Problem::right_by_depth ? right_each : 1;
    typename Problem::row row[left_rows] = {};
    typename Problem::column column[right_columns] = {};
    for (int i = 0; i < left_rows; ++i) row[i] = problem.row_of(tile, tile.first_row + left_row(id, i));
    for (int i = 0; i < right_columns; ++i)
      column[i] = problem.column_of(tile, tile.first_column + right_column(id, i));

    Real sum[each][each] = {};
    if (id < depth) s.slices[0][id] = problem.slice_of(tile, tile.first_depth + id);
    t.sync();
    for (int k = tile.first_depth, step = 0; k < tile.end_depth; k += depth, ++step) {
      const slice* const now = s.slices[step % 2];
      for (int i = 0; i < left_each; ++i)
        s.left[left_depth(id, i)][left_row(id, i)] =
            problem.left(tile, row[Problem::left_by_depth ? i : 0], now[left_depth(id, i)]);
      for (int i = 0; i < right_each; ++i)
        s.right[right_depth(id, i)][right_column(id, i)] =
            problem.right(tile, column[Problem::right_by_depth ? i : 0], now[right_depth(id, i)]);
      if (id < depth) s.slices[(step + 1) % 2][id] = problem.slice_of(tile, k + depth + id);
      t.sync();
      for (int d = 0; d < depth; ++d) {
        Real a[each] = {}, b[each] = {};
        for (int i = 0; i < each; ++i) a[i] = s.left[d][id / (columns / each) * each + i];
        for (int j = 0; j < each; ++j) b[j] = s.right[d][id % (columns / each) * each + j];
        for (int i = 0; i < each; ++i)
          for (int j = 0; j < each; ++j) sum[i][j] += a[i] * b[j];
      }
      t.sync();
    }
    for (int i = 0; i < each; ++i)
      for (int j = 0; j < each; ++j) {
        const int r = tile.first_row + id / (columns / each) * each + i,
                  c = tile.first_column + id % (columns / each) * each + j;
        if (r < tile.rows && c < tile.columns) problem.store(tile, r, c, sum[i][j]);
      }
    if constexpr (requires { problem.totals; }) {
      if (!problem.totals.partial) return;
      for (int i = 0; i < each; ++i)  // the loop has ended with a barrier
        for (int j = 0; j < each; ++j)
          memory.out.values[id / (columns / each) * each + i][id % (columns / each) * each + j] = sum[i][j];
      t.sync();
      problem.add_totals(t, tile, memory.out);
    }
  }

 private:
  static constexpr int left_row(int id, int i) {
    return Problem::left_by_depth ? id / depth + i * (threads / depth) : id % rows;
  }
  static constexpr int left_depth(int id, int i) {
    return Problem::left_by_depth ? id % depth : id / rows + i * (threads / rows);
  }
  static constexpr int right_column(int id, int i) {
    return Problem::right_by_depth ? id / depth + i * (threads / depth) : id % columns;
  }
  static constexpr int right_depth(int id, int i) {
    return Problem::right_by_depth ? id % depth : id / columns + i * (threads / columns);
  }
};

/// Blocks for `layers` products of [rows, columns].
template <class Kernel>
dim product_blocks(int rows, int columns, int layers) {
  return {(rows + Kernel::rows - 1) / Kernel::rows, (columns + Kernel::columns - 1) / Kernel::columns, layers};
}

}  // namespace aixcell::detail
