#pragma once
#include <string>
#include <string_view>

#include <aixcell/core/tensor.hpp>

namespace aixcell::detail {

/// Throws shape_error unless `output` is a dense map [H,W,K] of at least `channels` channels.
inline void require_output(std::string_view where, view<const float, cpu> output, int channels) {
  require_rank(where, 3, "an output [H,W,K]", output.shape());
  if (output.extent(2) < channels)
    throw shape_error(std::string(where) + ": expected an output of " + std::to_string(channels) + " channels, found " +
                      to_string(output.shape()));
}

}  // namespace aixcell::detail
