#pragma once
#include <aixcell/kernels/gpu/detail/conv2d_extents.hpp>
#include <aixcell/kernels/gpu/detail/tile_sums.hpp>

namespace aixcell::detail {

/// What becomes of the sums of a block: the epilogue, y, and its sums for whoever asked for them. What is added at the end may
/// be stored as another type than the result.
template <class Out, class Residual = Out>
struct tile_output {
  epilogue_values<Residual> epilogue;
  Out* y;
  int outputs;  // channels of y
  tile_sums totals;

  /// Through shared memory: one loop over the sums, not one epilogue a register. place(row): the first value of its pixel in
  /// y, below 0 where it has none.
  template <class Tile>
  constexpr void store(auto t, const typename Tile::accumulators& sum,
                       summed_tile<float, Tile::rows, Tile::columns, Tile::threads>& s, int first_row, int first_column,
                       auto&& place) const {
    t.sync();  // what lay there is read
    Tile::for_each_sum(t, sum, [&](int i, int j, float v) { s.values[i][j] = v; });
    t.sync();
    for (int i = t.rank(); i < Tile::rows * Tile::columns; i += Tile::threads) {
      const int row = i / Tile::columns, channel = first_column + i % Tile::columns, first = place(row);
      if (first < 0 || channel >= outputs) continue;
      float& value = s.values[row][i % Tile::columns];
      const auto stored = static_cast<Out>(epilogue(value, channel, first + channel));
      y[first + channel] = stored;
      if (totals.partial) value = static_cast<float>(stored);
    }
    if (!totals.partial) return;
    t.sync();
    totals.add(t, s, first_row, first_column, outputs, [&](int row) { return place(row) >= 0; });
  }
};

}  // namespace aixcell::detail
