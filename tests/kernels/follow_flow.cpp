#include <aixcell/kernels/cpu/follow_flow.hpp>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// One point, in float64, each neighbour weighted by how near it is.
std::pair<double, double> walked(const tensor<float>& flow, double y, double x, int steps) {
  const index_t height = flow.extent(0), width = flow.extent(1);
  for (int step = 0; step < steps; ++step) {
    double dy = 0, dx = 0;
    for (index_t i = 0; i < height; ++i)
      for (index_t j = 0; j < width; ++j) {
        const double near = std::max(0.0, 1 - std::abs(y - static_cast<double>(i))) *
                            std::max(0.0, 1 - std::abs(x - static_cast<double>(j)));
        dy += near * static_cast<double>(flow(i, j, 0));
        dx += near * static_cast<double>(flow(i, j, 1));
      }
    y = std::clamp(y + dy, 0.0, static_cast<double>(height - 1));
    x = std::clamp(x + dx, 0.0, static_cast<double>(width - 1));
  }
  return {y, x};
}

}  // namespace

TEST_CASE("follow_flow walks along the interpolated flow", "[kernels]") {
  random_stream random(6);
  context<cpu> ctx(2);
  for (const shape size : {shape{1, 1}, shape{1, 9}, shape{8, 1}, shape{7, 10}}) {
    tensor<float> flow({size[0], size[1], 2}), ends(flow.shape());
    tensor<std::uint8_t> mask(size);
    for (float& v : flow) v = random.uniform(-0.8f, 0.8f);
    for (std::uint8_t& m : mask) m = random.chance(0.8f);
    follow_flow(ctx, flow, mask, {.steps = 6, .rest = 0}, ends);
    for (index_t i = 0; i < size[0]; ++i)
      for (index_t j = 0; j < size[1]; ++j) {
        const auto [y, x] = walked(flow, static_cast<double>(i), static_cast<double>(j), mask(i, j) ? 6 : 0);
        CHECK(static_cast<double>(ends(i, j, 0)) == Approx(y).margin(1e-4));
        CHECK(static_cast<double>(ends(i, j, 1)) == Approx(x).margin(1e-4));
      }
  }
}

TEST_CASE("follow_flow: points at rest stop where they would stay", "[kernels]") {
  context<cpu> ctx;
  tensor<float> flow({31, 41, 2}), all({31, 41, 2}), rested({31, 41, 2});
  tensor<std::uint8_t> mask({31, 41});
  mask.fill(1);
  for (index_t i = 0; i < 31; ++i)
    for (index_t j = 0; j < 41; ++j) {
      const float dy = 12.3f - static_cast<float>(i), dx = 25.6f - static_cast<float>(j), r = std::hypot(dy, dx);
      flow(i, j, 0) = dy / r, flow(i, j, 1) = dx / r;
    }
  follow_flow(ctx, flow, mask, {.rest = 0}, all);
  follow_flow(ctx, flow, mask, {}, rested);
  for (index_t p = 0; p < mask.size(); ++p) {
    CHECK(std::hypot(all[2 * p] - 12.3f, all[2 * p + 1] - 25.6f) < 1);
    CHECK(std::hypot(all[2 * p] - rested[2 * p], all[2 * p + 1] - rested[2 * p + 1]) < 1);
  }
}

TEST_CASE("follow_flow: a flow that is not finite moves nothing, wrong sizes are refused", "[kernels]") {
  context<cpu> ctx;
  tensor<float> flow({5, 6, 2}), ends({5, 6, 2});
  tensor<std::uint8_t> mask({5, 6});
  mask.fill(1);
  for (const float strange : {std::nanf(""), INFINITY, -INFINITY, 1e38f}) {
    flow.fill(strange);
    follow_flow(ctx, flow, mask, {}, ends);
    for (index_t p = 0; p < mask.size(); ++p) {
      CHECK((ends[2 * p] >= 0 && ends[2 * p] <= 4));
      CHECK((ends[2 * p + 1] >= 0 && ends[2 * p + 1] <= 5));
    }
  }
  CHECK_THROWS_AS(follow_flow(ctx, tensor<float>({5, 6, 3}), mask, {}, ends), shape_error);
  CHECK_THROWS_AS(follow_flow(ctx, flow, tensor<std::uint8_t>({5, 7}), {}, ends), shape_error);
}

}  // namespace aixcell::test
