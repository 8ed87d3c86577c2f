#pragma once
#include <utility>

#include <aixcell/kernels/gpu/tiles.hpp>
#include <aixcell/pipeline/compute_device.hpp>

namespace aixcell {

template <GpuDevice Device>
class map_on final : public device_map {
 public:
  explicit map_on(tensor<float, Device> values) : values_(std::move(values)) {}
  shape extents() const override { return values_.shape(); }
  const tensor<float, Device>& values() const { return values_; }

 private:
  tensor<float, Device> values_;
};

/// Throws device_error for a map of another device.
template <GpuDevice Device>
const tensor<float, Device>& values_of(const device_map& map) {
  const auto* const here = dynamic_cast<const map_on<Device>*>(&map);
  if (!here) throw device_error("device_map: this map lies on another device than the network that is to read it");
  return here->values();
}

/// The part `where` of an image [H,W,C], as crop_reflected; the image itself where that is the whole.
template <GpuDevice Device>
tensor<float, Device> part_of(context<Device>& ctx, const tensor<float, Device>& image, const rectangle& where) {
  if (where == rectangle{0, 0, image.extent(0), image.extent(1)}) return image;
  tensor<float, Device> part(ctx, {where.height, where.width, image.extent(2)});
  cut_reflected(ctx, image, where.top, where.left, part);
  return part;
}

}  // namespace aixcell
