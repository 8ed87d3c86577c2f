// Every operation of a thread against what the manuals say it does. On the emulated device this shows that the emulation is
// what we read in the manuals; on a GPU, that the manuals were read rightly. Until it has passed there, trust no kernel.
#include <aixcell/device/core.hpp>
#include <array>
#include <string>
#include <vector>
#include "device_under_test.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

using word = std::uint32_t;

word hashed(word i) {
  i = (i ^ 61u) ^ (i >> 16);
  i *= 9u;
  i ^= i >> 4;
  i *= 0x27d4eb2du;
  return i ^ (i >> 15);
}

template <class T>
tensor<T> sequence(index_t count, auto&& f) {
  tensor<T> t({count});
  for (index_t i = 0; i < count; ++i) t[i] = static_cast<T>(f(i));
  return t;
}

struct lane_kernel {
  static constexpr std::string_view name = "lanes";
  static constexpr int threads = 64, words = 9;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const word* in, word* out) const {
    const int l = lane_of(t);
    const word x = in[t.rank()];
    word* y = out + t.rank() * words;
    y[0] = t.shfl(x, (l * 7 + 3) % 32);
    y[1] = t.shfl_xor(x, 5);
    y[2] = t.shfl_down(x, 3);
    y[3] = t.shfl_up(x, 3);
    y[4] = t.ballot((x & 4u) != 0);
    y[5] = t.match_any(x % 3);
    y[6] = l % 2 ? t.shfl_xor(x, 2, 0xaaaaaaaau) : t.shfl_xor(x, 4, 0x55555555u);
    y[7] = l < 7 ? t.ballot((x & 8u) != 0, 0x7fu) : 0u;
    y[8] = static_cast<word>(warp_of(t));
  }
};

struct atomic_kernel {
  static constexpr std::string_view name = "atomics";
  static constexpr int threads = 64;
  using shared = nothing;
  struct sums {
    int added, least, greatest;
    unsigned bits;
    std::uint64_t least_long;
    float added_float;
    double added_double;
    int swapped;
  };
  constexpr void operator()(auto t, shared&, sums* s, int* old) const {
    const int i = global_rank(t);
    t.atomic_add(&s->added, i);
    t.atomic_min(&s->least, 50 - i);
    t.atomic_max(&s->greatest, (i * 37) % 101);
    t.atomic_or(&s->bits, 1u << (i % 32));
    t.atomic_min(&s->least_long, (std::uint64_t{1} << 40) - static_cast<std::uint64_t>(i));
    t.atomic_add(&s->added_float, 1.0f);
    t.atomic_add(&s->added_double, 0.5);
    old[i] = t.atomic_cas(&s->swapped, 0, i + 1);
  }
};

/// Block 0 publishes, block 1 waits for it; the flag carries what was written before.
struct flag_kernel {
  static constexpr std::string_view name = "flag";
  static constexpr int threads = 32;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, float* data, int* flag, float* out) const {
    if (t.block().x == 0) {
      data[t.rank()] = static_cast<float>(t.rank());
      t.sync();
      if (t.rank() == 0) t.store_release(flag, 1);
    } else {
      if (t.rank() == 0)
        while (t.load_acquire(flag) == 0) {
        }
      t.sync();
      out[t.rank()] = data[31 - t.rank()];
    }
  }
};

/// Two copies under way, the second cut short: what is not valid becomes 0.
struct copy_kernel {
  static constexpr std::string_view name = "asynchronous copies";
  static constexpr int threads = 32;
  struct shared {
    alignas(16) float first[threads][4];
    alignas(16) float second[threads][4];
  };
  constexpr void operator()(auto t, shared& s, const float* in, float* out) const {
    const int r = t.rank();
    t.copy_async16(s.first[r], in + 4 * r);
    t.commit();
    t.copy_async16(s.second[r], in + 4 * r, r % 5 * 4 > 16 ? 16 : r % 5 * 4);
    t.commit();
    t.template wait<1>();
    t.sync();
    for (int i = 0; i < 4; ++i) out[r * 8 + i] = s.first[31 - r][i];
    t.template wait<0>();
    t.sync();
    for (int i = 0; i < 4; ++i) out[r * 8 + 4 + i] = s.second[31 - r][i];
  }
};

struct matrix_load_kernel {
  static constexpr std::string_view name = "ldmatrix";
  static constexpr int threads = 32;
  struct shared {
    alignas(16) std::uint16_t rows[32][8];  // four matrices of eight rows
  };
  constexpr void operator()(auto t, shared& s, const std::uint16_t* in, word* out) const {
    const int l = t.rank();
    for (int i = 0; i < 8; ++i) s.rows[l][i] = in[l * 8 + i];
    t.sync_warp();
    word plain[4] = {}, transposed[4] = {};
    t.template load_matrix_x4<false>(plain, s.rows[l]);
    t.template load_matrix_x4<true>(transposed, s.rows[l]);
    for (int m = 0; m < 4; ++m) {
      out[l * 8 + m] = plain[m];
      out[l * 8 + 4 + m] = transposed[m];
    }
  }
};

/// c += a b through ldmatrix and mma: a [16,16] by rows, b [8,16] by columns of the product.
struct product_kernel {
  static constexpr std::string_view name = "product";
  static constexpr int threads = 32;
  struct shared {
    alignas(16) bfloat16 a[16][16];
    alignas(16) bfloat16 b[8][16];
  };
  constexpr void operator()(auto t, shared& s, const bfloat16* a, const bfloat16* b, float* c) const {
    const int l = t.rank();
    for (int i = l; i < 256; i += 32) s.a[i / 16][i % 16] = a[i];
    for (int i = l; i < 128; i += 32) s.b[i / 16][i % 16] = b[i];
    t.sync_warp();
    word left[4] = {}, right[4] = {};
    t.template load_matrix_x4<false>(left, &s.a[l % 16][l / 16 * 8]);
    t.template load_matrix_x4<false>(right, &s.b[l % 8][l / 8 % 2 * 8]);
    const word pair[2] = {right[0], right[1]};
    float sum[4] = {};
    for (int e = 0; e < 4; ++e) sum[e] = c[(l / 4 + 8 * (e / 2)) * 8 + l % 4 * 2 + e % 2];
    t.mma_16x8x16(sum, left, pair);
    for (int e = 0; e < 4; ++e) c[(l / 4 + 8 * (e / 2)) * 8 + l % 4 * 2 + e % 2] = sum[e];
  }
};

struct rounding_kernel {
  static constexpr std::string_view name = "cvt.rna.tf32";
  static constexpr int threads = 32;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int count, const float* in, word* out) const {
    for (int i = t.rank(); i < count; i += threads) out[i] = t.to_tf32(in[i]);
  }
};

/// The same in TF32: a [16,8], b [8,8], whose words ldmatrix deals in pairs of 16 bits.
struct tf32_product_kernel {
  static constexpr std::string_view name = "product in TF32";
  static constexpr int threads = 32;
  struct shared {
    alignas(16) float a[16][8];
    alignas(16) float b[8][8];
  };
  constexpr void operator()(auto t, shared& s, const float* a, const float* b, float* c) const {
    const int l = t.rank();
    for (int i = l; i < 128; i += 32) s.a[i / 8][i % 8] = a[i];
    for (int i = l; i < 64; i += 32) s.b[i / 8][i % 8] = b[i];
    t.sync_warp();
    word left[4] = {}, right[4] = {};
    t.template load_matrix_x4<false>(left, &s.a[l % 16][l / 16 * 4]);
    t.template load_matrix_x4<false>(right, &s.b[l % 8][l / 8 % 2 * 4]);
    const word pair[2] = {right[0], right[1]};
    float sum[4] = {};
    for (int e = 0; e < 4; ++e) sum[e] = c[(l / 4 + 8 * (e / 2)) * 8 + l % 4 * 2 + e % 2];
    t.mma_16x8x8_tf32(sum, left, pair);
    for (int e = 0; e < 4; ++e) c[(l / 4 + 8 * (e / 2)) * 8 + l % 4 * 2 + e % 2] = sum[e];
  }
};

/// c [128,N] = a [128,64] b [N,64]^T by two warpgroups: the first half of depth in one group of products, the second,
/// onto the same sums, in another that is under way at once; then once more, onto sums that were read and changed.
template <int N>
struct warpgroup_product_kernel {
  static constexpr std::string_view name = "product of warpgroups";
  static constexpr int threads = 256;
  struct shared {
    swizzled_tile<128> a;
    swizzled_tile<N> b;
  };
  constexpr void operator()(WarpgroupThread auto t, shared& s, const bfloat16* a, const bfloat16* b, float* c) const {
    for (int i = t.rank(); i < 128 * 8; i += threads) t.copy_async16(s.a.piece_at(i / 8, i % 8 * 8), a + 8 * i);
    for (int i = t.rank(); i < N * 8; i += threads) t.copy_async16(s.b.piece_at(i / 8, i % 8 * 8), b + 8 * i);
    t.commit();
    t.template wait<0>();
    t.fence_async_proxy();
    t.sync();
    const int first = t.rank() / warpgroup_size * 64;
    float sum[N / 2] = {};
    const auto multiply = [&](int step) { t.warpgroup_multiply(sum, s.a.from_row(first), s.b.from_row(0), step); };
    t.warpgroup_fence(sum);
    multiply(0);
    multiply(1);
    t.warpgroup_commit();
    t.warpgroup_fence();
    multiply(2);
    multiply(3);
    t.warpgroup_commit();
    t.template warpgroup_wait<1>();
    t.template warpgroup_wait<0>(sum);
    for (int i = 0; i < N / 2; ++i) sum[i] *= 2;
    t.warpgroup_fence(sum);
    multiply(3);
    t.warpgroup_commit();
    t.template warpgroup_wait<0>(sum);
    for (int i = 0; i < N / 2; ++i) c[(first + warpgroup_row(t, i)) * N + warpgroup_column(t, i)] = sum[i];
  }
};

template <int N>
void multiply_by_warpgroups(auto& ctx) {
  const auto small = [](index_t i) {
    return bfloat16(static_cast<float>(static_cast<int>(hashed(static_cast<word>(i)) % 17) - 8));
  };
  tensor<bfloat16> a({128, 64}), b({N, 64});
  for (index_t i = 0; i < a.size(); ++i) a[i] = small(i);
  for (index_t i = 0; i < b.size(); ++i) b[i] = small(100000 + i);
  const auto da = to_device(ctx, a), db = to_device(ctx, b);
  tensor<float, device_under_test> dc(ctx, {128, N});
  launch(ctx, {1, 1, 1}, warpgroup_product_kernel<N>{}, da.data(), db.data(), dc.data());
  const auto found = to_host(ctx, dc);
  int wrong = 0;
  for (index_t i = 0; i < 128; ++i)
    for (index_t j = 0; j < N; ++j) {
      float sum = 0;
      for (index_t k = 0; k < 64; ++k)
        sum += static_cast<float>(a(i, k)) * static_cast<float>(b(j, k)) * (k < 48 ? 2.0f : 3.0f);
      wrong += found(i, j) != sum;
    }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("lanes exchange what they should", "[device][primitives]") {
  const auto in = sequence<word>(64, [](index_t i) { return hashed(static_cast<word>(i)); });
  on_every_device([&](auto& ctx) {
    const auto x = to_device(ctx, in);
    tensor<word, device_under_test> y(ctx, {64 * lane_kernel::words});
    launch(ctx, {1, 1, 1}, lane_kernel{}, x.data(), y.data());
    const auto out = to_host(ctx, y);
    for (int r = 0; r < 64; ++r) {
      const int l = r % 32, base = r - l;
      const auto at = [&](int lane) { return in[base + lane]; };
      word set = 0, equal = 0, few = 0;
      for (int k = 0; k < 32; ++k) {
        set |= (at(k) & 4u) ? 1u << k : 0u;
        equal |= at(k) % 3 == at(l) % 3 ? 1u << k : 0u;
        few |= k < 7 && (at(k) & 8u) ? 1u << k : 0u;
      }
      const std::array<word, lane_kernel::words> expected{at((l * 7 + 3) % 32),
                                                          at(l ^ 5),
                                                          l + 3 < 32 ? at(l + 3) : at(l),
                                                          l - 3 >= 0 ? at(l - 3) : at(l),
                                                          set,
                                                          equal,
                                                          l % 2 ? at(l ^ 2) : at(l ^ 4),
                                                          l < 7 ? few : 0u,
                                                          static_cast<word>(r / 32)};
      bool same = true;
      for (int i = 0; i < lane_kernel::words; ++i)
        same = same && out[r * lane_kernel::words + i] == expected[static_cast<std::size_t>(i)];
      CHECK(same);
    }
  });
}

TEST_CASE("atomics lose nothing", "[device][primitives]") {
  on_every_device([&](auto& ctx) {
    tensor<atomic_kernel::sums> before({1});
    before[0] = {0, 1000, -1, 0, ~std::uint64_t{0}, 0, 0, 0};
    const auto s = to_device(ctx, before);
    tensor<int, device_under_test> old(ctx, {256});
    auto shared_sums = s;
    launch(ctx, {4, 1, 1}, atomic_kernel{}, shared_sums.data(), old.data());
    const auto after = to_host(ctx, s)[0];
    CHECK(after.added == 255 * 128);
    CHECK(after.least == 50 - 255);
    CHECK(after.greatest == 100);
    CHECK(after.bits == ~0u);
    CHECK(after.least_long == (std::uint64_t{1} << 40) - 255);
    CHECK(after.added_float == 256);
    CHECK(after.added_double == 128);
    const auto seen = to_host(ctx, old);
    int winners = 0;
    for (const int v : seen) {
      winners += v == 0;
      CHECK((v == 0 || v == after.swapped));
    }
    CHECK(winners == 1);
  });
}

TEST_CASE("a released flag brings what was written before it", "[device][primitives]") {
  on_every_device([&](auto& ctx) {
    if constexpr (requires { ctx.how(); })
      if (ctx.how().resident < 2) return;  // block 1 waits for block 0: both must be there
    auto flag = to_device(ctx, sequence<int>(1, [](index_t) { return 0; }));
    tensor<float, device_under_test> data(ctx, {32}), out(ctx, {32});
    launch(ctx, {2, 1, 1}, flag_kernel{}, data.data(), flag.data(), out.data());
    const auto seen = to_host(ctx, out);
    for (int i = 0; i < 32; ++i) CHECK(seen[i] == static_cast<float>(31 - i));
  });
}

TEST_CASE("asynchronous copies arrive group by group, zero where not valid", "[device][primitives]") {
  const auto in = sequence<float>(128, [](index_t i) { return i + 1; });
  on_every_device([&](auto& ctx) {
    const auto x = to_device(ctx, in);
    tensor<float, device_under_test> y(ctx, {256});
    launch(ctx, {1, 1, 1}, copy_kernel{}, x.data(), y.data());
    const auto out = to_host(ctx, y);
    for (int r = 0; r < 32; ++r)
      for (int i = 0; i < 4; ++i) {
        const int from = 31 - r;
        CHECK(out[r * 8 + i] == in[from * 4 + i]);
        CHECK(out[r * 8 + 4 + i] == (i < from % 5 ? in[from * 4 + i] : 0));
      }
  });
}

TEST_CASE("ldmatrix deals the fragments of the manual", "[device][primitives]") {
  const auto in = sequence<std::uint16_t>(256, [](index_t i) { return hashed(static_cast<word>(i)) & 0xffffu; });
  on_every_device([&](auto& ctx) {
    const auto x = to_device(ctx, in);
    tensor<word, device_under_test> y(ctx, {256});
    launch(ctx, {1, 1, 1}, matrix_load_kernel{}, x.data(), y.data());
    const auto out = to_host(ctx, y);
    const auto element = [&](int m, int row, int column) { return static_cast<word>(in[(m * 8 + row) * 8 + column]); };
    for (int l = 0; l < 32; ++l)
      for (int m = 0; m < 4; ++m) {
        const int a = l / 4, b = l % 4 * 2;
        CHECK(out[l * 8 + m] == (element(m, a, b) | element(m, a, b + 1) << 16));
        CHECK(out[l * 8 + 4 + m] == (element(m, b, a) | element(m, b + 1, a) << 16));
      }
  });
}

TEST_CASE("ldmatrix and mma multiply matrices of integers exactly", "[device][primitives]") {
  const auto small = [](index_t i) {
    return bfloat16(static_cast<float>(static_cast<int>(hashed(static_cast<word>(i)) % 17) - 8));
  };
  tensor<bfloat16> a({16, 16}), b({8, 16});
  for (index_t i = 0; i < a.size(); ++i) a[i] = small(i);
  for (index_t i = 0; i < b.size(); ++i) b[i] = small(1000 + i);
  tensor<float> c({16, 8});
  for (index_t i = 0; i < c.size(); ++i) c[i] = static_cast<float>(i);
  on_every_device([&](auto& ctx) {
    const auto da = to_device(ctx, a), db = to_device(ctx, b);
    auto dc = to_device(ctx, c);
    launch(ctx, {1, 1, 1}, product_kernel{}, da.data(), db.data(), dc.data());
    const auto found = to_host(ctx, dc);
    for (index_t i = 0; i < 16; ++i)
      for (index_t j = 0; j < 8; ++j) {
        float sum = c(i, j);
        for (index_t k = 0; k < 16; ++k) sum += static_cast<float>(a(i, k)) * static_cast<float>(b(j, k));
        CHECK(found(i, j) == sum);
      }
  });
}

TEST_CASE("float32 is rounded to TF32, halves away from zero", "[device][primitives]") {
  struct rounded {
    word from, to;
  };
  // The low 13 bits of the result do not count.
  const std::vector<rounded> expected{{0x3f800000, 0x3f800000}, {0x3f800fff, 0x3f800000}, {0x3f801000, 0x3f802000},
                                      {0x3f802fff, 0x3f802000}, {0x3f803000, 0x3f804000}, {0xbf801000, 0xbf802000},
                                      {0x00000000, 0x00000000}, {0x80000000, 0x80000000}, {0x3fffffff, 0x40000000},
                                      {0x7f800000, 0x7f800000}, {0xff800000, 0xff800000}, {0x7f7fffff, 0x7f800000}};
  const auto count = static_cast<index_t>(expected.size());
  const auto in = sequence<float>(count + 1, [&](index_t i) {
    return std::bit_cast<float>(i < count ? expected[static_cast<std::size_t>(i)].from : 0x7fc00000u);
  });
  on_every_device([&](auto& ctx) {
    const auto x = to_device(ctx, in);
    tensor<word, device_under_test> y(ctx, {count + 1});
    launch(ctx, {1, 1, 1}, rounding_kernel{}, static_cast<int>(count + 1), x.data(), y.data());
    const auto out = to_host(ctx, y);
    for (index_t i = 0; i < count; ++i) CHECK((out[i] & ~0x1fffu) == expected[static_cast<std::size_t>(i)].to);
    const float nan = std::bit_cast<float>(out[count] & ~0x1fffu);
    CHECK(nan != nan);
  });
}

TEST_CASE("mma multiplies matrices of integers in TF32 exactly, without the bits that it has not",
          "[device][primitives]") {
  const auto small = [](index_t i) {
    return static_cast<float>(static_cast<int>(hashed(static_cast<word>(i)) % 2001) - 1000);
  };
  tensor<float> a({16, 8}), b({8, 8}), c({16, 8});
  for (index_t i = 0; i < a.size(); ++i) a[i] = small(i);
  for (index_t i = 0; i < b.size(); ++i) b[i] = small(1000 + i);
  for (index_t i = 0; i < c.size(); ++i) c[i] = static_cast<float>(i);
  const auto cut = [](float v) { return std::bit_cast<float>(std::bit_cast<word>(v) & ~0x1fffu); };
  on_every_device([&](auto& ctx) {
    auto dirty = a;
    for (float& v : dirty) v = std::bit_cast<float>(std::bit_cast<word>(v) | 0x0abcu);
    const auto da = to_device(ctx, dirty), db = to_device(ctx, b);
    auto dc = to_device(ctx, c);
    launch(ctx, {1, 1, 1}, tf32_product_kernel{}, da.data(), db.data(), dc.data());
    const auto found = to_host(ctx, dc);
    for (index_t i = 0; i < 16; ++i)
      for (index_t j = 0; j < 8; ++j) {
        float sum = c(i, j);
        for (index_t k = 0; k < 8; ++k) sum += cut(a(i, k)) * b(j, k);
        CHECK(found(i, j) == sum);
      }
  });
}

TEST_CASE("a tile of shared memory is described as the manual says", "[device][primitives]") {
  // Bits 0-13: address / 16; 16-29: 1, which swizzled tiles ignore; 32-45: 1024 / 16; 62-63: 1, 128 bytes.
  CHECK(matrix_descriptor(0x2400) == 0x4000004000010240u);
  CHECK(described_address(matrix_descriptor(0x2400), 0, 0) == 0x2400);
  // Row 3 of the second 8, the piece of values 24 to 31, by way of the second 16 of depth: piece 3 ^ 3.
  CHECK(described_address(matrix_descriptor(0x2400 + 32), 11, 8) == 0x2400 + 11 * 128);
  const swizzled_tile<16> tile{};
  const auto begin = matrix_descriptor(0);
  for (int row = 0; row < 16; ++row)
    for (int k = 0; k < 64; k += 8) {
      swizzled_tile<16> copy = tile;
      const auto place = copy.piece_at(row, k) - &copy.values[0][0];
      CHECK(described_address(begin + static_cast<std::uint64_t>(k / 16 * 2), row, k % 16) == 2 * place);
    }
}

TEST_CASE("warpgroups multiply swizzled tiles of integers exactly", "[device][primitives]") {
  on_every_device([&](auto& ctx) {
    if (const std::string why = why_no_wgmma(ctx); !why.empty()) {
      WARN("skipped: " << why);
      return;
    }
    multiply_by_warpgroups<64>(ctx);
    multiply_by_warpgroups<128>(ctx);
  });
}

}  // namespace aixcell
