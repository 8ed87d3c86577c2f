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

#include <algorithm>
#include <cstdio>
#include <vector>

namespace aixcell {
namespace {

/// Seconds of `work` on the GPU.
template <class Work>
double seconds_of(context<cuda>& ctx, Work&& work) {
  for (int warm_up = 0; warm_up < 3; ++warm_up) work();
  std::vector<double> seconds;
  for (int run = 0; run < 20; ++run) {
    cuda_event begin, end;
    begin.record(ctx.stream());
    work();
    end.record(ctx.stream());
    end.wait();
    seconds.push_back(static_cast<double>(cuda_event::elapsed_ms(begin, end)) * 1e-3);
  }
  std::nth_element(seconds.begin(), seconds.begin() + 10, seconds.end());
  return seconds[10];
}

/// Products of fragments that stay in registers: what tensor cores give to mma.sync and nothing slows.
struct multiply_kernel {
  static constexpr std::string_view name = "mma.sync from registers";
  static constexpr int threads = 256, rounds = 4096, chains = 8;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, float* out) const {
    float sum[chains][4] = {};
    const std::uint32_t left[4] = {0x3f803f80u, 0x3f803f80u, 0x3f803f80u, 0x3f803f80u}, right[2] = {0x3f803f80u, 0x3f803f80u};
    for (int round = 0; round < rounds; ++round)
      for (int c = 0; c < chains; ++c) t.mma_16x8x16(sum[c], left, right);
    float all = 0;
    for (int c = 0; c < chains; ++c) all += sum[c][0] + sum[c][1] + sum[c][2] + sum[c][3];
    out[global_rank(t)] = all;
  }
};

struct ceilings {
  double bytes_per_s, operations_per_s;
};

ceilings measure_ceilings(context<cuda>& ctx) {
  constexpr index_t bytes = index_t{1} << 30;
  tensor<std::uint8_t, cuda> from(ctx, {bytes}), to(ctx, {bytes});
  const double copying = seconds_of(ctx, [&] {
    detail::check_cuda(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice, ctx.stream()), "cudaMemcpyAsync");
  });
  int processors = 0;
  detail::check_cuda(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, ctx.gpu()), "cudaDeviceGetAttribute");
  const int blocks = processors * 8;
  tensor<float, cuda> out(ctx, {index_t{blocks} * multiply_kernel::threads});
  const double multiplying = seconds_of(ctx, [&] { launch(ctx, {blocks, 1, 1}, multiply_kernel{}, out.data()); });
  const double products = 2.0 * 16 * 8 * 16 * multiply_kernel::rounds * multiply_kernel::chains * blocks *
                          (multiply_kernel::threads / warp_size);
  return {2.0 * bytes / copying, products / multiplying};
}

class report {
 public:
  report(context<cuda>& ctx, const ceilings& c) : ctx_(ctx), ceilings_(c) {
    std::printf("%-52s %10s %16s %7s\n", "kernel", "us", "rate", "share");
  }
  /// `bytes` that have to travel at least, each once.
  template <class Work>
  void by_memory(const char* name, double bytes, Work&& work) {
    const double s = seconds_of(ctx_, work), rate = bytes / s;
    std::printf("%-52s %10.1f %11.1f GB/s %6.1f%%\n", name, s * 1e6, rate * 1e-9, 100 * rate / ceilings_.bytes_per_s);
  }
  template <class Work>
  void by_products(const char* name, double operations, Work&& work) {
    const double s = seconds_of(ctx_, work), rate = operations / s;
    std::printf("%-52s %10.1f %9.1f TFLOP/s %5.1f%%\n", name, s * 1e6, rate * 1e-12, 100 * rate / ceilings_.operations_per_s);
  }
  template <class Work>
  void by_items(const char* name, const char* unit, double items, Work&& work) {
    const double s = seconds_of(ctx_, work);
    std::printf("%-52s %10.1f %10.1f %s\n", name, s * 1e6, items / s, unit);
  }

 private:
  context<cuda>& ctx_;
  ceilings ceilings_;
};

template <class T>
tensor<T, cuda> filled(context<cuda>& ctx, const shape& s, float value) {
  tensor<T, cuda> t(ctx, s);
  fill_values(ctx, t.as_view(), T(value));
  return t;
}

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
void convolutions(context<cuda>& ctx, report& r, const char* stored) {
  for (const index_t channels : {32, 64, 128, 256, 512}) {
    const index_t edge = 8192 / channels < 32 ? 32 : 8192 / channels;
    const shape s{16, edge, edge, channels}, f{channels, 3, 3, channels};
    const conv2d_geometry g{.stride = 1, .padding = 1};
    const auto x = filled<Real>(ctx, s, 0.5f);
    const auto filter = filled<master_of<Real>>(ctx, f, 0.01f);
    auto y = filled<Real>(ctx, s, 0);
    auto dfilter = filled<master_of<Real>>(ctx, f, 0);
    const double operations = conv2d_cost(s, f, s, sizeof(Real)).flops;
    const auto name = [&](const char* what) {
      return std::string(what) + ", 3x3, " + std::to_string(channels) + " channels at " + std::to_string(edge) + ", " + stored;
    };
    r.by_products(name("conv2d").c_str(), operations, [&] { conv2d<Real>(ctx, x, filter, g, {}, y); });
    r.by_products(name("  to the image").c_str(), operations, [&] { conv2d_backward_data<Real>(ctx, x, filter, g, y); });
    r.by_products(name("  to the filter").c_str(), operations, [&] { conv2d_backward_filter<Real>(ctx, x, y, g, dfilter); });
  }
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
  cudaDeviceProp properties{};
  detail::check_cuda(cudaGetDeviceProperties(&properties, ctx.gpu()), "cudaGetDeviceProperties");
  const ceilings c = measure_ceilings(ctx);
  std::printf("%s: copies %.0f GB/s (read and written), mma.sync in bfloat16 %.0f TFLOP/s\n\n", properties.name,
              c.bytes_per_s * 1e-9, c.operations_per_s * 1e-12);
  report r(ctx, c);
  images<float>(ctx, r, "float32");
  images<bfloat16>(ctx, r, "bfloat16");
  convolutions<float>(ctx, r, "float32");
  convolutions<bfloat16>(ctx, r, "bfloat16");
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
