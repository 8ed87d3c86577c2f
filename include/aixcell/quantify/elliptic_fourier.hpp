#pragma once
#include <cmath>
#include <numbers>
#include <vector>

#include <aixcell/quantify/contour.hpp>

namespace aixcell {

/// One harmonic of a closed curve: x gets a cos + b sin, y gets c cos + d sin.
struct harmonic {
  double a = 0, b = 0, c = 0, d = 0;

  /// Root of the mean square distance that this harmonic alone moves a point: does not change when the curve is turned,
  /// mirrored or begun elsewhere.
  double amplitude() const { return std::sqrt((a * a + b * b + c * c + d * d) / 2); }
};

/// A closed curve as a sum of ellipses, over t in [0,1).
struct fourier_contour {
  image_point centre;
  std::vector<harmonic> harmonics;  ///< the first is the ellipse that follows the curve best
  double length = 0;                ///< of the polygon it was made of

  image_point at(double t) const {
    image_point p = centre;
    for (std::size_t n = 0; n < harmonics.size(); ++n) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(n + 1) * t;
      const harmonic& h = harmonics[n];
      p.x += h.a * std::cos(angle) + h.b * std::sin(angle);
      p.y += h.c * std::cos(angle) + h.d * std::sin(angle);
    }
    return p;
  }
};

/// Elliptic Fourier coefficients of a polygon, exact for straight edges (Kuhl and Giardina 1982, "Elliptic Fourier
/// features of a closed contour", eqs. 4-8; the centre is the mean of the curve over its length). Throws data_error
/// unless the polygon has a length and `count` is at least 1.
inline fourier_contour elliptic_fourier(const std::vector<image_point>& polygon, int count = 8) {
  fourier_contour curve;
  for (std::size_t i = 0; i < polygon.size(); ++i)
    curve.length += distance_between(polygon[i], polygon[(i + 1) % polygon.size()]);
  if (count < 1 || !(curve.length > 0))
    throw data_error("elliptic_fourier: expected at least 1 harmonic and a contour with a length, found " +
                     std::to_string(count) + " and " + std::to_string(polygon.size()) + " points");
  const double period = curve.length;
  curve.harmonics.resize(static_cast<std::size_t>(count));
  double t = 0;
  for (std::size_t i = 0; i < polygon.size(); ++i) {
    const image_point &from = polygon[i], &to = polygon[(i + 1) % polygon.size()];
    const double step = distance_between(from, to);
    if (!(step > 0)) continue;
    curve.centre.x += (from.x + to.x) / 2 * step / period;
    curve.centre.y += (from.y + to.y) / 2 * step / period;
    const double slope_x = (to.x - from.x) / step, slope_y = (to.y - from.y) / step;
    for (int n = 1; n <= count; ++n) {
      const double omega = 2 * std::numbers::pi * n / period;
      const double scale = period / (2 * std::numbers::pi * std::numbers::pi * n * n);
      const double cosines = std::cos(omega * (t + step)) - std::cos(omega * t);
      const double sines = std::sin(omega * (t + step)) - std::sin(omega * t);
      harmonic& h = curve.harmonics[static_cast<std::size_t>(n - 1)];
      h.a += scale * slope_x * cosines;
      h.b += scale * slope_x * sines;
      h.c += scale * slope_y * cosines;
      h.d += scale * slope_y * sines;
    }
    t += step;
  }
  return curve;
}

/// The harmonics made independent of size, rotation and starting point (the same paper, section 5): the first becomes
/// (1, 0, 0, d) with d the axis ratio, up to sign. Two starting points are left, half a turn apart: harmonics of even order may
/// change their sign. An empty list if the first harmonic vanishes.
inline std::vector<harmonic> normalised(std::vector<harmonic> harmonics) {
  if (harmonics.empty() || !(harmonics[0].amplitude() > 0)) return {};
  const harmonic f = harmonics[0];
  const double start = 0.5 * std::atan2(2 * (f.a * f.b + f.c * f.d), f.a * f.a + f.c * f.c - f.b * f.b - f.d * f.d);
  const double x = f.a * std::cos(start) + f.b * std::sin(start), y = f.c * std::cos(start) + f.d * std::sin(start);
  const double turn = std::atan2(y, x), size = std::hypot(x, y);
  for (std::size_t i = 0; i < harmonics.size(); ++i) {
    const harmonic h = harmonics[i];
    const double phase = static_cast<double>(i + 1) * start;
    const double a = h.a * std::cos(phase) + h.b * std::sin(phase), b = h.b * std::cos(phase) - h.a * std::sin(phase);
    const double c = h.c * std::cos(phase) + h.d * std::sin(phase), d = h.d * std::cos(phase) - h.c * std::sin(phase);
    harmonics[i] = {(std::cos(turn) * a + std::sin(turn) * c) / size, (std::cos(turn) * b + std::sin(turn) * d) / size,
                    (std::cos(turn) * c - std::sin(turn) * a) / size, (std::cos(turn) * d - std::sin(turn) * b) / size};
  }
  return harmonics;
}

/// How a smooth closed curve bends, without unit: a circle has 1 everywhere.
struct bending {
  double perimeter = 0;  ///< of the smooth curve, in pixels
  double energy = 0;     ///< integral of the squared curvature, times perimeter / (4 pi^2) (Young et al. 1974): >= 1
  double least = 0;      ///< curvature where the curve bends inwards most, times perimeter / (2 pi): < 0 in a concavity
  double greatest = 0;   ///< where it bends outwards most
};

/// Bending of the curve inside-right as `trace_contours` walks it, from exact derivatives at `samples` places.
inline bending bending_of(const fourier_contour& curve, int samples = 128) {
  bending b;
  std::vector<double> curvature, speed;
  for (int k = 0; k < samples; ++k) {
    double dx = 0, dy = 0, ddx = 0, ddy = 0;
    for (std::size_t n = 0; n < curve.harmonics.size(); ++n) {
      const double omega = 2 * std::numbers::pi * static_cast<double>(n + 1), angle = omega * k / samples;
      const harmonic& h = curve.harmonics[n];
      dx += omega * (h.b * std::cos(angle) - h.a * std::sin(angle));
      dy += omega * (h.d * std::cos(angle) - h.c * std::sin(angle));
      ddx -= omega * omega * (h.a * std::cos(angle) + h.b * std::sin(angle));
      ddy -= omega * omega * (h.c * std::cos(angle) + h.d * std::sin(angle));
    }
    const double v = std::hypot(dx, dy);
    // A cusp has no curvature; what is lost is one of many samples.
    if (!(v > 1e-9 * curve.length)) continue;
    speed.push_back(v / samples);
    curvature.push_back((dx * ddy - dy * ddx) / (v * v * v));
    b.perimeter += speed.back();
  }
  if (curvature.empty()) return b;
  for (std::size_t k = 0; k < curvature.size(); ++k) b.energy += curvature[k] * curvature[k] * speed[k];
  b.energy *= b.perimeter / (4 * std::numbers::pi * std::numbers::pi);
  const auto [least, greatest] = std::minmax_element(curvature.begin(), curvature.end());
  b.least = *least * b.perimeter / (2 * std::numbers::pi);
  b.greatest = *greatest * b.perimeter / (2 * std::numbers::pi);
  return b;
}

}  // namespace aixcell
