#pragma once
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell::detail {

// A key for every pixel of a map [H,W] that better keys of its 4 neighbours improve, until nothing changes. Where the rule is
// monotone, relaxing it anywhere, in any order, on any number of threads ends in the same keys. `Rule`:
//   key                                     an integer
//   none                                    a key that improves nobody: of pixels that do not take part, and beyond the map
//   takes_part(pixel) -> bool, own(pixel)   whether the rule holds there, and what it needs to know of the pixel: a number
//   better(own, key, from) -> key           the better of key and what a neighbour's key makes of it

/// A block owns 16 x 16 pixels: their keys and those around them in shared memory, relaxed until they are still; then written
/// back. Keys of other blocks may be old: a sweep that changes anything is followed by another.
template <class Rule>
struct tile_fixpoint_kernel {
  static constexpr std::string_view name = Rule::name;
  static constexpr int threads = 256, edge = 16;
  using key = typename Rule::key;
  struct shared {
    key keys[edge + 2][edge + 2];
    int changed[2];
  };
  Rule rule;

  constexpr void operator()(auto t, shared& s, int height, int width, key* keys, int* changed) const {
    const int top = t.block().y * edge, left = t.block().x * edge;
    for (int i = t.rank(); i < (edge + 2) * (edge + 2); i += threads) {
      const int y = top + i / (edge + 2) - 1, x = left + i % (edge + 2) - 1;
      const bool inside = y >= 0 && y < height && x >= 0 && x < width;
      s.keys[i / (edge + 2)][i % (edge + 2)] = inside ? t.load(&keys[y * width + x]) : Rule::none;
    }
    if (t.rank() < 2) s.changed[t.rank()] = 0;
    t.sync();
    const int r = t.rank() / edge, c = t.rank() % edge, y = top + r, x = left + c, i = y * width + x;
    const bool inside = y < height && x < width, mine = inside && rule.takes_part(i);
    const auto own = mine ? rule.own(i) : decltype(rule.own(i)){};
    const key before = s.keys[r + 1][c + 1];
    key now = before;
    for (int turn = 0;; ++turn) {
      key best = now;
      if (mine)
        for (const key from : {s.keys[r][c + 1], s.keys[r + 2][c + 1], s.keys[r + 1][c], s.keys[r + 1][c + 2]})
          if (from != Rule::none) best = rule.better(own, best, from);
      if (best != now) t.store(&s.changed[turn % 2], 1);
      t.sync();
      const bool anybody = t.load(&s.changed[turn % 2]) != 0;
      now = best;
      s.keys[r + 1][c + 1] = now;
      if (t.rank() == 0) s.changed[(turn + 1) % 2] = 0;
      t.sync();
      if (!anybody) break;
    }
    if (now != before) {
      t.store(&keys[i], now);
      t.store(changed, 1);
    }
  }
};

/// Relaxes keys [H,W] until they are still. Waits for the device after every eight sweeps.
template <GpuDevice Device, class Rule>
void relax_to_fixpoint(context<Device>& ctx, const Rule& rule, int height, int width, typename Rule::key* keys) {
  constexpr int edge = tile_fixpoint_kernel<Rule>::edge;
  tensor<int, Device> changed(ctx, {1});
  do {
    for (int sweep = 0; sweep < 8; ++sweep) {
      if (sweep == 7) launch_map(ctx, zeros{}, 1, changed.data());  // does the last one still change anything?
      launch(ctx, {(width + edge - 1) / edge, (height + edge - 1) / edge, 1}, tile_fixpoint_kernel<Rule>{rule}, height,
             width, keys, changed.data());
    }
  } while (read_one(ctx, changed) != 0);
}

}  // namespace aixcell::detail
