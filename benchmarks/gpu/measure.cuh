#pragma once
// What the benchmarks of a GPU share: its clock, what it reaches in the same run, a line for each kernel.
#include <aixcell/device/cuda.cuh>
#include <aixcell/kernels/gpu/conv2d_bf16.hpp>
#include <aixcell/kernels/gpu/fill.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace aixcell {

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

inline ceilings measure_ceilings(context<cuda>& ctx) {
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

/// 3x3 convolutions of all three directions, by whom the context convolves; by wgmma those that it takes.
template <class Real>
void convolutions(context<cuda>& ctx, report& r, const std::string& stored) {
  const bool wgmma = ctx.multiplies_by() == tensor_core_instruction::wgmma;
  for (const index_t channels : {16, 32, 64, 128, 256, 512}) {
    if (wgmma && channels <= 32) continue;
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
    tensor<double, cuda> sums(ctx, {s[0], 2, channels});
    r.by_products(name("conv2d").c_str(), operations, [&] { conv2d<Real>(ctx, x, filter, g, {}, y); });
    r.by_products(name("  with its sums").c_str(), operations, [&] { conv2d<Real>(ctx, x, filter, g, {}, y, sums); });
    r.by_products(name("  to the image").c_str(), operations, [&] { conv2d_backward_data<Real>(ctx, x, filter, g, y); });
    if (wgmma) continue;
    r.by_products(name("  to the filter").c_str(), operations, [&] { conv2d_backward_filter<Real>(ctx, x, y, g, dfilter); });
  }
}

/// Convolutions of first layers, which memory bounds: the image read, its result written or read.
template <class Real>
void first_layers(context<cuda>& ctx, report& r, const std::string& stored) {
  struct layer {
    index_t channels, taps, outputs;
    int stride;
  };
  for (const layer& l : {layer{1, 3, 32, 1}, layer{3, 3, 32, 1}, layer{3, 7, 64, 2}}) {
    const conv2d_geometry g{.stride = l.stride, .padding = static_cast<int>(l.taps / 2)};
    const shape s{16, 256, 256, l.channels}, f{l.outputs, l.taps, l.taps, l.channels},
        out = conv2d_output_shape(s, f, g);
    const auto x = filled<Real>(ctx, s, 0.5f);
    const auto filter = filled<master_of<Real>>(ctx, f, 0.01f);
    auto y = filled<Real>(ctx, out, 0);
    auto dfilter = filled<master_of<Real>>(ctx, f, 0);
    tensor<double, cuda> sums(ctx, {s[0], 2, l.outputs});
    const double bytes = conv2d_cost(s, f, out, sizeof(Real)).bytes;
    const std::string edge = std::to_string(l.taps), of = ", " + edge + "x" + edge + ", " + std::to_string(l.channels) +
                                                          " to " + std::to_string(l.outputs) + ", " + stored;
    r.by_memory(("conv2d" + of).c_str(), bytes, [&] { conv2d<Real>(ctx, x, filter, g, {}, y); });
    r.by_memory(("  with its sums" + of).c_str(), bytes, [&] { conv2d<Real>(ctx, x, filter, g, {}, y, sums); });
    r.by_memory(("  to the filter" + of).c_str(), bytes, [&] { conv2d_backward_filter<Real>(ctx, x, y, g, dfilter); });
  }
}

/// Every convolution, in float32, in TF32 and in bfloat16.
inline void all_convolutions(context<cuda>& ctx, report& r, const std::string& whose) {
  const auto both = [&]<class Real>(Real, const char* stored) {
    first_layers<Real>(ctx, r, stored + whose);
    convolutions<Real>(ctx, r, stored + whose);
  };
  both(float(), "float32");
  ctx.compute_as(precision::tf32);
  both(float(), "TF32");
  ctx.compute_as({});
  both(bfloat16(), "bfloat16");
}

/// A header line: the GPU and its ceilings.
inline ceilings print_ceilings(context<cuda>& ctx) {
  cudaDeviceProp properties{};
  detail::check_cuda(cudaGetDeviceProperties(&properties, ctx.gpu()), "cudaGetDeviceProperties");
  const ceilings c = measure_ceilings(ctx);
  std::printf("%s: copies %.0f GB/s (read and written), mma.sync in bfloat16 %.0f TFLOP/s\n\n", properties.name,
              c.bytes_per_s * 1e-9, c.operations_per_s * 1e-12);
  return c;
}

}  // namespace aixcell
