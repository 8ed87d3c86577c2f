#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

namespace aixcell {

/// Where the blocks of a memory pool lie: in segments of address space, each block in the smallest gap that is large
/// enough. Gaps that touch become one again. Pure arithmetic, so that the pool of a device and the dry run that predicts
/// its memory place their blocks alike.
///
/// A segment is address space, not memory: the operating system gives memory to the pages that have been written.
/// Gaps behind what has been in use so far are therefore taken only when no other is large enough. Small blocks live in
/// segments of their own, for one that outlives its neighbours would split a large gap.
class block_layout {
 public:
  struct block {
    std::size_t segment, offset, size;
  };

  static constexpr std::size_t small_block = std::size_t{64} << 10;
  static constexpr std::size_t least_segment = std::size_t{64} << 20;  ///< beyond what malloc keeps on its heap

  /// Whether the block found a place; if not, add a segment of at least that size and ask again.
  bool place(std::size_t size, block& placed) {
    const bool small = size <= small_block;
    std::size_t best_fresh = 0, best_left = 0;
    const segment* best = nullptr;
    for (std::size_t s = 0; s < segments_.size(); ++s) {
      const segment& in = segments_[s];
      if (in.small != small) continue;
      for (const auto& [offset, length] : in.gaps) {
        if (length < size) continue;
        const std::size_t fresh = offset + size > in.touched ? offset + size - in.touched : 0;
        const std::size_t left = length - size;
        if (best && (fresh > best_fresh || (fresh == best_fresh && left >= best_left))) continue;
        best = &in;
        best_fresh = fresh;
        best_left = left;
        placed = {s, offset, size};
      }
    }
    if (!best) return false;
    segment& in = segments_[placed.segment];
    const auto taken = in.first_gap_from(placed.offset);
    if (taken->length == size)
      in.gaps.erase(taken);
    else
      *taken = {taken->offset + size, taken->length - size};
    in.touched = std::max(in.touched, placed.offset + size);
    return true;
  }

  void remove(const block& b) {
    segment& in = segments_[b.segment];
    const auto after = in.first_gap_from(b.offset);
    const bool joins_after = after != in.gaps.end() && b.offset + b.size == after->offset;
    if (after != in.gaps.begin()) {
      if (const auto before = after - 1; before->offset + before->length == b.offset) {
        before->length += b.size;
        if (joins_after) before->length += after->length, in.gaps.erase(after);
        return;
      }
    }
    if (joins_after)
      *after = {b.offset, b.size + after->length};
    else
      in.gaps.insert(after, {b.offset, b.size});
  }

  /// Bytes of the segment to add for a block of `size`: as much as there is already, so that there are few.
  std::size_t next_segment(std::size_t size) const {
    std::size_t reserved = 0;
    for (const segment& s : segments_) reserved += s.size;
    return size <= small_block ? least_segment : std::max({size, reserved, least_segment});
  }
  void add_segment(std::size_t bytes, std::size_t for_size) {
    segments_.push_back({.size = bytes, .touched = 0, .small = for_size <= small_block, .gaps = {{0, bytes}}});
  }

  /// Bytes that blocks have covered so far: what the operating system had to give.
  std::size_t touched() const {
    std::size_t sum = 0;
    for (const segment& s : segments_) sum += s.touched;
    return sum;
  }

 private:
  struct gap {
    std::size_t offset, length;
  };
  struct segment {
    std::size_t size, touched;
    bool small;
    std::vector<gap> gaps;  // by offset, none touches the next

    std::vector<gap>::iterator first_gap_from(std::size_t offset) {
      return std::lower_bound(gaps.begin(), gaps.end(), offset, [](const gap& g, std::size_t at) { return g.offset < at; });
    }
  };
  std::vector<segment> segments_;
};

}  // namespace aixcell
