#pragma once
#include <string>
#include <string_view>

#include <aixcell/core/error.hpp>

namespace aixcell {

/// What the values between the layers of a network are stored as, and its matrix products computed from. Parameters, sums
/// and statistics are float32 in any case.
enum class precision {
  automatic,  ///< bfloat16 where the processor has a matrix unit for it, else float32
  float32,
  tf32,  ///< stored as float32; a GPU rounds what convolutions multiply to 10 bits of mantissa, for its tensor cores
  bfloat16
};

inline constexpr precision every_precision[] = {precision::automatic, precision::float32, precision::tf32,
                                                precision::bfloat16};

inline std::string_view to_string(precision p) {
  return p == precision::automatic ? "auto"
         : p == precision::float32 ? "float32"
         : p == precision::tf32    ? "tf32"
                                   : "bfloat16";
}

/// Throws data_error unless `text` is auto, float32, tf32 or bfloat16.
inline precision parse_precision(std::string_view text) {
  for (const precision p : every_precision)
    if (text == to_string(p)) return p;
  throw data_error("precision \"" + std::string(text) + "\": expected auto, float32, tf32 or bfloat16");
}

}  // namespace aixcell
