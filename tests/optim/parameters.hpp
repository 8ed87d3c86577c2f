#pragma once
// Parameters of odd sizes, one larger than a range of the parallel loop, with gradients that change at every step.
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <aixcell/core/random.hpp>
#include <aixcell/optim/parameter_slice.hpp>
#include "support/catch.hpp"

namespace aixcell {

struct parameter_set {
  std::vector<std::vector<float>> values, gradients;
  std::vector<parameter_slice> slices;

  explicit parameter_set(std::uint64_t seed = 1) {
    random_stream random(seed);
    for (const std::size_t n : {1, 7, 0, 33000, 130}) values.emplace_back(n), gradients.emplace_back(n);
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (float& v : values[i]) v = random.normal();
      slices.push_back({values[i].data(), gradients[i].data(), static_cast<index_t>(values[i].size()), i % 2 == 1});
    }
  }
  parameter_set(const parameter_set&) = delete;
  parameter_set& operator=(const parameter_set&) = delete;

  /// The gradients of a step: a function of the step alone.
  void set_gradients(std::uint64_t step) {
    random_stream random(77, step);
    for (auto& g : gradients)
      for (float& v : g) v = random.normal() * (random.chance(0.1f) ? 0.0f : 1.0f);
  }

  bool same_bits(const parameter_set& other) const {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!values[i].empty() && std::memcmp(values[i].data(), other.values[i].data(), 4 * values[i].size()) != 0)
        return false;
    return true;
  }
};

/// What for_each_member visits, by name.
struct optimiser_members {
  std::map<std::string, std::vector<float>> tensors;
  std::map<std::string, std::int64_t> counts;
};

template <class Optimiser>
optimiser_members members_of(const Optimiser& optimiser) {
  optimiser_members all;
  Optimiser::for_each_member(optimiser, [&]<class Member>(std::string_view name, const Member& m) {
    if constexpr (std::is_integral_v<Member>)
      all.counts[std::string(name)] = m;
    else
      all.tensors[std::string(name)] = {m.begin(), m.end()};
  });
  return all;
}

template <class Optimiser>
void restore(const optimiser_members& from, Optimiser& optimiser) {
  Optimiser::for_each_member(optimiser, [&]<class Member>(std::string_view name, Member& m) {
    if constexpr (std::is_integral_v<Member>)
      m = from.counts.at(std::string(name));
    else
      std::copy(from.tensors.at(std::string(name)).begin(), from.tensors.at(std::string(name)).end(), m.begin());
  });
}

/// Ten steps in one go, and five, all state through for_each_member into a new optimiser, five more; any thread count.
template <class Optimiser, class Options>
void check_resume(const Options& options) {
  parameter_set whole, parts;
  Optimiser one(options, whole.slices), first(options, parts.slices);
  context<cpu> serial(1), four(4);
  for (std::uint64_t s = 0; s < 10; ++s) {
    whole.set_gradients(s);
    one.step(serial, whole.slices, 0.01);
  }
  for (std::uint64_t s = 0; s < 5; ++s) {
    parts.set_gradients(s);
    first.step(four, parts.slices, 0.01);
  }
  CHECK_FALSE(whole.same_bits(parts));
  Optimiser second(options, parts.slices);
  restore(members_of(first), second);
  for (std::uint64_t s = 5; s < 10; ++s) {
    parts.set_gradients(s);
    second.step(four, parts.slices, 0.01);
  }
  CHECK(whole.same_bits(parts));
  CHECK(members_of(one).tensors == members_of(second).tensors);
  CHECK(members_of(one).counts == members_of(second).counts);
}

/// Parameters of another network are refused before one value moves.
template <class Optimiser>
void check_refuses_other_parameters() {
  parameter_set p, untouched;
  context<cpu> ctx(1);
  Optimiser optimiser({}, p.slices);
  p.set_gradients(1);
  std::vector<parameter_slice> fewer(p.slices.begin(), p.slices.end() - 1), shorter = p.slices;
  shorter[4].count = 129;
  CHECK_THROWS_AS(optimiser.step(ctx, fewer, 0.1), shape_error);
  CHECK_THROWS_AS(optimiser.step(ctx, shorter, 0.1), shape_error);
  CHECK_THROWS_AS(Optimiser{}.step(ctx, p.slices, 0.1), shape_error);
  CHECK(p.same_bits(untouched));
}

}  // namespace aixcell
