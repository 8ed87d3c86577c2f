// The inner loops of convolution on AMX tiles, included by matrix_tiles.hpp under that instruction set. Raw pointers only,
// nothing of std: what is compiled here must never be merged with a copy for another machine.

typedef float floats __attribute__((vector_size(64)));
typedef std::uint32_t words __attribute__((vector_size(64)));
typedef std::uint16_t half_words __attribute__((vector_size(32)));
typedef std::uint16_t brain_floats __attribute__((vector_size(64)));

// Memory is of any alignment and type.
template <class Vector>
inline Vector read(const void* from) {
  Vector v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
template <class Vector>
inline void write(void* to, Vector v) {
  __builtin_memcpy(to, &v, sizeof v);
}

#include <aixcell/kernels/cpu/detail/matrix_instructions.inl>

inline floats widened(half_words v) {
  return reinterpret_cast<floats>(__builtin_convertvector(v, words) << 16);
}
inline half_words lower(brain_floats v) {
  return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
inline floats positive(floats v) { return v > 0 ? v : floats{}; }

/// Adds what belongs to them to sums [positions first..first+count-1][16 * Blocks] and writes those that exist.
template <int Blocks>
inline void store_positions(const matrix_run& a, const float* sums, std::ptrdiff_t first, std::ptrdiff_t count) {
  floats scale[Blocks], bias[Blocks];
  for (int b = 0; b < Blocks; ++b) {
    scale[b] = read<floats>(a.scale + 16 * b);
    bias[b] = read<floats>(a.bias + 16 * b);
  }
  std::ptrdiff_t row = first / a.pitch, column = first % a.pitch;
  const bool whole = a.channels == 16 * Blocks;
  for (std::ptrdiff_t q = 0; q < count; ++q, ++column, sums += 16 * Blocks) {
    if (column == a.pitch) ++row, column = 0;
    if (column >= a.width) continue;
    const std::ptrdiff_t at = row * a.y_row_step + column * a.y_pixel_step;
    floats v[2] = {};
    for (int b = 0; b < Blocks; ++b) v[b] = read<floats>(sums + 16 * b) * scale[b] + bias[b];
    if (a.residual) {
      if (whole) {
        for (int b = 0; b < Blocks; ++b)
          v[b] += widened(read<half_words>(a.residual + at + 16 * b));
      } else {
        std::uint16_t some[32] = {};
        for (int k = 0; k < a.channels; ++k) some[k] = a.residual[at + k];
        for (int b = 0; b < Blocks; ++b) v[b] += widened(read<half_words>(some + 16 * b));
      }
    }
    if (a.relu)
      for (int b = 0; b < Blocks; ++b) v[b] = positive(v[b]);
    const brain_floats out = narrowed(v[0], v[1]);
    if (whole && Blocks == 2) {
      write(a.y + at, out);
    } else if (whole) {
      write(a.y + at, lower(out));
    } else {
      for (int k = 0; k < a.channels; ++k) a.y[at + k] = out[k];
    }
  }
}

/// 32 positions times 32 outputs in four accumulators: four loads feed four products.
inline void correlate_two_blocks(const matrix_run& a) {
  alignas(64) float sums[32 * 32];
  constexpr std::ptrdiff_t row = 32 * sizeof(float);
  const std::ptrdiff_t step = a.x_pixel_step * 2;
  for (std::ptrdiff_t p = 0; p < a.positions; p += 32) {
    clear<0>(), clear<1>(), clear<2>(), clear<3>();
    const std::uint16_t* filter = a.filter;
    for (int r = 0; r < a.tap_rows; ++r) {
      const std::uint16_t* x = a.x + r % a.planes * a.x_plane_step + r / a.planes * a.x_row_step + p * a.x_pixel_step;
      for (int u = 0; u < a.chunks; ++u, x += 32, filter += 1024) {
        load<4>(x, step), load<6>(filter, 64), load<7>(filter + 512, 64);
        multiply<0, 4, 6>(), multiply<1, 4, 7>();
        load<5>(x + 16 * a.x_pixel_step, step);
        multiply<2, 5, 6>(), multiply<3, 5, 7>();
      }
    }
    store<0>(sums, row), store<1>(sums + 16, row), store<2>(sums + 16 * 32, row), store<3>(sums + 16 * 32 + 16, row);
    store_positions<2>(a, sums, p, a.positions - p < 32 ? a.positions - p : 32);
  }
}

/// 64 positions times 16 outputs.
inline void correlate_one_block(const matrix_run& a) {
  alignas(64) float sums[64 * 16];
  const std::ptrdiff_t step = a.x_pixel_step * 2, tile = 16 * a.x_pixel_step;
  for (std::ptrdiff_t p = 0; p < a.positions; p += 64) {
    clear<0>(), clear<1>(), clear<2>(), clear<3>();
    const std::uint16_t* filter = a.filter;
    for (int r = 0; r < a.tap_rows; ++r) {
      const std::uint16_t* x = a.x + r % a.planes * a.x_plane_step + r / a.planes * a.x_row_step + p * a.x_pixel_step;
      for (int u = 0; u < a.chunks; ++u, x += 32, filter += 512) {
        load<7>(filter, 64), load<4>(x, step);
        multiply<0, 4, 7>();
        load<5>(x + tile, step);
        multiply<1, 5, 7>();
        load<6>(x + 2 * tile, step);
        multiply<2, 6, 7>();
        load<4>(x + 3 * tile, step);
        multiply<3, 4, 7>();
      }
    }
    store<0>(sums, 64), store<1>(sums + 256, 64), store<2>(sums + 512, 64), store<3>(sums + 768, 64);
    store_positions<1>(a, sums, p, a.positions - p < 64 ? a.positions - p : 64);
  }
}

inline void correlate(const matrix_run& a) {
  const tile_registers registers;
  if (a.blocks == 2)
    correlate_two_blocks(a);
  else
    correlate_one_block(a);
}

/// One tap over some chunks of positions.
template <int X, int Dy>
inline void accumulate_tap(const matrix_outer& a, const std::uint16_t* x, const std::uint16_t* dy, std::ptrdiff_t chunks,
                           bool fresh, float* sums) {
  const std::ptrdiff_t step = a.x_step * 2;
  float *s0 = sums, *s1 = sums + 256, *s2 = sums + a.x_tile_step, *s3 = s2 + 256;
  if (fresh) {
    clear<0>(), clear<1>(), clear<2>(), clear<3>();
  } else {
    load<0>(s0, 64);
    if constexpr (Dy == 2) load<1>(s1, 64);
    if constexpr (X == 2) load<2>(s2, 64);
    if constexpr (X == 2 && Dy == 2) load<3>(s3, 64);
  }
  for (std::ptrdiff_t u = 0; u < chunks; ++u, x += 32, dy += 512) {
    load<4>(x, step), load<6>(dy, 64);
    multiply<0, 4, 6>();
    if constexpr (Dy == 2) load<7>(dy + a.dy_step, 64), multiply<1, 4, 7>();
    if constexpr (X == 2) load<5>(x + 16 * a.x_step, step), multiply<2, 5, 6>();
    if constexpr (X == 2 && Dy == 2) multiply<3, 5, 7>();
  }
  store<0>(s0, 64);
  if constexpr (Dy == 2) store<1>(s1, 64);
  if constexpr (X == 2) store<2>(s2, 64);
  if constexpr (X == 2 && Dy == 2) store<3>(s3, 64);
}

/// All taps take the same few positions, whose values then stay in the first-level cache: 32 KiB of x and dy.
template <int X, int Dy>
inline void accumulate_taps(const matrix_outer& a) {
  constexpr std::ptrdiff_t few = 8;
  for (std::ptrdiff_t u = 0; u < a.chunks; u += few)
    for (int r = 0; r < a.tap_rows; ++r)
      for (int s = 0; s < a.tap_columns; ++s)
        accumulate_tap<X, Dy>(a, a.x + 32 * u + r * a.x_tap_row_step + s * a.x_tap_column_step, a.dy + 512 * u,
                              a.chunks - u < few ? a.chunks - u : few, a.fresh && u == 0,
                              a.sums + r * a.sums_tap_row_step + s * a.sums_tap_column_step);
}

inline void accumulate_outer(const matrix_outer& a) {
  const tile_registers registers;
  if (a.x_blocks == 2)
    a.dy_blocks == 2 ? accumulate_taps<2, 2>(a) : accumulate_taps<2, 1>(a);
  else
    a.dy_blocks == 2 ? accumulate_taps<1, 2>(a) : accumulate_taps<1, 1>(a);
}

/// Up to 16 values, zeros for the rest.
inline half_words some_values(const std::uint16_t* x, int count) {
  if (count >= 16) return read<half_words>(x);
  std::uint16_t values[16] = {};
  for (int c = 0; c < count; ++c) values[c] = x[c];
  return read<half_words>(values);
}
/// Values of two positions, in pairs.
inline words paired(half_words first, half_words second) {
  return __builtin_convertvector(first, words) | (__builtin_convertvector(second, words) << 16);
}

/// Positions of 16 channels, one every `step` values, of which `channels` exist, as [pairs][16][2].
inline void to_pairs(const std::uint16_t* x, std::ptrdiff_t step, int channels, std::ptrdiff_t chunks,
                     std::uint16_t* to) {
  for (std::ptrdiff_t p = 0; p < 16 * chunks; ++p, x += 2 * step, to += 32)
    write(to, paired(some_values(x, channels), some_values(x + step, channels)));
  asm volatile("vzeroupper" ::: "memory");
}

inline void transpose(words (&r)[16]) {
  words t[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 2) {
    t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4)
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j) {
      const words a = t[i + j], b = t[i + j + 2];
      r[i + 2 * j] = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
      r[i + 2 * j + 1] = __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
  // Now quarter L of row 4 b + q holds column 4 L + q of rows 4 b .. 4 b + 3.
#pragma GCC unroll 4
  for (int q = 0; q < 4; ++q) {
    const words a = __builtin_shufflevector(r[q], r[4 + q], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    const words b =
        __builtin_shufflevector(r[8 + q], r[12 + q], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    const words c = __builtin_shufflevector(r[q], r[4 + q], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    const words d =
        __builtin_shufflevector(r[8 + q], r[12 + q], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    t[q] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    t[8 + q] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    t[4 + q] = __builtin_shufflevector(c, d, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    t[12 + q] = __builtin_shufflevector(c, d, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) r[i] = t[i];
}

/// The same positions as rows [16][32 * chunks], one every `to_step` values.
inline void to_rows(const std::uint16_t* x, std::ptrdiff_t step, int channels, std::ptrdiff_t chunks, std::uint16_t* to,
                    std::ptrdiff_t to_step) {
  for (std::ptrdiff_t u = 0; u < chunks; ++u, x += 32 * step, to += 32) {
    words rows[16];
    for (int i = 0; i < 16; ++i)
      rows[i] = paired(some_values(x + 2 * i * step, channels), some_values(x + (2 * i + 1) * step, channels));
    transpose(rows);
    for (int i = 0; i < 16; ++i) write(to + i * to_step, rows[i]);
  }
  asm volatile("vzeroupper" ::: "memory");
}

/// Up to 32 values of a filter, zeros for the rest.
inline brain_floats some_weights(const float* from, int count) {
  if (count >= 32)
    return narrowed(read<floats>(from), read<floats>(from + 16));
  if (count == 16) return narrowed(read<floats>(from), floats{});
  alignas(64) float values[32] = {};
  for (int c = 0; c < count; ++c) values[c] = from[c];
  return narrowed(read<floats>(values), read<floats>(values + 16));
}

/// One tile of a filter, from `outputs` rows of `values` neighbouring inputs each: [16 pairs of inputs][16 outputs][2].
inline void pack_outputs(const float* filter, std::ptrdiff_t step, int outputs, int values, std::uint16_t* to) {
  words rows[16] = {};
  for (int k = 0; k < 16 && k < outputs; ++k)
    rows[k] = reinterpret_cast<words>(some_weights(filter + k * step, values));
  transpose(rows);
  for (int i = 0; i < 16; ++i) write(to + 32 * i, rows[i]);
  asm volatile("vzeroupper" ::: "memory");
}

/// Values first..first+values-1 of a tile of a filter turned round, from as many rows of `outputs` neighbouring outputs
/// each; zeros if `filter` is null.
inline void pack_inputs(const float* filter, std::ptrdiff_t step, int outputs, int first, int values,
                        std::uint16_t* to) {
  const int valid = outputs < 16 ? outputs : 16, end = first + values;
  const auto row = [&](int i) {
    return filter ? lower(some_weights(filter + (i - first) * step, valid)) : half_words{};
  };
  for (int i = first; i < end;) {
    if (i % 2 == 0 && i + 1 < end) {
      write(to + 16 * i, paired(row(i), row(i + 1)));
      i += 2;
    } else {
      const half_words alone = row(i);
      for (int k = 0; k < 16; ++k) to[i / 2 * 32 + 2 * k + i % 2] = alone[k];
      ++i;
    }
  }
  asm volatile("vzeroupper" ::: "memory");
}

/// to [rows, columns] += the transpose of the sum of `count` tiles [16 columns][16 rows], one every `step` values.
inline void add_tile(const float* tiles, int count, std::ptrdiff_t step, float* to, std::ptrdiff_t to_step, int rows,
                     int columns) {
  words sum[16];
  for (int i = 0; i < 16; ++i) {
    floats row = read<floats>(tiles + 16 * i);
    for (int n = 1; n < count; ++n) row += read<floats>(tiles + n * step + 16 * i);
    sum[i] = reinterpret_cast<words>(row);
  }
  transpose(sum);
  for (int k = 0; k < 16 && k < rows; ++k, to += to_step) {
    const floats row = reinterpret_cast<floats>(sum[k]);
    if (columns >= 16) {
      write(to, read<floats>(to) + row);
    } else {
      for (int c = 0; c < columns; ++c) to[c] += row[c];
    }
  }
  asm volatile("vzeroupper" ::: "memory");
}
