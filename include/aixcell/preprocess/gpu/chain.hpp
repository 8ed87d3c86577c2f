#pragma once
#include <tuple>
#include <utility>

#include <aixcell/preprocess/chain.hpp>
#include <aixcell/preprocess/gpu/apply.hpp>

namespace aixcell {

namespace detail {

template <std::size_t I, GpuDevice Device, class... P>
tensor<float, Device> apply_from(context<Device>& ctx, const chain<P...>& policies,
                                 const typename chain<P...>::state& s, const tensor<float, Device>& pixels) {
  tensor<float, Device> out = apply_preprocess(ctx, std::get<I>(policies.policies), std::get<I>(s.states), pixels);
  if constexpr (I + 1 < sizeof...(P))
    return apply_from<I + 1>(ctx, policies, s, out);
  else
    return out;
}

}  // namespace detail

/// One after the other, if each has a twin.
template <GpuDevice Device, HasPreprocessTwin<Device>... P>
tensor<float, Device> apply_on(context<Device>& ctx, const chain<P...>& policies, const typename chain<P...>::state& s,
                               const tensor<float, Device>& pixels) {
  return detail::apply_from<0>(ctx, policies, s, pixels);
}

}  // namespace aixcell
