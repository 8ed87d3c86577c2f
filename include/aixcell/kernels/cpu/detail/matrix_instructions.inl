// What the loops of matrix_tiles.inl, which includes this, ask of the matrix unit itself. Tests put another file in its place, which
// computes the same by plain loops.

// Every tile register holds 16 rows of 64 bytes.
struct alignas(64) tile_shapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// The tile registers, for the time of one kernel.
class tile_registers {
 public:
  tile_registers() {
    const tile_shapes shapes;
    asm volatile("ldtilecfg %0" ::"m"(shapes) : "memory");
  }
  tile_registers(const tile_registers&) = delete;
  tile_registers& operator=(const tile_registers&) = delete;
  ~tile_registers() { asm volatile("tilerelease\n\tvzeroupper" ::: "memory"); }
};

template <int Tile>
inline void clear() {
  asm volatile("tilezero %%tmm%c0" ::"i"(Tile));
}
template <int Tile>
inline void load(const void* from, std::ptrdiff_t step_bytes) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(step_bytes), "i"(Tile));
}
template <int Tile>
inline void store(void* to, std::ptrdiff_t step_bytes) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(step_bytes), "i"(Tile) : "memory");
}
/// sum += a * b.
template <int Sum, int A, int B>
inline void multiply() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sum), "i"(A), "i"(B));
}

/// 32 floats as bfloat16, rounded to the nearest.
inline brain_floats narrowed(floats low, floats high) {
  brain_floats out;
  asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(out) : "v"(low), "v"(high));
  return out;
}
