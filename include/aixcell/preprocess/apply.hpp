#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/stages.hpp>

namespace aixcell {

namespace detail {
[[noreturn]] inline void throw_unusable_value(view<const float, cpu> pixels, index_t at) {
  throw data_error("preprocess: pixel (" + std::to_string(at / pixels.extent(2) / pixels.extent(1)) + ", " +
                   std::to_string(at / pixels.extent(2) % pixels.extent(1)) +
                   ") is not a finite number below 1e30; replace NaN and infinity before");
}

/// Throws data_error for the first value that is not finite or beyond 1e30.
inline void require_usable_values(const context<cpu>& ctx, view<const float, cpu> pixels) {
  const auto usable = [](float v) { return std::abs(v) <= 1e30f; };
  std::atomic<bool> all_usable = true;
  parallel_ranges(ctx, pixels.size(), index_t{1} << 16, [&](index_t begin, index_t end) {
    const float* const values = pixels.data();
    int other = 0;
#pragma omp simd reduction(+ : other)
    for (index_t i = begin; i < end; ++i) other += usable(values[i]) ? 0 : 1;
    if (other > 0) all_usable = false;
  });
  if (!all_usable)
    throw_unusable_value(pixels, std::find_if_not(pixels.begin(), pixels.end(), usable) - pixels.begin());
}

template <class P>
struct fitted_state {
  using type = no_state;
};
template <FitsAndApplies P>
struct fitted_state<P> {
  using type = typename P::state;
};
}  // namespace detail

/// What a preprocess policy learns from the training split; `no_state` if nothing.
template <class P>
using fitted_state_t = typename detail::fitted_state<P>::type;

/// Whether a policy works on images of so many channels. One that does not on all says so by
/// `static constexpr bool accepts_channels(int)`.
template <Preprocess P>
constexpr bool accepts_channels([[maybe_unused]] int channels) {
  if constexpr (requires { P::accepts_channels(channels); })
    return P::accepts_channels(channels);
  else
    return true;
}

template <Preprocess P>
fitted_state_t<P> fit_preprocess([[maybe_unused]] context<cpu>& ctx, [[maybe_unused]] const P& policy,
                                 [[maybe_unused]] const example_source& training) {
  if constexpr (FitsAndApplies<P>)
    return policy.fit(ctx, training);
  else
    return {};
}

/// Applies a policy, with what it learned. Throws shape_error unless pixels are a non-empty image [H,W,C], data_error
/// if one is not finite or beyond 1e30: differences of such numbers are not finite.
template <Preprocess P>
tensor<float> apply_preprocess(context<cpu>& ctx, const P& policy, [[maybe_unused]] const fitted_state_t<P>& state,
                               view<const float, cpu> pixels) {
  require_rank("preprocess", 3, "an image [H,W,C]", pixels.shape());
  if (pixels.empty()) throw shape_error("preprocess: the image is empty " + to_string(pixels.shape()));
  detail::require_usable_values(ctx, pixels);
  if constexpr (FitsAndApplies<P>)
    return policy.apply(ctx, pixels, state);
  else
    return policy.apply(ctx, pixels);
}

}  // namespace aixcell
