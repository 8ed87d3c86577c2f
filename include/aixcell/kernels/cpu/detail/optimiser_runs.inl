// What optimisers do to parameters and gradients, written once and included by loops.hpp into one namespace per
// instruction set, after normalisation_runs.inl. Raw pointers only, nothing of std.

inline wide square_root(wide v) {
#if defined(__x86_64__)
  wide root;
  if constexpr (lanes == 4)
    asm("sqrtps %1, %0" : "=x"(root) : "x"(v));
  else if constexpr (lanes == 8)
    asm("vsqrtps %1, %0" : "=x"(root) : "x"(v));
  else
    asm("vsqrtps %1, %0" : "=v"(root) : "v"(v));
  return root;
#else
  for (int i = 0; i < lanes; ++i) v[i] = __builtin_sqrtf(v[i]);
  return v;
#endif
}

inline float square_root(float v) { return __builtin_sqrtf(v); }

template <class Values>
inline Values moved(const adamw_run& a, Values value, Values mean, Values square) {
  return a.keep * value - a.rate * (mean * a.correct_mean) / (square_root(square * a.correct_square) + a.epsilon);
}

/// One step of Adam with decoupled weight decay.
inline void adamw(const adamw_run& a) {
  std::ptrdiff_t i = 0;
  for (; i + lanes <= a.count; i += lanes) {
    const wide g = load(a.gradient + i);
    const wide m = a.beta1 * load(a.mean + i) + (1 - a.beta1) * g;
    const wide v = a.beta2 * load(a.square + i) + (1 - a.beta2) * g * g;
    store(a.mean + i, m), store(a.square + i, v);
    store(a.value + i, moved(a, load(a.value + i), m, v));
  }
  for (; i < a.count; ++i) {
    const float g = a.gradient[i];
    a.mean[i] = a.beta1 * a.mean[i] + (1 - a.beta1) * g;
    a.square[i] = a.beta2 * a.square[i] + (1 - a.beta2) * g * g;
    a.value[i] = moved(a, a.value[i], a.mean[i], a.square[i]);
  }
  leave();
}

/// Sum of squares, in float64.
inline double sum_of_squares(const float* x, std::ptrdiff_t count) {
  exact sums[4] = {};
  std::ptrdiff_t i = 0;
  for (; i + 4 * half_lanes <= count; i += 4 * half_lanes)
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      const exact value = __builtin_convertvector(load_half(x + i + v * half_lanes), exact);
      sums[v] += value * value;
    }
  const exact together = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  double sum = 0;
  for (int k = 0; k < half_lanes; ++k) sum += together[k];
  for (; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  leave();
  return sum;
}
