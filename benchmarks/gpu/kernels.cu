// How fast kernels are on this GPU, beside what the GPU reaches in the same run: copying memory, and multiplying on
// tensor cores from registers (mma.sync). Prints a line for each kernel: time, rate, and its share of that ceiling;
// convolutions of bfloat16 by wgmma too, where the GPU has it. Numbers are the median of twenty runs by the GPU's own
// clock, after three that do not count. No argument; needs a GPU.
#include <aixcell/device/cuda.cuh>
#include <aixcell/kernels/gpu/connected_components.hpp>
#include <aixcell/kernels/gpu/cross_entropy.hpp>
#include <aixcell/kernels/gpu/distance_transform.hpp>
#include <aixcell/kernels/gpu/label_pairs.hpp>
#include <aixcell/kernels/gpu/object_sums.hpp>
#include <aixcell/kernels/gpu/of_layers.hpp>
#include <aixcell/kernels/gpu/optimiser.hpp>
#include <aixcell/kernels/gpu/outlines.hpp>
#include <aixcell/kernels/gpu/percentile.hpp>
#include <aixcell/kernels/gpu/resize.hpp>
#include <aixcell/kernels/gpu/standardise.hpp>
#include <aixcell/kernels/gpu/tiles.hpp>
#include <aixcell/kernels/gpu/usable_values.hpp>
#include <aixcell/postprocess/gpu/of_stages.hpp>

#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/pipeline/network.hpp>

#include <numbers>

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
  r.by_memory(name("scale_shift_backward_sums").c_str(), 2 * bytes,
              [&] { scale_shift_backward_sums<Real>(ctx, x, in, sums); });
  r.by_memory(name("max_pool2d").c_str(), 1.25 * bytes + half.count(),
              [&] { max_pool2d<Real>(ctx, x, {}, y_small, winners); });
  r.by_memory(name("upsample, bilinear").c_str(), 1.25 * bytes,
              [&] { upsample<Real>(ctx, small, interpolation::bilinear, y); });
  r.by_memory(name("upsample_backward, bilinear").c_str(), 1.25 * bytes,
              [&] { upsample_backward<Real>(ctx, x, interpolation::bilinear, y_small); });
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

template <class T>
tensor<T, cuda> uploaded(context<cuda>& ctx, const tensor<T>& from) {
  tensor<T, cuda> there(ctx, from.shape());
  copy(ctx, from.as_view(), there.as_view());
  return there;
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
  const auto on = uploaded(ctx, image);
  const auto on_mask = uploaded(ctx, mask);
  const auto on_labels = uploaded(ctx, labels);
  tensor<double, cuda> ranges(ctx, {1, 2});
  tensor<float, cuda> out(ctx, image.shape()), distance(ctx, {edge, edge});
  tensor<std::int32_t, cuda> found(ctx, {edge, edge}), count(ctx, {1});
  const double pixels = edge * edge;
  r.by_items("percentile_ranges, 2048 x 2048", "pixels/s", pixels,
             [&] { percentile_ranges(ctx, on, 1, 99.8f, ranges); });
  r.by_memory("scale_to_ranges, 2048 x 2048", 8 * pixels, [&] { scale_to_ranges(ctx, on, ranges, out); });
  r.by_items("connected_components, 2048 x 2048, 1024 discs", "pixels/s", pixels,
             [&] { connected_components(ctx, on_mask, connectivity::eight, found, count); });
  r.by_items("distance_to_outside, the same", "pixels/s", pixels,
             [&] { distance_to_outside(ctx, on_labels, distance); });

  tensor<double, cuda> moments(ctx, {2, 1}), lengths(ctx, {1024});
  tensor<std::uint64_t, cuda> sums(ctx, {1024, region_sum_count});
  tensor<std::int32_t, cuda> boxes(ctx, {1024, region_edge_count});
  tensor<float, cuda> means(ctx, {1024}), smaller(ctx, {1434, 1434, 1});
  tensor<intensity_sums, cuda> intensities(ctx, {1024, 1});
  r.by_memory("first_unusable, 2048 x 2048", 4 * pixels, [&] { first_unusable(ctx, on); });
  r.by_memory("channel_moments, the same", 4 * pixels, [&] { channel_moments(ctx, on, moments); });
  r.by_memory("standardise, the same", 8 * pixels, [&] { standardise(ctx, on, moments, out); });
  r.by_memory("resize_image to 1434 x 1434", 4 * pixels + 4.0 * 1434 * 1434, [&] { resize_image(ctx, on, smaller); });
  r.by_memory("mirror_image, 2048 x 2048", 8 * pixels, [&] { mirror_image(ctx, on, {true, true}, out); });
  r.by_memory("region_sums, 1024 discs", 4 * pixels, [&] { region_sums(ctx, on_labels, sums, boxes); });
  r.by_memory("object_means, the same", 8 * pixels, [&] {
    object_means(ctx, on_labels, sums, boxes, on.reshaped({edge, edge}), means);
  });
  r.by_memory("object_intensities, the same", 8 * pixels,
              [&] { object_intensities(ctx, on_labels, boxes, on, intensities); });
  r.by_memory("outline_pixels, the same", 8 * pixels, [&] { outline_pixels(ctx, on_labels, {}, found); });
  r.by_memory("perimeters, the same", 4 * pixels, [&] { perimeters(ctx, on_labels, lengths); });
  r.by_memory("label_pairs, the same", 8 * pixels, [&] { label_pairs(ctx, on_labels, on_labels); });
}

/// A dense map of 2048 x 2048 pixels with 5041 round nuclei of radius 10 in a grid, as a network would have it: `write` gets a
/// pixel's channels, its distance from the nearest centre and the way there.
template <class Policy, class Write>
void postprocess(context<cuda>& ctx, report& r, const Policy& policy, Write&& write) {
  constexpr index_t edge = 2048, pitch = 28, across = 71;
  tensor<float> output({edge, edge, policy.output_channels()});
  random_stream random(1);
  for (index_t i = 0; i < edge; ++i)
    for (index_t j = 0; j < edge; ++j) {
      const auto to_centre = [&](index_t at) {
        return static_cast<double>(std::min(at / pitch, across - 1) * pitch + 14 - at);
      };
      const double y = to_centre(i), x = to_centre(j);
      write(&output(i, j, 0), std::sqrt(y * y + x * x), y, x, 0.05 * static_cast<double>(random.normal()));
    }
  const auto on = uploaded(ctx, output);
  const std::size_t found = decode(ctx, policy, on).objects.size();
  r.by_items(("postprocess of 2048 x 2048, " + std::to_string(found) + " nuclei, " + std::string(Policy::name)).c_str(),
             "nuclei/s", static_cast<double>(found), [&] { decode(ctx, policy, on); });
}

void postprocesses(context<cuda>& ctx, report& r) {
  constexpr double radius = 10;
  const auto object_logit = [](double distance, double noise) {
    return static_cast<float>(2 * (radius - distance) + noise);
  };
  postprocess(ctx, r, star_convex<32>{}, [&](float* to, double distance, double y, double x, double noise) {
    const double share = std::clamp(1 - distance / radius, 1e-3, 1 - 1e-3) + noise / 100;
    to[0] = static_cast<float>(std::log(share / (1 - share)));
    for (int k = 0; k < 32; ++k) {
      const double angle = 2 * std::numbers::pi * k / 32, along = y * std::sin(angle) + x * std::cos(angle);
      const double rest = along * along - distance * distance + radius * radius;
      const double length = rest > 0 ? along + std::sqrt(rest) : 0;
      to[1 + k] =
          static_cast<float>(std::log(std::max(length, 0.1) / static_cast<double>(star_convex<32>::distance_unit)));
    }
  });
  postprocess(ctx, r, interior_border{}, [&](float* to, double distance, double, double, double noise) {
    to[0] = static_cast<float>(2 * (distance - radius));
    to[1] = static_cast<float>(2 * (radius - 2 - distance) + noise);
    to[2] = static_cast<float>(2 - std::abs(distance - radius + 1));
  });
  postprocess(ctx, r, distance_watershed{}, [&](float* to, double distance, double, double, double noise) {
    const double depth = std::clamp(1 - distance / radius, 1e-3, 1 - 1e-3);
    to[0] = object_logit(distance, noise);
    to[1] = static_cast<float>(std::log(depth / (1 - depth)) + noise);
  });
  postprocess(ctx, r, flow_field{}, [&](float* to, double distance, double y, double x, double noise) {
    to[0] = object_logit(distance, noise);
    to[1] = static_cast<float>(distance > 0 ? 5 * y / distance : 0);
    to[2] = static_cast<float>(distance > 0 ? 5 * x / distance : 0);
  });
  postprocess(ctx, r, connected_foreground{},
              [&](float* to, double distance, double, double, double noise) { to[0] = object_logit(distance, noise); });
}

/// Products of two tiles that stay in shared memory, by two warpgroups: what tensor cores give to wgmma.
struct warpgroup_multiply_kernel {
  static constexpr std::string_view name = "wgmma from shared memory";
  static constexpr int threads = 256, rounds = 4096;
  static constexpr double operations = 2.0 * 128 * 128 * 64 * rounds;  // of a block
  struct shared {
    swizzled_tile<128> left, right;
  };
  constexpr void operator()(WarpgroupThread auto t, shared& s, float* out) const {
    for (int i = t.rank(); i < 128 * 64; i += threads) {
      s.left.values[i / 64][i % 64] = bfloat16(1.0f);
      s.right.values[i / 64][i % 64] = bfloat16(1.0f);
    }
    t.fence_async_proxy();
    t.sync();
    float sum[64] = {};
    t.warpgroup_fence(sum);
    for (int round = 0; round < rounds; ++round) {
      t.warpgroup_fence();
      for (int k = 0; k < 4; ++k)
        t.warpgroup_multiply(sum, s.left.from_row(t.rank() / warpgroup_size * 64), s.right.from_row(0), k);
      t.warpgroup_commit();
      t.template warpgroup_wait<1>();
    }
    t.template warpgroup_wait<0>(sum);
    float all = 0;
    for (const float v : sum) all += v;
    out[global_rank(t)] = all;
  }
};

/// The convolutions of bfloat16 again, by warpgroups; shares are of what mma.sync reaches.
void by_warpgroups(context<cuda>& ctx, report& r) {
  if (const std::string why = why_no_wgmma(ctx); !why.empty()) {
    std::printf("convolutions by wgmma: not measured, %s\n", why.c_str());
    return;
  }
  constexpr int blocks = 1024;
  tensor<float, cuda> out(ctx, {index_t{blocks} * warpgroup_multiply_kernel::threads});
  r.by_products(warpgroup_multiply_kernel::name.data(), blocks * warpgroup_multiply_kernel::operations, [&] {
    launch(ctx, {blocks, 1, 1}, warpgroup_multiply_kernel{}, out.data());
  });
  ctx.multiply_by(tensor_core_instruction::wgmma);
  convolutions<bfloat16>(ctx, r, "bfloat16, wgmma");
  ctx.multiply_by(tensor_core_instruction::mma);
}

int run() {
  context<cuda> ctx;
  const ceilings c = print_ceilings(ctx);
  report r(ctx, c);
  images<float>(ctx, r, "float32");
  images<bfloat16>(ctx, r, "bfloat16");
  all_convolutions(ctx, r, "");
  by_warpgroups(ctx, r);
  steps<float>(ctx, r, "float32");
  steps<bfloat16>(ctx, r, "bfloat16");
  objects(ctx, r);
  postprocesses(ctx, r);
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
