#pragma once
#include <array>
#include <chrono>
#include <cmath>
#include <functional>
#include <string_view>

#include <aixcell/core/parallel.hpp>
#include <aixcell/data/tiles.hpp>
#include <aixcell/kernels/cpu/resize.hpp>
#include <aixcell/pipeline/any_pipeline.hpp>

namespace aixcell {

struct predict_options {
  index_t tile = 512;       ///< larger images are cut into tiles of this edge
  index_t overlap = 64;     ///< pixels that neighbouring tiles share, blended smoothly
  bool mirrored = false;    ///< average over the image and its three mirror images: better borders, four times the work
  bool keep_dense = false;  ///< leave the network's blended output in the prediction
  /// Told, when it ends, how long a stage took: preprocessing, network or decoding.
  std::function<void(std::string_view stage, double seconds)> took = {};
};

namespace detail {

/// What f() gives, after telling the options how long that stage took.
template <class Function>
auto timed(const predict_options& options, std::string_view stage, Function&& f) {
  const auto begin = std::chrono::steady_clock::now();
  auto result = f();
  if (options.took)
    options.took(stage, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return result;
}

/// x [H,W,C] with rows and/or columns in reverse order, in place.
inline void mirror_in_place(view<float, cpu> x, mirror m) {
  const index_t rows = x.extent(0), columns = x.extent(1), channels = x.extent(2);
  if (m == mirror::vertical) {
    for (index_t i = 0; i < rows / 2; ++i)
      std::swap_ranges(x.slice(i).begin(), x.slice(i).end(), x.slice(rows - 1 - i).begin());
    return;
  }
  for (index_t i = 0; i < rows; ++i) {
    float* row = x.slice(i).data();
    for (index_t j = 0; j < columns / 2; ++j)
      std::swap_ranges(row + j * channels, row + (j + 1) * channels, row + (columns - 1 - j) * channels);
  }
}

/// The network's output for one tile [h,w,C], averaged over mirror images if asked. Those of small tiles are one batch: the
/// network's weights are what costs time there.
inline tensor<float> dense_of_tile(context<cpu>& ctx, const any_pipeline& model, const tensor<float>& tile,
                                   const predict_options& options) {
  const shape s = tile.shape();
  if (!options.mirrored) {
    const tensor<float> dense = model.forward(ctx, tile.reshaped({1, s[0], s[1], s[2]}));
    return dense.reshaped({dense.extent(1), dense.extent(2), dense.extent(3)});
  }
  constexpr std::array<std::array<bool, 2>, 4> turns{{{false, false}, {true, false}, {false, true}, {true, true}}};
  const std::size_t at_once = s[0] * s[1] <= 1 << 14 ? turns.size() : 1;
  tensor<float> sum;
  for (std::size_t first = 0; first < turns.size(); first += at_once) {
    tensor<float> turned(ctx, {static_cast<index_t>(at_once), s[0], s[1], s[2]});
    const auto image_of = [](tensor<float>& batch, std::size_t n) { return batch.slice(static_cast<index_t>(n)); };
    for (std::size_t k = 0; k < at_once; ++k) {
      const auto one = image_of(turned, k);
      std::copy(tile.begin(), tile.end(), one.begin());
      if (turns[first + k][0]) mirror_in_place(one, mirror::horizontal);
      if (turns[first + k][1]) mirror_in_place(one, mirror::vertical);
    }
    tensor<float> dense = model.forward(ctx, turned);
    if (sum.empty()) sum = tensor<float>({dense.extent(1), dense.extent(2), dense.extent(3)});
    for (std::size_t k = 0; k < at_once; ++k) {
      const auto one = image_of(dense, k);
      if (turns[first + k][0]) mirror_in_place(one, mirror::horizontal), model.restore_directions(one, mirror::horizontal);
      if (turns[first + k][1]) mirror_in_place(one, mirror::vertical), model.restore_directions(one, mirror::vertical);
      for (index_t i = 0; i < sum.size(); ++i) sum[i] += one.data()[i];
    }
  }
  for (float& v : sum) v *= 0.25f;
  return sum;
}

inline void require_usable_image(const any_pipeline& model, view<const float, cpu> pixels) {
  require_rank("predict", 3, "an image [H,W,C]", pixels.shape());
  if (pixels.empty()) throw shape_error("predict: the image is empty " + to_string(pixels.shape()));
  if (pixels.extent(2) != model.setup().channels)
    throw shape_error("predict: the model was trained on " + std::to_string(model.setup().channels) +
                      " channel(s), the image has " + std::to_string(pixels.extent(2)) +
                      "; select the same channels as in training");
}

}  // namespace detail

/// The network's output [H',W',K] for preprocessed pixels [H',W',C] of any size: tile by tile, each tile weighted by a
/// smooth window so that no seam shows. Memory grows with the tile, not with the image, but for the result. A network that
/// pools gives [1,1,K]: the mean over the tiles.
inline tensor<float> predict_dense(context<cpu>& ctx, const any_pipeline& model, const tensor<float>& pixels,
                                   const predict_options& options = {}) {
  const index_t height = pixels.extent(0), width = pixels.extent(1);
  if (height <= options.tile && width <= options.tile) return detail::dense_of_tile(ctx, model, pixels, options);
  tensor<float> sum, weights;
  for (const rectangle& r : tile_grid(height, width, {.tile = options.tile, .overlap = options.overlap})) {
    const tensor<float> tile = crop_reflected(pixels, r);
    const tensor<float> dense = detail::dense_of_tile(ctx, model, tile, options);
    const index_t channels = dense.extent(2);
    const bool pooled = dense.extent(0) < r.height || dense.extent(1) < r.width;
    if (sum.empty()) {
      sum = tensor<float>(pooled ? shape{1, 1, channels} : shape{height, width, channels});
      weights = tensor<float>({sum.extent(0), sum.extent(1)});
    }
    if (pooled) {
      ++weights[0];
      for (index_t c = 0; c < channels; ++c) sum[c] += dense[c];
      continue;
    }
    const tensor<float> blend = blend_weights(r.height, r.width, options.overlap);
    for (index_t i = 0; i < r.height; ++i)
      for (index_t j = 0; j < r.width; ++j) {
        const float w = blend(i, j);
        weights(r.top + i, r.left + j) += w;
        float* to = &sum(r.top + i, r.left + j, 0);
        const float* from = &dense(i, j, 0);
        for (index_t c = 0; c < channels; ++c) to[c] += w * from[c];
      }
  }
  for (index_t p = 0; p < weights.size(); ++p)
    for (index_t c = 0; c < sum.extent(2); ++c) sum[p * sum.extent(2) + c] /= weights[p];
  return sum;
}

/// Decodes a dense map and brings the result to the size of the image, whatever size the network saw.
inline prediction decode_to_size(context<cpu>& ctx, const any_pipeline& model, view<const float, cpu> dense,
                                 index_t height, index_t width) {
  prediction found = model.decode(ctx, dense);
  fit_labels(found, height, width);
  return found;
}

/// Preprocess, network, postprocess. Pixels [H,W,C] in file units, any size from 1x1, as many channels as in training
/// (else shape_error), finite (else data_error).
inline prediction predict(context<cpu>& ctx, const any_pipeline& model, view<const float, cpu> pixels,
                          const predict_options& options = {}) {
  detail::require_usable_image(model, pixels);
  const tensor<float> prepared = detail::timed(options, "preprocessing", [&] { return model.preprocess(ctx, pixels); });
  tensor<float> dense = detail::timed(options, "network", [&] { return predict_dense(ctx, model, prepared, options); });
  prediction found = detail::timed(options, "decoding", [&] {
    return decode_to_size(ctx, model, dense, pixels.extent(0), pixels.extent(1));
  });
  if (options.keep_dense) found.dense = std::move(dense);
  return found;
}

inline prediction predict(context<cpu>& ctx, const any_pipeline& model, const image& picture,
                          const predict_options& options = {}) {
  return predict(ctx, model, picture.pixels.as_view(), options);
}

}  // namespace aixcell
