#pragma once
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {
template <class T>
struct same_everywhere {
  static constexpr std::string_view name = "fill_values";
  T value;
  constexpr T operator()(int) const { return value; }
};
}  // namespace detail

/// Every value of x is `value`: the twin of core/tensor.hpp's, which makes zeroed tensors and first parameters.
template <class T, GpuDevice Device>
void fill_values(context<Device>& ctx, view<T, Device> x, std::type_identity_t<T> value) {
  detail::launch_map(ctx, detail::same_everywhere<T>{value}, x.size(), x.data());
}

}  // namespace aixcell
