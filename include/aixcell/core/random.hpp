#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include <aixcell/core/shape.hpp>

namespace aixcell {

/// Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
/// A stream is named by a seed and a purpose; any number of streams may be drawn from on any threads in any order and
/// each gives the same numbers. The state is the counter alone, so a stream is resumed from (seed, purpose, counter).
class random_stream {
 public:
  explicit constexpr random_stream(std::uint64_t seed, std::uint64_t purpose = 0, std::uint64_t counter = 0)
      : seed_(seed), purpose_(purpose), counter_(counter) {}

  /// Says that values drawn from here are about to be overwritten and need not be drawn: whoever asks `wanted` may `skip`.
  constexpr random_stream unwanted() const {
    random_stream same = *this;
    same.wanted_ = false;
    return same;
  }
  constexpr bool wanted() const noexcept { return wanted_; }
  /// As if `count` values of 32 bits had been drawn.
  constexpr void skip(std::uint64_t count) { counter_ += count; }

  /// An independent stream under this one, e.g. `stream.child(epoch).child(sample)`.
  constexpr random_stream child(std::uint64_t purpose) const {
    const auto mixed = philox({static_cast<std::uint32_t>(purpose), static_cast<std::uint32_t>(purpose >> 32),
                               static_cast<std::uint32_t>(purpose_), static_cast<std::uint32_t>(purpose_ >> 32)},
                              seed_ ^ 0x9E3779B97F4A7C15u);
    return random_stream(seed_, (static_cast<std::uint64_t>(mixed[1]) << 32) | mixed[0]);
  }

  /// 32 random bits.
  constexpr std::uint32_t bits() {
    const std::uint64_t block = counter_ / 4;
    if (block != cached_block_) {
      cached_ = philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                        static_cast<std::uint32_t>(purpose_), static_cast<std::uint32_t>(purpose_ >> 32)},
                       seed_);
      cached_block_ = block;
    }
    return cached_[counter_++ % 4];
  }

  /// The bits that are drawn `ahead` draws from now, which are not drawn: what a thread of many takes. Nothing in it is
  /// looked up in an array, which a GPU would keep in memory.
  constexpr std::uint32_t bits_ahead(std::uint64_t ahead) const {
    const std::uint64_t at = counter_ + ahead, block = at / 4;
    const auto four = philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                              static_cast<std::uint32_t>(purpose_), static_cast<std::uint32_t>(purpose_ >> 32)},
                             seed_);
    return at % 4 == 0 ? four[0] : at % 4 == 1 ? four[1] : at % 4 == 2 ? four[2] : four[3];
  }
  constexpr float uniform_ahead(std::uint64_t ahead) const {
    return static_cast<float>(bits_ahead(ahead) >> 8) * 0x1p-24f;
  }

  /// Uniform in [0, 1), 24 bits.
  constexpr float uniform() { return static_cast<float>(bits() >> 8) * 0x1p-24f; }
  constexpr float uniform(float low, float high) { return low + (high - low) * uniform(); }

  /// Uniform integer in [0, n), n >= 1, n < 2^32. Unbiased to 2^-32.
  constexpr index_t below(index_t n) {
    return static_cast<index_t>((static_cast<std::uint64_t>(bits()) * static_cast<std::uint64_t>(n)) >> 32);
  }

  constexpr bool chance(float probability) { return uniform() < probability; }

  /// Standard normal (Box and Muller 1958), one value from two draws.
  float normal() {
    const float u = 1.0f - uniform();  // (0, 1]
    const float v = uniform();
    return std::sqrt(-2.0f * std::log(u)) * std::cos(2.0f * std::numbers::pi_v<float> * v);
  }
  /// The same number but for rounding, at most 4e-6. std::cos is ready for arguments of any size, for which a GPU keeps memory.
  constexpr float normal_ahead(std::uint64_t ahead) const {
    return std::sqrt(-2.0f * std::log(1.0f - uniform_ahead(ahead))) * cosine_of_turns(uniform_ahead(ahead + 1));
  }
  float normal(float mean, float deviation) { return mean + deviation * normal(); }

  /// Poisson with the given mean >= 0: multiplication of uniforms (Knuth) below 30, a rounded normal above.
  index_t poisson(float mean) {
    if (mean > 30.0f) return std::max<index_t>(0, static_cast<index_t>(std::lround(normal(mean, std::sqrt(mean)))));
    const float limit = std::exp(-mean);
    index_t events = 0;
    for (float product = uniform(); product > limit; product *= uniform()) ++events;
    return events;
  }

  /// Random order in place (Fisher and Yates).
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (index_t i = static_cast<index_t>(items.size()) - 1; i > 0; --i)
      std::swap(items[static_cast<std::size_t>(i)], items[static_cast<std::size_t>(below(i + 1))]);
  }

  constexpr std::uint64_t counter() const noexcept { return counter_; }

 private:
  /// cos(2 pi v) for v in [0, 1]: a sine within a quarter turn, by its series.
  static constexpr float cosine_of_turns(float v) {
    const float t = 2.0f * std::numbers::pi_v<float> * ((v < 0.5f ? 0.5f - v : v - 0.5f) - 0.25f), s = t * t;
    return t * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110)))));
  }
  static constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c, std::uint64_t key) {
    std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c[0], p1 = std::uint64_t{0xCD9E8D57u} * c[2];
      c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(p1),
           static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(p0)};
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    return c;
  }

  std::uint64_t seed_, purpose_, counter_;
  std::uint64_t cached_block_ = ~std::uint64_t{0};
  std::array<std::uint32_t, 4> cached_{};
  bool wanted_ = true;
};

}  // namespace aixcell
