#pragma once
#include <aixcell/kernels/gpu/detail/column_sums.hpp>
#include <aixcell/kernels/gpu/detail/conv2d_extents.hpp>
#include <aixcell/kernels/gpu/detail/depthwise.hpp>
#include <aixcell/kernels/gpu/detail/filter_shares.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>
#include <aixcell/kernels/gpu/detail/tiled_product.hpp>
#include <aixcell/kernels/gpu/normalisation.hpp>

namespace aixcell::detail {

// Convolution in any arithmetic type, stride, dilation and number of groups, of images stored in any type: an implicit matrix
// product with tiles in shared memory. The oracle of the variants for tensor cores and for few channels.

struct product_tile {
  int rows, columns, first_row, first_column, first_depth, end_depth;
  int group;
};

/// y: rows are pixels of y, columns filters of the group, depth (r, s, c).
template <class Stored>
struct forward_product {
  using Real = master_of<Stored>;
  static constexpr std::string_view name = "conv2d";
  static constexpr bool left_by_depth = true, right_by_depth = true;
  struct row {
    int image, top, left;  // first value of the image, cell of tap (0,0); image < 0: beyond the last pixel
  };
  struct column {
    int first;  // of the filter; < 0: beyond the last
  };
  struct slice {
    int down, right, channel, depth;  // offset of the tap; depth < 0: beyond the last
  };
  using tile = product_tile;

  conv2d_extents e;
  epilogue_values<Stored> epilogue;
  const Stored* x;
  const Real* filter;
  Stored* y;
  tile_sums totals;

  constexpr tile enter(dim block) const {
    return {e.pixels(), e.outputs, block.x * 64, block.y * 32, 0, e.reach(), block.z};
  }
  constexpr row row_of(const tile& t, int pixel) const {
    if (pixel >= t.rows) return {-1, 0, 0};
    const int q = pixel % e.y.width, p = pixel / e.y.width % e.y.height, n = pixel / e.y.width / e.y.height;
    return {n * e.x.height * e.x.width * e.x.channels + t.group * e.inputs, p * e.stride - e.padding,
            q * e.stride - e.padding};
  }
  constexpr column column_of(const tile& t, int k) const {
    return {k < t.columns ? (t.group * e.outputs + k) * e.reach() : -1};
  }
  constexpr slice slice_of(const tile&, int depth) const {
    if (depth >= e.reach()) return {0, 0, 0, -1};
    const int c = depth % e.inputs, tap = depth / e.inputs;
    return {tap / e.taps_right * e.dilation, tap % e.taps_right * e.dilation, c, depth};
  }
  constexpr Real left(const tile&, const row& r, const slice& s) const {
    const int h = r.top + s.down, w = r.left + s.right;
    if (r.image < 0 || s.depth < 0 || h < 0 || h >= e.x.height || w < 0 || w >= e.x.width) return 0;
    return static_cast<Real>(x[r.image + (h * e.x.width + w) * e.x.channels + s.channel]);
  }
  constexpr Real right(const tile&, const column& c, const slice& s) const {
    return c.first < 0 || s.depth < 0 ? Real(0) : filter[c.first + s.depth];
  }
  constexpr void store(const tile& t, int pixel, int k, Real& sum) const {
    const int channel = t.group * e.outputs + k, at = pixel * e.y.channels + channel;
    const auto stored = static_cast<Stored>(epilogue(sum, channel, at));
    y[at] = stored;
    sum = static_cast<Real>(stored);
  }
  constexpr void add_totals(auto t, const tile& b, auto& stored) const {
    const int first = b.group * e.outputs;
    totals.add(t, stored, b.first_row, first + b.first_column, first + e.outputs, [](int) { return true; });
  }
};

/// dx: rows are cells of x that have one place within a stride, so that they are read by the same taps and nothing is
/// multiplied by a zero that was put between; columns are channels of the group, depth (taps that reach, k).
template <class Stored>
struct data_product {
  using Real = master_of<Stored>;
  static constexpr std::string_view name = "conv2d_backward_data";
  static constexpr bool left_by_depth = true, right_by_depth = false;
  struct row {
    int image, down, right;  // first value of dy's image, (cell + padding) / 1; image < 0: beyond the last cell
  };
  struct column {
    int channel;  // < 0: beyond the last
  };
  struct slice {
    int down, right, k, tap;  // offset of the tap in cells; tap < 0: beyond the last
  };
  struct tile : product_tile {
    int phase_down, phase_right;  // of the cells
    int cells_down, cells_right;  // with that phase
    int first_down, first_right;  // first tap that reaches such a cell, and how many do
    int taps_down, taps_right, step;
  };

  conv2d_extents e;
  const Stored* dy;
  const Real* filter;
  Stored* dx;

  /// Taps that reach cells of a phase are every `step`-th from the first.
  constexpr int step() const {
    int a = e.stride, b = e.dilation;
    while (b != 0) {
      const int rest = a % b;
      a = b;
      b = rest;
    }
    return e.stride / a;
  }
  constexpr int first_tap(int phase) const {
    for (int r = 0; r < step(); ++r)
      if ((phase + e.padding + e.stride * e.dilation * r - r * e.dilation) % e.stride == 0) return r;
    return 1 << 20;  // none
  }
  static constexpr int steps_from(int first, int count, int step) {
    return first < count ? (count - 1 - first) / step + 1 : 0;
  }

  constexpr tile enter(dim block) const {
    tile t{};
    const int phase = block.z / e.groups;
    t.group = block.z % e.groups;
    t.phase_down = phase / e.stride;
    t.phase_right = phase % e.stride;
    t.cells_down = steps_from(t.phase_down, e.x.height, e.stride);
    t.cells_right = steps_from(t.phase_right, e.x.width, e.stride);
    t.step = step();
    t.first_down = first_tap(t.phase_down);
    t.first_right = first_tap(t.phase_right);
    t.taps_down = steps_from(t.first_down, e.taps_down, t.step);
    t.taps_right = steps_from(t.first_right, e.taps_right, t.step);
    t.rows = e.x.images * t.cells_down * t.cells_right;
    t.columns = e.inputs;
    t.first_row = block.x * 64;
    t.first_column = block.y * 32;
    t.first_depth = 0;
    t.end_depth = t.first_row < t.rows ? t.taps_down * t.taps_right * e.outputs : 0;
    return t;
  }
  constexpr row row_of(const tile& t, int cell) const {
    if (cell >= t.rows) return {-1, 0, 0};
    const int w = cell % t.cells_right, h = cell / t.cells_right % t.cells_down,
              n = cell / t.cells_right / t.cells_down;
    return {n * e.y.height * e.y.width * e.y.channels + t.group * e.outputs, t.phase_down + h * e.stride + e.padding,
            t.phase_right + w * e.stride + e.padding};
  }
  constexpr column column_of(const tile& t, int c) const { return {c < t.columns ? c : -1}; }
  constexpr slice slice_of(const tile& t, int depth) const {
    if (depth >= t.end_depth) return {0, 0, 0, -1};
    const int k = depth % e.outputs, tap = depth / e.outputs;
    const int r = t.first_down + tap / t.taps_right * t.step, s = t.first_right + tap % t.taps_right * t.step;
    return {r * e.dilation, s * e.dilation, k, r * e.taps_right + s};
  }
  constexpr Real left(const tile&, const row& r, const slice& s) const {
    // Whole multiples of the stride, by the choice of taps; negative ones lie outside and must not be rounded to 0.
    const int down = r.down - s.down, right = r.right - s.right;
    if (r.image < 0 || s.tap < 0 || down < 0 || right < 0) return 0;
    const int p = down / e.stride, q = right / e.stride;
    if (p >= e.y.height || q >= e.y.width) return 0;
    return static_cast<Real>(dy[r.image + (p * e.y.width + q) * e.y.channels + s.k]);
  }
  constexpr Real right(const tile& t, const column& c, const slice& s) const {
    if (c.channel < 0 || s.tap < 0) return 0;
    return filter[((t.group * e.outputs + s.k) * e.taps() + s.tap) * e.inputs + c.channel];
  }
  constexpr void store(const tile& t, int cell, int c, Real sum) const {
    const int w = cell % t.cells_right, h = cell / t.cells_right % t.cells_down,
              n = cell / t.cells_right / t.cells_down;
    dx[e.x.at(n, t.phase_down + h * e.stride, t.phase_right + w * e.stride, t.group * e.inputs + c)] =
        static_cast<Stored>(sum);
  }
};

/// Partial dfilter: rows are filters of the group, columns (r, s, c), depth the pixels of y, a share of them a block.
template <class Stored>
struct filter_product {
  using Real = master_of<Stored>;
  static constexpr std::string_view name = "conv2d_backward_filter";
  static constexpr bool left_by_depth = false, right_by_depth = false;
  struct row {
    int channel;  // of dy; < 0: beyond the last
  };
  struct column {
    int down, right, channel;  // offset of the tap; channel < 0: beyond the last
  };
  struct slice {
    int pixel, image, top,
        left;  // first value of dy's pixel and x's image, cell of tap (0,0); pixel < 0: beyond the share
  };
  struct tile : product_tile {
    int share;
  };

  conv2d_extents e;
  int share_pixels;
  const Stored *x, *dy;
  Real* partial;  // [shares,K,R,S,C/groups]

  constexpr tile enter(dim block) const {
    tile t{};
    t.group = block.z % e.groups;
    t.share = block.z / e.groups;
    t.rows = e.outputs;
    t.columns = e.reach();
    t.first_row = block.x * 64;
    t.first_column = block.y * 32;
    t.first_depth = t.share * share_pixels;
    t.end_depth = t.first_depth + share_pixels < e.pixels() ? t.first_depth + share_pixels : e.pixels();
    return t;
  }
  constexpr row row_of(const tile& t, int k) const { return {k < t.rows ? t.group * e.outputs + k : -1}; }
  constexpr column column_of(const tile& t, int i) const {
    if (i >= t.columns) return {0, 0, -1};
    const int c = i % e.inputs, tap = i / e.inputs;
    return {tap / e.taps_right * e.dilation, tap % e.taps_right * e.dilation, t.group * e.inputs + c};
  }
  constexpr slice slice_of(const tile& t, int pixel) const {
    if (pixel >= t.end_depth) return {-1, 0, 0, 0};
    const int q = pixel % e.y.width, p = pixel / e.y.width % e.y.height, n = pixel / e.y.width / e.y.height;
    return {pixel * e.y.channels, n * e.x.height * e.x.width * e.x.channels, p * e.stride - e.padding,
            q * e.stride - e.padding};
  }
  constexpr Real left(const tile&, const row& r, const slice& s) const {
    return r.channel < 0 || s.pixel < 0 ? Real(0) : static_cast<Real>(dy[s.pixel + r.channel]);
  }
  constexpr Real right(const tile&, const column& c, const slice& s) const {
    const int h = s.top + c.down, w = s.left + c.right;
    if (c.channel < 0 || s.pixel < 0 || h < 0 || h >= e.x.height || w < 0 || w >= e.x.width) return 0;
    return static_cast<Real>(x[s.image + (h * e.x.width + w) * e.x.channels + c.channel]);
  }
  constexpr void store(const tile& t, int k, int i, Real sum) const {
    partial[(t.share * e.groups * e.outputs + t.group * e.outputs + k) * e.reach() + i] = sum;
  }
};

template <class Real, GpuDevice Device>
void conv2d_any(context<Device>& ctx, view_on<const Real, Device> x, view_on<const master_of<Real>, Device> filter,
                conv2d_geometry g, const conv2d_epilogue<Real, std::type_identity_t<Device>>& e,
                view_on<Real, Device> y, view_on<double, Device> sums = {}) {
  require_conv2d_shapes("conv2d", x.shape(), filter.shape(), g, y.shape());
  const auto extents = conv2d_extents::of("conv2d", x.shape(), filter.shape(), g, y.shape());
  const auto epilogue = epilogue_values<Real>::of("conv2d", e, y.shape());
  if (is_depthwise(filter.shape(), g)) {
    launch(ctx, blocks_for(y.size(), 256), depthwise_kernel<Real>{}, extents, epilogue, x.data(), filter.data(),
           y.data());
    if (!sums.empty()) channel_sums<Real>(ctx, y, sums);
    return;
  }
  using kernel = tiled_product_kernel<master_of<Real>, forward_product<Real>>;
  with_tile_sums<kernel::rows>(ctx, "conv2d", y.shape(), extents.y.height * extents.y.width, sums,
                               [&](const tile_sums& totals) {
                                 launch(ctx, product_blocks<kernel>(extents.pixels(), extents.outputs, g.groups),
                                        kernel{{extents, epilogue, x.data(), filter.data(), y.data(), totals}});
                               });
}

template <class Real, GpuDevice Device>
void conv2d_any_backward_data(context<Device>& ctx, view_on<const Real, Device> dy,
                              view_on<const master_of<Real>, Device> filter, conv2d_geometry g,
                              view_on<Real, Device> dx) {
  require_conv2d_shapes("conv2d_backward_data", dx.shape(), filter.shape(), g, dy.shape());
  const auto extents = conv2d_extents::of("conv2d_backward_data", dx.shape(), filter.shape(), g, dy.shape());
  if (is_depthwise(filter.shape(), g)) {
    launch(ctx, blocks_for(dx.size(), 256), depthwise_data_kernel<Real>{}, extents, dy.data(), filter.data(),
           dx.data());
    return;
  }
  using kernel = tiled_product_kernel<master_of<Real>, data_product<Real>>;
  const int phases = g.stride * g.stride, cells_down = (extents.x.height + g.stride - 1) / g.stride,
            cells_right = (extents.x.width + g.stride - 1) / g.stride;
  launch(ctx, product_blocks<kernel>(extents.x.images * cells_down * cells_right, extents.inputs, phases * g.groups),
         kernel{{extents, dy.data(), filter.data(), dx.data()}});
}

template <class Real, GpuDevice Device>
void conv2d_any_backward_filter(context<Device>& ctx, view_on<const Real, Device> x, view_on<const Real, Device> dy,
                                conv2d_geometry g, view_on<master_of<Real>, Device> dfilter) {
  require_conv2d_shapes("conv2d_backward_filter", x.shape(), dfilter.shape(), g, dy.shape());
  if (dfilter.empty() || dy.empty()) return;
  const auto extents = conv2d_extents::of("conv2d_backward_filter", x.shape(), dfilter.shape(), g, dy.shape());
  if (is_depthwise(dfilter.shape(), g)) {
    const auto count = static_cast<int>(dfilter.size());
    const master_of<Real>* const before = dfilter.data();
    tensor<double, Device> sums(ctx, {extents.taps(), extents.x.channels});
    const double* const known = sums.data();
    launch_column_sums<1>(ctx, depthwise_filter_sums<Real>{extents, x.data(), dy.data()}, 1, extents.pixels(), count,
                          sums.data());
    launch_map(ctx, add_depthwise_sums{known, extents.taps(), extents.x.channels}, count, dfilter.data(), before);
    return;
  }
  using kernel = tiled_product_kernel<master_of<Real>, filter_product<Real>>;
  const dim tiles = product_blocks<kernel>(extents.outputs, extents.reach(), g.groups);
  const auto shares = filter_shares::of(static_cast<int>(tiles.count()), extents.pixels(), 256);
  add_filter_shares<master_of<Real>>(ctx, "conv2d_backward_filter", shares, dfilter, [&](master_of<Real>* partial) {
    launch(ctx, {tiles.x, tiles.y, shares.count * g.groups},
           kernel{{extents, shares.each, x.data(), dy.data(), partial}});
  });
}

}  // namespace aixcell::detail
