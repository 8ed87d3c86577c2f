// The inner loops of the way back through a normalisation, written once and included by instruction_sets.hpp into one
// namespace per instruction set, after convolution_tiles.inl. Raw pointers only, nothing of std.

// Half a register of floats becomes a whole one of doubles.
inline constexpr int half_lanes = lanes / 2;
typedef float half __attribute__((vector_size(4 * half_lanes), aligned(4), may_alias));
typedef double exact __attribute__((vector_size(8 * half_lanes)));

inline half load_half(const float* p) { return *reinterpret_cast<const half*>(p); }

/// What of a gradient comes back through a ReLU that saw z.
inline half where_positive(half z, half g) { return z > 0 ? g : half{}; }
inline wide where_positive(wide z, wide g) { return z > 0 ? g : wide{}; }

/// dz of one value.
template <bool Relu, bool Residual>
inline float gradient_before_activation(const scaled_run& a, std::ptrdiff_t at, std::ptrdiff_t channel) {
  if constexpr (!Relu) return a.dy[at];
  float z = a.scale[channel] * a.x[at] + a.shift[channel];
  if constexpr (Residual) z += a.residual[at];
  return z > 0 ? a.dy[at] : 0;
}

/// V half registers of channels stay in registers while the pixels stream by.
template <int V, bool Relu, bool Residual>
inline void add_scaled_sums_of_channels(const scaled_run& a, std::ptrdiff_t c, double* sums, double* products) {
  exact sum[V] = {}, product[V] = {};
  half scale[V], shift[V];
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) {
    scale[v] = load_half(a.scale + c + v * half_lanes);
    shift[v] = load_half(a.shift + c + v * half_lanes);
  }
  for (std::ptrdiff_t p = 0, at = c; p < a.pixels; ++p, at += a.channels) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      const half x = load_half(a.x + at + v * half_lanes);
      half dz = load_half(a.dy + at + v * half_lanes);
      if constexpr (Relu) {
        half z = scale[v] * x + shift[v];
        if constexpr (Residual) z += load_half(a.residual + at + v * half_lanes);
        dz = where_positive(z, dz);
      }
      sum[v] += __builtin_convertvector(dz, exact);
      product[v] += __builtin_convertvector(dz * x, exact);
    }
  }
  for (int v = 0; v < V; ++v)
    for (int i = 0; i < half_lanes; ++i) {
      sums[c + v * half_lanes + i] += sum[v][i];
      products[c + v * half_lanes + i] += product[v][i];
    }
}

template <bool Relu, bool Residual>
inline void add_scaled_sums_with(const scaled_run& a, double* sums, double* products) {
  std::ptrdiff_t c = 0;
  for (; c + lanes <= a.channels; c += lanes)
    add_scaled_sums_of_channels<2, Relu, Residual>(a, c, sums, products);
  for (; c + half_lanes <= a.channels; c += half_lanes)
    add_scaled_sums_of_channels<1, Relu, Residual>(a, c, sums, products);
  for (; c < a.channels; ++c)
    for (std::ptrdiff_t p = 0, at = c; p < a.pixels; ++p, at += a.channels) {
      const float dz = gradient_before_activation<Relu, Residual>(a, at, c);
      sums[c] += static_cast<double>(dz);
      products[c] += static_cast<double>(dz * a.x[at]);
    }
}

/// sums[c] += dz, products[c] += dz * x over the pixels of the run.
inline void add_scaled_sums(const scaled_run& a, double* sums, double* products) {
  if (!a.relu)
    add_scaled_sums_with<false, false>(a, sums, products);
  else if (!a.residual)
    add_scaled_sums_with<true, false>(a, sums, products);
  else
    add_scaled_sums_with<true, true>(a, sums, products);
  leave();
}

template <bool Relu, bool Residual>
inline void scaled_gradient_with(const scaled_run& a, const float* factors, float* dx, float* dresidual) {
  const float *p = factors, *q = p + a.channels, *r = q + a.channels;
  std::ptrdiff_t c = 0;
  for (; c + lanes <= a.channels; c += lanes) {
    const wide scale = load(a.scale + c), shift = load(a.shift + c), pc = load(p + c), qc = load(q + c),
               rc = load(r + c);
    for (std::ptrdiff_t i = 0, at = c; i < a.pixels; ++i, at += a.channels) {
      const wide x = load(a.x + at);
      wide dz = load(a.dy + at);
      if constexpr (Relu) {
        wide z = scale * x + shift;
        if constexpr (Residual) z += load(a.residual + at);
        dz = where_positive(z, dz);
      }
      if (dresidual) store(dresidual + at, dz);
      store(dx + at, pc * dz + (qc * x + rc));
    }
  }
  for (; c < a.channels; ++c)
    for (std::ptrdiff_t i = 0, at = c; i < a.pixels; ++i, at += a.channels) {
      const float dz = gradient_before_activation<Relu, Residual>(a, at, c);
      if (dresidual) dresidual[at] = dz;
      dx[at] = p[c] * dz + (q[c] * a.x[at] + r[c]);
    }
}

/// dx = p * dz + q * x + r with factors [p, q, r] of `channels` each; dresidual = dz unless it is null. dx may be dy.
inline void scaled_gradient(const scaled_run& a, const float* factors, float* dx, float* dresidual) {
  if (!a.relu)
    scaled_gradient_with<false, false>(a, factors, dx, dresidual);
  else if (!a.residual)
    scaled_gradient_with<true, false>(a, factors, dx, dresidual);
  else
    scaled_gradient_with<true, true>(a, factors, dx, dresidual);
  leave();
}
