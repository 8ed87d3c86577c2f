#pragma once
#include <aixcell/kernels/gpu/detail/dense_product.hpp>
#include <aixcell/kernels/gpu/detail/tile_output.hpp>
#include <aixcell/kernels/gpu/detail/tiled_product.hpp>

namespace aixcell::detail {

// Convolution of bfloat16 by warpgroups (wgmma of Hopper), where the context was told to multiply so: what
// tensor_core_kernel computes, of the same operands and with the same epilogue. A warpgroup multiplies tiles that it
// reads from shared memory itself: nothing is loaded into registers, and copies go on meanwhile. Forward, and to the
// image, which is a forward convolution of turned filters. Channels in multiples of 8; what narrow_channels takes,
// which memory bounds, stays there, and filter gradients stay on mma.sync.

/// Sums [128,Columns] of a block of two warpgroups, each 64 rows.
template <int Columns>
struct warpgroup_tile {
  static constexpr int threads = 2 * warpgroup_size, rows = 128, columns = Columns, depth = swizzled_tile<8>::depth;
  using accumulators = float[columns / 2];

  /// Calls f(row, column, value) for the sums of this thread, within the block.
  static constexpr void for_each_sum(auto t, const accumulators& sum, auto&& f) {
    for (int i = 0; i < columns / 2; ++i) f(first_row(t) + warpgroup_row(t, i), warpgroup_column(t, i), sum[i]);
  }
  static constexpr int first_row(auto t) { return t.rank() / warpgroup_size * 64; }
};

/// y [N,P,Q,K]: rows are pixels, columns filters, depth (r, s, c).
template <int Columns, class Out, class Residual>
struct warpgroup_kernel : warpgroup_tile<Columns> {
  using tile = warpgroup_tile<Columns>;
  using tile::columns, tile::depth, tile::rows, tile::threads;
  static constexpr std::string_view name = "conv2d_bf16, warpgroups";
  static constexpr int stages = columns == 128 ? 3 : 4;  // 96 KiB: two blocks share a multiprocessor
  static constexpr int ahead = stages - 2;               // one stage is being multiplied, one may still be
  struct tiles {
    swizzled_tile<rows> left[stages];
    swizzled_tile<columns> right[stages];
  };
  union shared {
    tiles in;
    summed_tile<float, rows, columns, threads> out;
  };

  dense_product<bfloat16> of;
  tile_output<Out, Residual> output;

  constexpr void operator()(WarpgroupThread auto t, shared& s) const {
    const int first_row = t.block().x * rows, first_column = t.block().y * columns;
    const dense_copies<bfloat16, rows, columns, depth, threads> copies(t, of, first_row, first_column);
    const int steps = (of.e.reach() + depth - 1) / depth;
    const auto fetch = [&](int step) {
      if (step < steps)
        copies.fetch(
            t, of, step, [&](int row, int k) { return s.in.left[step % stages].piece_at(row, k); },
            [&](int row, int k) { return s.in.right[step % stages].piece_at(row, k); });
      t.commit();
    };
    typename tile::accumulators sum = {};
    for (int step = 0; step < ahead; ++step) fetch(step);
    t.warpgroup_fence(sum);
    for (int step = 0; step < steps; ++step) {
      t.template wait<ahead - 1>();
      t.fence_async_proxy();
      t.sync();  // everybody's copies of this step are here, and the products of the step before the last are done
      t.warpgroup_fence();
      for (int k = 0; k < depth / 16; ++k)
        t.warpgroup_multiply(sum, s.in.left[step % stages].from_row(tile::first_row(t)),
                             s.in.right[step % stages].from_row(0), k);
      t.warpgroup_commit();
      t.template warpgroup_wait<1>();
      fetch(step + ahead);
    }
    t.template warpgroup_wait<0>(sum);
    t.template wait<0>();
    output.template store<tile>(t, sum, s.out, first_row, first_column,
                                [&](int i) { return of.first_value_of(first_row + i); });
  }
};

template <class Out, class Residual, GpuDevice Device>
void launch_warpgroups(context<Device>& ctx, const dense_product<bfloat16>& of,
                       const tile_output<Out, Residual>& output) {
  const auto launch_columns = [&](auto columns) {
    using kernel = warpgroup_kernel<columns(), Out, Residual>;
    kernel k{};
    k.of = of;
    k.output = output;
    launch(ctx, product_blocks<kernel>(of.e.pixels(), of.e.outputs, 1), k);
  };
  if (of.e.outputs <= 64) return launch_columns(std::integral_constant<int, 64>());
  launch_columns(std::integral_constant<int, 128>());
}

}  // namespace aixcell::detail
