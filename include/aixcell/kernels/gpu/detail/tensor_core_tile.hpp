#pragma once
#include <bit>
#include <cstdint>
#include <type_traits>

#include <aixcell/kernels/gpu/detail/on_device.hpp>

namespace aixcell::detail {

// Tiles of a matrix product that lie in shared memory and are multiplied by one block of 4 warps: on tensor cores, of bfloat16
// or of float32 rounded to TF32 (10 bits of mantissa), or exactly in float32. They differ in which sums a thread has.

/// What they share: 128 x Columns sums of a block, and how 64 bytes of depth of their operands lie. Where a value lies is said by
/// functions: left_at(row, k), right_at(column, k) point to 16 bytes along the depth; across it left_at(k, row) and
/// right_at(k, column) point to 16 bytes of rows and columns.
template <class Value, int Columns>
struct product_tile_layout {
  using operand = Value;
  static constexpr int threads = 128, rows = 128, columns = Columns;
  static constexpr int piece = 16 / static_cast<int>(sizeof(operand)), depth = 4 * piece;  // piece: travels as one
  /// Depth side by side, as filters and channels lie. Rows are skewed by 16 bytes, so that the 8 rows of a matrix that ldmatrix
  /// reads lie in different banks.
  template <int Count>
  using along = operand[Count][depth + piece];
  /// Rows side by side, as the channels of pixels lie where pixels are the depth.
  template <int Count>
  using across = operand[depth][Count + 8];
};

/// 4 warps, each some pieces of 16 x 8 (mma.sync m16n8k16 and, for TF32, m16n8k8; sm_80 and later): 64 x 32 of 64 columns, 32 x 32
/// of 32.
template <class Value, int Columns = 64>
struct tensor_core_tile : product_tile_layout<Value, Columns> {
  using layout = product_tile_layout<Value, Columns>;
  using layout::columns, layout::depth, layout::piece, layout::rows;
  static constexpr int depth_step = 2 * piece;
  static constexpr bool is_tf32 = std::is_same_v<Value, float>;
  static constexpr int warps_right = columns / 32, warps_down = 4 / warps_right;
  static constexpr int row_pieces = rows / warps_down / 16, column_pieces = 4;
  using accumulators = float[row_pieces][column_pieces][4];

  /// sum += left right^T over `count` of depth, a multiple of depth_step.
  static constexpr void multiply_along(auto t, accumulators& sum, int count, auto&& left_at, auto&& right_at) {
    const int l = lane_of(t), row = first_row(t), column = first_column(t);
    multiply(
        t, sum, count,
        [&](std::uint32_t(&to)[4], int i, int k) {
          t.template load_matrix_x4<false>(to, left_at(row + 16 * i + l % 16, k + l / 16 * piece));
        },
        [&](std::uint32_t(&to)[4], int j, int k) {
          t.template load_matrix_x4<false>(to, right_at(column + 8 * j + l / 16 * 8 + l % 8, k + l / 8 % 2 * piece));
        });
  }

  /// sum += left^T right, both across their depth. ldmatrix turns 16-bit values only.
  static constexpr void multiply_across(auto t, accumulators& sum, int count, auto&& left_at, auto&& right_at) {
    const int l = lane_of(t), row = first_row(t), column = first_column(t);
    if constexpr (is_tf32)
      multiply(
          t, sum, count,
          [&](std::uint32_t(&to)[4], int i, int k) {
            for (int e = 0; e < 4; ++e)
              to[e] = std::bit_cast<std::uint32_t>(*left_at(k + l % 4 + e / 2 * 4, row + 16 * i + l / 4 + e % 2 * 8));
          },
          [&](std::uint32_t(&to)[4], int j, int k) {
            for (int e = 0; e < 4; ++e)
              to[e] =
                  std::bit_cast<std::uint32_t>(*right_at(k + l % 4 + e % 2 * 4, column + 8 * j + l / 4 + e / 2 * 8));
          });
    else
      multiply(
          t, sum, count,
          [&](std::uint32_t(&to)[4], int i, int k) {
            t.template load_matrix_x4<true>(to, left_at(k + l / 16 * 8 + l % 8, row + 16 * i + l / 8 % 2 * 8));
          },
          [&](std::uint32_t(&to)[4], int j, int k) {
            t.template load_matrix_x4<true>(to, right_at(k + l % 16, column + 8 * j + l / 16 * 8));
          });
  }

  /// Calls f(row, column, value) for the sums of this thread, within the block.
  static constexpr void for_each_sum(auto t, const accumulators& sum, auto&& f) {
    const int l = lane_of(t), row = first_row(t) + l / 4, column = first_column(t) + l % 4 * 2;
    for (int i = 0; i < row_pieces; ++i)
      for (int j = 0; j < column_pieces; ++j)
        for (int e = 0; e < 4; ++e) f(row + 16 * i + 8 * (e / 2), column + 8 * j + e % 2, sum[i][j][e]);
  }

 private:
  static constexpr int first_row(auto t) { return warp_of(t) / warps_right * (rows / warps_down); }
  static constexpr int first_column(auto t) { return warp_of(t) % warps_right * 32; }

  /// `load_left(fragment, i, k)` deals 16 rows by two pieces of depth, `load_right(fragment, j, k)` two pieces of 8 columns.
  static constexpr void multiply(auto t, accumulators& sum, int count, auto&& load_left, auto&& load_right) {
    for (int k = 0; k < count; k += depth_step) {
      std::uint32_t left[row_pieces][4] = {};
      for (int i = 0; i < row_pieces; ++i) {
        load_left(left[i], i, k);
        round(t, left[i]);
      }
      for (int j = 0; j < column_pieces; j += 2) {
        std::uint32_t right[4] = {};
        load_right(right, j, k);
        round(t, right);
        const std::uint32_t even[2] = {right[0], right[1]}, odd[2] = {right[2], right[3]};
        for (int i = 0; i < row_pieces; ++i) {
          add_product(t, sum[i][j], left[i], even);
          add_product(t, sum[i][j + 1], left[i], odd);
        }
      }
    }
  }
  static constexpr void round(auto t, std::uint32_t (&values)[4]) {
    if constexpr (is_tf32)
      for (std::uint32_t& v : values) v = t.to_tf32(std::bit_cast<float>(v));
  }
  static constexpr void add_product(auto t, float (&sum)[4], const std::uint32_t (&left)[4],
                                    const std::uint32_t (&right)[2]) {
    if constexpr (is_tf32)
      t.mma_16x8x8_tf32(sum, left, right);
    else
      t.mma_16x8x16(sum, left, right);
  }
};

/// Exact float32: a thread has the sums of every 16th row by every 8th column, each added up in the order of depth.
template <int Columns = 64>
struct float32_tile : product_tile_layout<float, Columns> {
  static constexpr int depth_step = 4;
  static constexpr int each_down = 8, each_right = Columns / 8;
  using accumulators = float[each_down][each_right];

  static constexpr void multiply_along(auto t, accumulators& sum, int count, auto&& left_at, auto&& right_at) {
    const int row = t.rank() / 8, column = t.rank() % 8;
    using pair = pack<float, 2>;
    for (int k = 0; k < count; k += 2) {
      pair a[each_down] = {}, b[each_right] = {};
      for (int i = 0; i < each_down; ++i) a[i] = *reinterpret_cast<const pair*>(left_at(row + 16 * i, k));
      for (int j = 0; j < each_right; ++j) b[j] = *reinterpret_cast<const pair*>(right_at(column + 8 * j, k));
      for (int e = 0; e < 2; ++e)
        for (int i = 0; i < each_down; ++i)
          for (int j = 0; j < each_right; ++j) sum[i][j] += a[i][e] * b[j][e];
    }
  }
  static constexpr void multiply_across(auto t, accumulators& sum, int count, auto&& left_at, auto&& right_at) {
    const int row = t.rank() / 8, column = t.rank() % 8;
    for (int k = 0; k < count; ++k) {
      float a[each_down] = {}, b[each_right] = {};
      for (int i = 0; i < each_down; ++i) a[i] = *left_at(k, row + 16 * i);
      for (int j = 0; j < each_right; ++j) b[j] = *right_at(k, column + 8 * j);
      for (int i = 0; i < each_down; ++i)
        for (int j = 0; j < each_right; ++j) sum[i][j] += a[i] * b[j];
    }
  }
  static constexpr void for_each_sum(auto t, const accumulators& sum, auto&& f) {
    for (int i = 0; i < each_down; ++i)
      for (int j = 0; j < each_right; ++j) f(t.rank() / 8 + 16 * i, t.rank() % 8 + 8 * j, sum[i][j]);
  }
};

/// f(columns) with the columns of a tile for so many: 32, of which fewer lie idle, or 64.
void with_columns_for(int outputs, auto&& f) {
  if (outputs <= 32) return f(std::integral_constant<int, 32>());
  f(std::integral_constant<int, 64>());
}

/// Where values of an array in shared memory lie.
constexpr auto in_rows_of(auto& array) {
  return [&array](int i, int j) { return &array[i][j]; };
}

/// Fetches ahead by Stages - 1 steps: fetch(step, stage) starts copies, use(stage) multiplies.
template <int Stages>
constexpr void pipelined(auto t, int steps, auto&& fetch, auto&& use) {
  for (int s = 0; s < Stages - 1; ++s) {
    if (s < steps) fetch(s, s);
    t.commit();
  }
  for (int step = 0; step < steps; ++step) {
    t.template wait<Stages - 2>();
    t.sync();  // everybody's copies of this stage are here, and everybody is done with the stage that is fetched next
    if (step + Stages - 1 < steps) fetch(step + Stages - 1, (step + Stages - 1) % Stages);
    t.commit();
    use(step % Stages);
  }
  t.template wait<0>();
}

}  // namespace aixcell::detail
