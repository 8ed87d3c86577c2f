#pragma once
#include <cmath>
#include <span>
#include <vector>

#include <aixcell/kernels/gpu/detail/on_device.hpp>

namespace aixcell {

// Optimisers over all parameters of a network in one launch: a table of chunks, a block for each. The table is made once, on
// the host, and lives on the device as long as the parameters stay where they are.

/// One tensor of a network on the device, and the moments that belong to it, all [count].
struct device_parameter {
  float* value = nullptr;
  float* gradient = nullptr;
  float* mean = nullptr;    ///< AdamW's first moment, or the velocity of SGD
  float* square = nullptr;  ///< AdamW's second moment; null for SGD
  index_t count = 0;
  bool decays = true;  ///< weight decay applies
};

/// At most `largest` neighbouring values of a parameter.
struct parameter_chunk {
  static constexpr int largest = 4096;
  float *value, *gradient, *mean, *square;
  int count;
  float decays;  // 1 or 0
};

inline std::vector<parameter_chunk> parameter_chunks(std::span<const device_parameter> parameters) {
  std::vector<parameter_chunk> chunks;
  for (const device_parameter& p : parameters)
    for (index_t begin = 0; begin < p.count; begin += parameter_chunk::largest) {
      const index_t rest = p.count - begin;
      chunks.push_back({p.value + begin, p.gradient + begin, p.mean + begin, p.square ? p.square + begin : nullptr,
                        static_cast<int>(rest < parameter_chunk::largest ? rest : parameter_chunk::largest),
                        p.decays ? 1.0f : 0.0f});
    }
  return chunks;
}

/// What changes from step to step. Kernels read it from the device, so that a step that was recorded once can be taken again.
struct step_numbers {
  float learning_rate = 0;
  float correct1 = 1, correct2 = 1;  ///< for the bias of AdamW's moments, see bias_correction
  float average_share = 0;           ///< how far averaged weights move towards the weights
};

/// 1 / (1 - beta^step), steps counted from 1.
inline float bias_correction(float beta, std::int64_t step) {
  return static_cast<float>(1 / (1 - std::pow(static_cast<double>(beta), static_cast<double>(step))));
}

struct adamw_step_options {
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
  float weight_decay = 1e-2f;
};

struct sgd_step_options {
  float momentum = 0.9f;
  float weight_decay = 1e-4f;
  bool nesterov = true;
};

namespace detail {

/// Sum of squares of each chunk, in a fixed order.
struct chunk_squares_kernel {
  static constexpr std::string_view name = "gradient_norm: chunks";
  static constexpr int threads = 256;
  struct shared {
    double part[threads];
  };
  constexpr void operator()(auto t, shared& s, const parameter_chunk* chunks, double* squares) const {
    const parameter_chunk chunk = chunks[t.block().x];
    double sum = 0;
    for (int i = t.rank(); i < chunk.count; i += threads)
      sum += static_cast<double>(chunk.gradient[i]) * static_cast<double>(chunk.gradient[i]);
    s.part[t.rank()] = sum;
    for (int half = threads / 2; half > 0; half /= 2) {
      t.sync();
      if (t.rank() < half) s.part[t.rank()] += s.part[t.rank() + half];
    }
    if (t.rank() == 0) squares[t.block().x] = s.part[0];
  }
};

/// norm = {norm of all, factor that makes it `most` where it is greater}. One block.
struct norm_kernel {
  static constexpr std::string_view name = "gradient_norm";
  static constexpr int threads = 256;
  struct shared {
    double part[threads];
  };
  constexpr void operator()(auto t, shared& s, const double* squares, int chunks, double most, double* norm) const {
    double sum = 0;
    for (int i = t.rank(); i < chunks; i += threads) sum += squares[i];
    s.part[t.rank()] = sum;
    for (int half = threads / 2; half > 0; half /= 2) {
      t.sync();
      if (t.rank() < half) s.part[t.rank()] += s.part[t.rank() + half];
    }
    if (t.rank() != 0) return;
    const double found = std::sqrt(s.part[0]);
    norm[0] = found;
    // A norm that is not finite is mended by no factor: the gradients stay as they are.
    norm[1] = found > most && found - found == 0 ? most / found : 1.0;
  }
};

struct adamw_kernel {
  static constexpr std::string_view name = "adamw";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const parameter_chunk* chunks, adamw_step_options o,
                            const step_numbers* numbers, const double* norm) const {
    const parameter_chunk chunk = chunks[t.block().x];
    const step_numbers now = numbers[0];
    const float clip = norm ? static_cast<float>(norm[1]) : 1.0f,
                keep = 1 - chunk.decays * now.learning_rate * o.weight_decay, rate = now.learning_rate * now.correct1;
    for (int i = t.rank(); i < chunk.count; i += threads) {
      const float g = chunk.gradient[i] * clip;
      const float m = o.beta1 * chunk.mean[i] + (1 - o.beta1) * g,
                  v = o.beta2 * chunk.square[i] + (1 - o.beta2) * g * g;
      chunk.mean[i] = m;
      chunk.square[i] = v;
      chunk.value[i] = keep * chunk.value[i] - rate * m / (std::sqrt(v * now.correct2) + o.epsilon);
    }
  }
};

struct sgd_kernel {
  static constexpr std::string_view name = "sgd";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const parameter_chunk* chunks, sgd_step_options o,
                            const step_numbers* numbers, const double* norm) const {
    const parameter_chunk chunk = chunks[t.block().x];
    const float clip = norm ? static_cast<float>(norm[1]) : 1.0f, decay = chunk.decays * o.weight_decay,
                rate = numbers[0].learning_rate;
    for (int i = t.rank(); i < chunk.count; i += threads) {
      const float g = chunk.gradient[i] * clip + decay * chunk.value[i], v = o.momentum * chunk.mean[i] + g;
      chunk.mean[i] = v;
      chunk.value[i] -= rate * (o.nesterov ? g + o.momentum * v : v);
    }
  }
};

struct clear_gradients_kernel {
  static constexpr std::string_view name = "clear_gradients";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const parameter_chunk* chunks) const {
    const parameter_chunk chunk = chunks[t.block().x];
    for (int i = t.rank(); i < chunk.count; i += threads) chunk.gradient[i] = 0;
  }
};

struct move_average_kernel {
  static constexpr std::string_view name = "move_average";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const parameter_chunk* chunks, const step_numbers* numbers) const {
    const parameter_chunk chunk = chunks[t.block().x];
    const float share = numbers[0].average_share;
    for (int i = t.rank(); i < chunk.count; i += threads) chunk.mean[i] += share * (chunk.value[i] - chunk.mean[i]);
  }
};

}  // namespace detail

/// All gradients of a table to 0, in one launch: backward passes add to them.
template <GpuDevice Device>
void clear_gradients(context<Device>& ctx, view_on<const parameter_chunk, Device> chunks) {
  launch(ctx, {detail::counted("clear_gradients", chunks.size()), 1, 1}, detail::clear_gradients_kernel{},
         chunks.data());
}

/// mean += average_share * (value - mean) for all values of a table: the exponential moving average of weights. `numbers` [1].
template <GpuDevice Device>
void move_average(context<Device>& ctx, view_on<const parameter_chunk, Device> chunks,
                  view_on<const step_numbers, Device> numbers) {
  require_shape("move_average", {1}, numbers.shape());
  launch(ctx, {detail::counted("move_average", chunks.size()), 1, 1}, detail::move_average_kernel{}, chunks.data(),
         numbers.data());
}

/// norm [2]: the Euclidean norm of all gradients together, and the factor by which a step scales them so that it is at most
/// `most` (optim/clip.hpp). Float64, in an order that the table decides. Nobody waits: a step takes `norm` from the device.
template <GpuDevice Device>
void gradient_norm(context<Device>& ctx, view_on<const parameter_chunk, Device> chunks, double most,
                   view_on<double, Device> norm) {
  require_shape("gradient_norm", {2}, norm.shape());
  const int count = detail::counted("gradient_norm", chunks.size());
  tensor<double, Device> squares(ctx, {count});
  const double* const known = squares.data();
  launch(ctx, {count, 1, 1}, detail::chunk_squares_kernel{}, chunks.data(), squares.data());
  launch(ctx, {1, 1, 1}, detail::norm_kernel{}, known, count, most, norm.data());
}

/// One step of AdamW (optim/adamw.hpp) with gradients scaled by norm[1]; `numbers` [1], `norm` [2] or empty.
template <GpuDevice Device>
void adamw_step(context<Device>& ctx, view_on<const parameter_chunk, Device> chunks, const adamw_step_options& options,
                view_on<const step_numbers, Device> numbers, view_on<const double, Device> norm) {
  require_shape("adamw", {1}, numbers.shape());
  launch(ctx, {detail::counted("adamw", chunks.size()), 1, 1}, detail::adamw_kernel{}, chunks.data(), options,
         numbers.data(), norm.empty() ? nullptr : norm.data());
}

/// One step of stochastic gradient descent with momentum (optim/sgd.hpp); the velocity is `mean`.
template <GpuDevice Device>
void sgd_step(context<Device>& ctx, view_on<const parameter_chunk, Device> chunks, const sgd_step_options& options,
              view_on<const step_numbers, Device> numbers, view_on<const double, Device> norm) {
  require_shape("sgd", {1}, numbers.shape());
  launch(ctx, {detail::counted("sgd", chunks.size()), 1, 1}, detail::sgd_kernel{}, chunks.data(), options,
         numbers.data(), norm.empty() ? nullptr : norm.data());
}

}  // namespace aixcell
