#pragma once
#include <aixcell/kernels/gpu/detail/on_device.hpp>

namespace aixcell::detail {

/// Extents of an image batch in the integers that kernels count with, and the place of a value in it.
struct batch_extents {
  int images, height, width, channels;

  struct place {
    int n, h, w, c;
  };
  constexpr int count() const { return images * height * width * channels; }
  constexpr place place_of(int i) const {
    const int pixel = i / channels, row = pixel / width;
    return {row / height, row % height, pixel % width, i % channels};
  }
  constexpr int at(int n, int h, int w, int c) const { return ((n * height + h) * width + w) * channels + c; }

  static batch_extents of(std::string_view where, const shape& s) {
    counted(where, s.count());
    return {static_cast<int>(s[0]), static_cast<int>(s[1]), static_cast<int>(s[2]), static_cast<int>(s[3])};
  }
};

}  // namespace aixcell::detail
