// expect: view<float, aixcell::cpu>
// What counts bytes for a dry run cannot reach a kernel that computes.
#include <aixcell/core/tensor.hpp>

void fill_on_cpu(aixcell::view<float, aixcell::cpu>);

void caller(aixcell::tensor<float, aixcell::cpu>& real,
            [[maybe_unused]] aixcell::tensor<float, aixcell::dry>& counted) {
  fill_on_cpu(real);
#ifndef AIXCELL_WITHOUT_THE_MISTAKE
  fill_on_cpu(counted);
#endif
}
