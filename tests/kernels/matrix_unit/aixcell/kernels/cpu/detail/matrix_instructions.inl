// The matrix unit by plain loops (Intel's Architecture Instruction Set Extensions, TDPBF16PS), so that what its loops compute is
// tested on any processor with AVX-512, and what they read and write by AddressSanitizer, which looks into no instruction of tiles.

struct emulated_tile {
  alignas(64) std::uint8_t rows[16][64];
};
inline emulated_tile& tile(int i) {
  static thread_local emulated_tile all[8];
  return all[i];
}

/// What registers hold when a kernel begins is nobody's: here, NaN.
class tile_registers {
 public:
  tile_registers() {
    for (int i = 0; i < 8; ++i) __builtin_memset(tile(i).rows, 0xff, sizeof(emulated_tile::rows));
  }
  tile_registers(const tile_registers&) = delete;
  tile_registers& operator=(const tile_registers&) = delete;
  ~tile_registers() { asm volatile("vzeroupper" ::: "memory"); }
};

template <int Tile>
inline void clear() {
  __builtin_memset(tile(Tile).rows, 0, sizeof(emulated_tile::rows));
}
template <int Tile>
inline void load(const void* from, std::ptrdiff_t step_bytes) {
  for (int r = 0; r < 16; ++r) __builtin_memcpy(tile(Tile).rows[r], static_cast<const std::uint8_t*>(from) + r * step_bytes, 64);
}
template <int Tile>
inline void store(void* to, std::ptrdiff_t step_bytes) {
  for (int r = 0; r < 16; ++r) __builtin_memcpy(static_cast<std::uint8_t*>(to) + r * step_bytes, tile(Tile).rows[r], 64);
}
/// sum += a * b: of row r of a, pair k of values meets row k of b. Of what is its own, which sanitizers would only slow down.
template <int Sum, int A, int B>
[[gnu::no_sanitize("address", "undefined")]] inline void multiply() {
  std::uint16_t b[16][16][2];
  __builtin_memcpy(b, tile(B).rows, sizeof b);
  for (int r = 0; r < 16; ++r) {
    std::uint16_t a[16][2];
    float sum[16];
    __builtin_memcpy(a, tile(A).rows[r], sizeof a);
    __builtin_memcpy(sum, tile(Sum).rows[r], sizeof sum);
    const auto wide = [](std::uint16_t bits) { return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16); };
    for (int k = 0; k < 16; ++k)
      for (int half = 0; half < 2; ++half)
        for (int n = 0; n < 16; ++n) sum[n] += wide(a[k][half]) * wide(b[k][n][half]);
    __builtin_memcpy(tile(Sum).rows[r], sum, sizeof sum);
  }
}

/// 32 floats as bfloat16, rounded to the nearest, halves to the even one.
inline brain_floats narrowed(floats low, floats high) {
  brain_floats out;
  for (int i = 0; i < 32; ++i) {
    const float v = i < 16 ? low[i] : high[i - 16];
    const auto bits = __builtin_bit_cast(std::uint32_t, v);
    out[i] = static_cast<std::uint16_t>(v != v ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
  return out;
}
