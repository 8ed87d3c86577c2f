#include <aixcell/kernels/cpu/local_equalisation.hpp>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// Each pixel by itself, in float64.
tensor<float> plain_equalisation(const tensor<float>& pixels, index_t most_tiles, double clip_limit) {
  const index_t height = pixels.extent(0), width = pixels.extent(1);
  const index_t rows = std::min(most_tiles, std::max<index_t>(1, height / 4)),
                columns = std::min(most_tiles, std::max<index_t>(1, width / 4));
  tensor<float> out(pixels.shape());
  for (index_t c = 0; c < pixels.extent(2); ++c) {
    double low = 1e300, high = -1e300;
    for (index_t p = c; p < pixels.size(); p += pixels.extent(2))
      low = std::min(low, static_cast<double>(pixels[p])), high = std::max(high, static_cast<double>(pixels[p]));
    const auto bin_of = [&](index_t i, index_t j) {
      return std::min<std::size_t>(
          255, static_cast<std::size_t>((static_cast<double>(pixels(i, j, c)) - low) / (high - low) * 256));
    };
    const auto curve_of = [&](index_t y, index_t x) {
      std::vector<double> histogram(256, 0.0);
      double area = 0, excess = 0, sum = 0;
      for (index_t i = y * height / rows; i < (y + 1) * height / rows; ++i)
        for (index_t j = x * width / columns; j < (x + 1) * width / columns; ++j) ++histogram[bin_of(i, j)], ++area;
      for (double& h : histogram) {
        excess += std::max(0.0, h - clip_limit * area / 256);
        h = std::min(h, clip_limit * area / 256);
      }
      for (double& h : histogram) h = (sum += h + excess / 256) / area;
      return histogram;
    };
    std::vector<std::vector<double>> curves;
    for (index_t y = 0; y < rows; ++y)
      for (index_t x = 0; x < columns; ++x) curves.push_back(curve_of(y, x));
    for (index_t i = 0; i < height; ++i)
      for (index_t j = 0; j < width; ++j) {
        const double y = (static_cast<double>(i) + 0.5) / static_cast<double>(height) * static_cast<double>(rows) - 0.5,
                     x = (static_cast<double>(j) + 0.5) / static_cast<double>(width) * static_cast<double>(columns) -
                         0.5;
        double sum = 0;
        for (const index_t dy : {0, 1})
          for (const index_t dx : {0, 1}) {
            const auto ty = static_cast<index_t>(std::floor(y)) + dy, tx = static_cast<index_t>(std::floor(x)) + dx;
            const double share =
                (1 - std::abs(y - static_cast<double>(ty))) * (1 - std::abs(x - static_cast<double>(tx)));
            sum += share * curves[static_cast<std::size_t>(std::clamp<index_t>(ty, 0, rows - 1) * columns +
                                                           std::clamp<index_t>(tx, 0, columns - 1))][bin_of(i, j)];
          }
        out(i, j, c) = static_cast<float>(sum);
      }
  }
  return out;
}

}  // namespace

TEST_CASE("equalise_locally equals its definition, pixel by pixel", "[kernels][cpu]") {
  for (const shape& size : {shape{5, 9, 1}, shape{67, 131, 1}, shape{41, 333, 3}, shape{301, 65, 2}})
    for (const int tiles : {1, 3, 8}) {
      CAPTURE(to_string(size), tiles);
      tensor<float> pixels(size), found(size), same(size);
      random_stream random(4);
      for (float& v : pixels) v = std::round(random.uniform(-3000, 60000));
      const tensor<float> expected = plain_equalisation(pixels, tiles, 3);
      context<cpu> serial(1), parallel(2);
      equalise_locally(serial, pixels, {.tiles = tiles}, found);
      equalise_locally(parallel, pixels, {.tiles = tiles}, same);
      REQUIRE(std::equal(found.begin(), found.end(), same.begin()));
      double worst = 0;
      for (index_t p = 0; p < found.size(); ++p)
        worst = std::max(worst, std::abs(static_cast<double>(found[p]) - static_cast<double>(expected[p])));
      CHECK(worst < 2e-5);  // shares of tiles are float32
    }
}

TEST_CASE("equalise_locally of a constant channel, of nothing, and of what does not fit", "[kernels]") {
  context<cpu> ctx(1);
  tensor<float> pixels({3, 4, 2}), out({3, 4, 2}), empty({0, 4, 2});
  for (index_t p = 0; p < pixels.size(); ++p) pixels[p] = p % 2 ? 5 : static_cast<float>(p);
  out.fill(7);
  equalise_locally(ctx, pixels, {}, out);
  for (index_t p = 1; p < out.size(); p += 2) CHECK(out[p] == 0);
  CHECK(out[22] == Approx(1));
  equalise_locally(ctx, empty, {}, empty);
  CHECK_THROWS_AS(equalise_locally(ctx, pixels, {}, empty), shape_error);
}

}  // namespace aixcell::test
