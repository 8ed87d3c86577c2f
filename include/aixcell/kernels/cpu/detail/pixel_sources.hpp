#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include <aixcell/core/shape.hpp>
#include <aixcell/kernels/cpu/detail/stored_values.hpp>

namespace aixcell::detail {

/// The pixels that one pixel of a result is made of; sums are in full precision and rounded once.
template <class Real>
class pixel_sources {
 public:
  explicit pixel_sources(index_t most) {
    const auto count = static_cast<std::size_t>(most);
    from_.reserve(count), winners_.reserve(count), names_.reserve(count), weights_.reserve(count);
  }

  void clear() { from_.clear(), winners_.clear(), names_.clear(), weights_.clear(); }
  void add(const Real* from, std::uint8_t name) { from_.push_back(stored(from)), names_.push_back(name); }
  void add(const Real* from, const std::uint8_t* winner, std::uint8_t name) {
    add(from, name), winners_.push_back(winner);
  }
  void add_weighted(const Real* from, double weight) {
    from_.push_back(stored(from)), weights_.push_back(static_cast<master_of<Real>>(weight));
  }

  void greatest(Real* to, std::uint8_t* winner, index_t channels) const {
    image_loops_of<Real>().greatest(from_.data(), names_.data(), count(), stored(to), winner, channels);
  }
  void sum_of_won(Real* to, index_t channels) const {
    image_loops_of<Real>().sum_of_won(from_.data(), winners_.data(), names_.data(), count(), stored(to), channels);
  }
  void weighted_sum(Real* to, index_t channels) const {
    image_loops_of<Real>().weighted_sum(from_.data(), weights_.data(), count(), stored(to), channels);
  }

 private:
  int count() const { return static_cast<int>(from_.size()); }

  std::vector<decltype(stored(std::declval<const Real*>()))> from_;
  std::vector<const std::uint8_t*> winners_;
  std::vector<std::uint8_t> names_;
  std::vector<master_of<Real>> weights_;
};

}  // namespace aixcell::detail
