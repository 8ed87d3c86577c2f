#include <aixcell/data/cell_nuclei.hpp>

#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("a nucleus belongs to the cell that covers most of it") {
  const std::int32_t cells[] = {1, 1, 1, 2, 2, 2, 0, 0, 4, 4};
  const std::int32_t nuclei[] = {0, 9, 9, 9, 5, 6, 6, 6, 3, 3};
  label_map c({1, 10}), n({1, 10});
  std::copy_n(cells, 10, c.begin());
  std::copy_n(nuclei, 10, n.begin());
  // 9: two pixels in cell 1, one in 2. 6: one pixel in cell 2, two in none.
  CHECK(nuclei_of_cells(c, n) == std::vector<std::vector<std::int32_t>>{{9}, {5}, {}, {3}});
  n[0] = n[1] = 0, n[2] = n[3] = 8;  // half in 1, half in 2
  CHECK(nuclei_of_cells(c, n)[0] == std::vector<std::int32_t>{8});
  CHECK_THROWS_AS(nuclei_of_cells(c, label_map({2, 5})), shape_error);
  CHECK(nuclei_of_cells(label_map({3, 3}), label_map({3, 3})).empty());
}
