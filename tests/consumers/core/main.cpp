// Eigen, Boost's headers and threads are all this needs.
#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>

int main() {
  aixcell::context<aixcell::cpu> ctx;
  aixcell::tensor<int> squares({100});
  aixcell::parallel_for(ctx, squares.size(), [&](aixcell::index_t i) { squares[i] = static_cast<int>(i * i); });
  return squares[99] == 9801 ? 0 : 1;
}
