#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <aixcell/core/stages.hpp>

namespace aixcell {

namespace detail {

/// `only_channels_0_2` at compile time.
template <int... Channel>
struct channels_name {
  static constexpr std::string_view begin = "only_channels";
  static constexpr auto text = [] {
    std::array<char, begin.size() + 5 * sizeof...(Channel)> all{};
    std::size_t size = std::copy(begin.begin(), begin.end(), all.begin()) - all.begin();
    const auto put = [&](int channel) {
      all[size++] = '_';
      int unit = 1;
      while (unit <= channel / 10) unit *= 10;
      for (; unit > 0; unit /= 10) all[size++] = static_cast<char>('0' + channel / unit % 10);
    };
    (put(Channel), ...);
    return std::pair{all, size};
  }();
  static constexpr std::string_view value{text.first.data(), text.second};
};

}  // namespace detail

/// Takes these channels of an image, counted from 0, in this order: for a program that knows at compile time what its
/// files hold. What a user chooses at run time is `acquisition::channels`.
///   in   [H,W,C] float32, C above every one of them        out  [H,W,sizeof...(Channel)] float32
template <int... Channel>
struct only_channels {
  static_assert(sizeof...(Channel) > 0, "only_channels needs a channel");
  static_assert(((Channel >= 0 && Channel < 1000) && ...), "channels are counted from 0 and below 1000");

  static constexpr std::string_view name = detail::channels_name<Channel...>::value;
  static constexpr int channels_out(int) { return static_cast<int>(sizeof...(Channel)); }
  static constexpr bool accepts_channels(int channels_in) { return ((Channel < channels_in) && ...); }

  tensor<float> apply(context<cpu>&, view<const float, cpu> pixels) const {
    require_rank(name, 3, "an image [H,W,C]", pixels.shape());
    const index_t channels = pixels.extent(2), kept = sizeof...(Channel);
    require_channels(channels);
    constexpr std::array<index_t, sizeof...(Channel)> from{Channel...};
    tensor<float> out({pixels.extent(0), pixels.extent(1), kept});
    for (index_t p = 0; p < pixels.extent(0) * pixels.extent(1); ++p)
      for (index_t c = 0; c < kept; ++c) out[p * kept + c] = pixels[p * channels + from[static_cast<std::size_t>(c)]];
    return out;
  }

  /// Throws shape_error unless images of so many channels have all that are taken.
  static void require_channels(index_t channels) {
    if (!accepts_channels(static_cast<int>(channels)))
      throw shape_error(std::string(name) + ": the image has " + std::to_string(channels) +
                        " channel(s); give images with all that are taken (counted from 0)");
  }
};
static_assert(Preprocess<only_channels<0, 2>> && only_channels<0, 12>::name == "only_channels_0_12");

namespace detail {
template <class>
struct first_channels;
template <int... Channel>
struct first_channels<std::integer_sequence<int, Channel...>> {
  using type = only_channels<Channel...>;
};
}  // namespace detail

/// The first N channels: `only_channels<0, ..., N - 1>`.
template <int N>
using first_channels = typename detail::first_channels<std::make_integer_sequence<int, N>>::type;

}  // namespace aixcell
