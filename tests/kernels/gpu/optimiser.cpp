#include <aixcell/kernels/gpu/optimiser.hpp>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

constexpr index_t parameter_counts[] = {1, 0, 255, 4097, 33};  // none, one, one beyond a chunk

/// A network's parameters, concatenated, in float64: what the formulas of the papers give.
struct reference_network {
  std::vector<double> value, gradient, mean, square;
  std::vector<bool> decays;
};

device_tensor<step_numbers> numbers_on(context<device_under_test>& ctx, const step_numbers& now) {
  tensor<step_numbers> here({1});
  here[0] = now;
  return to_device(ctx, here);
}

}  // namespace

TEST_CASE("gpu: AdamW and SGD over all parameters, clipped", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    for (const bool adam : {true, false})
      for (const double most : {1.0, 1e9}) {
        CAPTURE(adam, most);
        reference_network r;
        std::vector<device_tensor<float>> tensors;
        std::vector<device_parameter> parameters;
        std::uint64_t seed = 1;
        for (const index_t n : parameter_counts) {
          const auto value = random_tensor<float>({n}, ++seed), gradient = random_tensor<float>({n}, ++seed);
          const bool decays = n != 33;
          for (const auto* t : {&value, &gradient}) tensors.push_back(to_device(ctx, *t));
          for (int moment = 0; moment < 2; ++moment) tensors.push_back(to_device(ctx, tensor<float>({n})));
          auto* const last = &tensors[tensors.size() - 4];
          parameters.push_back({last[0].data(), last[1].data(), last[2].data(), last[3].data(), n, decays});
          for (index_t i = 0; i < n; ++i) {
            r.value.push_back(static_cast<double>(value[i]));
            r.gradient.push_back(static_cast<double>(gradient[i]));
            r.decays.push_back(decays);
          }
        }
        r.mean.resize(r.value.size());
        r.square.resize(r.value.size());
        const std::vector<parameter_chunk> list = parameter_chunks(parameters);
        CHECK(list.size() == 5);
        tensor<parameter_chunk> table({static_cast<index_t>(list.size())});
        std::copy(list.begin(), list.end(), table.begin());
        const auto chunks = to_device(ctx, table);
        device_tensor<double> norm(ctx, {2});

        for (std::int64_t step = 1; step <= 3; ++step) {
          double squares = 0;
          for (const double g : r.gradient) squares += g * g;
          const double factor = std::sqrt(squares) > most ? most / std::sqrt(squares) : 1;
          gradient_norm(ctx, chunks, most, norm);
          const auto found = to_host(ctx, norm);
          CHECK(std::abs(found[0] - std::sqrt(squares)) < 1e-9 * std::sqrt(squares));
          CHECK(std::abs(found[1] - factor) < 1e-12);
          const auto now = numbers_on(ctx, {.learning_rate = 0.01f,
                                            .correct1 = bias_correction(0.9f, step),
                                            .correct2 = bias_correction(0.999f, step)});
          if (adam)
            adamw_step(ctx, chunks, {.weight_decay = 0.1f}, now, norm);
          else
            sgd_step(ctx, chunks, {.weight_decay = 0.1f, .nesterov = most > 2}, now, norm);
          for (std::size_t i = 0; i < r.value.size(); ++i) {
            const double decay = r.decays[i] ? 0.1 : 0.0, steps = static_cast<double>(step);
            double g = r.gradient[i] * factor;
            if (adam) {
              r.mean[i] = 0.9 * r.mean[i] + 0.1 * g;
              r.square[i] = 0.999 * r.square[i] + 0.001 * g * g;
              const double m = r.mean[i] / (1 - std::pow(0.9, steps)), v = r.square[i] / (1 - std::pow(0.999, steps));
              r.value[i] = (1 - 0.01 * decay) * r.value[i] - 0.01 * m / (std::sqrt(v) + 1e-8);
            } else {
              g += decay * r.value[i];
              r.mean[i] = 0.9 * r.mean[i] + g;
              r.value[i] -= 0.01 * (most > 2 ? g + 0.9 * r.mean[i] : r.mean[i]);
            }
          }
        }
        std::size_t at = 0;
        bool right = true;
        for (std::size_t p = 0; p < tensors.size(); p += 4)
          for (const float v : to_host(ctx, tensors[p])) {
            right = right && std::abs(static_cast<double>(v) - r.value[at]) < 2e-6 * (1 + std::abs(r.value[at]));
            ++at;
          }
        CHECK(right);
      }
  });
}

TEST_CASE("gpu: gradients to zero, averages of weights", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    for (const index_t n : parameter_counts) {
      const auto value = random_tensor<float>({n}, 1), gradient = random_tensor<float>({n}, 2),
                 average = random_tensor<float>({n}, 3);
      auto on_value = to_device(ctx, value), on_gradient = to_device(ctx, gradient), on_average = to_device(ctx, average);
      const device_parameter p{on_value.data(), on_gradient.data(), on_average.data(), nullptr, n, true};
      const std::vector<parameter_chunk> chunks = parameter_chunks({&p, 1});
      tensor<parameter_chunk> table({std::ssize(chunks)});
      std::copy(chunks.begin(), chunks.end(), table.begin());
      const auto on = to_device(ctx, table);
      clear_gradients(ctx, on);
      move_average(ctx, on, numbers_on(ctx, {.average_share = 0.25f}));
      tensor<double> expected({n});
      for (index_t i = 0; i < n; ++i)
        expected[i] = 0.75 * static_cast<double>(average[i]) + 0.25 * static_cast<double>(value[i]);
      CHECK(same_values(to_host(ctx, on_gradient), tensor<float>({n})));
      CHECK(same_values(to_host(ctx, on_value), value));
      CHECK(agrees(to_host(ctx, on_average), expected, 1e-6));
    }
  });
}

TEST_CASE("gpu: a norm that is not finite clips nothing", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    tensor<float> gradient({2});
    gradient[1] = std::nanf("");
    auto on = to_device(ctx, gradient);
    const device_parameter p{on.data(), on.data(), on.data(), nullptr, 2, true};
    tensor<parameter_chunk> table({1});
    table[0] = parameter_chunks({&p, 1})[0];
    device_tensor<double> norm(ctx, {2});
    gradient_norm(ctx, to_device(ctx, table), 1.0, norm);
    CHECK(to_host(ctx, norm)[1] == 1);
    gradient_norm(ctx, device_tensor<parameter_chunk>(ctx, {0}), 1.0, norm);
    CHECK(to_host(ctx, norm)[0] == 0);
  });
}

}  // namespace aixcell
