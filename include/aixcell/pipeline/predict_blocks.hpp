#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <aixcell/pipeline/predict.hpp>
#include <aixcell/pipeline/stitch.hpp>

namespace aixcell {

/// How an image is cut so that predicting it takes no more than some memory: blocks that are predicted and decoded on
/// their own, and the tiles that the network sees of each.
struct block_plan {
  index_t edge = 0;     ///< of a block, in preprocessed pixels; 0: the whole image at once
  index_t overlap = 0;  ///< of neighbouring blocks: objects up to that size are whole in one of them
  index_t tile = 0;
  double bytes = 0;  ///< predicted peak of the process
};

namespace detail {

/// What a process takes to predict an image, part by part.
class prediction_memory {
 public:
  prediction_memory(context<cpu>& ctx, const any_pipeline& model, const shape& pixels)
      : model_(model), settings_(ctx.settings()) {
    // What preprocessing makes of channels and size, and the network of channels.
    constexpr index_t edge = 32;
    const tensor<float> sample = model.preprocess(ctx, tensor<float>({edge, edge, pixels[2]}));
    height_ = std::max<index_t>(1, pixels[0] * sample.extent(0) / edge);
    width_ = std::max<index_t>(1, pixels[1] * sample.extent(1) / edge);
    channels_ = sample.extent(2);
    const tensor<float> dense = model.forward(ctx, tensor<float>::zeros(ctx, {1, edge, edge, channels_}));
    dense_channels_ = static_cast<double>(dense.extent(3));
    pooled_ = dense.extent(1) < edge;
    const resource_estimate least = model.estimate({1, edge, edge, channels_}, settings_);
    // The image and the preprocessed image; labels, and the pictures drawn of them.
    fixed_ = program + static_cast<double>(5 * least.weight_bytes + least.gradient_bytes) +  // with what `freeze` makes

             static_cast<double>(pixels.count()) * sizeof(float) +
             static_cast<double>(height_ * width_ * channels_) * sizeof(float) +
             static_cast<double>(pixels[0] * pixels[1]) * bytes_of_results;
  }

  bool pooled() const { return pooled_; }
  double whole(index_t tile) const {
    return fixed_ + forward(std::min(tile, height_), std::min(tile, width_)) +
           of_block(static_cast<double>(height_ * width_));
  }
  double in_blocks(index_t edge, index_t tile) const {
    return fixed_ + forward(tile, tile) + of_block(static_cast<double>(edge * edge));
  }

 private:
  static constexpr double program = 48.0 * (1 << 20);
  static constexpr double bytes_of_results = 32;
  static constexpr double bytes_of_decoding = 40;  // the maps between the network's output and labels

  double forward(index_t height, index_t width) const {
    return static_cast<double>(model_.estimate({1, height, width, channels_}, settings_).inference_bytes);
  }
  double of_block(double pixels) const {
    return pooled_ ? 0 : pixels * (dense_channels_ * sizeof(float) + bytes_of_decoding);
  }

  const any_pipeline& model_;
  compute_settings settings_;
  index_t height_, width_, channels_;  // of the preprocessed image
  double dense_channels_ = 0, fixed_ = 0;
  bool pooled_ = false;
};

/// Puts together what was found in overlapping blocks.
class joined_blocks {
 public:
  joined_blocks(task solves, index_t height, index_t width, index_t overlap)
      : solves_(solves), height_(height), width_(width), overlap_(overlap) {}

  void add(const rectangle& where, prediction&& found) {
    const auto area = static_cast<float>(where.height * where.width);
    image_classes_.resize(std::max(image_classes_.size(), found.image_class_probabilities.size()), 0.0f);
    for (std::size_t c = 0; c < found.image_class_probabilities.size(); ++c)
      image_classes_[c] += area * found.image_class_probabilities[c];
    area_ += area;
    if (solves_ == task::instance_segmentation)
      objects_.push_back({where.top, where.left, std::move(found)});
    else if (!found.labels.empty())
      copy_core(where, found.labels);
  }

  prediction finish() {
    prediction whole;
    if (!objects_.empty()) whole = stitch(objects_);
    if (!classes_.empty()) whole.labels = std::move(classes_);
    if (image_classes_.empty()) return whole;
    for (float& p : image_classes_) p /= area_;
    const auto most = std::max_element(image_classes_.begin(), image_classes_.end());
    whole.image_class = static_cast<int>(most - image_classes_.begin());
    whole.image_class_probabilities = std::move(image_classes_);
    return whole;
  }

 private:
  /// Without half of the overlap, where neighbours know more.
  void copy_core(const rectangle& where, const label_map& labels) {
    if (classes_.empty()) classes_ = label_map({height_, width_});
    const index_t top = where.top > 0 ? where.top + overlap_ / 2 : 0;
    const index_t left = where.left > 0 ? where.left + overlap_ / 2 : 0;
    for (index_t y = top; y < where.top + where.height; ++y)
      for (index_t x = left; x < where.left + where.width; ++x) classes_(y, x) = labels(y - where.top, x - where.left);
  }

  task solves_;
  index_t height_, width_, overlap_;
  std::vector<stitched_tile> objects_;
  label_map classes_;
  std::vector<float> image_classes_;  // probabilities times areas
  float area_ = 0;
};

}  // namespace detail

/// The largest blocks and tiles with which predicting an image [H,W,C] is expected to take at most `memory_bytes` of the
/// process, weights, image and results included. Throws data_error if the smallest take more.
inline block_plan plan_blocks(context<cpu>& ctx, const any_pipeline& model, const shape& pixels, double memory_bytes,
                              index_t tile) {
  const detail::prediction_memory memory(ctx, model, pixels);
  const std::array tiles{tile, std::min<index_t>(tile, 256), std::min<index_t>(tile, 128), std::min<index_t>(tile, 64)};
  for (const index_t t : tiles)
    if (const double bytes = memory.whole(t); bytes <= memory_bytes) return {0, 0, t, bytes};
  double least = memory.whole(tiles.back());
  if (!memory.pooled())
    for (const index_t edge : {8192, 6144, 4096, 3072, 2048, 1536, 1024, 768, 512, 384, 256, 192, 128})
      for (const index_t t : tiles) {
        if (t > edge) continue;
        const double bytes = memory.in_blocks(edge, t);
        if (bytes <= memory_bytes) return {edge, edge / 4, t, bytes};
        least = std::min(least, bytes);
      }
  const auto megabytes = [](double bytes) {
    return std::to_string(std::lround(std::ceil(bytes / (1 << 20)))) + " MiB";
  };
  throw data_error("predict: an image " + to_string(pixels) + " takes at least " + megabytes(least) +
                   " with this model, allowed are " + megabytes(memory_bytes) + "; allow more (--memory)");
}

/// As `predict`, block by block, objects joined by `stitch`: memory grows with the block, but for the image and its labels.
inline prediction predict_in_blocks(context<cpu>& ctx, const any_pipeline& model, view<const float, cpu> pixels,
                                    const block_plan& plan, predict_options options = {}) {
  detail::require_usable_image(model, pixels);
  options.tile = plan.tile;
  options.overlap = std::min(options.overlap, plan.tile / 4);
  if (plan.edge == 0) return predict(ctx, model, pixels, options);
  const detail::predicting stages(ctx, model, options);
  const detail::placed_map prepared = stages.preprocessed(pixels);
  const index_t height = prepared.extents()[0], width = prepared.extents()[1];
  detail::joined_blocks joined(model.solves(), height, width, plan.overlap);
  for (const rectangle& r : tile_grid(height, width, {.tile = plan.edge, .overlap = plan.overlap})) {
    detail::placed_map dense = stages.dense(prepared, r);
    joined.add(r, stages.decoded(dense, r.height, r.width));
  }
  prediction found = joined.finish();
  fit_labels(found, pixels.extent(0), pixels.extent(1));
  return found;
}

}  // namespace aixcell
