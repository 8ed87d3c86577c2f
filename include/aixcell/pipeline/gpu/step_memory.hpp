#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include <aixcell/device/dry_gpu.hpp>
#include <aixcell/device/memory_error.hpp>
#include <aixcell/kernels/gpu/of_layers.hpp>
#include <aixcell/pipeline/network.hpp>

namespace aixcell {

/// A training step: a batch [N,H,W,C], its targets, and how it is computed.
struct step_plan {
  shape batch, targets;
  output_head head;
  compute_settings compute;
};

/// Bytes that a step takes of a GPU at least: batch, targets, activations, their gradients and workspace of our own kernels,
/// beside weights, their gradients, averages and moments. Found by running the network dry. The workspace of the loss is small
/// beside them and left out.
template <class Enc, class Dec, class Real>
[[gnu::noinline]] std::size_t step_bytes(const step_plan& plan) {
  random_stream none = random_stream(0).unwanted();
  context<dry_gpu> ctx(plan.compute);
  network<Enc, Dec, dry_gpu, Real> net(ctx, static_cast<int>(plan.batch[3]), plan.head, none);
  const std::size_t weights = ctx.memory().use().live;
  const tensor<float, dry_gpu> x(ctx, plan.batch), target(ctx, plan.targets);
  ctx.memory().reset_peak();
  net.learn(ctx, x, [](const auto&, auto&) { return 0.0; });
  return ctx.memory().use().peak - weights;
}

namespace detail {

/// What else could be tried, and what it would take.
struct smaller_step {
  std::string words;
  std::size_t bytes;
};

template <class Enc, class Dec, class Real>
std::vector<smaller_step> smaller_steps(const step_plan& plan, std::size_t free) {
  std::vector<smaller_step> found;
  const auto add_if_it_fits = [&](const std::string& words, std::size_t bytes) {
    if (bytes <= free) found.push_back({words, bytes});
    return bytes <= free;
  };
  step_plan fewer = plan;
  while ((fewer.batch[0] /= 2) > 0) {
    fewer.targets[0] = fewer.batch[0];
    if (add_if_it_fits("a batch of " + std::to_string(fewer.batch[0]), step_bytes<Enc, Dec, Real>(fewer))) break;
  }
  for (const auto& [how, words] : {std::pair{recomputation::selective, "what is quick computed again (--recompute selective)"},
                                   std::pair{recomputation::full, "values between layers computed again (--recompute full)"}}) {
    if (plan.compute.recompute >= how) continue;
    step_plan again = plan;
    again.compute.recompute = how;
    if (add_if_it_fits(words, step_bytes<Enc, Dec, Real>(again))) break;
  }
  if constexpr (!std::is_same_v<Real, bfloat16>) {
    step_plan half = plan;
    half.compute.precision = precision::bfloat16;
    add_if_it_fits("bfloat16", step_bytes<Enc, Dec, bfloat16>(half));
  }
  return found;
}

[[noreturn]] inline void throw_step_too_large(const step_plan& plan, std::size_t bytes, const device_memory_error& full,
                                              const std::vector<smaller_step>& smaller) {
  std::string text = "training: a step on " + std::to_string(plan.batch[0]) + " crops of " +
                     std::to_string(plan.batch[1]) + "x" + std::to_string(plan.batch[2]) + " takes " +
                     bytes_in_words(bytes) + " of the device's memory, " + bytes_in_words(full.free) + " of " +
                     bytes_in_words(full.total) + " are free; ";
  for (const smaller_step& s : smaller) text += s.words + " would take " + bytes_in_words(s.bytes) + ", ";
  throw device_memory_error(bytes, full.free, full.total,
                            text + (smaller.empty() ? "lower batch and crop, " : "or lower the crop, ") +
                                "or end other programs on this device");
}

}  // namespace detail

/// Throws device_memory_error, which says what would fit, unless a step has room on the device beside what is there.
template <class Enc, class Dec, class Real, GpuDevice Device>
void require_room_for_step(const context<Device>& ctx, const step_plan& plan) {
  const std::size_t bytes = step_bytes<Enc, Dec, Real>(plan);
  try {
    ctx.with_own_memory().memory().allocate(bytes);  // and given back at once
  } catch (const device_memory_error& full) {
    detail::throw_step_too_large(plan, bytes, full, detail::smaller_steps<Enc, Dec, Real>(plan, full.free));
  }
}

}  // namespace aixcell
