#pragma once
#include <aixcell/kernels/gpu/detail/conv2d_extents.hpp>
#include <aixcell/kernels/gpu/detail/tile_sums.hpp>

namespace aixcell::detail {

/// What becomes of the sums of a block: the epilogue, y, and its sums for whoever asked for them. What is added at the end may
/// be stored as another type than the result.
template <class Out, class Residual = Out>
struct tile_output {
  static constexpr int width = 16 / static_cast<int>(sizeof(Out));  // values of an access

  epilogue_values<Residual> epilogue;
  Out* y;
  int outputs;  // channels of y
  bool wide;    // whether `width` of them are read and written by one instruction
  tile_sums totals;

  static tile_output of(const epilogue_values<Residual>& epilogue, Out* y, int outputs) {
    const bool wide = outputs % width == 0 && starts_at_a_pack<width>(y) && starts_at_a_pack<width>(epilogue.residual);
    return {epilogue, y, outputs, wide, {}};
  }

  /// Through shared memory: one loop over the sums, not one epilogue a register. place(row): the first value of its pixel in
  /// y, below 0 where it has none.
  template <class Tile>
  constexpr void store(auto t, const typename Tile::accumulators& sum,
                       summed_tile<float, Tile::rows, Tile::columns, Tile::threads>& s, int first_row, int first_column,
                       auto&& place) const {
    t.sync();  // what lay there is read
    Tile::for_each_sum(t, sum, [&](int i, int j, float v) { s.values[i][j] = v; });
    t.sync();
    if (wide)
      store_runs<Tile, width>(t, s.values, first_column, place);
    else
      store_runs<Tile, 1>(t, s.values, first_column, place);
    if (!totals.partial) return;
    t.sync();
    totals.add(t, s, first_row, first_column, outputs, [&](int row) { return place(row) >= 0; });
  }

 private:
  /// A thread has the same channels of some rows, and leaves what it stored.
  template <class Tile, int Width>
  constexpr void store_runs(auto t, auto& values, int first_column, auto&& place) const {
    constexpr int runs = Tile::columns / Width;
    const int column = t.rank() % runs * Width, channel = first_column + column;
    if (channel >= outputs) return;
    float scale[Width] = {}, bias[Width] = {};
    for (int i = 0; i < Width; ++i) {
      scale[i] = epilogue.scale_of(channel + i);
      bias[i] = epilogue.bias_of(channel + i);
    }
    for (int row = t.rank() / runs; row < Tile::rows; row += Tile::threads / runs) {
      const int first = place(row);
      if (first < 0) continue;
      pack<Residual, Width> residual{};
      if (epilogue.residual)
        residual = *reinterpret_cast<const pack<Residual, Width>*>(epilogue.residual + first + channel);
      pack<Out, Width> stored{};
      for (int i = 0; i < Width; ++i) {
        float& value = values[row][column + i];
        stored[i] =
            static_cast<Out>(activate(epilogue.act, value * scale[i] + bias[i] + static_cast<float>(residual[i])));
        if (totals.partial) value = static_cast<float>(stored[i]);
      }
      *reinterpret_cast<pack<Out, Width>*>(y + first + channel) = stored;
    }
  }
};

}  // namespace aixcell::detail
