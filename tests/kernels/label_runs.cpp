#include <aixcell/kernels/cpu/label_runs.hpp>

#include <vector>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

TEST_CASE("end_of_run: runs of any length, begin and label", "[kernels]") {
  random_stream random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::int32_t> row;
    while (row.size() < 70)
      row.insert(row.end(), static_cast<std::size_t>(1 + random.below(round % 2 ? 3 : 30)),
                 static_cast<std::int32_t>(random.below(4)) - 1);
    const auto width = std::ssize(row);
    for (index_t begin = 0; begin < width; ++begin) {
      index_t expected = begin;
      while (expected < width && row[static_cast<std::size_t>(expected)] == row[static_cast<std::size_t>(begin)])
        ++expected;
      REQUIRE(end_of_run(row.data(), begin, width) == expected);
    }
  }
}

}  // namespace aixcell::test
