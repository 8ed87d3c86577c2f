// expect: context<aixcell::cpu>
// A context gives memory of its own device only.
#include <aixcell/core/tensor.hpp>

void caller(aixcell::context<aixcell::cpu>& computing, [[maybe_unused]] aixcell::context<aixcell::dry>& counting) {
  aixcell::tensor<float, aixcell::cpu>(computing, {2, 3});
#ifndef AIXCELL_WITHOUT_THE_MISTAKE
  aixcell::tensor<float, aixcell::cpu>(counting, {2, 3});
#endif
}
