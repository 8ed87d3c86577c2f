#include <aixcell/kernels/gpu/conv2d_bf16.hpp>
#include "convolutions.hpp"
#include "support/catch.hpp"

namespace aixcell {

/// A GPU without wgmma, of which only the choice is asked.
struct older_gpu {};
template <>
class context<older_gpu> : public convolution_choice<older_gpu> {};
inline std::string why_no_wgmma(context<older_gpu>&) { return detail::why_no_wgmma(8, 0, true); }

namespace {

/// f(context) that multiplies by wgmma.
template <class Function>
void on_every_warpgroup_device(Function&& f) {
  on_every_device([&](auto& ctx) {
    if (const std::string why = why_no_wgmma(ctx); !why.empty()) {
      WARN("skipped: " << why);
      return;
    }
    ctx.multiply_by(tensor_core_instruction::wgmma);
    f(ctx);
  });
}

// No image, one pixel; less than, exactly and more than a step of depth, as many steps as there are stages and more;
// one beyond a tile of rows and columns; stride, dilation, an even filter.
std::vector<conv_case> warpgroup_cases() {
  std::vector<conv_case> all{{{1, 1, 1, 40}, {8, 1, 1, 40}, {1, 0}}, {{1, 3, 43, 64}, {136, 1, 1, 64}, {1, 0}}};
  if (unhurried()) all.push_back({{0, 3, 3, 64}, {8, 1, 1, 64}, {1, 0}});
  if (unhurried()) all.push_back({{2, 7, 6, 48}, {8, 3, 3, 48}, {1, 2, 2}});
  if (unhurried()) all.push_back({{1, 7, 5, 40}, {72, 3, 3, 40}, {2, 1}});
  if (thorough()) all.push_back({{2, 9, 8, 40}, {64, 2, 2, 40}, {1, 1}});
  if (thorough()) all.push_back({{1, 4, 4, 72}, {128, 2, 2, 72}, {1, 0}});
  if (thorough()) all.push_back({{1, 9, 8, 8}, {16, 7, 7, 8}, {2, 3}});
  return all;
}

}  // namespace

TEST_CASE("gpu: conv2d by warpgroups and its data gradient equal plain loops in float64", "[kernels][gpu]") {
  for (const conv_case& c : warpgroup_cases()) {
    CAPTURE(to_string(c.x), to_string(c.filter), c.g.stride, c.g.padding, c.g.dilation);
    const shape ys = conv2d_output_shape(c.x, c.filter, c.g);
    REQUIRE((ys.count() == 0 ||
             !detail::narrow_channels<bfloat16>::take(detail::conv2d_extents::of("", c.x, c.filter, c.g, ys))));
    const auto x = random_bf16(c.x, 1), w = random_bf16(c.filter, 2), dy = random_bf16(ys, 3);
    const exact_convolution exact(c.g, x, w, dy);
    on_every_warpgroup_device([&](auto& ctx) {
      const auto on_x = to_device(ctx, x), on_w = to_device(ctx, w), on_dy = to_device(ctx, dy);
      device_tensor<float> y(ctx, ys), dx(ctx, c.x);
      conv2d_bf16<float>(ctx, on_x, on_w, c.g, {}, y);
      CHECK(exact.y.equal(to_host(ctx, y), 1e-5));
      conv2d_bf16_backward_data<float>(ctx, on_dy, on_w, c.g, dx);
      CHECK(exact.dx.equal(to_host(ctx, dx), 1e-5));
    });
  }
}

// The same tiles, epilogue and order of sums: what is stored differs by the order in which products are added, if at
// all.
TEST_CASE("gpu: conv2d by warpgroups has the epilogue and the sums of its output", "[kernels][gpu]") {
  const conv_case c{{3, 7, 9, 40}, {72, 1, 2, 40}, {1, 0}};
  const shape ys = conv2d_output_shape(c.x, c.filter, c.g);
  const auto x = random_bf16(c.x, 1), residual = random_bf16(ys, 3);
  const auto w = random_tensor<float>(c.filter, 2), bias = random_tensor<float>({ys[3]}, 4),
             scale = random_tensor<float>({ys[3]}, 5);
  tensor<double> first;
  on_every_warpgroup_device([&](auto& ctx) {
    const auto on_x = to_device(ctx, x), on_residual = to_device(ctx, residual);
    const auto on_w = to_device(ctx, w), on_bias = to_device(ctx, bias), on_scale = to_device(ctx, scale);
    const conv2d_epilogue<bfloat16, device_under_test> e{
        .bias = on_bias, .scale = on_scale, .residual = on_residual, .act = activation::relu};
    device_tensor<bfloat16> y(ctx, ys), by_mma(ctx, ys);
    device_tensor<double> sums(ctx, {ys[0], 2, ys[3]});
    conv2d<bfloat16>(ctx, on_x, on_w, c.g, e, y, sums);
    const auto found = to_host(ctx, sums);
    CHECK(are_sums_of(found, to_host(ctx, y)));
    if (first.empty()) first = found;
    CHECK(same_values(found, first));
    ctx.multiply_by(tensor_core_instruction::mma);
    conv2d<bfloat16>(ctx, on_x, on_w, c.g, e, by_mma);
    CHECK(agrees(to_host(ctx, y), to_host(ctx, by_mma), 1.0 / 128));
    if (!unhurried()) return;
    // Channels of which no 16 bytes are stored as one.
    device_tensor<bfloat16> room(ctx, {ys.count() + 1});
    const view<bfloat16, device_under_test> beside(room.data() + 1, ys);
    ctx.multiply_by(tensor_core_instruction::wgmma);
    conv2d<bfloat16>(ctx, on_x, on_w, c.g, e, beside);
    tensor<bfloat16> found_beside(ys);
    copy(ctx, view<const bfloat16, device_under_test>(beside), found_beside.as_view());
    CHECK(same_values(found_beside, to_host(ctx, y)));
  });
}

TEST_CASE("gpu: wgmma is refused where a GPU or a program has none, and mma is what nobody chose", "[kernels][gpu]") {
  CHECK(detail::why_no_wgmma(9, 0, true).empty());
  CHECK(detail::why_no_wgmma(9, 0, false) ==
        "this program was not compiled for wgmma; add 90a-real to AIXCELL_CUDA_ARCHITECTURES, or multiply by mma");
  for (const auto& [major, minor] : {std::pair{8, 0}, std::pair{10, 0}, std::pair{12, 0}})
    CHECK(detail::why_no_wgmma(major, minor, true) ==
          "wgmma needs a GPU of compute capability 9.0 (Hopper), this one has " + std::to_string(major) + "." +
              std::to_string(minor) + "; multiply by mma");
  context<older_gpu> older;
  CHECK_THROWS_AS(older.multiply_by(tensor_core_instruction::wgmma), device_error);
  CHECK_THROWS_WITH(older.multiply_by(tensor_core_instruction::wgmma),
                    "multiply_by: " + detail::why_no_wgmma(8, 0, true));
  older.multiply_by(tensor_core_instruction::mma);
  CHECK(older.multiplies_by() == tensor_core_instruction::mma);
  CHECK(context<device_under_test>().multiplies_by() == tensor_core_instruction::mma);
}

}  // namespace aixcell
