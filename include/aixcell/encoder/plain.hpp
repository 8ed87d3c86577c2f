#pragma once
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include <aixcell/core/stages.hpp>
#include <aixcell/encoder/detail/plain_stage.hpp>
#include <aixcell/encoder/detail/staged_network.hpp>

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
  struct network : detail::staged_network<Device, Real, detail::plain_stage<Device, Real>> {
    network(context<Device>& ctx, int channels_in, random_stream& random) {
      for (const feature_level& level : levels) {
        const bool first = this->stages.empty();
        auto& stage = this->stages.emplace_back();
        if (!first) stage.pool.emplace();
        const int inputs = first ? channels_in : level.channels / 2;
        stage.units.layers.emplace_back(
            ctx, conv_norm_act_options{.inputs = inputs, .outputs = level.channels, .input_gradient = !first}, random);
        stage.units.layers.emplace_back(ctx, conv_norm_act_options{.inputs = level.channels, .outputs = level.channels},
                                        random);
      }
    }

    static void for_each_member(auto& self, auto&& visit) {
      for (std::size_t i = 0; i < self.stages.size(); ++i) visit("stage." + std::to_string(i), self.stages[i].units);
    }
  };
};

static_assert(Encoder<plain<4, 16>> && plain<4, 16>::name == "plain4x16");

}  // namespace aixcell
