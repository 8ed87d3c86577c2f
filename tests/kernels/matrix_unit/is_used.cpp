#include <aixcell/kernels/cpu/native_precision.hpp>
#include "support/catch.hpp"

TEST_CASE("the tests of this program see a matrix unit, where AVX-512 has what its other loops need", "[kernels]") {
  using namespace aixcell;
#if defined(__x86_64__) && defined(__linux__)
  CHECK(detail::processor().matrix_unit == (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")));
#else
  CHECK_FALSE(detail::processor().matrix_unit);
#endif
}
