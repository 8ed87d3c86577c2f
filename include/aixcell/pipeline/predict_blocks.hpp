#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <aixcell/pipeline/predict.hpp>

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
    fixed_ = program + static_cast<double>(2 * least.weight_bytes + least.gradient_bytes) +
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
  static constexpr double bytes_of_results = 16;
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

/// Joins what was found in overlapping blocks. Objects that end inside a block are taken from the first block that has
/// them; those that a cut went through come last, and their parts are put together where they agree.
class block_canvas {
 public:
  block_canvas(task solves, index_t height, index_t width, index_t overlap)
      : solves_(solves), height_(height), width_(width), overlap_(overlap) {}

  void add(const rectangle& where, prediction&& found) {
    add_image_class(static_cast<float>(where.height * where.width), found.image_class_probabilities);
    if (found.labels.empty()) return;
    if (whole_.labels.empty()) whole_.labels = label_map({height_, width_});
    if (!found.nuclei.empty() && whole_.nuclei.empty()) whole_.nuclei = label_map({height_, width_});
    if (solves_ != task::instance_segmentation) return copy_core(where, found.labels);
    for (piece& p : pieces_of(where, found)) {
      if (p.cut)
        cut_.push_back(std::move(p));
      else
        paste(p);
    }
    nuclei_so_far_ += most_nuclei_;
    most_nuclei_ = 0;
  }

  prediction finish() {
    std::stable_sort(cut_.begin(), cut_.end(), [](const piece& a, const piece& b) { return a.area > b.area; });
    for (const piece& p : cut_) paste(p);
    if (area_ > 0) {
      for (float& p : whole_.image_class_probabilities) p /= area_;
      whole_.image_class =
          static_cast<int>(std::max_element(whole_.image_class_probabilities.begin(),
                                            whole_.image_class_probabilities.end()) -
                           whole_.image_class_probabilities.begin());
    }
    return std::move(whole_);
  }

 private:
  /// Neighbouring pixels of a row.
  struct run {
    index_t row, begin, end;
    std::vector<std::int32_t> nuclei = {};  // of each pixel, numbered over all blocks; empty without
  };
  struct piece {
    rectangle seen_in;
    detected_object object;
    std::vector<run> runs = {};
    index_t area = 0;
    bool cut = false;  // at an edge of the block inside the image
  };

  std::vector<piece> pieces_of(const rectangle& where, const prediction& found) {
    std::vector<piece> pieces;
    for (const detected_object& o : found.objects) pieces.push_back({where, o});
    for (index_t y = 0; y < where.height; ++y)
      for (index_t x = 0; x < where.width;) {
        const std::int32_t label = found.labels(y, x);
        const index_t begin = x;
        while (x < where.width && found.labels(y, x) == label) ++x;
        if (label <= 0) continue;
        piece& p = pieces[static_cast<std::size_t>(label - 1)];
        run r{where.top + y, where.left + begin, where.left + x};
        if (!found.nuclei.empty())
          for (index_t i = begin; i < x; ++i) {
            const std::int32_t n = found.nuclei(y, i);
            most_nuclei_ = std::max(most_nuclei_, n);
            r.nuclei.push_back(n > 0 ? nuclei_so_far_ + n : 0);
          }
        p.runs.push_back(std::move(r));
        p.area += x - begin;
        p.cut |= (y == 0 && where.top > 0) || (y == where.height - 1 && where.top + where.height < height_) ||
                 (begin == 0 && where.left > 0) || (x == where.width && where.left + where.width < width_);
      }
    return pieces;
  }

  void paste(const piece& p) {
    if (p.area == 0) return;
    std::vector<index_t> shared(whole_.objects.size() + 1, 0);
    index_t covered = 0;
    for_each_pixel(p, [&](const run&, index_t, std::int32_t& label) {
      ++shared[static_cast<std::size_t>(label)];
      covered += label > 0;
    });
    if (2 * covered > p.area) return;  // another block has it
    const std::int32_t joined = p.cut ? other_part_of(p, shared) : 0;
    if (joined == 0) {
      whole_.objects.push_back(p.object);
      cut_at_.push_back(p.cut ? p.seen_in : rectangle{});
    }
    const auto number = joined > 0 ? joined : static_cast<std::int32_t>(whole_.objects.size());
    for_each_pixel(p, [&](const run& r, index_t x, std::int32_t& label) {
      if (label > 0) return;
      label = number;
      if (!r.nuclei.empty()) whole_.nuclei(r.row, x) = r.nuclei[static_cast<std::size_t>(x - r.begin)];
    });
  }

  /// The cut object that has most of what this one has in the block where that one was seen; 0 if there is none.
  std::int32_t other_part_of(const piece& p, const std::vector<index_t>& shared) const {
    const auto most = std::max_element(shared.begin() + 1, shared.end());
    if (most == shared.end() || *most == 0) return 0;
    const auto number = static_cast<std::int32_t>(most - shared.begin());
    const rectangle& seen = cut_at_[static_cast<std::size_t>(number - 1)];
    index_t inside = 0;
    for (const run& r : p.runs)
      if (r.row >= seen.top && r.row < seen.top + seen.height)
        inside += std::max<index_t>(0, std::min(r.end, seen.left + seen.width) - std::max(r.begin, seen.left));
    return 2 * *most > inside ? number : 0;
  }

  template <class Function>
  void for_each_pixel(const piece& p, Function&& f) {
    for (const run& r : p.runs)
      for (index_t x = r.begin; x < r.end; ++x) f(r, x, whole_.labels(r.row, x));
  }

  /// Without half of the overlap, where neighbours know more.
  void copy_core(const rectangle& where, const label_map& labels) {
    const auto core = [this](index_t first, index_t length, index_t extent) {
      return std::array{first > 0 ? first + overlap_ / 2 : 0, first + length < extent ? first + length : extent};
    };
    const auto [top, bottom] = core(where.top, where.height, height_);
    const auto [left, right] = core(where.left, where.width, width_);
    for (index_t y = top; y < bottom; ++y)
      for (index_t x = left; x < right; ++x) whole_.labels(y, x) = labels(y - where.top, x - where.left);
  }

  void add_image_class(float area, const std::vector<float>& probabilities) {
    if (probabilities.empty()) return;
    whole_.image_class_probabilities.resize(probabilities.size(), 0.0f);
    for (std::size_t c = 0; c < probabilities.size(); ++c)
      whole_.image_class_probabilities[c] += area * probabilities[c];
    area_ += area;
  }

  task solves_;
  index_t height_, width_, overlap_;
  prediction whole_;
  std::vector<rectangle> cut_at_;  // of each object of `whole_`: the block that cut it, or nothing
  std::vector<piece> cut_;
  std::int32_t nuclei_so_far_ = 0, most_nuclei_ = 0;
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
  const auto megabytes = [](double bytes) { return std::to_string(std::lround(std::ceil(bytes / (1 << 20)))) + " MiB"; };
  throw data_error("predict: an image " + to_string(pixels) + " takes at least " + megabytes(least) +
                   " with this model, allowed are " + megabytes(memory_bytes) + "; allow more (--memory)");
}

/// As `predict`, block by block: memory grows with the block, but for the image and its labels. Objects longer than the
/// overlap may be cut where blocks disagree about them.
inline prediction predict_in_blocks(context<cpu>& ctx, const any_pipeline& model, view<const float, cpu> pixels,
                                    const block_plan& plan, predict_options options = {}) {
  detail::require_usable_image(model, pixels);
  options.tile = plan.tile;
  options.overlap = std::min(options.overlap, plan.tile / 4);
  if (plan.edge == 0) return predict(ctx, model, pixels, options);
  const tensor<float> prepared = detail::timed(options, "preprocessing", [&] { return model.preprocess(ctx, pixels); });
  const index_t height = prepared.extent(0), width = prepared.extent(1);
  detail::block_canvas canvas(model.solves(), height, width, plan.overlap);
  for (const rectangle& r : tile_grid(height, width, {.tile = plan.edge, .overlap = plan.overlap})) {
    const tensor<float> dense = detail::timed(
        options, "network", [&] { return predict_dense(ctx, model, crop_reflected(prepared, r), options); });
    canvas.add(r, detail::timed(options, "decoding",
                                [&] { return decode_to_size(ctx, model, dense, r.height, r.width); }));
  }
  prediction found = canvas.finish();
  fit_labels(found, pixels.extent(0), pixels.extent(1));
  return found;
}

}  // namespace aixcell
