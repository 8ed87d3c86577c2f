#pragma once
#include <limits>

#include <aixcell/kernels/gpu/detail/bitonic_sort.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

/// The pairs of labels that pixels of two maps have, in the order of the first label, then of the second.
template <class Device>
struct label_pairs_on {
  tensor<std::uint64_t, Device> pairs;  ///< first label << 32 | second label; beyond `count` the greatest number
  tensor<std::int32_t, Device> pixels;  ///< that have each
  index_t count = 0;
  std::int32_t least = 0;  ///< of all labels of both maps
};

namespace detail {

/// A hash table of the pairs: open addressing, as many slots as leave half of them empty. Which slot a pair gets depends on who
/// comes first, what is counted there does not.
struct pair_slots {
  std::uint64_t* keys;
  std::int32_t* counts;
  int mask;  // slots - 1, slots a power of two
  static constexpr std::uint64_t empty = ~std::uint64_t{0};

  constexpr int first_slot(std::uint64_t key) const {
    key *= 0x9e3779b97f4a7c15u;  // Fibonacci hashing: the high bits are well mixed
    return static_cast<int>(key >> 33) & mask;
  }
};

/// A thread goes through neighbours of a row as long as they are one pair's.
struct pair_runs {
  static constexpr int threads = 256, run = 16;
  using shared = nothing;
  const std::int32_t *a, *b;
  int height, width;
  constexpr void for_each(auto t, auto&& f) const {
    const int runs = (width + run - 1) / run, task = global_rank(t), y = task / runs, begin = task % runs * run;
    if (y >= height) return;
    const int end = begin + run < width ? begin + run : width;
    for (int x = begin; x < end;) {
      const std::int32_t first = a[y * width + x], second = b[y * width + x];
      int length = 0;
      for (; x < end && a[y * width + x] == first && b[y * width + x] == second; ++x) ++length;
      f(first, second, length);
    }
  }
  static constexpr bool counts(std::int32_t first, std::int32_t second) {
    return first >= 0 && second >= 0 && (first > 0 || second > 0);
  }
};

struct count_pair_runs_kernel : pair_runs {
  static constexpr std::string_view name = "label_pairs: runs";
  constexpr void operator()(auto t, nothing&, int* found, std::int32_t* least) const {
    int own = 0;
    std::int32_t lowest = 0;
    for_each(t, [&](std::int32_t first, std::int32_t second, int) {
      own += counts(first, second) ? 1 : 0;
      lowest = first < lowest ? first : lowest;
      lowest = second < lowest ? second : lowest;
    });
    if (own > 0) t.atomic_add(found, own);
    if (lowest < 0) t.atomic_min(least, lowest);
  }
};

struct count_pairs_kernel : pair_runs {
  static constexpr std::string_view name = "label_pairs: count";
  constexpr void operator()(auto t, nothing&, pair_slots table) const {
    for_each(t, [&](std::int32_t first, std::int32_t second, int length) {
      if (!counts(first, second)) return;
      const std::uint64_t key = static_cast<std::uint64_t>(first) << 32 | static_cast<std::uint64_t>(second);
      int slot = table.first_slot(key);
      for (;; slot = (slot + 1) & table.mask) {
        const std::uint64_t before = t.atomic_cas(&table.keys[slot], pair_slots::empty, key);
        if (before == pair_slots::empty || before == key) break;
      }
      t.atomic_add(&table.counts[slot], length);
    });
  }
};

struct list_pairs_kernel {
  static constexpr std::string_view name = "label_pairs: list";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int slots, const std::uint64_t* keys, int* found,
                            std::uint64_t* list) const {
    const int i = global_rank(t);
    if (i >= slots || keys[i] == pair_slots::empty) return;
    const int place = t.atomic_add(found, 1);
    if (list) list[place] = keys[i];
  }
};

struct pixels_of_pair {
  static constexpr std::string_view name = "label_pairs: pixels";
  pair_slots table;
  constexpr std::int32_t operator()(int, std::uint64_t key) const {
    int slot = table.first_slot(key);
    while (table.keys[slot] != key) slot = (slot + 1) & table.mask;
    return table.counts[slot];
  }
};

}  // namespace detail

/// How many pixels of two label maps [H,W] have which pair of labels; pairs of two zeros and with a label below 0 are left out.
/// Integers, and sorted: the same on every run. Waits for the device.
template <GpuDevice Device>
label_pairs_on<Device> label_pairs(context<Device>& ctx, view_on<const std::int32_t, Device> a,
                                   view_on<const std::int32_t, Device> b) {
  require_rank("label_pairs", 2, "label maps [H,W]", a.shape());
  require_equal_shapes("label_pairs", a, b);
  detail::counted("label_pairs", 4 * a.size());
  const auto height = static_cast<int>(a.extent(0)), width = static_cast<int>(a.extent(1));
  const detail::pair_runs runs{a.data(), b.data(), height, width};
  const dim blocks =
      blocks_for(static_cast<index_t>(height) * ((width + detail::pair_runs::run - 1) / detail::pair_runs::run), 256);
  tensor<std::int32_t, Device> found(ctx, {1}), least(ctx, {1});
  detail::launch_map(ctx, detail::zeros{}, 1, found.data());
  detail::launch_map(ctx, detail::zeros{}, 1, least.data());
  launch(ctx, blocks, detail::count_pair_runs_kernel{runs}, found.data(), least.data());
  label_pairs_on<Device> all;
  all.least = detail::read_one(ctx, least);
  const auto slots = static_cast<int>(detail::bitonic_slots(2 * static_cast<index_t>(detail::read_one(ctx, found))));
  tensor<std::uint64_t, Device> keys(ctx, {slots});
  tensor<std::int32_t, Device> counts(ctx, {slots});
  const detail::pair_slots table{keys.data(), counts.data(), slots - 1};
  detail::launch_map(ctx, detail::last_key{}, slots, keys.data());
  detail::launch_map(ctx, detail::zeros{}, slots, counts.data());
  launch(ctx, blocks, detail::count_pairs_kernel{runs}, table);
  const auto list = [&](std::uint64_t* to) {
    detail::launch_map(ctx, detail::zeros{}, 1, found.data());
    launch(ctx, blocks_for(slots, 256), detail::list_pairs_kernel{}, slots,
           static_cast<const std::uint64_t*>(keys.data()), found.data(), to);
  };
  list(nullptr);
  all.count = detail::read_one(ctx, found);
  all.pairs = tensor<std::uint64_t, Device>(ctx, {detail::bitonic_slots(all.count)});
  detail::launch_map(ctx, detail::last_key{}, all.pairs.size(), all.pairs.data());
  list(all.pairs.data());
  detail::bitonic_sort(ctx, all.pairs);
  all.pixels = tensor<std::int32_t, Device>(ctx, {all.count});
  detail::launch_map_singly(ctx, detail::pixels_of_pair{table}, all.count, all.pixels.data(),
                            static_cast<const std::uint64_t*>(all.pairs.data()));
  return all;
}

}  // namespace aixcell
