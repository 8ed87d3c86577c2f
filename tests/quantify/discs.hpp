#pragma once
#include <cmath>
#include <vector>

#include <aixcell/core/image.hpp>

namespace aixcell::test {

/// An ellipse of pixels; `turn` is the angle of `major` from the horizontal.
struct drawn_ellipse {
  double y = 0, x = 0, major = 8, minor = 8, turn = 0;  // half axes
};

/// Gives the pixels of an ellipse a label.
inline void draw(label_map& labels, const drawn_ellipse& e, std::int32_t label) {
  for (index_t y = 0; y < labels.extent(0); ++y)
    for (index_t x = 0; x < labels.extent(1); ++x) {
      const double dy = static_cast<double>(y) - e.y, dx = static_cast<double>(x) - e.x;
      const double along = (dx * std::cos(e.turn) + dy * std::sin(e.turn)) / e.major;
      const double across = (dy * std::cos(e.turn) - dx * std::sin(e.turn)) / e.minor;
      if (along * along + across * across <= 1) labels(y, x) = label;
    }
}

inline label_map with_ellipses(index_t height, index_t width, const std::vector<drawn_ellipse>& all) {
  label_map labels({height, width});
  for (std::size_t i = 0; i < all.size(); ++i) draw(labels, all[i], static_cast<std::int32_t>(i + 1));
  return labels;
}

}  // namespace aixcell::test
