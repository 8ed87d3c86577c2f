#pragma once
#include <algorithm>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/random.hpp>
#include <aixcell/core/stages.hpp>

namespace aixcell::detail {

struct pixel_samples {
  index_t channels;
  std::vector<std::vector<float>> images;  ///< by training image: [C] after [C]
};

struct sampling {
  index_t in_all = index_t{1} << 21;  ///< pixels, about
  index_t per_image = 1 << 10;        ///< at least, as far as it has as many
};

/// Pixels of every training image, spread over each image at random within equal strides: all of them where they are few
/// enough, else equally many of each image. Same pixels on every run. Throws data_error naming
/// `who` if there is no image, or if channels differ.
inline pixel_samples sampled_pixels(context<cpu>& ctx, std::string_view who, const example_source& training,
                                    const sampling& wanted = {}) {
  if (training.size() == 0) throw data_error(std::string(who) + ": no training image to learn from");
  const index_t most = std::max(wanted.per_image, wanted.in_all / training.size());
  std::vector<std::vector<float>> pixels(static_cast<std::size_t>(training.size()));
  std::vector<index_t> channels(pixels.size());
  parallel_for(ctx, training.size(), [&](index_t i) {
    const image picture = training.load(i).picture;
    const index_t count = picture.height() * picture.width(), taken = std::min(count, most);
    random_stream random = random_stream(0x7361'6D70'6C65).child(static_cast<std::uint64_t>(i));  // "sample"
    std::vector<float>& mine = pixels[static_cast<std::size_t>(i)];
    channels[static_cast<std::size_t>(i)] = picture.channels();
    for (index_t k = 0; k < taken; ++k) {
      const index_t begin = k * count / taken, end = (k + 1) * count / taken;
      const float* pixel = picture.pixels.data() + (begin + random.below(end - begin)) * picture.channels();
      mine.insert(mine.end(), pixel, pixel + picture.channels());
    }
  });
  for (std::size_t i = 1; i < channels.size(); ++i)
    if (channels[i] != channels[0])
      throw data_error(std::string(who) + ": training image " + std::to_string(i + 1) + " has " +
                       std::to_string(channels[i]) + " channels, the first has " + std::to_string(channels[0]) +
                       "; bring all images to one number of channels");
  return {channels[0], std::move(pixels)};
}

}  // namespace aixcell::detail
