#pragma once
#include <algorithm>

#include <aixcell/core/shape.hpp>

namespace aixcell::detail {

// How convolution in float32 cuts its work and what it takes from the pool for that: arithmetic that the CPU's twins
// work by and the dry twins count by.

/// Input that lies in the second-level cache beside the filter block.
inline constexpr index_t band_bytes = 256 * 1024;

/// Output channels in blocks of two registers, the last one of one or two.
struct channel_blocks {
  index_t channels;
  int lanes;

  index_t count() const { return (channels + 2 * lanes - 1) / (2 * lanes); }
  index_t first(index_t b) const { return b * 2 * lanes; }
  int valid(index_t b) const { return static_cast<int>(std::min<index_t>(2 * lanes, channels - first(b))); }
  int width(index_t b) const { return valid(b) > lanes ? 2 * lanes : lanes; }
  /// Block b of an array of `depth` values a channel starts at first(b) * depth.
  index_t padded() const { return first(count() - 1) + width(count() - 1); }
};

/// Neighbouring groups that are merged into one dense filter until their outputs fill a register.
constexpr index_t merged_groups(index_t outputs_of_group, index_t groups) {
  return std::clamp<index_t>(16 / std::max<index_t>(1, outputs_of_group), 1, groups);
}

/// Bands of rows of dy, and how many shares of them add into a partial gradient of their own.
struct filter_gradient_cut {
  index_t band_rows, bands, shares;
};

/// For images x [N,H,W,..] and dy [N,H',W',..], of which `inputs` and `blocks.channels` channels take part.
inline filter_gradient_cut cut_filter_gradient(const shape& x, const shape& dy, index_t inputs, int stride,
                                               const channel_blocks& blocks) {
  const index_t row_bytes = (x[2] * inputs * stride + dy[2] * 2 * blocks.lanes) * static_cast<index_t>(sizeof(float));
  const index_t band_rows = std::clamp<index_t>(2 * band_bytes / row_bytes, 1, dy[1]);
  const index_t bands = x[0] * ((dy[1] + band_rows - 1) / band_rows);
  return {band_rows, bands, std::clamp<index_t>(16 / blocks.count(), 1, bands)};
}

/// Shares of the rows of dy that add into a partial gradient of their own.
inline index_t depthwise_shares(const shape& dy) { return std::clamp<index_t>(dy[0] * dy[1] / 4, 1, 16); }

}  // namespace aixcell::detail
