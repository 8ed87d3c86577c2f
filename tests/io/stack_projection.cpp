#include <aixcell/io/stack_projection.hpp>

#include <aixcell/core/random.hpp>
#include "support.hpp"

namespace aixcell::test {

namespace {

tensor<float> random_stack(const shape& size, std::uint64_t seed) {
  random_stream random(seed);
  tensor<float> stack(size);
  for (float& v : stack) v = random.uniform(-3, 200);
  return stack;
}

/// Texture [H,W,C], the second channel a thousand times brighter.
tensor<float> texture(index_t height, index_t width, index_t channels) {
  random_stream random(4);
  tensor<float> pixels({height, width, channels});
  for (index_t i = 0; i < pixels.size(); ++i)
    pixels[i] = (50 + 40 * random.uniform()) * (i % channels == 1 ? 1000.0f : 1.0f);
  return pixels;
}

/// Slices of the texture, each blurred by the deviation that `defocus(z, x)` gives for the left and the right half.
template <class Defocus>
tensor<float> defocused(const tensor<float>& sharp, index_t slices, Defocus defocus) {
  const shape& s = sharp.shape();
  tensor<float> stack({slices, s[0], s[1], s[2]});
  for (index_t z = 0; z < slices; ++z)
    for (const bool right : {false, true}) {
      tensor<float> blurred = sharp.clone();
      gaussian_blur(context<cpu>(1), blurred, {defocus(z, right), defocus(z, right)});
      for (index_t y = 0; y < s[0]; ++y)
        for (index_t x = right ? s[1] / 2 : 0; x < (right ? s[1] : s[1] / 2); ++x)
          for (index_t c = 0; c < s[2]; ++c) stack(z, y, x, c) = blurred(y, x, c);
    }
  return stack;
}

}  // namespace

TEST_CASE("maximum and mean of a stack", "[io]") {
  context<cpu> ctx(1);
  for (const shape size : {shape{1, 1, 1, 1}, shape{4, 1, 7, 2}, shape{3, 5, 1, 1}, shape{7, 9, 11, 3}}) {
    const tensor<float> stack = random_stack(size, 1);
    const tensor<float> greatest = project(ctx, stack, z_projection::max),
                        mean = project(ctx, stack, z_projection::mean);
    REQUIRE(greatest.shape() == shape{size[1], size[2], size[3]});
    for (index_t i = 0; i < greatest.size(); ++i) {
      double sum = 0;
      float best = stack[i];
      for (index_t z = 0; z < size[0]; ++z) {
        sum += static_cast<double>(stack[z * greatest.size() + i]);
        best = std::max(best, stack[z * greatest.size() + i]);
      }
      REQUIRE(greatest[i] == best);
      REQUIRE(static_cast<double>(mean[i]) == Approx(sum / static_cast<double>(size[0])).margin(1e-5));
    }
  }
}

TEST_CASE("the sharpest slice is found, in whichever channel the structure is", "[io]") {
  context<cpu> ctx(1);
  for (const index_t channels : {1, 2})
    for (const index_t in_focus : {0, 3, 6}) {
      const tensor<float> sharp = texture(40, 50, channels);
      const tensor<float> stack =
          defocused(sharp, 7, [&](index_t z, bool) { return 0.8f * static_cast<float>(std::abs(z - in_focus)); });
      stack_projector projector(z_projection::focus_slice);
      for (index_t z = 0; z < 7; ++z) {
        tensor<float> slice({40, 50, channels});
        std::copy(stack.slice(z).begin(), stack.slice(z).end(), slice.begin());
        projector.add(ctx, slice);
      }
      CHECK(projector.slices() == 7);
      CHECK(projector.sharpest() == in_focus);
      const tensor<float> found = projector.take();
      CHECK(std::equal(found.begin(), found.end(), sharp.begin()));
    }
}

TEST_CASE("a dim channel has its say in what is sharp", "[io]") {
  // The bright channel is the same in both slices, the dim one only sharp in the second.
  context<cpu> ctx(1);
  const tensor<float> sharp = texture(40, 40, 2);
  tensor<float> blurred = sharp.clone();
  gaussian_blur(ctx, blurred, {2, 2});
  tensor<float> stack({2, 40, 40, 2});
  for (index_t p = 0; p < 1600; ++p) {
    stack[2 * p] = blurred[2 * p], stack[2 * p + 1] = sharp[2 * p + 1];
    stack[3200 + 2 * p] = sharp[2 * p], stack[3200 + 2 * p + 1] = blurred[2 * p + 1] * 0.2f + sharp[2 * p + 1] * 0.8f;
  }
  const tensor<float> found = project(ctx, stack, z_projection::focus_slice);
  CHECK(found[0] == sharp[0]);
}

TEST_CASE("focus stacking takes each part from the slice that is sharp there", "[io]") {
  context<cpu> one(1), three(3);
  const tensor<float> sharp = texture(48, 64, 2);
  // The left half is in focus at slice 1, the right at slice 4.
  const tensor<float> stack = defocused(
      sharp, 6, [](index_t z, bool right) { return 0.9f * static_cast<float>(std::abs(z - (right ? 4 : 1))); });
  const tensor<float> found = project(one, stack, z_projection::focus_stack),
                      again = project(three, stack, z_projection::focus_stack);
  CHECK(std::equal(found.begin(), found.end(), again.begin()));
  index_t right = 0, inside = 0;
  for (index_t y = 0; y < 48; ++y)
    for (index_t x = 0; x < 64; ++x) {
      if (x > 26 && x < 38) continue;  // near the step between the halves
      ++inside;
      right += found(y, x, 0) == sharp(y, x, 0) && found(y, x, 1) == sharp(y, x, 1);
    }
  CHECK(static_cast<double>(right) > 0.99 * static_cast<double>(inside));
}

TEST_CASE("stacks of one pixel, of one value, of one slice", "[io]") {
  context<cpu> ctx(1);
  for (const auto method :
       {z_projection::max, z_projection::mean, z_projection::focus_slice, z_projection::focus_stack}) {
    const tensor<float> slice = random_stack({1, 3, 4, 2}, 3), found = project(ctx, slice, method);
    CHECK(std::equal(found.begin(), found.end(), slice.begin()));
    for (const shape size : {shape{3, 1, 1, 1}, shape{3, 5, 4, 1}}) {
      tensor<float> constant(size);
      constant.fill(7);
      for (const float v : project(ctx, constant, method)) CHECK(v == 7);
      constant.fill(0);
      for (const float v : project(ctx, constant, method)) CHECK(v == 0);
    }
  }
}

TEST_CASE("what is no stack is refused; methods have names", "[io]") {
  context<cpu> ctx(1);
  CHECK_THROWS_AS(project(ctx, tensor<float>({0, 3, 3, 1}), z_projection::max), shape_error);
  CHECK_THROWS_AS(project(ctx, tensor<float>({3, 3, 1}), z_projection::max), shape_error);
  CHECK_THROWS_AS(project(ctx, tensor<float>({2, 3, 3, 1}), z_projection::none), data_error);
  stack_projector projector(z_projection::mean);
  CHECK_THROWS_AS(projector.take(), shape_error);
  projector.add(ctx, tensor<float>({3, 3, 1}));
  CHECK_THROWS_AS(projector.add(ctx, tensor<float>({3, 4, 1})), shape_error);

  for (const auto method : {z_projection::none, z_projection::max, z_projection::mean, z_projection::focus_slice,
                            z_projection::focus_stack})
    CHECK(parse_z_projection(to_string(method)) == method);
  CHECK(contains(message_of<data_error>([] { parse_z_projection("median"); }),
                 "\"median\" is no way to make an image of a stack; expected one of none, max, mean, focus"));
}

}  // namespace aixcell::test
