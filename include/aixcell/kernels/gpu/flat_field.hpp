#pragma once
#include <algorithm>

#include <aixcell/kernels/gpu/resize.hpp>

namespace aixcell {

namespace detail {

/// Divided by what the taps of a field give for its place.
struct without_field {
  static constexpr std::string_view name = "divide_by_field";
  resample field;
  constexpr float operator()(int i, float pixel) const { return pixel / field(i); }
};

}  // namespace detail

/// out = image [H,W,C] divided by a field [rows,columns,C] at the image's size, as resize_image makes it. out may be the image.
/// Throws shape_error on an empty field and if channels differ.
template <GpuDevice Device>
void divide_by_field(context<Device>& ctx, view_on<const float, Device> image, view_on<const float, Device> field,
                     view_on<float, Device> out) {
  require_rank("divide_by_field", 3, "an image [H,W,C]", image.shape());
  require_rank("divide_by_field", 3, "a field [rows,columns,C]", field.shape());
  require_shape("divide_by_field", {field.extent(0), field.extent(1), image.extent(2)}, field.shape());
  if (field.empty()) detail::throw_wrong_rank("divide_by_field", "a field with a value", field.shape());
  require_equal_shapes("divide_by_field", image, out);
  if (image.empty()) return;
  const index_t height = image.extent(0), columns = field.extent(1), channels = field.extent(2);
  tensor<float, Device> rows(ctx, {height, columns, channels});
  detail::counted("divide_by_field", std::max({field.size(), rows.size(), out.size()}));
  const detail::resample_taps<Device> down(ctx, field.extent(0), height), across(ctx, columns, image.extent(1));
  detail::launch_map_singly(ctx, down.of(field.data(), columns * channels), rows.size(), rows.data());
  detail::launch_map_singly(ctx, detail::without_field{across.of(rows.data(), channels)}, out.size(), out.data(),
                            image.data());
}

}  // namespace aixcell
