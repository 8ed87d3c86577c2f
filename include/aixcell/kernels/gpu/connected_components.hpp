#pragma once
#include <bit>

#include <aixcell/kernels/connectivity.hpp>
#include <aixcell/kernels/gpu/detail/exclusive_scan.hpp>

namespace aixcell {

namespace detail {

// Union-find in global memory (after Playne & Hawick 2018 and Komura 2015): every pixel starts linked to a neighbour that was
// scanned before it; what remains to be joined is joined by atomic_min, larger root under smaller. Whoever comes last, the root
// of a set is its first pixel: the result does not depend on the order. Links are read by relaxed loads, because others write
// them meanwhile.

constexpr int root_of(auto t, const int* parent, int i) {
  for (int up = t.load(&parent[i]); up != i; up = t.load(&parent[i])) i = up;
  return i;
}

constexpr void join_sets(auto t, int* parent, int a, int b) {
  for (;;) {
    a = root_of(t, parent, a);
    b = root_of(t, parent, b);
    if (a == b) return;
    const int larger = a > b ? a : b, smaller = a > b ? b : a;
    const int before = t.atomic_min(&parent[larger], smaller);
    if (before == larger) return;
    a = before;  // somebody else had linked the larger root: that set must be joined too
    b = smaller;
  }
}

/// Pixels are set if their value is above 0, and one if both are set and equal; masks hold 0 and anything else.
template <class Pixel>
struct pixel_sets {
  static constexpr int threads = 256;
  using shared = nothing;
  const Pixel* values;
  int height, width;
  constexpr bool is_set(int i) const { return values[i] > 0; }
  constexpr bool are_one(int i, int j) const {
    if constexpr (sizeof(Pixel) == 1)
      return values[i] != 0 && values[j] != 0;
    else
      return values[i] > 0 && values[i] == values[j];
  }
};

template <class Pixel>
struct components_start_kernel : pixel_sets<Pixel> {
  static constexpr std::string_view name = "connected_components: start";
  constexpr void operator()(auto t, nothing&, int* parent) const {
    const int i = global_rank(t), y = i / this->width, x = i % this->width;
    if (y >= this->height) return;
    int to = this->is_set(i) ? i : -1;
    if (to >= 0 && x > 0 && this->are_one(i, i - 1))
      to = i - 1;
    else if (to >= 0 && y > 0 && this->are_one(i, i - this->width))
      to = i - this->width;
    parent[i] = to;
  }
};

template <class Pixel>
struct components_join_kernel : pixel_sets<Pixel> {
  static constexpr std::string_view name = "connected_components: join";
  constexpr void operator()(auto t, nothing&, connectivity kind, int* parent) const {
    const int i = global_rank(t), w = this->width, y = i / w, x = i % w;
    if (y >= this->height || y == 0 || !this->is_set(i)) return;
    const bool left = x > 0 && this->are_one(i, i - 1), up = this->are_one(i, i - w);
    const bool up_left = x > 0 && this->are_one(i, i - w - 1), up_right = x + 1 < w && this->are_one(i, i - w + 1);
    if (up) {
      if (left && !up_left) join_sets(t, parent, i, i - w);  // else linked at the start, or by way of up_left
    } else if (kind == connectivity::eight) {
      if (up_left && !left) join_sets(t, parent, i, i - w - 1);
      if (up_right) join_sets(t, parent, i, i - w + 1);
    }
  }
};

/// How many roots are in each block of 256 pixels.
struct count_roots_kernel {
  static constexpr std::string_view name = "connected_components: count";
  static constexpr int threads = 256;
  struct shared {
    int warp_count[threads / warp_size];
  };
  constexpr void operator()(auto t, shared& s, int pixels, const int* parent, int* counts) const {
    const int i = global_rank(t);
    const unsigned roots = t.ballot(i < pixels && parent[i] == i);
    if (lane_of(t) == 0) s.warp_count[warp_of(t)] = std::popcount(roots);
    t.sync();
    if (t.rank() != 0) return;
    int sum = 0;
    for (int w = 0; w < threads / warp_size; ++w) sum += s.warp_count[w];
    counts[t.block().x] = sum;
  }
};

/// numbers[root] = 1, 2, ... in the order of the pixels; `before` are the roots before each block.
struct number_roots_kernel {
  static constexpr std::string_view name = "connected_components: number";
  static constexpr int threads = 256;
  struct shared {
    int warp_count[threads / warp_size];
  };
  constexpr void operator()(auto t, shared& s, int pixels, const int* parent, const int* before, int* numbers) const {
    const int i = global_rank(t);
    const bool root = i < pixels && parent[i] == i;
    const unsigned roots = t.ballot(root);
    if (lane_of(t) == 0) s.warp_count[warp_of(t)] = std::popcount(roots);
    t.sync();
    if (!root) return;
    int number = before[t.block().x] + std::popcount(roots & ((1u << lane_of(t)) - 1)) + 1;
    for (int w = 0; w < warp_of(t); ++w) number += s.warp_count[w];
    numbers[i] = number;
  }
};

struct label_sets_kernel {
  static constexpr std::string_view name = "connected_components: label";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int pixels, const int* parent, const int* numbers,
                            std::int32_t* labels) const {
    const int i = global_rank(t);
    if (i >= pixels) return;
    if (parent[i] < 0) {
      labels[i] = 0;
      return;
    }
    int root = i;
    while (parent[root] != root) root = parent[root];
    labels[i] = numbers[root];
  }
};

template <class Pixel, GpuDevice Device>
void launch_components(context<Device>& ctx, std::string_view where, view<const Pixel, Device> values,
                       connectivity kind, view<std::int32_t, Device> labels, view<std::int32_t, Device> count) {
  require_rank(where, 2, "an image [H,W]", values.shape());
  require_shape(where, values.shape(), labels.shape());
  require_shape(where, {1}, count.shape());
  const int pixels = counted(where, values.size()), height = static_cast<int>(values.extent(0)),
            width = static_cast<int>(values.extent(1));
  const dim blocks = blocks_for(pixels, 256);
  tensor<int, Device> parent(ctx, {pixels}), numbers(ctx, {pixels}), before(ctx, {blocks.x});
  const int *const known_parent = parent.data(), *const known_before = before.data(),
                   *const known_numbers = numbers.data();
  const pixel_sets<Pixel> sets{values.data(), height, width};
  launch(ctx, blocks, components_start_kernel<Pixel>{sets}, parent.data());
  launch(ctx, blocks, components_join_kernel<Pixel>{sets}, kind, parent.data());
  launch(ctx, blocks, count_roots_kernel{}, pixels, known_parent, before.data());
  launch(ctx, {1, 1, 1}, exclusive_scan_kernel{}, blocks.x, before.data(), count.data());
  launch(ctx, blocks, number_roots_kernel{}, pixels, known_parent, known_before, numbers.data());
  launch(ctx, blocks, label_sets_kernel{}, pixels, known_parent, known_numbers, labels.data());
}

}  // namespace detail

/// As the twin for the processor: numbers the connected parts of a mask [H,W] 1..N in the order of their first pixels, 0 where
/// the mask is 0. count [1] becomes N. The same labels on every device.
template <GpuDevice Device>
void connected_components(context<Device>& ctx, view_on<const std::uint8_t, Device> mask, connectivity kind,
                          view_on<std::int32_t, Device> labels, view_on<std::int32_t, Device> count) {
  detail::launch_components<std::uint8_t, Device>(ctx, "connected_components", mask, kind, labels, count);
}

/// Likewise the connected parts of the objects of a label map [H,W]: pixels of one part touch and have one label > 0. `parts`
/// may not be `labels`.
template <GpuDevice Device>
void connected_parts(context<Device>& ctx, view_on<const std::int32_t, Device> labels, connectivity kind,
                     view_on<std::int32_t, Device> parts, view_on<std::int32_t, Device> count) {
  detail::launch_components<std::int32_t, Device>(ctx, "connected_parts", labels, kind, parts, count);
}

}  // namespace aixcell
