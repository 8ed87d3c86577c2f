// The inner loops of normalisations, written once and included by loops.hpp into one namespace per instruction
// set, after convolution_tiles.inl. Raw pointers only, nothing of std. Values are stored as float, or as the bits of a
// bfloat16, and computed as float.

// Half a register of floats becomes a whole one of doubles.
inline constexpr int half_lanes = lanes / 2;
typedef float half __attribute__((vector_size(4 * half_lanes), aligned(4), may_alias));
typedef double exact __attribute__((vector_size(8 * half_lanes)));
typedef std::uint32_t words __attribute__((vector_size(4 * lanes)));
typedef std::uint32_t half_words __attribute__((vector_size(4 * half_lanes)));
typedef std::uint16_t brains __attribute__((vector_size(2 * lanes), aligned(2), may_alias));
typedef std::uint16_t half_brains __attribute__((vector_size(2 * half_lanes), aligned(2), may_alias));

inline wide load(const std::uint16_t* p) {
  return reinterpret_cast<wide>(__builtin_convertvector(*reinterpret_cast<const brains*>(p), words) << 16);
}
inline half load_half(const float* p) { return *reinterpret_cast<const half*>(p); }
inline half load_half(const std::uint16_t* p) {
  return reinterpret_cast<half>(__builtin_convertvector(*reinterpret_cast<const half_brains*>(p), half_words) << 16);
}
/// Rounded to the nearest, ties to even; NaN stays NaN.
inline void store(std::uint16_t* p, wide v) {
  const words bits = reinterpret_cast<words>(v);
  const words rounded = v == v ? bits + 0x7fff + ((bits >> 16) & 1) : bits | 0x400000;
  *reinterpret_cast<brains*>(p) = __builtin_convertvector(rounded >> 16, brains);
}
inline float load_one(const float* p) { return *p; }
inline float load_one(const std::uint16_t* p) { return __builtin_bit_cast(float, static_cast<std::uint32_t>(*p) << 16); }
inline void store_one(float* p, float v) { *p = v; }
inline void store_one(std::uint16_t* p, float v) {
  const auto bits = __builtin_bit_cast(std::uint32_t, v);
  *p = static_cast<std::uint16_t>((v == v ? bits + 0x7fff + ((bits >> 16) & 1) : bits | 0x400000) >> 16);
}

/// What of a gradient comes back through a ReLU that saw z.
inline half where_positive(half z, half g) { return z > 0 ? g : half{}; }
inline wide where_positive(wide z, wide g) { return z > 0 ? g : wide{}; }

// What a run leaves out is asked for every register: the answer is always the same, the processor foresees it, and the
// loops stand once and not for every combination.

/// z of one value, before the activation.
template <class Stored>
inline float before_activation(const scaled_run<Stored>& a, std::ptrdiff_t at, std::ptrdiff_t channel) {
  const float z = a.scale[channel] * load_one(a.x + at) + a.shift[channel];
  return a.residual ? z + load_one(a.residual + at) : z;
}

/// dz of one value.
template <class Stored>
inline float gradient_before_activation(const scaled_run<Stored>& a, std::ptrdiff_t at, std::ptrdiff_t channel) {
  return !a.relu || before_activation(a, at, channel) > 0 ? load_one(a.dy + at) : 0;
}

/// V half registers of channels stay in registers while the pixels stream by.
template <int V, class Stored>
inline void add_sums_of_channels(const Stored* x, std::ptrdiff_t pixels, std::ptrdiff_t pixel_step, double* sums,
                                 double* squares) {
  exact sum[V] = {}, square[V] = {};
  for (std::ptrdiff_t p = 0; p < pixels; ++p, x += pixel_step) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const exact value = __builtin_convertvector(load_half(x + v * half_lanes), exact);
      sum[v] += value;
      square[v] += value * value;
    }
  }
  for (int v = 0; v < V; ++v)
    for (int i = 0; i < half_lanes; ++i) {
      sums[v * half_lanes + i] += sum[v][i];
      squares[v * half_lanes + i] += square[v][i];
    }
}

/// sums[c] += x, squares[c] += x^2 over pixels of `channels` neighbouring values each, one every pixel_step values.
template <class Stored>
inline void add_sums(const Stored* x, std::ptrdiff_t pixels, std::ptrdiff_t pixel_step, std::ptrdiff_t channels,
                     double* sums, double* squares) {
  std::ptrdiff_t c = 0;
  for (; c + 2 * lanes <= channels; c += 2 * lanes)
    add_sums_of_channels<4>(x + c, pixels, pixel_step, sums + c, squares + c);
  for (; c + half_lanes <= channels; c += half_lanes)
    add_sums_of_channels<1>(x + c, pixels, pixel_step, sums + c, squares + c);
  for (; c < channels; ++c)
    for (std::ptrdiff_t p = 0; p < pixels; ++p) {
      const auto value = static_cast<double>(load_one(x + p * pixel_step + c));
      sums[c] += value;
      squares[c] += value * value;
    }
  leave();
}

/// y = act(z).
template <class Stored>
inline void scale_shift(const scaled_run<Stored>& a, Stored* y) {
  std::ptrdiff_t c = 0;
  for (; c + lanes <= a.channels; c += lanes) {
    const wide scale = load(a.scale + c), shift = load(a.shift + c);
    for (std::ptrdiff_t p = 0, at = c; p < a.pixels; ++p, at += a.channels) {
      wide z = scale * load(a.x + at) + shift;
      if (a.residual) z += load(a.residual + at);
      if (a.relu) z = positive(z);
      store(y + at, z);
    }
  }
  for (; c < a.channels; ++c)
    for (std::ptrdiff_t p = 0, at = c; p < a.pixels; ++p, at += a.channels) {
      const float z = before_activation(a, at, c);
      store_one(y + at, a.relu && z < 0 ? 0 : z);
    }
  leave();
}

template <class Vector, class Stored>
inline Vector load_as(const Stored* p) {
  if constexpr (sizeof(Vector) == sizeof(wide))
    return load(p);
  else
    return load_half(p);
}

/// to[i] += v[i].
inline void add_exactly(half v, double* to) {
  const exact sum = __builtin_convertvector(v, exact);
  for (int i = 0; i < half_lanes; ++i) to[i] += sum[i];
}
inline void add_exactly(wide v, double* to) {
  float values[lanes];
  *reinterpret_cast<wide*>(values) = v;
  add_exactly(load_half(values), to);
  add_exactly(load_half(values + half_lanes), to + half_lanes);
}

/// V registers of channels. The terms are rounded to float, so that a few pixels may be summed as such.
template <class Vector, int V, class Stored>
inline void add_scaled_sums_of_channels(const scaled_run<Stored>& a, std::ptrdiff_t c, double* sums, double* products) {
  constexpr std::ptrdiff_t width = sizeof(Vector) / sizeof(float), few = 8;
  Vector scale[V], shift[V];
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) {
    scale[v] = load_as<Vector>(a.scale + c + v * width);
    shift[v] = load_as<Vector>(a.shift + c + v * width);
  }
  for (std::ptrdiff_t first = 0; first < a.pixels; first += few) {
    const std::ptrdiff_t last = first + few < a.pixels ? first + few : a.pixels;
    Vector sum[V] = {}, product[V] = {};
    for (std::ptrdiff_t p = first, at = first * a.channels + c; p < last; ++p, at += a.channels) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
        const Vector x = load_as<Vector>(a.x + at + v * width);
        Vector dz = load_as<Vector>(a.dy + at + v * width);
        if (a.relu) {
          Vector z = scale[v] * x + shift[v];
          if (a.residual) z += load_as<Vector>(a.residual + at + v * width);
          dz = where_positive(z, dz);
        }
        sum[v] += dz;
        product[v] += dz * x;
      }
    }
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      add_exactly(sum[v], sums + c + v * width);
      add_exactly(product[v], products + c + v * width);
    }
  }
}

/// sums[c] += dz, products[c] += dz * x over the pixels of the run.
template <class Stored>
inline void add_scaled_sums(const scaled_run<Stored>& a, double* sums, double* products) {
  std::ptrdiff_t c = 0;
  for (; c + 2 * lanes <= a.channels; c += 2 * lanes) add_scaled_sums_of_channels<wide, 2>(a, c, sums, products);
  for (; c + lanes <= a.channels; c += lanes) add_scaled_sums_of_channels<wide, 1>(a, c, sums, products);
  for (; c + half_lanes <= a.channels; c += half_lanes)
    add_scaled_sums_of_channels<half, 1>(a, c, sums, products);
  for (; c < a.channels; ++c)
    for (std::ptrdiff_t p = 0, at = c; p < a.pixels; ++p, at += a.channels) {
      const float dz = gradient_before_activation(a, at, c);
      sums[c] += static_cast<double>(dz);
      products[c] += static_cast<double>(dz * load_one(a.x + at));
    }
  leave();
}

/// dx = p * dz + q * x + r with factors [p, q, r] of `channels` each; dresidual = dz unless it is null. dx may be dy.
template <class Stored>
inline void scaled_gradient(const scaled_run<Stored>& a, const float* factors, Stored* dx, Stored* dresidual) {
  const float *p = factors, *q = p + a.channels, *r = q + a.channels;
  std::ptrdiff_t c = 0;
  for (; c + lanes <= a.channels; c += lanes) {
    const wide scale = load(a.scale + c), shift = load(a.shift + c), pc = load(p + c), qc = load(q + c),
               rc = load(r + c);
    for (std::ptrdiff_t i = 0, at = c; i < a.pixels; ++i, at += a.channels) {
      const wide x = load(a.x + at);
      wide dz = load(a.dy + at);
      if (a.relu) {
        wide z = scale * x + shift;
        if (a.residual) z += load(a.residual + at);
        dz = where_positive(z, dz);
      }
      if (dresidual) store(dresidual + at, dz);
      store(dx + at, pc * dz + (qc * x + rc));
    }
  }
  for (; c < a.channels; ++c)
    for (std::ptrdiff_t i = 0, at = c; i < a.pixels; ++i, at += a.channels) {
      const float dz = gradient_before_activation(a, at, c);
      const float value = p[c] * dz + (q[c] * load_one(a.x + at) + r[c]);
      if (dresidual) store_one(dresidual + at, dz);
      store_one(dx + at, value);
    }
  leave();
}

template <class Stored>
inline constexpr normalisation_loops<Stored> normalisation = {add_sums, scale_shift, add_scaled_sums, scaled_gradient};
