#include <aixcell/optim/parameter_slice.hpp>
#include "optim/parameters.hpp"

namespace aixcell {

TEST_CASE("for_each_range visits every value of every parameter once", "[optim]") {
  for (const int threads : {1, 3}) {
    context<cpu> ctx(threads);
    parameter_set p;
    detail::for_each_range(ctx, p.slices, [&](std::size_t i, index_t begin, index_t end) {
      for (index_t k = begin; k < end; ++k) ++p.slices[i].gradient[k];
    });
    for (const auto& g : p.gradients) CHECK(std::all_of(g.begin(), g.end(), [](float v) { return v == 1; }));
  }
}

TEST_CASE("zeros_like: a zeroed tensor for each parameter, of its size", "[optim]") {
  const parameter_set p;
  const auto zeros = detail::zeros_like(p.slices);
  REQUIRE(zeros.size() == p.values.size());
  for (std::size_t i = 0; i < zeros.size(); ++i) {
    CHECK(zeros[i].shape() == shape{static_cast<index_t>(p.values[i].size())});
    CHECK(std::all_of(zeros[i].begin(), zeros[i].end(), [](float v) { return v == 0; }));
  }
}

}  // namespace aixcell
