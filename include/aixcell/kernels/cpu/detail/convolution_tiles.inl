// The inner loops of convolution, written once and included by loops.hpp into one namespace per instruction
// set, which defines `lanes` (floats in a register), `tile_pixels` (rows of a register tile) and `leave`. Raw pointers only,
// nothing of std: what is compiled here must never be merged with a copy for another machine.

typedef float wide __attribute__((vector_size(4 * lanes), aligned(4), may_alias));

inline wide load(const float* p) { return *reinterpret_cast<const wide*>(p); }
inline void store(float* p, wide v) { *reinterpret_cast<wide*>(p) = v; }

/// P neighbouring output pixels times V registers of output channels stay in registers while the window, tap row by
/// tap row, streams by: one broadcast of an input value serves V products, one load of a filter register serves P.
template <int P, int V, bool Far = false>
inline void correlate_tile(const correlation_row& a, std::ptrdiff_t first) {
  wide sum[P][V];
#pragma GCC unroll 32
  for (int v = 0; v < V; ++v) {
    const wide start = a.bias ? load(a.bias + v * lanes) : wide{};
#pragma GCC unroll 32
    for (int p = 0; p < P; ++p) sum[p][v] = start;
  }
  const float* filter = a.filter;
  for (int r = 0; r < a.tap_rows; ++r) {
    const float* x = a.x + r * a.x_row_step + first * a.x_pixel_step;
    for (std::ptrdiff_t u = 0; u < a.window; ++u, ++x, filter += V * lanes) {
      // In sixteen steps, one cache line of each pixel of the next tile.
      if constexpr (Far) __builtin_prefetch(x + (P + u % 16) * a.x_pixel_step - u % 16, 0, 2);
      wide w[V];
#pragma GCC unroll 32
      for (int v = 0; v < V; ++v) w[v] = load(filter + v * lanes);
#pragma GCC unroll 32
      for (int p = 0; p < P; ++p) {
#pragma GCC unroll 32
        for (int v = 0; v < V; ++v) sum[p][v] += w[v] * x[p * a.x_pixel_step];
      }
    }
  }
  float* y = a.y + first * a.y_pixel_step;
  if (a.channels == V * lanes) {
#pragma GCC unroll 32
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 32
      for (int v = 0; v < V; ++v) store(y + p * a.y_pixel_step + v * lanes, sum[p][v]);
    }
    return;
  }
  // The last block of channels is padded with zero filters: keep what belongs to y.
  float spill[V * lanes];
#pragma GCC unroll 32
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 32
    for (int v = 0; v < V; ++v) store(spill + v * lanes, sum[p][v]);
    for (int k = 0; k < a.channels; ++k) y[p * a.y_pixel_step + k] = spill[k];
  }
}

template <int V>
inline void correlate_blocks(const correlation_row& a) {
  std::ptrdiff_t p = 0;
  const std::ptrdiff_t n = a.pixels;
  if constexpr (tile_pixels == 12) {
    // 16 pixels are two tiles of 8, not 12 + 4: short tiles do not hide the latency of the products.
    if (a.far)
      while (n - p >= 12 && n - p != 16) correlate_tile<12, V, true>(a, p), p += 12;
    while (n - p >= 12 && n - p != 16) correlate_tile<12, V>(a, p), p += 12;
    while (n - p >= 8) correlate_tile<8, V>(a, p), p += 8;
  } else {
    while (n - p >= 6 && n - p != 8) correlate_tile<6, V>(a, p), p += 6;
  }
  while (n - p >= 4) correlate_tile<4, V>(a, p), p += 4;
  if (n - p >= 2) correlate_tile<2, V>(a, p), p += 2;
  if (n - p >= 1) correlate_tile<1, V>(a, p);
}

/// NaN stays NaN.
inline wide positive(wide v) { return v < 0 ? wide{} : v; }

/// y = act(y + residual) of the pixels just written: in the tiles themselves it would stand once for each of their shapes.
inline void finish_row(const correlation_row& a) {
  for (std::ptrdiff_t p = 0; p < a.pixels; ++p) {
    float* y = a.y + p * a.y_pixel_step;
    const float* residual = a.residual ? a.residual + p * a.y_pixel_step : nullptr;
    std::ptrdiff_t c = 0;
    for (; c + lanes <= a.channels; c += lanes) {
      wide z = load(y + c);
      if (residual) z += load(residual + c);
      store(y + c, a.relu ? positive(z) : z);
    }
    for (; c < a.channels; ++c) {
      if (residual) y[c] += residual[c];
      if (a.relu && y[c] < 0) y[c] = 0;
    }
  }
}

inline void correlate(const correlation_row& a) {
  if (a.block == 2 * lanes)
    correlate_blocks<2>(a);
  else
    correlate_blocks<1>(a);
  if (a.residual || a.relu) finish_row(a);
  leave();
}

/// U input channels times V registers of output channels of one tap's filter gradient stay in registers while all
/// pixels of a band of rows stream by.
template <int U, int V>
inline void outer_tile(const outer_band& a, std::ptrdiff_t channel) {
  wide sum[U][V];
  float* gradient = a.gradient + channel * a.block;
#pragma GCC unroll 32
  for (int u = 0; u < U; ++u) {
#pragma GCC unroll 32
    for (int v = 0; v < V; ++v) sum[u][v] = load(gradient + u * V * lanes + v * lanes);
  }
  for (std::ptrdiff_t row = 0; row < a.rows; ++row) {
    const float* x = a.x + row * a.x_row_step + channel;
    const float* dy = a.dy + row * a.dy_row_step;
    for (std::ptrdiff_t p = 0; p < a.pixels; ++p, x += a.x_pixel_step, dy += a.dy_pixel_step) {
      // All tiles together ask for every cache line of what follows.
      if constexpr (U == tile_pixels) __builtin_prefetch(x + a.ahead + U - 1, 0, 2);
      wide g[V];
#pragma GCC unroll 32
      for (int v = 0; v < V; ++v) g[v] = load(dy + v * lanes);
#pragma GCC unroll 32
      for (int u = 0; u < U; ++u) {
#pragma GCC unroll 32
        for (int v = 0; v < V; ++v) sum[u][v] += g[v] * x[u];
      }
    }
  }
#pragma GCC unroll 32
  for (int u = 0; u < U; ++u) {
#pragma GCC unroll 32
    for (int v = 0; v < V; ++v) store(gradient + u * V * lanes + v * lanes, sum[u][v]);
  }
}

template <int V>
inline void outer_blocks(const outer_band& a) {
  std::ptrdiff_t c = 0;
  const std::ptrdiff_t n = a.channels;
  if constexpr (tile_pixels == 12) {
    while (n - c >= 12 && n - c != 16) outer_tile<12, V>(a, c), c += 12;
    while (n - c >= 8) outer_tile<8, V>(a, c), c += 8;
  } else {
    while (n - c >= 6 && n - c != 8) outer_tile<6, V>(a, c), c += 6;
  }
  while (n - c >= 4) outer_tile<4, V>(a, c), c += 4;
  if (n - c >= 2) outer_tile<2, V>(a, c), c += 2;
  if (n - c >= 1) outer_tile<1, V>(a, c);
}

inline void accumulate_outer_nearby(const outer_band& a) {
  if (a.block == 2 * lanes)
    outer_blocks<2>(a);
  else
    outer_blocks<1>(a);
}

/// Every tile of channels passes over the same pixels: as many at once as stay in the first-level cache meanwhile.
inline void accumulate_outer(const outer_band& a) {
  constexpr std::ptrdiff_t near_values = 6144, fewest = 24;  // fewer pixels do not pay for loading the sums
  const std::ptrdiff_t near = near_values / a.x_pixel_step > fewest ? near_values / a.x_pixel_step : fewest;
  if (a.channels <= tile_pixels || a.rows * a.pixels <= 2 * near) {
    accumulate_outer_nearby(a);
  } else {
    const std::ptrdiff_t rows = near > a.pixels ? near / a.pixels : 1, pixels = near > a.pixels ? a.pixels : near;
    for (std::ptrdiff_t r = 0; r < a.rows; r += rows)
      for (std::ptrdiff_t p = 0; p < a.pixels; p += pixels) {
        outer_band part = a;
        part.x += r * a.x_row_step + p * a.x_pixel_step;
        part.dy += r * a.dy_row_step + p * a.dy_pixel_step;
        part.rows = a.rows - r < rows ? a.rows - r : rows;
        part.pixels = a.pixels - p < pixels ? a.pixels - p : pixels;
        if (a.far) part.ahead = p + pixels < a.pixels ? pixels * a.x_pixel_step : rows * a.x_row_step - p * a.x_pixel_step;
        accumulate_outer_nearby(part);
      }
  }
  leave();
}
