// How fast kernels are on this GPU, beside what the GPU reaches in the same run: copying memory, and multiplying on tensor
// cores from registers (mma.sync). Prints a line for each kernel: time, rate, and its share of that ceiling. Numbers are the
// median of twenty runs by the GPU's own clock, after three that do not count. No argument; needs a GPU.
#include <aixcell/device/cuda.cuh>
#include <aixcell/kernels/gpu/connected_components.hpp>
#include <aixcell/kernels/gpu/cross_entropy.hpp>
#include <aixcell/kernels/gpu/distance_transform.hpp>
#include <aixcell/kernels/gpu/of_layers.hpp>
#include <aixcell/kernels/gpu/optimiser.hpp>
#include <aixcell/kernels/gpu/percentile.hpp>

#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/pipeline/network.hpp>

#include "measure.cuh"

namespace aixcell {
namespace {

template <class Real>
void images(context<cuda>& ctx, report& r, const char* stored) {
  const shape s{16, 256, 256, 32}, half{16, 128, 128, 32};
  const double bytes = static_cast<double>(s.count()) * sizeof(Real);
  const auto x = filled<Real>(ctx, s, 0.5f), small = filled<Real>(ctx, half, 0.5f);
  auto y = filled<Real>(ctx, s, 0), y_small = filled<Real>(ctx, half, 0);
  tensor<std::uint8_t, cuda> winners(ctx, half);
  const auto ones = filled<master_of<Real>>(ctx, {1, 32}, 1);
  auto sums = filled<double>(ctx, {16, 2, 32}, 0);
  const scaled_input<Real, cuda> in{x, ones, ones, {}, activation::relu};
  const auto name = [&](const char* what) { return std::string(what) + ", " + stored; };
  r.by_memory(name("accumulate").c_str(), 3 * bytes, [&] { accumulate<Real>(ctx, x, y); });
  r.by_memory(name("channel_sums").c_str(), bytes, [&] { channel_sums<Real>(ctx, x, sums); });
  r.by_memory(name("scale_shift_activate").c_str(), 2 * bytes, [&] { scale_shift_activate<Real>(ctx, in, y); });
  r.by_memory(name("scale_shift_backward_sums").c_str(), 2 * bytes, [&] { scale_shift_backward_sums<Real>(ctx, x, in, sums); });
  r.by_memory(name("max_pool2d").c_str(), 1.25 * bytes + half.count(), [&] { max_pool2d<Real>(ctx, x, {}, y_small, winners); });
  r.by_memory(name("upsample, bilinear").c_str(), 1.25 * bytes, [&] { upsample<Real>(ctx, small, interpolation::bilinear, y); });
  r.by_memory(name("upsample_backward, bilinear").c_str(), 1.25 * bytes, [&] { upsample_backward<Real>(ctx, x, interpolation::bilinear, y_small); });
  tensor<Real, cuda> joined(ctx, {16, 256, 256, 64});
  r.by_memory(name("concatenate_channels").c_str(), 4 * bytes, [&] { concatenate_channels<Real>(ctx, x, x, joined); });
}

template <class Real>
void steps(context<cuda>& ctx, report& r, const char* stored) {
  random_stream random(1);
  network<resnet18, unet, cuda, Real> net(ctx, 1, {.channels = 3}, random);
  const auto x = filled<float>(ctx, {16, 256, 256, 1}, 0.5f);
  const auto target = filled<float>(ctx, {16, 256, 256, 1}, 1);
  tensor<double, cuda> result(ctx, {loss_result_count});
  r.by_items((std::string("inference, resnet18+unet, 16 x 256 x 256, ") + stored).c_str(), "images/s", 16,
             [&] { net.forward(ctx, x, nullptr); });
  r.by_items((std::string("forward, loss, backward, the same, ") + stored).c_str(), "images/s", 16, [&] {
    net.learn(ctx, x, [&](const auto& y, auto gradient) {
      fill_values(ctx, gradient.as_view(), 0);
      cross_entropy_loss<float>(ctx, {.output = y, .channels = 3, .target = target, .gradient = gradient}, {}, result);
      return 0.0;
    });
  });
}

void objects(context<cuda>& ctx, report& r) {
  constexpr index_t edge = 2048;
  tensor<float> image({edge, edge, 1});
  tensor<std::uint8_t> mask({edge, edge});
  tensor<std::int32_t> labels({edge, edge});
  random_stream random(1);
  for (index_t i = 0; i < edge; ++i)
    for (index_t j = 0; j < edge; ++j) {
      const bool disc = (i % 64 - 32) * (i % 64 - 32) + (j % 64 - 32) * (j % 64 - 32) < 400;
      image(i, j, 0) = random.uniform() + static_cast<float>(disc);
      mask(i, j) = disc;
      labels(i, j) = disc ? static_cast<std::int32_t>(i / 64 * 32 + j / 64 + 1) : 0;
    }
  const auto upload = [&](const auto& t) {
    tensor<typename std::remove_cvref_t<decltype(t)>::value_type, cuda> there(ctx, t.shape());
    copy(ctx, t.as_view(), there.as_view());
    return there;
  };
  const auto on = upload(image);
  const auto on_mask = upload(mask);
  const auto on_labels = upload(labels);
  tensor<double, cuda> ranges(ctx, {1, 2});
  tensor<float, cuda> out(ctx, image.shape()), distance(ctx, {edge, edge});
  tensor<std::int32_t, cuda> found(ctx, {edge, edge}), count(ctx, {1});
  const double pixels = edge * edge;
  r.by_items("percentile_ranges, 2048 x 2048", "pixels/s", pixels, [&] { percentile_ranges(ctx, on, 1, 99.8f, ranges); });
  r.by_memory("scale_to_ranges, 2048 x 2048", 8 * pixels, [&] { scale_to_ranges(ctx, on, ranges, out); });
  r.by_items("connected_components, 2048 x 2048, 1024 discs", "pixels/s", pixels,
             [&] { connected_components(ctx, on_mask, connectivity::eight, found, count); });
  r.by_items("distance_to_outside, the same", "pixels/s", pixels, [&] { distance_to_outside(ctx, on_labels, distance); });
}

int run() {
  context<cuda> ctx;
  const ceilings c = print_ceilings(ctx);
  report r(ctx, c);
  images<float>(ctx, r, "float32");
  images<bfloat16>(ctx, r, "bfloat16");
  all_convolutions(ctx, r, "");
  steps<float>(ctx, r, "float32");
  steps<bfloat16>(ctx, r, "bfloat16");
  objects(ctx, r);
  return 0;
}

}  // namespace
}  // namespace aixcell

int main() {
  try {
    return aixcell::run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "benchmark_gpu: %s\n", e.what());
    return 2;
  }
}
