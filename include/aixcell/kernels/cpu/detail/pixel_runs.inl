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

/// to[i] = best of line[i], line[i + step], ..., `window` of them: windows of 1, 4, 16, ... grow in place in `line`,
/// which holds count + (window - 1) * step values and a register more. `to` may not overlap it.
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

/// V registers of R neighbouring outputs. A source serves all outputs while it is in a register; every output adds its
/// sources in their order, so that it does not show with how many others it was computed.
template <int R, int V>
inline void weighted_tile(const weighted_run& a, std::ptrdiff_t at) {
  wide sum[R][V] = {};
  const auto add = [&](std::ptrdiff_t k, bool all) __attribute__((always_inline)) {
    wide source[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) source[v] = load(a.from[k] + at + v * lanes);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      if (!all && (k < r || k - r >= a.weights)) continue;
      const wide weight = wide{} + a.weight[k - r];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[r][v] += weight * source[v];
    }
  };
  const std::ptrdiff_t sources = a.weights + R - 1, first = R - 1 < sources ? R - 1 : sources,
                       last = a.weights > first ? a.weights : first;
  for (std::ptrdiff_t k = 0; k < first; ++k) add(k, false);
  for (std::ptrdiff_t k = first; k < last; ++k) add(k, true);
  for (std::ptrdiff_t k = last; k < sources; ++k) add(k, false);
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) store(a.to[r] + at + v * lanes, sum[r][v]);
  }
}

template <int R, int V>
inline void weighted_tiles(const weighted_run& a) {
  std::ptrdiff_t i = 0;
  for (; i + V * lanes <= a.count; i += V * lanes) weighted_tile<R, V>(a, i);
  for (; i + lanes <= a.count; i += lanes) weighted_tile<R, 1>(a, i);
  for (; i < a.count; ++i)
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (std::ptrdiff_t k = 0; k < a.weights; ++k) sum += a.weight[k] * a.from[r + k][i];
      a.to[r][i] = sum;
    }
}

/// to[r][i] = sum over k of weight[k] * from[r + k][i], for 1 or 4 outputs.
inline void weighted_sums(const weighted_run& a) {
  if (a.outputs == 4)
    weighted_tiles<4, 2>(a);
  else
    weighted_tiles<1, 8>(a);
  leave();
}

// Half a register of floats becomes a whole one of doubles: differences of float32 values need not be a float32.
inline constexpr int half_lanes = lanes / 2;
typedef float half __attribute__((vector_size(4 * half_lanes), aligned(4), may_alias));
typedef double exact __attribute__((vector_size(8 * half_lanes)));
typedef std::int32_t half_numbers __attribute__((vector_size(4 * half_lanes)));
typedef std::uint8_t half_codes __attribute__((vector_size(half_lanes), aligned(1), may_alias));
typedef std::int32_t numbers __attribute__((vector_size(4 * lanes)));
typedef std::uint16_t short_numbers __attribute__((vector_size(2 * lanes), aligned(2), may_alias));

inline exact load_exact(const float* p) {
  return __builtin_convertvector(*reinterpret_cast<const half*>(p), exact);
}

/// to = (from - offset) * factor, in float64.
inline void scale(const float* from, std::ptrdiff_t count, double offset, double factor, float* to) {
  std::ptrdiff_t i = 0;
  for (; i + half_lanes <= count; i += half_lanes)
    *reinterpret_cast<half*>(to + i) = __builtin_convertvector((load_exact(from + i) - offset) * factor, half);
  for (; i < count; ++i) to[i] = static_cast<float>((static_cast<double>(from[i]) - offset) * factor);
  leave();
}

/// to = the whole part of (from - offset) * factor, which must lie in [0, 2^31), at most 255.
inline void encode(const float* from, std::ptrdiff_t count, double offset, double factor, std::uint8_t* to) {
  std::ptrdiff_t i = 0;
  for (; i + half_lanes <= count; i += half_lanes) {
    const half_numbers code = __builtin_convertvector((load_exact(from + i) - offset) * factor, half_numbers);
    const half_numbers most = half_numbers{} + 255;
    *reinterpret_cast<half_codes*>(to + i) = __builtin_convertvector(code < most ? code : most, half_codes);
  }
  for (; i < count; ++i) {
    const auto code = static_cast<std::int32_t>((static_cast<double>(from[i]) - offset) * factor);
    to[i] = static_cast<std::uint8_t>(code < 255 ? code : 255);
  }
  leave();
}

/// Takes from into *low and *high.
inline void widen_range(const float* from, std::ptrdiff_t count, float* low, float* high) {
  float a = *low, b = *high;
  std::ptrdiff_t i = 0;
  if (count >= 2 * lanes) {
    wide low0 = load(from), low1 = load(from + lanes), high0 = low0, high1 = low1;
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
      const wide v0 = load(from + i), v1 = load(from + i + lanes);
      low0 = least::of(v0, low0), low1 = least::of(v1, low1);
      high0 = greatest::of(v0, high0), high1 = greatest::of(v1, high1);
    }
    low0 = least::of(low0, low1), high0 = greatest::of(high0, high1);
    for (int k = 0; k < lanes; ++k) a = least::of(low0[k], a), b = greatest::of(high0[k], b);
  }
  for (; i < count; ++i) a = least::of(from[i], a), b = greatest::of(from[i], b);
  *low = a, *high = b;
  leave();
}

/// Whether every value is a whole number of 16 bits; if so, they are in `to`.
inline bool as_short_numbers(const float* from, std::ptrdiff_t count, std::uint16_t* to) {
  numbers other = {};
  std::ptrdiff_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const wide v = load(from + i);
    const numbers n = __builtin_convertvector(v, numbers);
    other |= (__builtin_convertvector(n, wide) != v) | (n >> 16);
    *reinterpret_cast<short_numbers*>(to + i) = __builtin_convertvector(n, short_numbers);
  }
  std::int32_t any = 0;
  for (int k = 0; k < lanes; ++k) any |= other[k];
  for (; i < count; ++i) {
    const std::int32_t n = from[i] >= 0 && from[i] < 65536 ? static_cast<std::int32_t>(from[i]) : -1;
    to[i] = static_cast<std::uint16_t>(n);
    any |= static_cast<float>(n) != from[i] || n < 0;
  }
  leave();
  return any == 0;
}

/// to = sign, exponent and seven bits of the mantissa as a number that is ordered as the values are; -0 is 0.
inline void ordered_beginnings(const float* from, std::ptrdiff_t count, std::uint16_t* to) {
  std::ptrdiff_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const numbers bits = reinterpret_cast<numbers>(load(from + i) + 0.0f);
    const numbers ordered = bits ^ ((bits >> 31) | static_cast<std::int32_t>(0x80000000u));
    *reinterpret_cast<short_numbers*>(to + i) = __builtin_convertvector(ordered >> 16, short_numbers);
  }
  for (; i < count; ++i) {
    const auto bits = __builtin_bit_cast(std::int32_t, from[i] + 0.0f);
    const std::int32_t ordered = bits ^ ((bits >> 31) | static_cast<std::int32_t>(0x80000000u));
    to[i] = static_cast<std::uint16_t>(ordered >> 16);
  }
  leave();
}

inline constexpr pixel_loops loops = {{slide<least>, advance<least>, join<least>},
                                      {slide<greatest>, advance<greatest>, join<greatest>},
                                      weighted_sums,
                                      scale,
                                      encode,
                                      widen_range,
                                      as_short_numbers,
                                      ordered_beginnings};
