// expect: view<float, aixcell::cpu>
// Elements seen through a const tensor stay const.
#include <aixcell/core/tensor.hpp>

void read_on_cpu(aixcell::view<const float, aixcell::cpu>);
void fill_on_cpu(aixcell::view<float, aixcell::cpu>);

void caller(const aixcell::tensor<float>& pixels) {
  read_on_cpu(pixels);
#ifndef AIXCELL_WITHOUT_THE_MISTAKE
  fill_on_cpu(pixels);
#endif
}
