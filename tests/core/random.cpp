#include <aixcell/core/random.hpp>

#include <numeric>

#include "support/catch.hpp"

using namespace aixcell;

namespace {

struct philox_input {
  std::array<std::uint32_t, 4> counter;
  std::array<std::uint32_t, 2> key;
};

/// Philox4x32-10 as in Salmon et al. 2011, section 3.3, round by round.
std::array<std::uint32_t, 4> philox_reference(philox_input in) {
  auto [l0, r0, l1, r1] = in.counter;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t m0 = 0xD2511F53ull * l0;
    const std::uint64_t m1 = 0xCD9E8D57ull * l1;
    l0 = static_cast<std::uint32_t>(m1 >> 32) ^ r0 ^ in.key[0];
    r0 = static_cast<std::uint32_t>(m1 & 0xFFFFFFFFu);
    l1 = static_cast<std::uint32_t>(m0 >> 32) ^ r1 ^ in.key[1];
    r1 = static_cast<std::uint32_t>(m0 & 0xFFFFFFFFu);
    in.key[0] += 0x9E3779B9u;  // golden ratio
    in.key[1] += 0xBB67AE85u;  // sqrt(3) - 1
  }
  return {l0, r0, l1, r1};
}

std::array<std::uint32_t, 4> next_four(random_stream& s) {
  std::array<std::uint32_t, 4> drawn{};
  for (auto& x : drawn) x = s.bits();
  return drawn;
}

std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x & 0xFFFFFFFFu); }
std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

}  // namespace

TEST_CASE("the reference gives the known answers of Random123", "[core]") {
  // kat_vectors of Random123, philox4x32 with 10 rounds
  using words = std::array<std::uint32_t, 4>;
  CHECK(philox_reference({{0, 0, 0, 0}, {0, 0}}) == words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox_reference({{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}}) ==
        words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox_reference({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}}) ==
        words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream is Philox: seed is the key, block and purpose are the counter", "[core]") {
  random_stream zero(0);
  CHECK(next_four(zero) == std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});

  const std::uint64_t seed = GENERATE(0ull, 1ull, 0x299f31d0a4093822ull, ~0ull);
  const std::uint64_t purpose = GENERATE(0ull, 0x0370734413198a2eull, ~0ull);
  const std::uint64_t block = GENERATE(0ull, 1ull, 0x05a308d3243f6a88ull, (1ull << 62) - 2);
  random_stream s(seed, purpose, 4 * block);
  for (const std::uint64_t b : {block, block + 1})
    CHECK(next_four(s) == philox_reference({{low(b), high(b), low(purpose), high(purpose)}, {low(seed), high(seed)}}));
}

TEST_CASE("a stream goes on from its counter", "[core]") {
  random_stream whole(3, 9);
  for (int i = 0; i < 10; ++i) whole.bits();
  random_stream resumed(3, 9, whole.counter());
  CHECK(whole.counter() == 10);
  for (int i = 0; i < 9; ++i) CHECK(resumed.bits() == whole.bits());
}

TEST_CASE("children differ from each other and from their parent, and repeat", "[core]") {
  const random_stream root(42);
  std::vector<std::uint32_t> first;
  for (std::uint64_t epoch = 0; epoch < 30; ++epoch)
    for (std::uint64_t sample = 0; sample < 30; ++sample) first.push_back(root.child(epoch).child(sample).bits());
  first.push_back(random_stream(42).bits());
  CHECK(root.child(3).child(4).bits() == first[3 * 30 + 4]);
  std::sort(first.begin(), first.end());
  // 901 draws of 32 bits: two alike have a chance of 1 in 10,000, and the seed is fixed.
  CHECK(std::adjacent_find(first.begin(), first.end()) == first.end());
  // The order of names matters: (3, 4) is not (4, 3).
  CHECK(root.child(3).child(4).bits() != root.child(4).child(3).bits());
}

TEST_CASE("drawing from a copy leaves the original alone", "[core]") {
  random_stream a(5);
  a.bits();
  random_stream b = a;
  const std::uint32_t next = b.bits();
  for (int i = 0; i < 100; ++i) b.bits();
  CHECK(a.bits() == next);
}

TEST_CASE("uniform numbers", "[core]") {
  random_stream s(1);
  const int n = 100'000;
  double sum = 0, squares = 0;
  float least = 1, most = 0;
  for (int i = 0; i < n; ++i) {
    const float u = s.uniform();
    sum += u;
    squares += u * u;
    least = std::min(least, u);
    most = std::max(most, u);
  }
  CHECK(least >= 0.0f);
  CHECK(most < 1.0f);
  CHECK(sum / n == Approx(0.5).margin(0.005));
  CHECK(squares / n == Approx(1.0 / 3).margin(0.005));
  for (int i = 0; i < 1000; ++i) {
    const float u = s.uniform(-2, 3);
    CHECK((u >= -2 && u <= 3));
  }
}

TEST_CASE("uniform integers reach every value equally often", "[core]") {
  random_stream s(2);
  std::array<int, 7> hits{};
  for (int i = 0; i < 70'000; ++i) ++hits[static_cast<std::size_t>(s.below(7))];
  for (const int h : hits) CHECK(h == Approx(10'000).margin(500));  // five standard deviations
  CHECK(s.below(1) == 0);
  for (int i = 0; i < 100; ++i) CHECK(s.below(0xFFFFFFFF) < 0xFFFFFFFF);
}

TEST_CASE("normal and Poisson numbers have their moments", "[core]") {
  random_stream s(3);
  const int n = 100'000;
  const auto moments = [&](auto draw) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; ++i) {
      const auto x = static_cast<double>(draw());
      sum += x;
      squares += x * x;
    }
    return std::pair{sum / n, squares / n - (sum / n) * (sum / n)};
  };
  {
    const auto [mean, variance] = moments([&] { return s.normal(4, 3); });
    CHECK(mean == Approx(4).margin(0.05));
    CHECK(variance == Approx(9).margin(0.25));
  }
  for (const float expected : {0.0f, 0.3f, 7.0f, 29.9f, 30.1f, 500.0f}) {
    const auto [mean, variance] = moments([&] { return s.poisson(expected); });
    INFO("mean " << expected);
    CHECK(mean == Approx(expected).margin(0.01 * expected + 0.01));
    CHECK(variance == Approx(expected).margin(0.04 * expected + 0.1));
  }
}

TEST_CASE("a number that is looked at ahead is the one that is drawn", "[core]") {
  for (const std::uint64_t start : {0, 1, 2, 3}) {
    const random_stream stream(5, 6, start);
    random_stream uniforms = stream, normals = stream;
    float worst = 0;
    for (std::uint64_t i = 0; i < 20000; ++i) {
      if (i < 9) CHECK(stream.uniform_ahead(i) == uniforms.uniform());
      const float drawn = normals.normal();
      worst = std::max(worst, std::abs(stream.normal_ahead(2 * i) - drawn));
    }
    CHECK(worst < 4e-6f);
  }
}

TEST_CASE("chance", "[core]") {
  random_stream s(4);
  int never = 0, always = 0, often = 0;
  for (int i = 0; i < 10'000; ++i) {
    never += s.chance(0);
    always += s.chance(1);
    often += s.chance(0.8f);
  }
  CHECK(never == 0);
  CHECK(always == 10'000);
  CHECK(often == Approx(8'000).margin(200));
}

TEST_CASE("a shuffle keeps the items and every order is as likely", "[core]") {
  random_stream s(5);
  std::array<int, 6> orders{};
  for (int i = 0; i < 12'000; ++i) {
    std::vector<int> items{0, 1, 2};
    s.shuffle(items);
    CHECK(std::accumulate(items.begin(), items.end(), 0) == 3);
    const int order = items[0] * 2 + (items[1] > items[2]);
    ++orders[static_cast<std::size_t>(order)];
  }
  for (const int o : orders) CHECK(o == Approx(2'000).margin(250));
  std::vector<int> none;
  s.shuffle(none);
  CHECK(none.empty());
}
