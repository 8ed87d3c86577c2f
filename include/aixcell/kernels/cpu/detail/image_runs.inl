// Loops over neighbouring values of an image, most often the channels of a pixel, written once and included by
// loops.hpp into one namespace per instruction set, after normalisation_runs.inl. Raw pointers only, nothing of
// std. Values are stored as float, as the bits of a bfloat16, or, for gradient checks and without registers, as double.

inline double load_one(const double* p) { return *p; }
inline void store_one(double* p, double v) { *p = v; }
/// Values that whole registers hold.
template <class Stored>
inline std::ptrdiff_t in_registers(std::ptrdiff_t count) {
  return sizeof(Stored) == sizeof(double) ? 0 : count / lanes * lanes;
}

typedef std::int32_t numbers __attribute__((vector_size(4 * lanes)));
typedef std::uint8_t names __attribute__((vector_size(lanes), aligned(1), may_alias));

/// to = sum of weight[i] * from[i], i < sources.
template <class Stored>
inline void weighted_sum(const Stored* const* from, const computed_in<Stored>* weight, int sources, Stored* to,
                         std::ptrdiff_t count) {
  std::ptrdiff_t c = 0;
  if constexpr (sizeof(Stored) < sizeof(double))
    for (; c < in_registers<Stored>(count); c += lanes) {
      wide sum = {};
      for (int i = 0; i < sources; ++i) sum += weight[i] * load(from[i] + c);
      store(to + c, sum);
    }
  for (; c < count; ++c) {
    computed_in<Stored> sum = 0;
    for (int i = 0; i < sources; ++i) sum += weight[i] * load_one(from[i] + c);
    store_one(to + c, sum);
  }
  leave();
}

/// to = the greatest of from[i], the first of equals, NaN before all; winner = name[i] of that, unless it is null.
template <class Stored>
inline void greatest(const Stored* const* from, const std::uint8_t* name, int sources, Stored* to, std::uint8_t* winner,
                     std::ptrdiff_t count) {
  std::ptrdiff_t c = 0;
  if constexpr (sizeof(Stored) < sizeof(double))
    for (; c < in_registers<Stored>(count); c += lanes) {
      wide best = load(from[0] + c);
      numbers best_name = numbers{} + name[0];
      for (int i = 1; i < sources; ++i) {
        const wide next = load(from[i] + c);
        const numbers stays = (next <= best) | (best != best);
        best = stays ? best : next;
        best_name = stays ? best_name : numbers{} + name[i];
      }
      store(to + c, best);
      if (winner) *reinterpret_cast<names*>(winner + c) = __builtin_convertvector(best_name, names);
    }
  for (; c < count; ++c) {
    auto best = load_one(from[0] + c);
    std::uint8_t best_name = name[0];
    for (int i = 1; i < sources; ++i) {
      const auto next = load_one(from[i] + c);
      if (next <= best || best != best) continue;
      best = next, best_name = name[i];
    }
    store_one(to + c, best);
    if (winner) winner[c] = best_name;
  }
  leave();
}

/// to = sum of those from[i] whose winner[i] is name[i].
template <class Stored>
inline void sum_of_won(const Stored* const* from, const std::uint8_t* const* winner, const std::uint8_t* name,
                       int sources, Stored* to, std::ptrdiff_t count) {
  std::ptrdiff_t c = 0;
  if constexpr (sizeof(Stored) < sizeof(double))
    for (; c < in_registers<Stored>(count); c += lanes) {
      wide sum = {};
      for (int i = 0; i < sources; ++i) {
        const numbers won =
            __builtin_convertvector(*reinterpret_cast<const names*>(winner[i] + c), numbers) == numbers{} + name[i];
        sum += won ? load(from[i] + c) : wide{};
      }
      store(to + c, sum);
    }
  for (; c < count; ++c) {
    computed_in<Stored> sum = 0;
    for (int i = 0; i < sources; ++i)
      if (winner[i][c] == name[i]) sum += load_one(from[i] + c);
    store_one(to + c, sum);
  }
  leave();
}

/// to += from.
template <class Stored>
inline void add(const Stored* from, Stored* to, std::ptrdiff_t count) {
  std::ptrdiff_t c = 0;
  if constexpr (sizeof(Stored) < sizeof(double))
    for (; c < in_registers<Stored>(count); c += lanes) store(to + c, load(to + c) + load(from + c));
  for (; c < count; ++c) store_one(to + c, load_one(to + c) + load_one(from + c));
  leave();
}

inline void narrow(const float* from, std::uint16_t* to, std::ptrdiff_t count) {
  std::ptrdiff_t c = 0;
  for (; c < in_registers<float>(count); c += lanes) store(to + c, load(from + c));
  for (; c < count; ++c) store_one(to + c, from[c]);
  leave();
}
inline void widen(const std::uint16_t* from, float* to, std::ptrdiff_t count) {
  std::ptrdiff_t c = 0;
  for (; c < in_registers<float>(count); c += lanes) store(to + c, load(from + c));
  for (; c < count; ++c) to[c] = load_one(from + c);
  leave();
}

template <class Stored>
inline constexpr image_loops<Stored> images = {weighted_sum, greatest, sum_of_won, add};
