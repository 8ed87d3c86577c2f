// Inner loops over rows of pixels in float32, written once and included by pixel_loops.hpp into one namespace per
// instruction set, which defines `lanes` (floats in a register) and `leave`. Raw pointers only, nothing of std: what is
// compiled here must never be merged with a copy for another machine.

typedef float wide __attribute__((vector_size(4 * lanes), aligned(4), may_alias));

inline wide load(const float* p) { return *reinterpret_cast<const wide*>(p); }
inline void store(float* p, wide v) { *reinterpret_cast<wide*>(p) = v; }

struct least {
  static wide of(wide a, wide b) { return a < b ? a : b; }
  static float of(float a, float b) { return a < b ? a : b; }
};
struct greatest {
  static wide of(wide a, wide b) { return a > b ? a : b; }
  static float of(float a, float b) { return a > b ? a : b; }
};

/// to[i] = best of line[i], line[i + step], ..., `window` of them: windows of 1, 4, 16, ... grow in place in `line`, which
/// holds count + (window - 1) * step values and a register more. `to` may not overlap it.
template <class Best>
inline void slide(float* line, std::ptrdiff_t count, std::ptrdiff_t step, std::ptrdiff_t window, float* to) {
  std::ptrdiff_t length = 1, valid = count + (window - 1) * step;
  for (; 4 * length < window; length *= 4) {
    const std::ptrdiff_t gap = length * step;
    valid -= 3 * gap;
    for (std::ptrdiff_t i = 0; i < valid; i += lanes)
      store(line + i, Best::of(Best::of(load(line + i), load(line + i + gap)),
                               Best::of(load(line + i + 2 * gap), load(line + i + 3 * gap))));
  }
  // Up to four overlapping windows together are the one that is wanted.
  const std::ptrdiff_t last = (window - length) * step, full = length * step, second = full < last ? full : last,
                       third = 2 * full < last ? 2 * full : last;
  std::ptrdiff_t i = 0;
  if (second == last)
    for (; i + lanes <= count; i += lanes) store(to + i, Best::of(load(line + i), load(line + i + last)));
  else
    for (; i + lanes <= count; i += lanes)
      store(to + i, Best::of(Best::of(load(line + i), load(line + i + second)),
                             Best::of(load(line + i + third), load(line + i + last))));
  for (; i < count; ++i)
    to[i] = Best::of(Best::of(line[i], line[i + second]), Best::of(line[i + third], line[i + last]));
  leave();
}

/// running = best(running, next), to = best(running, behind); `behind` may be null: then to = running.
template <class Best>
inline void advance(const float* next, float* running, const float* behind, float* to, std::ptrdiff_t count) {
  std::ptrdiff_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const wide best = Best::of(load(running + i), load(next + i));
    store(running + i, best);
    store(to + i, behind ? Best::of(best, load(behind + i)) : best);
  }
  for (; i < count; ++i) {
    const float best = running[i] = Best::of(running[i], next[i]);
    to[i] = behind ? Best::of(best, behind[i]) : best;
  }
  leave();
}

/// line = best(line, next).
template <class Best>
inline void join(float* line, const float* next, std::ptrdiff_t count) {
  std::ptrdiff_t i = 0;
  for (; i + lanes <= count; i += lanes) store(line + i, Best::of(load(line + i), load(next + i)));
  for (; i < count; ++i) line[i] = Best::of(line[i], next[i]);
  leave();
}

/// R registers of to = weight[0] * middle + sum over k of weight[k] * (before[k] + after[k]).
template <int R>
inline void symmetric_sum_of(const symmetric_run& a, std::ptrdiff_t at) {
  wide sum[R];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) sum[r] = a.weight[0] * load(a.before[0] + at + r * lanes);
  for (std::ptrdiff_t k = 1; k <= a.reach; ++k) {
    const float *before = a.before[k] + at, *after = a.after[k] + at;
    const wide weight = wide{} + a.weight[k];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) sum[r] += weight * (load(before + r * lanes) + load(after + r * lanes));
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) store(a.to + at + r * lanes, sum[r]);
}

inline void symmetric_sum(const symmetric_run& a) {
  std::ptrdiff_t i = 0;
  for (; i + 4 * lanes <= a.count; i += 4 * lanes) symmetric_sum_of<4>(a, i);
  for (; i + lanes <= a.count; i += lanes) symmetric_sum_of<1>(a, i);
  for (; i < a.count; ++i) {
    float sum = a.weight[0] * a.before[0][i];
    for (std::ptrdiff_t k = 1; k <= a.reach; ++k) sum += a.weight[k] * (a.before[k][i] + a.after[k][i]);
    a.to[i] = sum;
  }
  leave();
}
