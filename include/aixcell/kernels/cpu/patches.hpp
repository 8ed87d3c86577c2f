#pragma once
#include <algorithm>

#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/patches.hpp>

namespace aixcell {

namespace detail {
/// Calls f(values of the image, values of the patches, count) for every run of pixels of one row that a patch holds, and
/// with a null image for the runs that lie outside.
template <class Image, class Patches, class Function>
void for_each_patch_row(context<cpu>& ctx, const shape& xs, index_t size, Image* x, Patches* y, Function&& f) {
  const index_t height = xs[1], width = xs[2], channels = xs[3];
  const index_t rows = (height + size - 1) / size, columns = (width + size - 1) / size, run = size * channels;
  parallel_for(ctx, xs[0] * rows, [&](index_t task) {
    const index_t n = task / rows, i = task % rows;
    for (index_t j = 0; j < columns; ++j)
      for (index_t r = 0; r < size; ++r) {
        Patches* patch = y + ((task * columns + j) * size + r) * run;
        const index_t h = i * size + r, inside = h < height ? std::min(size, width - j * size) * channels : 0;
        if (inside > 0) f(x + ((n * height + h) * width + j * size) * channels, patch, inside);
        if (inside < run) f(static_cast<Image*>(nullptr), patch + inside, run - inside);
      }
  });
}
}  // namespace detail

template <class Real>
void to_patches(context<cpu>& ctx, view<const Real, cpu> x, index_t size, view<Real, cpu> y) {
  detail::require_patches("to_patches", x.shape(), size, y.shape());
  detail::for_each_patch_row(ctx, x.shape(), size, x.data(), y.data(), [](const Real* from, Real* to, index_t count) {
    from ? std::copy_n(from, count, to) : std::fill_n(to, count, Real(0));
  });
}

template <class Real>
void from_patches(context<cpu>& ctx, view<const Real, cpu> y, index_t size, view<Real, cpu> x) {
  detail::require_patches("from_patches", x.shape(), size, y.shape());
  detail::for_each_patch_row(ctx, x.shape(), size, x.data(), y.data(), [](Real* to, const Real* from, index_t count) {
    if (to) std::copy_n(from, count, to);
  });
}

}  // namespace aixcell
