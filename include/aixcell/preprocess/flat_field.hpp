#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/kernels/cpu/gaussian_blur.hpp>
#include <aixcell/kernels/cpu/resize.hpp>

namespace aixcell {

/// Flat-field correction learned from many images of one instrument: what is brighter at a place in most images is light,
/// not specimen. Each training image, shrunk to at most 64 x 64 blocks and divided by its median block, votes; the
/// field is the median vote of each block, smoothed, with mean 1 (as Singh et al., J. Microscopy 2014, who average; a
/// median needs fewer images). Sharper than illumination_correction, which sees one image at a time, and needs no
/// background, but images must show the whole field of view, uncut and unturned.
///   in   [H,W,C] float32        out  [H,W,C] float32, divided by the field at the image's size
struct flat_field {
  static constexpr std::string_view name = "flat_field";
  static constexpr int channels_out(int channels_in) { return channels_in; }

  struct state {
    float rows = 0, columns = 0;
    std::vector<float> field;  ///< [rows,columns,C], positive, mean 1; of images that say nothing about light all 1
    static void for_each_member(auto& self, auto&& visit) {
      visit("rows", self.rows);
      visit("columns", self.columns);
      visit("field", self.field);
    }
    friend bool operator==(const state&, const state&) = default;
  };

  /// Throws data_error if there is no image or images differ in size or channels: places do not correspond then.
  state fit(context<cpu>& ctx, const example_source& training) const {
    if (training.size() == 0) throw data_error("flat_field: no training image to learn the field from");
    std::vector<tensor<float>> votes(static_cast<std::size_t>(training.size()));
    std::vector<shape> sizes(votes.size());
    parallel_for(ctx, training.size(), [&](index_t i) {
      context<cpu> serial(1);
      const image picture = training.load(i).picture;
      sizes[static_cast<std::size_t>(i)] = picture.pixels.shape();
      votes[static_cast<std::size_t>(i)] = relative_blocks(serial, picture.pixels);
    });
    for (std::size_t i = 1; i < sizes.size(); ++i)
      if (sizes[i] != sizes[0])
        throw data_error("flat_field: training image " + std::to_string(i + 1) + " is " + to_string(sizes[i]) +
                         ", the first " + to_string(sizes[0]) +
                         "; take images of one size, or illumination_correction, which sees each image alone");
    tensor<float> field(votes[0].shape());
    std::vector<float> here;
    for (index_t b = 0; b < field.size(); ++b) {
      here.clear();
      for (const tensor<float>& vote : votes)
        if (vote[b] > 0) here.push_back(vote[b]);
      field[b] = here.empty() ? 1.0f : median(here);
    }
    const auto smooth = [](index_t extent) { return static_cast<float>(extent) / 24; };
    gaussian_blur(ctx, field, {smooth(field.extent(0)), smooth(field.extent(1))});
    normalise(field);
    return {static_cast<float>(field.extent(0)), static_cast<float>(field.extent(1)),
            std::vector<float>(field.begin(), field.end())};
  }

  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels, const state& s) const {
    require_rank(name, 3, "an image [H,W,C]", pixels.shape());
    const shape grid = grid_of(s, pixels.extent(2));
    const tensor<float> field =
        resize_image(ctx, view<const float, cpu>(s.field.data(), grid), pixels.extent(0), pixels.extent(1));
    tensor<float> out(pixels.shape());
    for (index_t i = 0; i < out.size(); ++i) out[i] = pixels[i] / field[i];
    return out;
  }

  /// Of the field of images with this many channels. Throws shape_error if the state is of others.
  static shape grid_of(const state& s, index_t channels) {
    const shape grid{static_cast<index_t>(s.rows), static_cast<index_t>(s.columns), channels};
    if (grid.count() != std::ssize(s.field) || s.field.empty())
      throw shape_error("flat_field: the field has " + std::to_string(s.field.size()) +
                        " values, an image of this many channels needs " + std::to_string(grid.count()) +
                        "; give images with the channels of the training images");
    return grid;
  }

 private:
  static float median(std::vector<float>& values) {
    const auto middle = values.begin() + std::ssize(values) / 2;
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }

  /// Blocks by channel relative to their median; 0 throughout where that is not positive: such an image does not vote.
  static tensor<float> relative_blocks(context<cpu>& ctx, view<const float, cpu> pixels) {
    tensor<float> blocks =
        resize_image(ctx, pixels, std::min<index_t>(64, pixels.extent(0)), std::min<index_t>(64, pixels.extent(1)));
    const index_t channels = blocks.extent(2);
    for (index_t c = 0; c < channels; ++c) {
      std::vector<float> values;
      for (index_t b = c; b < blocks.size(); b += channels) values.push_back(blocks[b]);
      const float middle = median(values);
      for (index_t b = c; b < blocks.size(); b += channels) blocks[b] = middle > 0 ? blocks[b] / middle : 0;
    }
    return blocks;
  }

  /// Mean 1 by channel, nowhere below a twentieth: no pixel is made more than twenty times brighter.
  static void normalise(tensor<float>& field) {
    const index_t channels = field.extent(2), blocks = field.size() / channels;
    for (index_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (index_t b = c; b < field.size(); b += channels) sum += static_cast<double>(field[b]);
      const auto mean = static_cast<float>(sum / static_cast<double>(blocks));
      for (index_t b = c; b < field.size(); b += channels) field[b] = std::max(field[b] / mean, 0.05f);
    }
  }
};
static_assert(Preprocess<flat_field>);

}  // namespace aixcell
