#pragma once
#include <string_view>

#include <aixcell/kernels/gpu/detail/conv2d_extents.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell::detail {

/// How the depth of a filter gradient, the pixels, is shared among blocks: until they fill a large GPU, by the shape alone, so
/// that sums repeat on every GPU.
struct filter_shares {
  int count, each;
  /// `tiles` blocks for each share of `depth`, a share of at least `least`.
  static constexpr filter_shares of(int tiles, int depth, int least) {
    const int wanted = 512 / (tiles < 512 ? tiles : 512), possible = (depth + least - 1) / least;
    const int count = wanted < possible ? wanted : possible;
    const int each = (depth + count - 1) / count;
    return {(depth + each - 1) / each, each};
  }
};

/// total += the shares, in order.
template <class Real>
struct add_shares {
  static constexpr std::string_view name = "conv2d_backward_filter: shares";
  const Real* partial;
  int shares, count;
  constexpr Real operator()(int i, Real before) const {
    Real sum = 0;
    for (int s = 0; s < shares; ++s) sum += partial[s * count + i];
    return before + sum;
  }
};

/// dfilter += shares that launch_shares(partial [shares,dfilter]) writes.
template <class Real, GpuDevice Device, class Launch>
void add_filter_shares(context<Device>& ctx, std::string_view where, const filter_shares& shares,
                       view<Real, Device> dfilter, Launch&& launch_shares) {
  const auto count = static_cast<int>(dfilter.size());
  counted(where, static_cast<index_t>(shares.count) * count);
  tensor<Real, Device> partial(ctx, {shares.count, count});
  const Real *const known = partial.data(), *const before = dfilter.data();
  launch_shares(partial.data());
  launch_map(ctx, add_shares<Real>{known, shares.count, count}, count, dfilter.data(), before);
}

}  // namespace aixcell::detail
