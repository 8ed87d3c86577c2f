#pragma once
#include <aixcell/device/core.hpp>

namespace aixcell::detail {

/// For a whole warp: the lane whose bins hold the value of this rank, counted from 0, calls f(bin, rank within the bin). `counts`
/// are those of warp_size * each bins; of a rank beyond them all no lane calls.
constexpr void find_rank(auto t, const int* counts, int each, int rank, auto&& f) {
  const int first = lane_of(t) * each;
  int sum = 0;
  for (int i = 0; i < each; ++i) sum += counts[first + i];
  int up_to_here = sum;
  for (int distance = 1; distance < warp_size; distance *= 2) {
    const int before = t.shfl_up(up_to_here, distance);
    if (lane_of(t) >= distance) up_to_here += before;
  }
  int before = up_to_here - sum;
  if (rank < before || rank >= up_to_here) return;  // in another lane's bins
  int bin = first;
  for (; before + counts[bin] <= rank; ++bin) before += counts[bin];
  f(bin, rank - before);
}

}  // namespace aixcell::detail
