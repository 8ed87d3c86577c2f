#pragma once
#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include <aixcell/core/image.hpp>
#include <aixcell/kernels/connectivity.hpp>

namespace aixcell {

namespace detail {

/// Numbers that name sets, joined as they are found to be one (union by smaller number, path halving).
class disjoint_sets {
 public:
  std::int32_t make() {
    parent_.push_back(static_cast<std::int32_t>(parent_.size()));
    return parent_.back();
  }
  std::int32_t find(std::int32_t i) {
    while (at(i) != i) i = at(i) = at(at(i));
    return i;
  }
  void join(std::int32_t a, std::int32_t b) {
    a = find(a), b = find(b);
    at(std::max(a, b)) = std::min(a, b);
  }
  std::size_t size() const { return parent_.size(); }

 private:
  std::int32_t& at(std::int32_t i) { return parent_[static_cast<std::size_t>(i)]; }
  std::vector<std::int32_t> parent_;
};

/// Neighbouring pixels begin..end-1 of a row; none if begin == end.
struct pixel_run {
  index_t begin, end;
};

/// The first run of bytes that are not 0, among begin..end-1; eight at a time.
inline pixel_run next_run(const std::uint8_t* bytes, index_t begin, index_t end) {
  static_assert(std::endian::native == std::endian::little, "the first of eight bytes is the lowest");
  const auto eight = [&](index_t at) {
    std::uint64_t word;
    std::memcpy(&word, bytes + at, sizeof word);
    return word;
  };
  // From `at` on, the first byte that has its bit set in `marks` of its eight; one by one where eight are too many.
  const auto first = [&](index_t at, auto&& marks, auto&& is_one) {
    for (; at + 8 <= end; at += 8)
      if (const std::uint64_t found = marks(eight(at))) return at + std::countr_zero(found) / 8;
    while (at < end && !is_one(bytes[at])) ++at;
    return at;
  };
  begin = first(
      begin, [](std::uint64_t word) { return word; }, [](std::uint8_t byte) { return byte != 0; });
  // Of a word the lowest byte that is 0 is marked, perhaps some above it.
  const index_t stop = first(
      begin, [](std::uint64_t word) { return (word - 0x0101010101010101u) & ~word & 0x8080808080808080u; },
      [](std::uint8_t byte) { return byte == 0; });
  return {begin, stop};
}

/// Numbers connected sets of pixels 1..N in the order of their first pixels. `next(row, j)` is the first run of pixels in
/// one set from column j of a row on, `are_one(a, b)` says whether two pixels that touch are in one set. Runs are joined to
/// the runs they touch in the row above; labels are written once, when every run knows its number (He et al. 2008).
template <class NextRun, class AreOne>
index_t number_connected_sets(const shape& size, connectivity kind, view<std::int32_t, cpu> labels, NextRun&& next,
                              AreOne&& are_one) {
  struct run {
    pixel_run pixels;
    std::int32_t set;
  };
  const index_t height = size[0], width = size[1], reach = kind == connectivity::eight ? 1 : 0;
  disjoint_sets sets;
  std::vector<run> runs;
  std::vector<std::size_t> first_of_row(static_cast<std::size_t>(height) + 1, 0);
  std::size_t above = 0;  // the first run of the row above
  for (index_t i = 0; i < height; ++i) {
    const std::size_t here = runs.size();
    first_of_row[static_cast<std::size_t>(i)] = here;
    std::size_t first = above;
    for (pixel_run r = next(i, 0); r.begin < r.end; r = next(i, r.end)) {
      const std::int32_t set = sets.make();
      while (first < here && runs[first].pixels.end + reach <= r.begin) ++first;
      for (std::size_t k = first; k < here && runs[k].pixels.begin < r.end + reach; ++k)
        if (are_one((i - 1) * width + runs[k].pixels.begin, i * width + r.begin)) sets.join(runs[k].set, set);
      runs.push_back({r, set});
    }
    above = here;
  }
  first_of_row.back() = runs.size();
  std::vector<std::int32_t> number(sets.size(), 0);
  std::int32_t count = 0;
  for (std::size_t s = 0; s < number.size(); ++s) {
    const auto root = static_cast<std::size_t>(sets.find(static_cast<std::int32_t>(s)));
    number[s] = root == s ? ++count : number[root];
  }
  for (std::size_t i = 0; i + 1 < first_of_row.size(); ++i) {
    std::int32_t* const row = labels.data() + static_cast<index_t>(i) * width;
    index_t done = 0;
    const auto clear_to = [&](index_t column) {
      std::memset(row + done, 0, static_cast<std::size_t>(column - done) * sizeof *row);
    };
    for (std::size_t k = first_of_row[i]; k < first_of_row[i + 1]; ++k) {
      const pixel_run r = runs[k].pixels;
      clear_to(r.begin);
      std::fill(row + r.begin, row + r.end, number[static_cast<std::size_t>(runs[k].set)]);
      done = r.end;
    }
    clear_to(width);
  }
  return count;
}

}  // namespace detail

/// Numbers the connected parts of a mask [H,W] 1..N in the order of their first pixels; 0 where the mask is 0. Returns
/// N. O(H W).
inline index_t connected_components(view<const std::uint8_t, cpu> mask, connectivity kind,
                                    view<std::int32_t, cpu> labels) {
  require_rank("connected_components", 2, "a mask [H,W]", mask.shape());
  require_equal_shapes("connected_components", mask, labels);
  const index_t width = mask.extent(1);
  return detail::number_connected_sets(
      mask.shape(), kind, labels,
      [&](index_t i, index_t j) { return detail::next_run(mask.data() + i * width, j, width); },
      [](index_t, index_t) { return true; });
}

/// Numbers the connected parts of all objects of a label map [H,W] likewise: pixels of one part touch and have one
/// label > 0. Returns the number of parts. `parts` may not be `labels`. O(H W).
inline index_t connected_parts(view<const std::int32_t, cpu> labels, connectivity kind, view<std::int32_t, cpu> parts) {
  require_rank("connected_parts", 2, "a label map [H,W]", labels.shape());
  require_equal_shapes("connected_parts", labels, parts);
  const index_t width = labels.extent(1);
  return detail::number_connected_sets(
      labels.shape(), kind, parts,
      [&](index_t i, index_t j) {
        const std::int32_t* row = labels.data() + i * width;
        while (j < width && row[j] <= 0) ++j;
        index_t end = j;
        while (end < width && row[end] == row[j]) ++end;
        return detail::pixel_run{j, end};
      },
      [&](index_t a, index_t b) { return labels[a] == labels[b]; });
}

}  // namespace aixcell
