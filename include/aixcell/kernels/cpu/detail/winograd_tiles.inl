// The transforms of Winograd's convolution F(4x4, 3x3), included as convolution_tiles.inl is. Interpolation points are 0,
// +-1/sqrt(2), +-sqrt(2) and infinity: their powers stay close to 1, which keeps rounding errors some four times smaller than
// those of the integers +-1, +-2 (Lavin & Gray 2016; points: Vincent et al. 2017).

inline constexpr float near_point = 0.70710678118654752f, far_point = 1.41421356237309505f;

/// Six values of the input.
inline void transform_input(const wide (&d)[6], wide (&v)[6]) {
  const wide near_even = d[4] - 2.0f * d[2], near_odd = near_point * (d[3] - 2.0f * d[1]);
  const wide far_even = d[4] - 0.5f * d[2], far_odd = far_point * (d[3] - 0.5f * d[1]);
  v[0] = d[0] - 2.5f * d[2] + d[4];
  v[1] = near_even + near_odd;
  v[2] = near_even - near_odd;
  v[3] = far_even + far_odd;
  v[4] = far_even - far_odd;
  v[5] = d[1] - 2.5f * d[3] + d[5];
}

/// Six products to four values of the output.
inline void transform_output(const wide (&m)[6], wide (&y)[4]) {
  const wide near_sum = m[1] + m[2], near_gap = m[1] - m[2], far_sum = m[3] + m[4], far_gap = m[3] - m[4];
  y[0] = m[0] + near_sum + far_sum;
  y[1] = near_point * near_gap + far_point * far_gap;
  y[2] = 0.5f * near_sum + 2.0f * far_sum;
  y[3] = (0.5f * near_point) * near_gap + (2.0f * far_point) * far_gap + m[5];
}

/// Three values of a filter.
inline void transform_filter(const wide (&g)[3], wide (&u)[6]) {
  const wide near_even = g[0] + 0.5f * g[2], near_odd = near_point * g[1];
  const wide far_even = g[0] + 2.0f * g[2], far_odd = far_point * g[1];
  u[0] = g[0];
  u[1] = (near_even + near_odd) * (-1.0f / 1.5f);
  u[2] = (near_even - near_odd) * (-1.0f / 1.5f);
  u[3] = (far_even + far_odd) * (1.0f / 6.0f);
  u[4] = (far_even - far_odd) * (1.0f / 6.0f);
  u[5] = g[2];
}

/// 6x6 pixels of `channels` values, whole registers, to 36 rows, one every `step` values.
inline void winograd_input(const float* const* pixels, std::ptrdiff_t channels, float* to, std::ptrdiff_t step) {
  for (std::ptrdiff_t c = 0; c < channels; c += lanes) {
    wide half[6][6];
    for (int s = 0; s < 6; ++s) {
      wide d[6], v[6];
      for (int r = 0; r < 6; ++r) d[r] = load(pixels[6 * r + s] + c);
      transform_input(d, v);
      for (int r = 0; r < 6; ++r) half[r][s] = v[r];
    }
    for (int r = 0; r < 6; ++r) {
      wide v[6];
      transform_input(half[r], v);
      for (int s = 0; s < 6; ++s) store(to + (6 * r + s) * step + c, v[s]);
    }
  }
  leave();
}

inline void winograd_output(const winograd_results& a) {
  for (std::ptrdiff_t c = 0; c < a.channels; c += lanes) {
    wide half[4][6];
    for (int s = 0; s < 6; ++s) {
      wide m[6], y[4];
      for (int r = 0; r < 6; ++r) m[r] = load(a.products + (6 * r + s) * a.step + c);
      transform_output(m, y);
      for (int r = 0; r < 4; ++r) half[r][s] = y[r];
    }
    const wide start = load(a.bias + c);
    for (int r = 0; r < 4; ++r) {
      wide y[4];
      transform_output(half[r], y);
      for (int s = 0; s < 4; ++s) {
        wide z = y[s] + start;
        if (a.residual) z += load(a.residual[4 * r + s] + c);
        store(a.pixels[4 * r + s] + c, a.relu ? positive(z) : z);
      }
    }
  }
  leave();
}

/// Nine taps of `count` weights, whole registers, one tap after the other, to 36 rows alike.
inline void winograd_filter(const float* taps, std::ptrdiff_t count, float* to) {
  for (std::ptrdiff_t i = 0; i < count; i += lanes) {
    wide half[6][3];
    for (int s = 0; s < 3; ++s) {
      wide g[3], u[6];
      for (int r = 0; r < 3; ++r) g[r] = load(taps + (3 * r + s) * count + i);
      transform_filter(g, u);
      for (int r = 0; r < 6; ++r) half[r][s] = u[r];
    }
    for (int r = 0; r < 6; ++r) {
      wide u[6];
      transform_filter(half[r], u);
      for (int s = 0; s < 6; ++s) store(to + (6 * r + s) * count + i, u[s]);
    }
  }
  leave();
}

// The filter gradient is the same algorithm with 4x4 pixels of dy in the filter's place and the 3x3 taps as its outputs.

inline void transform_gradient(const wide (&g)[4], wide (&w)[6]) {
  const wide near_even = g[0] + 0.5f * g[2], near_odd = near_point * (g[1] + 0.5f * g[3]);
  const wide far_even = g[0] + 2.0f * g[2], far_odd = far_point * (g[1] + 2.0f * g[3]);
  w[0] = g[0];
  w[1] = (near_even + near_odd) * (-1.0f / 1.5f);
  w[2] = (near_even - near_odd) * (-1.0f / 1.5f);
  w[3] = (far_even + far_odd) * (1.0f / 6.0f);
  w[4] = (far_even - far_odd) * (1.0f / 6.0f);
  w[5] = g[3];
}

/// Six sums of products to three taps.
inline void transform_taps(const wide (&m)[6], wide (&y)[3]) {
  const wide near_sum = m[1] + m[2], near_gap = m[1] - m[2], far_sum = m[3] + m[4], far_gap = m[3] - m[4];
  y[0] = m[0] + near_sum + far_sum;
  y[1] = near_point * near_gap + far_point * far_gap;
  y[2] = 0.5f * near_sum + 2.0f * far_sum + m[5];
}

/// 4x4 pixels of dy to 36 rows, as winograd_input does.
inline void winograd_gradient(const float* const* pixels, std::ptrdiff_t channels, float* to, std::ptrdiff_t step) {
  for (std::ptrdiff_t c = 0; c < channels; c += lanes) {
    wide half[6][4];
    for (int s = 0; s < 4; ++s) {
      wide g[4], w[6];
      for (int r = 0; r < 4; ++r) g[r] = load(pixels[4 * r + s] + c);
      transform_gradient(g, w);
      for (int r = 0; r < 6; ++r) half[r][s] = w[r];
    }
    for (int r = 0; r < 6; ++r) {
      wide w[6];
      transform_gradient(half[r], w);
      for (int s = 0; s < 6; ++s) store(to + (6 * r + s) * step + c, w[s]);
    }
  }
  leave();
}

/// 36 rows of `count` sums to nine taps alike.
inline void winograd_taps(const float* sums, std::ptrdiff_t count, float* taps) {
  for (std::ptrdiff_t i = 0; i < count; i += lanes) {
    wide half[3][6];
    for (int s = 0; s < 6; ++s) {
      wide m[6], y[3];
      for (int r = 0; r < 6; ++r) m[r] = load(sums + (6 * r + s) * count + i);
      transform_taps(m, y);
      for (int r = 0; r < 3; ++r) half[r][s] = y[r];
    }
    for (int r = 0; r < 3; ++r) {
      wide y[3];
      transform_taps(half[r], y);
      for (int s = 0; s < 3; ++s) store(taps + (3 * r + s) * count + i, y[s]);
    }
  }
  leave();
}
