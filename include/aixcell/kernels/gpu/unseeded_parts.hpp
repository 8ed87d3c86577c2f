#pragma once
#include <aixcell/kernels/gpu/connected_components.hpp>
#include <aixcell/kernels/gpu/region_sums.hpp>

namespace aixcell {

namespace detail {

struct seeded_parts_kernel {
  static constexpr std::string_view name = "add_unseeded: seeded";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int pixels, const std::int32_t* labels, const std::int32_t* parts,
                            int* seeded) const {
    const int p = global_rank(t);
    if (p < pixels && labels[p] > 0 && parts[p] > 0) t.store(&seeded[parts[p] - 1], 1);
  }
};

struct unseeded_label {
  static constexpr std::string_view name = "add_unseeded";
  const int* seeded;
  const std::uint64_t* sums;  // of the parts
  std::uint64_t least;
  int last;
  constexpr std::int32_t operator()(int, std::int32_t label, std::int32_t part) const {
    if (part < 1 || seeded[part - 1] != 0 || sums[(part - 1) * region_sum_count + area_sum] < least) return label;
    return last + part;
  }
};

}  // namespace detail

/// Gives connected parts of a mask [H,W] (4 neighbours) that hold no label and at least `least_area` pixels labels of their
/// own, behind `last`, in the order of their first pixels. Returns the greatest label that there can be now. Waits for the
/// device.
template <GpuDevice Device>
int add_unseeded(context<Device>& ctx, view_on<const std::uint8_t, Device> mask, int least_area, int last,
                 view_on<std::int32_t, Device> labels) {
  require_equal_shapes("add_unseeded", mask, labels);
  const int pixels = detail::counted("add_unseeded", labels.size());
  tensor<std::int32_t, Device> parts(ctx, labels.shape()), count(ctx, {1});
  connected_components(ctx, mask, connectivity::four, parts, count);
  const int found = detail::read_one(ctx, count);
  if (found == 0) return last;
  tensor<std::uint64_t, Device> sums(ctx, {found, region_sum_count});
  tensor<std::int32_t, Device> boxes(ctx, {found, region_edge_count});
  region_sums(ctx, parts, sums, boxes);
  tensor<int, Device> seeded(ctx, {found});
  const std::int32_t *const known_parts = parts.data(), *const before = labels.data();
  detail::launch_map(ctx, detail::zeros{}, found, seeded.data());
  launch(ctx, blocks_for(pixels, 256), detail::seeded_parts_kernel{}, pixels, before, known_parts, seeded.data());
  const detail::unseeded_label labelled{seeded.data(), sums.data(),
                                        static_cast<std::uint64_t>(least_area < 0 ? 0 : least_area), last};
  detail::launch_map(ctx, labelled, pixels, labels.data(), before, known_parts);
  return last + found;
}

}  // namespace aixcell
