#pragma once
#include <algorithm>
#include <vector>

#include <aixcell/core/image.hpp>
#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/detail/resample_axis.hpp>

namespace aixcell {

/// Image [H,W,C] at another size [height,width,C], linear, without aliasing. Throws shape_error on an empty image or size.
inline tensor<float> resize_image(context<cpu>& ctx, view<const float, cpu> image, index_t height, index_t width) {
  require_rank("resize_image", 3, "an image [H,W,C]", image.shape());
  if (image.empty() || height < 1 || width < 1)
    throw shape_error("resize_image: " + to_string(image.shape()) + " to " + std::to_string(height) + "x" +
                      std::to_string(width) + "; both need at least one pixel");
  const index_t channels = image.extent(2), from_width = image.extent(1);
  const detail::resample_axis rows = detail::linear_axis(image.extent(0), height),
                              columns = detail::linear_axis(from_width, width);
  tensor<float> out({height, width, channels});
  parallel_for(ctx, height, [&](index_t i) {
    std::vector<float> row(static_cast<std::size_t>(from_width * channels), 0.0f);
    const auto& w = rows.weights[static_cast<std::size_t>(i)];
    for (std::size_t k = 0; k < w.size(); ++k) {
      const float* from =
          image.data() + (rows.first[static_cast<std::size_t>(i)] + static_cast<index_t>(k)) * from_width * channels;
      for (std::size_t x = 0; x < row.size(); ++x) row[x] += w[k] * from[x];
    }
    for (index_t j = 0; j < width; ++j) {
      float* to = &out(i, j, 0);
      const auto& v = columns.weights[static_cast<std::size_t>(j)];
      const float* from = row.data() + columns.first[static_cast<std::size_t>(j)] * channels;
      for (std::size_t k = 0; k < v.size(); ++k)
        for (index_t c = 0; c < channels; ++c) to[c] += v[k] * from[static_cast<index_t>(k) * channels + c];
    }
  });
  return out;
}

/// Label map [H,W] at another size: every pixel takes the label at its centre, no new labels arise.
inline label_map resize_labels(view<const std::int32_t, cpu> labels, index_t height, index_t width) {
  require_rank("resize_labels", 2, "a label map [H,W]", labels.shape());
  if (labels.empty() || height < 1 || width < 1)
    throw shape_error("resize_labels: " + to_string(labels.shape()) + " to " + std::to_string(height) + "x" +
                      std::to_string(width) + "; both need at least one pixel");
  label_map out({height, width});
  for (index_t i = 0; i < height; ++i)
    for (index_t j = 0; j < width; ++j)
      out(i, j) = labels((2 * i + 1) * labels.extent(0) / (2 * height), (2 * j + 1) * labels.extent(1) / (2 * width));
  return out;
}
inline label_map resize_labels(const label_map& labels, index_t height, index_t width) {
  return resize_labels(labels.as_view(), height, width);
}

/// Brings the label maps of an annotation or a prediction to the size of an image, where they are there and differ.
inline void fit_labels(auto& labelled, index_t height, index_t width) {
  for (label_map* map : {&labelled.labels, &labelled.nuclei})
    if (!map->empty() && map->shape() != shape{height, width}) *map = resize_labels(*map, height, width);
}

}  // namespace aixcell
