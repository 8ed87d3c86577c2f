#include <aixcell/losses/loss.hpp>

#include <aixcell/losses/masked_l1.hpp>

#include "loss_check.hpp"
#include "support/catch.hpp"

using namespace loss_check;

TEST_CASE("losses: shapes and channels that do not fit are refused in one line") {
  const auto attempt = [](shape output, shape target, channel_range channels, int target_channel, int weight_channel) {
    return evaluate(masked_l1{},
                    {tensor<double>(output), tensor<float>(target), channels, target_channel, weight_channel});
  };
  CHECK_NOTHROW(attempt({1, 2, 3, 4}, {1, 2, 3, 2}, {2, 2}, 0, -1));
  CHECK_THROWS_AS(attempt({1, 2, 3, 4}, {1, 3, 2, 2}, {2, 2}, 0, -1), shape_error);
  CHECK_THROWS_AS(attempt({1, 2, 3, 4}, {1, 2, 3}, {2, 2}, 0, -1), shape_error);
  CHECK_THROWS_AS(attempt({2, 3, 4}, {1, 2, 3, 2}, {2, 2}, 0, -1), shape_error);
  CHECK_THROWS_AS(attempt({1, 2, 3, 4}, {1, 2, 3, 2}, {3, 2}, 0, -1), shape_error);
  CHECK_THROWS_AS(attempt({1, 2, 3, 4}, {1, 2, 3, 2}, {-1, 2}, 0, -1), shape_error);
  CHECK_THROWS_AS(attempt({1, 2, 3, 4}, {1, 2, 3, 2}, {0, 0}, 0, -1), shape_error);
  CHECK_THROWS_AS(attempt({1, 2, 3, 4}, {1, 2, 3, 2}, {2, 2}, 1, -1), shape_error);
  CHECK_THROWS_AS(attempt({1, 2, 3, 4}, {1, 2, 3, 2}, {2, 2}, 0, 2), shape_error);
}

TEST_CASE("losses: sums have one order whatever the number of threads, and a batch of nothing is nothing") {
  random_stream random(3);
  std::vector<double> values(20000);
  for (double& v : values) v = std::exp(static_cast<double>(random.normal(0, 10)));
  const auto total = [&](int threads, index_t count) {
    context<cpu> ctx(threads);
    return aixcell::detail::sum_over_pixels(ctx, count, [&](index_t begin, index_t end) {
      double sum = 0;
      for (index_t i = begin; i < end; ++i) sum += values[static_cast<std::size_t>(i)];
      return sum;
    });
  };
  CHECK(total(1, 20000) == total(4, 20000));
  CHECK(total(2, 0) == 0);
}
