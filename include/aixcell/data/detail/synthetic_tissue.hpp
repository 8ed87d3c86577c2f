#pragma once
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include <aixcell/data/detail/smooth.hpp>
#include <aixcell/kernels/cpu/reflected.hpp>

namespace aixcell::detail {

/// An irregular rod: a superellipse whose radius is modulated by a few harmonics.
struct blob {
  float y = 0, x = 0;
  float angle = 0;                            ///< of the long axis, from the x axis
  float along = 1;                            ///< half axis, pixels
  float across = 1;                           ///< half axis, pixels
  float power = 2;                            ///< 2 is an ellipse, more is boxier
  std::array<float, 3> amplitude{}, phase{};  ///< of harmonics 2, 3, 4

  float reach() const { return 1.4f * std::max(along, across) + 1; }

  /// Below 1 inside, 1 on the outline, growing outwards; coordinates relative to the centre.
  float level(float dy, float dx) const {
    const float c = std::cos(angle), s = std::sin(angle);
    const float u = (c * dx + s * dy) / along, v = (c * dy - s * dx) / across;
    const float radius = power == 2.0f
                             ? std::sqrt(u * u + v * v)
                             : std::pow(std::pow(std::abs(u), power) + std::pow(std::abs(v), power), 1 / power);
    if (radius > 1.6f) return radius;
    const float theta = std::atan2(v, u);
    float outline = 1;
    for (std::size_t k = 0; k < amplitude.size(); ++k)
      outline += amplitude[k] * std::cos(static_cast<float>(k + 2) * theta + phase[k]);
    return radius / outline;
  }
};

/// Calls f(y, x, level) for every `step`-th pixel of [height,width] with level < 1.
template <class Function>
void for_each_inside(const blob& b, const shape& size, index_t step, Function&& f) {
  const auto clip = [](float v, index_t extent) {
    return std::clamp<index_t>(static_cast<index_t>(std::floor(v)), 0, extent);
  };
  for (index_t y = clip(b.y - b.reach(), size[0]); y < clip(b.y + b.reach() + 2, size[0]); y += step)
    for (index_t x = clip(b.x - b.reach(), size[1]); x < clip(b.x + b.reach() + 2, size[1]); x += step) {
      const float level = b.level(static_cast<float>(y) - b.y, static_cast<float>(x) - b.x);
      if (level < 1) f(y, x, level);
    }
}

inline void roughen(blob& b, float strength, random_stream& random) {
  for (std::size_t k = 0; k < b.amplitude.size(); ++k) {
    b.amplitude[k] = strength * random.normal() / static_cast<float>(k + 1);
    b.amplitude[k] = std::clamp(b.amplitude[k], -0.13f, 0.13f);
    b.phase[k] = random.uniform(0, 2 * std::numbers::pi_v<float>);
  }
}

/// Cells that compete for pixels.
struct tissue {
  label_map cells;           ///< [H,W] 1..N
  std::vector<blob> shapes;  ///< of cell i+1
};

struct tissue_options {
  float diameter;      ///< of a typical cell, equivalent, pixels
  float coverage;      ///< share of the image that cells should cover
  float irregularity;  ///< of outlines
};

inline blob random_cell(const tissue_options& options, random_stream& random) {
  blob cell;
  const float skew = random.uniform();
  const float aspect = 1.5f + 4.5f * skew * skew;
  const float spread = 0.18f * random.normal();
  const float diameter = options.diameter * std::exp(std::clamp(spread, -0.4f, 0.4f));
  cell.along = diameter / 2 * std::sqrt(aspect);
  cell.across = diameter / 2 / std::sqrt(aspect);
  cell.power = random.uniform(2.2f, 4.5f);
  roughen(cell, options.irregularity, random);
  return cell;
}

/// Throws cells, half of them beside or behind an earlier one so that they form bundles, roughly along one direction
/// of the tissue. Where outlines overlap, a pixel goes to the cell in which it lies deeper: borders touch.
inline tissue grow_tissue(const shape& size, const tissue_options& options, random_stream& random) {
  tissue grown{label_map({size[0], size[1]}), {}};
  tensor<float> depth({size[0], size[1]});
  depth.fill(1.0f);
  const auto height = static_cast<float>(size[0]), width = static_cast<float>(size[1]);
  const float direction = random.uniform(0, std::numbers::pi_v<float>);
  const float bend = random.uniform(-0.8f, 0.8f);
  const auto wanted = static_cast<index_t>(options.coverage * height * width);
  index_t covered = 0;
  for (int failures = 0; covered < wanted && failures < 300;) {
    blob cell = random_cell(options, random);
    if (!grown.shapes.empty() && random.chance(0.6f)) {
      const blob& other =
          grown.shapes[static_cast<std::size_t>(random.below(static_cast<index_t>(grown.shapes.size())))];
      const bool behind = random.chance(0.35f);
      const float sign = random.chance(0.5f) ? 1.0f : -1.0f;
      const float slide = random.uniform(-0.6f, 0.6f);
      const float u = behind ? sign * 0.93f * (other.along + cell.along) : slide * other.along;
      const float v = behind ? slide * other.across : sign * 0.93f * (other.across + cell.across);
      cell.y = other.y + std::sin(other.angle) * u + std::cos(other.angle) * v;
      cell.x = other.x + std::cos(other.angle) * u - std::sin(other.angle) * v;
      cell.angle = other.angle + 0.12f * random.normal();
    } else {
      cell.y = random.uniform(0, height);
      cell.x = random.uniform(0, width);
      cell.angle = direction + bend * (cell.x / width - 0.5f) + 0.25f * random.normal();
    }
    index_t inside = 0, taken = 0;
    for_each_inside(cell, size, 3, [&](index_t y, index_t x, float) {
      ++inside;
      taken += grown.cells(y, x) > 0;
    });
    if (inside < 12 || taken * 4 > inside) {
      ++failures;
      continue;
    }
    grown.shapes.push_back(cell);
    const auto number = static_cast<std::int32_t>(grown.shapes.size());
    for_each_inside(cell, size, 1, [&](index_t y, index_t x, float level) {
      if (level >= depth(y, x)) return;
      depth(y, x) = level;
      covered += grown.cells(y, x) == 0;
      grown.cells(y, x) = number;
    });
  }
  return grown;
}

/// Moves every pixel along a smooth random field: straight and elliptic borders become organic.
inline void warp_labels(label_map& labels, float amplitude, random_stream& random) {
  const tensor<float> dy = smooth_noise(labels.shape(), 14, random);
  const tensor<float> dx = smooth_noise(labels.shape(), 14, random);
  const label_map straight = labels.clone();
  for (index_t y = 0; y < labels.extent(0); ++y)
    for (index_t x = 0; x < labels.extent(1); ++x)
      labels(y, x) = straight(reflected(y + std::lround(amplitude * dy(y, x)), labels.extent(0)),
                              reflected(x + std::lround(amplitude * dx(y, x)), labels.extent(1)));
}

/// Keeps the largest 4-connected part of every label, if it has at least `least` pixels; the rest becomes 0.
inline void keep_largest_parts(label_map& labels, index_t least) {
  const index_t height = labels.extent(0), width = labels.extent(1);
  tensor<std::int32_t> part(labels.shape());  // 0: not seen
  std::vector<index_t> part_size{0}, queue;
  std::vector<std::int32_t> part_label{0}, largest;
  for (index_t start = 0; start < labels.size(); ++start) {
    if (labels[start] <= 0 || part[start] != 0) continue;
    const std::int32_t label = labels[start];
    const auto number = static_cast<std::int32_t>(part_size.size());
    queue.assign(1, start);
    part[start] = number;
    for (std::size_t next = 0; next < queue.size(); ++next) {
      const index_t i = queue[next], y = i / width, x = i % width;
      const auto visit = [&](index_t j) {
        if (labels[j] == label && part[j] == 0) part[j] = number, queue.push_back(j);
      };
      if (y > 0) visit(i - width);
      if (y + 1 < height) visit(i + width);
      if (x > 0) visit(i - 1);
      if (x + 1 < width) visit(i + 1);
    }
    part_size.push_back(static_cast<index_t>(queue.size()));
    part_label.push_back(label);
    if (static_cast<std::size_t>(label) >= largest.size()) largest.resize(static_cast<std::size_t>(label) + 1, 0);
    auto& best = largest[static_cast<std::size_t>(label)];
    if (part_size.back() > part_size[static_cast<std::size_t>(best)]) best = number;
  }
  for (index_t i = 0; i < labels.size(); ++i) {
    if (labels[i] <= 0) continue;
    const bool kept = part[i] == largest[static_cast<std::size_t>(labels[i])] &&
                      part_size[static_cast<std::size_t>(part[i])] >= least;
    if (!kept) labels[i] = 0;
  }
}

}  // namespace aixcell::detail
