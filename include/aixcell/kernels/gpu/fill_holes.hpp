#pragma once
#include <limits>

#include <aixcell/kernels/gpu/connected_components.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {

/// Least and greatest of the objects that touch a part of the background; beyond any object where it touches the image's edge.
struct hole_owners {
  std::int32_t least, greatest;
};

struct hole_owners_kernel {
  static constexpr std::string_view name = "fill_holes: owners";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int height, int width, const std::int32_t* labels,
                            const std::int32_t* parts, hole_owners* owners) const {
    const int p = global_rank(t), i = p / width, j = p % width;
    if (i >= height || parts[p] < 1) return;
    hole_owners& of = owners[parts[p] - 1];
    const auto touch = [&](std::int32_t label) {
      if (label <= 0) return;
      t.atomic_min(&of.least, label);
      t.atomic_max(&of.greatest, label);
    };
    if (i == 0 || j == 0 || i + 1 == height || j + 1 == width) return touch(std::numeric_limits<std::int32_t>::max());
    touch(labels[p - width]);
    touch(labels[p - 1]);
    touch(labels[p + 1]);
    touch(labels[p + width]);
  }
};

struct is_background {
  static constexpr std::string_view name = "fill_holes: background";
  constexpr std::uint8_t operator()(int, std::int32_t label) const { return label == 0; }
};
struct no_owner {
  static constexpr std::string_view name = "fill_holes: nobody yet";
  constexpr hole_owners operator()(int) const { return {std::numeric_limits<std::int32_t>::max(), 0}; }
};
struct filled_label {
  static constexpr std::string_view name = "fill_holes";
  const hole_owners* owners;
  constexpr std::int32_t operator()(int, std::int32_t label, std::int32_t part) const {
    if (part < 1) return label;
    const hole_owners of = owners[part - 1];
    return of.least == of.greatest && of.least < std::numeric_limits<std::int32_t>::max() ? of.least : 0;
  }
};

}  // namespace detail

/// As the twin for the processor: parts of the background (4 neighbours) of a label map [H,W] that touch one object alone and
/// not the edge of the image become that object's. Waits for the device.
template <GpuDevice Device>
void fill_holes(context<Device>& ctx, view_on<std::int32_t, Device> labels) {
  require_rank("fill_holes", 2, "a label map [H,W]", labels.shape());
  const int pixels = detail::counted("fill_holes", labels.size());
  tensor<std::uint8_t, Device> background(ctx, labels.shape());
  tensor<std::int32_t, Device> parts(ctx, labels.shape()), count(ctx, {1});
  const std::int32_t *const before = labels.data(), *const known_parts = parts.data();
  detail::launch_map(ctx, detail::is_background{}, pixels, background.data(), before);
  connected_components(ctx, background, connectivity::four, parts, count);
  tensor<detail::hole_owners, Device> owners(ctx, {detail::read_one(ctx, count)});
  detail::launch_map(ctx, detail::no_owner{}, owners.size(), owners.data());
  launch(ctx, blocks_for(pixels, 256), detail::hole_owners_kernel{}, static_cast<int>(labels.extent(0)),
         static_cast<int>(labels.extent(1)), before, known_parts, owners.data());
  detail::launch_map(ctx, detail::filled_label{owners.data()}, pixels, labels.data(), before, known_parts);
}

}  // namespace aixcell
