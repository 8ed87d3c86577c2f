#pragma once
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/encoder/detail/level_gradients.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/pooling.hpp>

namespace aixcell {

namespace detail {

/// `plain4x16`, made from the numbers while compiling.
template <int Levels, int Width>
struct plain_name {
  static constexpr auto characters = [] {
    std::array<char, 32> text{'p', 'l', 'a', 'i', 'n'};
    std::size_t end = 5;
    const auto write = [&](int number) {
      int digits = 1;
      for (int rest = number; rest >= 10; rest /= 10) ++digits;
      for (int d = digits - 1; d >= 0; --d, number /= 10)
        text[end + static_cast<std::size_t>(d)] = static_cast<char>('0' + number % 10);
      end += static_cast<std::size_t>(digits);
    };
    write(Levels);
    text[end++] = 'x';
    write(Width);
    return std::pair{text, end};
  }();
  static constexpr std::string_view value{characters.first.data(), characters.second};
};

}  // namespace detail

/// The contracting path of the U-Net (Ronneberger et al. 2015) with padding and batch normalisation: at each level two
/// 3x3 convolutions, between levels a 2x2 maximum; the finest level has the resolution of the image.
///   in   [N,H,W,C], any size from 1x1        out  level i: [N,ceil(H/2^i),ceil(W/2^i),Width*2^i]
template <int Levels, int Width>
struct plain {
  static_assert(Levels >= 1 && Width >= 1, "a plain encoder has at least one level and one channel");

  static constexpr std::string_view name = detail::plain_name<Levels, Width>::value;
  static constexpr std::array<feature_level, Levels> levels = [] {
    std::array<feature_level, Levels> table{};
    for (int i = 0; i < Levels; ++i) table[static_cast<std::size_t>(i)] = {Width << i, 1 << i};
    return table;
  }();

  template <class Device, class Real>
  struct network {
    using unit = conv_norm_act<Device, Real>;

    struct saved {
      std::vector<std::array<typename unit::saved, 2>> stages;
      std::vector<typename max_pooling<Device, Real>::saved> pools;  ///< pool i leads to level i + 1
    };

    network(context<Device>& ctx, int channels_in, random_stream& random) {
      for (const feature_level& level : levels) {
        const int inputs = stages.empty() ? channels_in : level.channels / 2;
        std::vector<unit> stage;
        stage.emplace_back(
            ctx, conv_norm_act_options{.inputs = inputs, .outputs = level.channels, .input_gradient = !stages.empty()},
            random);
        stage.emplace_back(ctx, conv_norm_act_options{.inputs = level.channels, .outputs = level.channels}, random);
        stages.push_back(std::move(stage));
      }
    }

    std::vector<tensor<Real, Device>> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
      if (keep) keep->stages.resize(levels.size()), keep->pools.resize(levels.size() - 1);
      std::vector<tensor<Real, Device>> features;
      for (std::size_t i = 0; i < levels.size(); ++i) {
        auto y = i == 0 ? x : pool.forward(ctx, features.back(), keep ? &keep->pools[i - 1] : nullptr);
        for (std::size_t k = 0; k < 2; ++k) y = stages[i][k].forward(ctx, y, keep ? &keep->stages[i][k] : nullptr);
        features.push_back(std::move(y));
      }
      return features;
    }

    void backward(context<Device>& ctx, std::vector<tensor<Real, Device>> dlevels, saved& kept) {
      tensor<Real, Device> dy;
      for (std::size_t i = levels.size(); i-- > 0;) {
        dy = detail::add_gradients<Real>(ctx, std::move(dy), std::exchange(dlevels[i], {}));
        if (dy.empty()) continue;  // nobody used this level
        for (std::size_t k = 2; k-- > 0;) dy = stages[i][k].backward(ctx, std::move(dy), kept.stages[i][k]);
        if (i > 0) dy = pool.backward(ctx, std::move(dy), kept.pools[i - 1]);
      }
      kept = {};
    }

    static void for_each_member(auto& self, auto&& visit) { visit("stage", self.stages); }

    std::vector<std::vector<unit>> stages;  ///< two units a level
    max_pooling<Device, Real> pool;
  };
};

static_assert(Encoder<plain<4, 16>> && plain<4, 16>::name == "plain4x16");

}  // namespace aixcell
