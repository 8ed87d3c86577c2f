#include <aixcell/quantify/elliptic_fourier.hpp>
#include "quantify/discs.hpp"
#include "support/catch.hpp"

using namespace aixcell;

namespace {

/// The polygon as a function of arc length in [0,1).
image_point along(const std::vector<image_point>& polygon, double t) {
  double length = 0;
  for (std::size_t i = 0; i < polygon.size(); ++i)
    length += distance_between(polygon[i], polygon[(i + 1) % polygon.size()]);
  double rest = t * length;
  for (std::size_t i = 0;; ++i) {
    const image_point &a = polygon[i % polygon.size()], &b = polygon[(i + 1) % polygon.size()];
    const double step = distance_between(a, b);
    if (rest > step) {
      rest -= step;
      continue;
    }
    return {a.y + (b.y - a.y) * rest / step, a.x + (b.x - a.x) * rest / step};
  }
}

const std::vector<image_point> some_polygon{{0, 0}, {1, 6}, {5, 7}, {4, 3}, {9, 2}, {3, -2}};

std::vector<image_point> moved(const std::vector<image_point>& polygon, double size, double turn, std::size_t begin) {
  std::vector<image_point> result;
  for (std::size_t i = 0; i < polygon.size(); ++i) {
    const image_point& p = polygon[(i + begin) % polygon.size()];
    result.push_back({3 + size * (std::cos(turn) * p.y + std::sin(turn) * p.x),
                      -5 + size * (std::cos(turn) * p.x - std::sin(turn) * p.y)});
  }
  return result;
}

}  // namespace

TEST_CASE("elliptic Fourier coefficients are the Fourier integrals of the outline", "[quantify]") {
  const fourier_contour curve = elliptic_fourier(some_polygon, 5);
  constexpr int samples = 20000;
  for (int n = 1; n <= 5; ++n) {
    double a = 0, b = 0, c = 0, d = 0;
    for (int k = 0; k < samples; ++k) {
      const double t = (k + 0.5) / samples, angle = 2 * std::numbers::pi * n * t;
      const image_point p = along(some_polygon, t);
      a += 2.0 / samples * p.x * std::cos(angle), b += 2.0 / samples * p.x * std::sin(angle);
      c += 2.0 / samples * p.y * std::cos(angle), d += 2.0 / samples * p.y * std::sin(angle);
    }
    const harmonic& h = curve.harmonics[static_cast<std::size_t>(n - 1)];
    CHECK(h.a == Approx(a).margin(1e-5));
    CHECK(h.b == Approx(b).margin(1e-5));
    CHECK(h.c == Approx(c).margin(1e-5));
    CHECK(h.d == Approx(d).margin(1e-5));
  }
  SECTION("many harmonics are the outline again") {
    const fourier_contour fine = elliptic_fourier(some_polygon, 300);
    for (const double t : {0.05, 0.3, 0.62, 0.9}) CHECK(distance_between(fine.at(t), along(some_polygon, t)) < 0.02);
  }
}

TEST_CASE("normalised harmonics do not depend on place, size, rotation and start", "[quantify]") {
  const auto reference = normalised(elliptic_fourier(some_polygon).harmonics);
  CHECK(reference[0].a == Approx(1));
  CHECK(reference[0].b == Approx(0).margin(1e-9));
  CHECK(reference[0].c == Approx(0).margin(1e-9));
  for (const std::size_t begin : {0u, 1u, 3u, 5u}) {
    const auto other = normalised(elliptic_fourier(moved(some_polygon, 2.5, 1.1, begin)).harmonics);
    // The start half a turn away is equally good: then harmonics of even order have the other sign.
    const double sign = other[1].a * reference[1].a > 0 ? 1 : -1;
    for (std::size_t i = 0; i < other.size(); ++i) {
      const double s = i % 2 == 1 ? sign : 1;
      CHECK(s * other[i].a == Approx(reference[i].a).margin(1e-9));
      CHECK(s * other[i].b == Approx(reference[i].b).margin(1e-9));
      CHECK(s * other[i].c == Approx(reference[i].c).margin(1e-9));
      CHECK(s * other[i].d == Approx(reference[i].d).margin(1e-9));
    }
  }
  CHECK(normalised({}).empty());
}

TEST_CASE("bending of circles, ellipses and waists", "[quantify]") {
  fourier_contour circle;
  circle.harmonics = {{5, 0, 0, 5}};
  circle.length = 10 * std::numbers::pi;
  const bending round = bending_of(circle);
  CHECK(round.perimeter == Approx(10 * std::numbers::pi));
  CHECK(round.energy == Approx(1));
  CHECK(round.least == Approx(1));
  CHECK(round.greatest == Approx(1));

  fourier_contour ellipse = circle;
  ellipse.harmonics = {{6, 0, 0, 3}};
  const bending oval = bending_of(ellipse, 4096);
  // Curvature at the ends of the axes: a / b^2 and b / a^2.
  CHECK(oval.greatest == Approx(6.0 / 9 * oval.perimeter / (2 * std::numbers::pi)));
  CHECK(oval.least == Approx(3.0 / 36 * oval.perimeter / (2 * std::numbers::pi)));
  CHECK(oval.energy > 1.1);

  label_map two = test::with_ellipses(40, 60, {{20, 20, 10, 10, 0}});
  const bending disc = bending_of(elliptic_fourier(without_stairs(trace_contours(two)[0].corners)));
  CHECK(disc.perimeter == Approx(20 * std::numbers::pi).epsilon(0.03));
  CHECK(disc.least > 0.5);
  test::draw(two, {20, 38, 10, 10, 0}, 1);
  CHECK(bending_of(elliptic_fourier(without_stairs(trace_contours(two)[0].corners))).least < -1);
}

TEST_CASE("contours without a length are refused", "[quantify]") {
  CHECK_THROWS_AS(elliptic_fourier({}), data_error);
  CHECK_THROWS_AS(elliptic_fourier({{1, 1}, {1, 1}}), data_error);
  CHECK_THROWS_AS(elliptic_fourier(some_polygon, 0), data_error);
}
