#pragma once
#include <aixcell/kernels/gpu/detail/on_device.hpp>

namespace aixcell::detail {

/// What is computed with: bfloat16 is a format to store in.
template <class T>
constexpr auto widened(T v) {
  if constexpr (std::is_same_v<T, bfloat16>)
    return static_cast<float>(v);
  else
    return v;
}

/// y[i] = f(i, x[i]...), Width neighbouring values a thread, read and written by one instruction where Width > 1.
/// y may be one of the x. The function sees bfloat16 as float.
template <class Function, int Width>
struct map_kernel {
  static constexpr std::string_view name = Function::name;
  static constexpr int threads = 256;
  using shared = nothing;

  Function f;

  template <class Y, class... X>
  constexpr void operator()(auto t, shared&, int count, Y* y, const X*... x) const {
    const int first = global_rank(t) * Width;
    if (first >= count) return;
    if constexpr (Width > 1) {
      if (first + Width <= count) {
        *reinterpret_cast<pack<Y, Width>*>(y + first) =
            mapped<Y>(first, *reinterpret_cast<const pack<X, Width>*>(x + first)...);
        return;
      }
    }
    for (int i = first; i < count && i < first + Width; ++i) y[i] = static_cast<Y>(f(i, widened(x[i])...));
  }

 private:
  template <class Y, class... X>
  constexpr pack<Y, Width> mapped(int first, const pack<X, Width>&... x) const {
    pack<Y, Width> y{};
    for (int i = 0; i < Width; ++i) y[i] = static_cast<Y>(f(first + i, widened(x[i])...));
    return y;
  }
};

struct zeros {
  static constexpr std::string_view name = "zeros";
  constexpr int operator()(int) const { return 0; }
};

struct same_value {
  static constexpr std::string_view name = "copy";
  template <class T>
  constexpr T operator()(int, T v) const {
    return v;
  }
};

template <int Width, class T>
bool starts_at_a_pack(const T* p) {
  return reinterpret_cast<std::uintptr_t>(p) % alignof(pack<T, Width>) == 0;
}

/// Maps views of one size; the function says what it is called (`name`).
template <GpuDevice Device, class Function, class Y, class... X>
void launch_map(context<Device>& ctx, const Function& f, index_t size, Y* y, const X*... x) {
  constexpr int width = 16 / static_cast<int>(sizeof(Y));
  const int count = counted(Function::name, size);
  if ((starts_at_a_pack<width>(y) && ... && starts_at_a_pack<width>(x)))
    launch(ctx, blocks_for((count + width - 1) / width, 256), map_kernel<Function, width>{f}, count, y, x...);
  else
    launch(ctx, blocks_for(count, 256), map_kernel<Function, 1>{f}, count, y, x...);
}

/// One value a thread: for functions of loops, behind which a pack would lie in memory and not in registers.
template <GpuDevice Device, class Function, class Y, class... X>
void launch_map_singly(context<Device>& ctx, const Function& f, index_t size, Y* y, const X*... x) {
  const int count = counted(Function::name, size);
  launch(ctx, blocks_for(count, 256), map_kernel<Function, 1>{f}, count, y, x...);
}

}  // namespace aixcell::detail
