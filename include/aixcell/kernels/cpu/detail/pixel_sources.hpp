#pragma once
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/cpu/detail/stored_values.hpp>

namespace aixcell::detail {

/// The pixels that one pixel of a result is made of, at most so many; sums are in full precision and rounded once.
template <class Real>
class pixel_sources {
 public:
  pixel_sources(context<cpu>& ctx, index_t most)
      : memory_(ctx, {most * static_cast<index_t>(sizeof(source) + sizeof(winner_row) + sizeof(weight) + 1)}),
        most_(most) {}

  void clear() { count_ = 0; }
  void add(const Real* from, std::uint8_t name) { names()[count_] = name, add(from); }
  void add(const Real* from, const std::uint8_t* winner, std::uint8_t name) {
    winners()[count_] = winner;
    add(from, name);
  }
  void add_weighted(const Real* from, double factor) {
    weights()[count_] = static_cast<weight>(factor);
    add(from);
  }

  void greatest(Real* to, std::uint8_t* winner, index_t channels) {
    image_loops_of<Real>().greatest(sources(), names(), static_cast<int>(count_), stored(to), winner, channels);
  }
  void sum_of_won(Real* to, index_t channels) {
    image_loops_of<Real>().sum_of_won(sources(), winners(), names(), static_cast<int>(count_), stored(to), channels);
  }
  void weighted_sum(Real* to, index_t channels) {
    image_loops_of<Real>().weighted_sum(sources(), weights(), static_cast<int>(count_), stored(to), channels);
  }

 private:
  using source = decltype(stored(std::declval<const Real*>()));
  using winner_row = const std::uint8_t*;
  using weight = master_of<Real>;

  void add(const Real* from) {
    assert(count_ < most_);
    sources()[count_++] = stored(from);
  }

  // One block of the pool in four parts, those of wider elements first.
  source* sources() { return reinterpret_cast<source*>(memory_.data()); }
  winner_row* winners() { return reinterpret_cast<winner_row*>(sources() + most_); }
  weight* weights() { return reinterpret_cast<weight*>(winners() + most_); }
  std::uint8_t* names() { return reinterpret_cast<std::uint8_t*>(weights() + most_); }

  tensor<std::byte> memory_;
  index_t most_, count_ = 0;
};

}  // namespace aixcell::detail
