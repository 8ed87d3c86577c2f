#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <aixcell/device/core.hpp>

namespace aixcell::detail {

/// The products of its warpgroup that a thread of the emulated device has started, and the sums that are under way
/// meanwhile. As late as a GPU may, everything happens in the wait: a missing one leaves NaN in the sums, and a tile
/// that is overwritten too early spoils them.
struct warpgroup_products {
  struct product {
    float* sum;
    std::uint64_t left, right;  // matrix descriptors
    int group;
  };
  struct held_sum {
    float* where;
    std::vector<float> values;  // while NaN lies at `where`
  };
  std::vector<product> under_way;
  std::vector<held_sum> held;
  int group = 0;
  bool fenced = false;  // since the last group

  void start(float* sum, std::size_t count, std::uint64_t left, std::uint64_t right) {
    under_way.push_back({sum, left, right, group});
    if (find(sum) != held.end()) return;
    held.push_back({sum, std::vector<float>(sum, sum + count)});
    std::memset(sum, 0xff, count * sizeof(float));
  }
  void commit() {
    ++group;
    fenced = false;
  }
  /// Multiplies what groups before `end` multiply: the share of the thread of this rank in its warpgroup.
  void finish(int end, int rank, const std::byte* shared) {
    const auto is_done = [&](const product& p) { return p.group < end; };
    for (const product& p : under_way)
      if (is_done(p)) add(find(p.sum)->values, p, rank, shared);
    std::erase_if(under_way, is_done);
  }
  /// Of what is finished. False: somebody wrote there meanwhile.
  bool give_back(float* sum) {
    const auto of = find(sum);
    if (of == held.end()) return true;
    const bool untouched =
        std::all_of(sum, sum + of->values.size(), [](float v) { return std::bit_cast<std::uint32_t>(v) == ~0u; });
    if (std::any_of(under_way.begin(), under_way.end(), [&](const product& p) { return p.sum == sum; }))
      return untouched;
    std::copy(of->values.begin(), of->values.end(), sum);
    held.erase(of);
    return untouched;
  }

 private:
  std::vector<held_sum>::iterator find(const float* sum) {
    return std::find_if(held.begin(), held.end(), [&](const held_sum& h) { return h.where == sum; });
  }
  struct line_of_depth {
    float values[16];
    line_of_depth(const std::byte* shared, std::uint64_t matrix, int row) {
      for (int k = 0; k < 16; k += 8) {
        bfloat16 piece[8];
        std::memcpy(piece, shared + described_address(matrix, row, k), sizeof piece);
        for (int i = 0; i < 8; ++i) values[k + i] = static_cast<float>(piece[i]);
      }
    }
  };
  /// The fragments of the PTX manual, section 9.7.15.5: a thread has two rows, and two of every eight columns.
  static void add(std::vector<float>& sum, const product& p, int rank, const std::byte* shared) {
    const int lane = rank % warp_size, row = rank / warp_size % 4 * 16 + lane / 4;
    const line_of_depth left[2] = {{shared, p.left, row}, {shared, p.left, row + 8}};
    for (std::size_t i = 0; i < sum.size(); i += 4)
      for (std::size_t e = 0; e < 2; ++e) {
        const line_of_depth right(shared, p.right, static_cast<int>(2 * i + e) + lane % 4 * 2);
        for (std::size_t down = 0; down < 2; ++down) {
          float& value = sum[i + 2 * down + e];
          for (int k = 0; k < 16; ++k) value += left[down].values[k] * right.values[k];
        }
      }
  }
};

}  // namespace aixcell::detail
