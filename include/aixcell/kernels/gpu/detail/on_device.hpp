#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include <aixcell/core/tensor.hpp>
#include <aixcell/device/core.hpp>

namespace aixcell {

/// An argument that does not take part in deduction: the device comes from the context, so that tensors convert to views.
template <class T, class Device>
using view_on = view<T, std::type_identity_t<Device>>;

namespace detail {

[[noreturn]] inline void throw_too_many(std::string_view where, index_t count) {
  throw shape_error(std::string(where) + ": " + std::to_string(count) +
                    " values; kernels on a GPU count to 2^31 - 1: take a smaller "
                    "batch");
}

/// As the 32-bit number that kernels count with: 64-bit divisions would cost more than the memory they address.
inline int counted(std::string_view where, index_t count) {
  // Room for a grid's last block beyond the end.
  if (count > std::numeric_limits<int>::max() - 4096) throw_too_many(where, count);
  return static_cast<int>(count);
}

/// A single value from the device. Waits for it.
template <class T, GpuDevice Device>
T read_one(context<Device>& ctx, const tensor<T, Device>& from) {
  tensor<T, cpu> to({1});
  copy(ctx, from.as_view(), to.as_view());
  synchronise(ctx);
  return to[0];
}

}  // namespace detail
}  // namespace aixcell
