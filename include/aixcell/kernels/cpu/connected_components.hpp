#pragma once
#include <algorithm>
#include <vector>

#include <aixcell/core/image.hpp>

namespace aixcell {

/// Which neighbours touch: the four beside a pixel, or also the four at its corners.
enum class connectivity { four, eight };

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

/// Numbers the connected sets of pixels 1..N in the order of their first pixels; 0 where `is_set(pixel)` is false. Pixels
/// are in one set if they touch and `are_one(pixel, pixel)` says so. Runs are joined to the runs they touch in the row
/// above, then every run gets its number.
template <class IsSet, class AreOne>
index_t number_connected_sets(const shape& size, connectivity kind, view<std::int32_t, cpu> labels, IsSet&& is_set,
                              AreOne&& are_one) {
  struct run {
    index_t begin, end;
    std::int32_t set;
  };
  const index_t height = size[0], width = size[1], reach = kind == connectivity::eight ? 1 : 0;
  disjoint_sets sets;
  std::vector<run> runs, above;
  for (index_t i = 0; i < height; ++i) {
    const index_t row = i * width;
    above.swap(runs);
    runs.clear();
    std::size_t first = 0;
    for (index_t j = 0; j < width;) {
      if (!is_set(row + j)) {
        labels[row + j++] = -1;
        continue;
      }
      run r{j, j + 1, sets.make()};
      while (r.end < width && is_set(row + r.end) && are_one(row + j, row + r.end)) ++r.end;
      while (first < above.size() && above[first].end + reach <= r.begin) ++first;
      for (std::size_t k = first; k < above.size() && above[k].begin < r.end + reach; ++k)
        if (are_one(row - width + above[k].begin, row + j)) sets.join(above[k].set, r.set);
      std::fill_n(labels.data() + row + r.begin, r.end - r.begin, r.set);
      j = r.end;
      runs.push_back(r);
    }
  }
  std::vector<std::int32_t> number(sets.size(), 0);
  std::int32_t next = 0;
  for (std::size_t s = 0; s < number.size(); ++s) {
    const auto root = static_cast<std::size_t>(sets.find(static_cast<std::int32_t>(s)));
    number[s] = root == s ? ++next : number[root];
  }
  for (std::int32_t& label : labels) label = label < 0 ? 0 : number[static_cast<std::size_t>(label)];
  return next;
}

}  // namespace detail

/// Numbers the connected parts of a mask [H,W] 1..N in the order of their first pixels; 0 where the mask is 0. Returns
/// N. O(H W).
inline index_t connected_components(view<const std::uint8_t, cpu> mask, connectivity kind,
                                    view<std::int32_t, cpu> labels) {
  require_rank("connected_components", 2, "a mask [H,W]", mask.shape());
  require_equal_shapes("connected_components", mask, labels);
  return detail::number_connected_sets(
      mask.shape(), kind, labels, [&](index_t p) { return mask[p] != 0; }, [](index_t, index_t) { return true; });
}

/// Numbers the connected parts of all objects of a label map [H,W] likewise: pixels of one part touch and have one
/// label > 0. Returns the number of parts. `parts` may not be `labels`. O(H W).
inline index_t connected_parts(view<const std::int32_t, cpu> labels, connectivity kind, view<std::int32_t, cpu> parts) {
  require_rank("connected_parts", 2, "a label map [H,W]", labels.shape());
  require_equal_shapes("connected_parts", labels, parts);
  return detail::number_connected_sets(
      labels.shape(), kind, parts, [&](index_t p) { return labels[p] > 0; },
      [&](index_t a, index_t b) { return labels[a] == labels[b]; });
}

}  // namespace aixcell
