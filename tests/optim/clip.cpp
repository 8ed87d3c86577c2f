#include <aixcell/optim/clip.hpp>
#include "optim/parameters.hpp"

namespace aixcell {

TEST_CASE("clip_gradient_norm scales all gradients together, and only when they are too long", "[optim]") {
  context<cpu> ctx(1), three(3);
  parameter_set p;
  p.set_gradients(4);
  double square = 0;
  for (const auto& g : p.gradients)
    for (const float v : g) square += static_cast<double>(v) * static_cast<double>(v);
  const double norm = gradient_norm(ctx, p.slices);
  CHECK(norm == Approx(std::sqrt(square)).epsilon(1e-12));
  CHECK(gradient_norm(three, p.slices) == norm);

  const auto before = p.gradients;
  CHECK(clip_gradient_norm(ctx, p.slices, 2 * norm) == norm);
  CHECK(p.gradients == before);
  CHECK(clip_gradient_norm(three, p.slices, norm / 4) == norm);
  CHECK(gradient_norm(ctx, p.slices) == Approx(norm / 4).epsilon(1e-5));
  for (std::size_t k = 0; k < 130; ++k) REQUIRE(p.gradients[4][k] == Approx(before[4][k] / 4));
}

TEST_CASE("clip_gradient_norm: nothing, zeros, 3-4-5", "[optim]") {
  context<cpu> ctx(1);
  CHECK(clip_gradient_norm(ctx, std::vector<parameter_slice>{}, 1) == 0);
  float gradient[2] = {0, 0};
  const std::vector<parameter_slice> slices{{nullptr, gradient, 1, true}, {nullptr, gradient + 1, 1, true}};
  CHECK(clip_gradient_norm(ctx, slices, 1) == 0);
  gradient[0] = 3, gradient[1] = -4;
  CHECK(clip_gradient_norm(ctx, slices, 1) == 5);
  CHECK(gradient[0] == Approx(0.6));
  CHECK(gradient[1] == Approx(-0.8));
  for (const float strange : {HUGE_VALF, std::nanf("")}) {  // no factor mends it, and the caller sees it in the norm
    gradient[0] = strange, gradient[1] = -4;
    CHECK_FALSE(std::isfinite(clip_gradient_norm(ctx, slices, 1)));
    CHECK(gradient[1] == -4);
  }
}

}  // namespace aixcell
