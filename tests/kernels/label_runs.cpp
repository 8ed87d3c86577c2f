#include <aixcell/kernels/cpu/label_runs.hpp>

#include <vector>

#include <aixcell/core/random.hpp>
#include <aixcell/core/tensor.hpp>

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

TEST_CASE("for_each_label_run: the runs of some rows, none over the end of a row", "[kernels]") {
  for (const shape& size : {shape{0, 3}, shape{3, 0}, shape{1, 1}, shape{5, 1}, shape{4, 19}}) {
    tensor<std::int32_t> labels(size);
    for (index_t p = 0; p < labels.size(); ++p) labels[p] = static_cast<std::int32_t>(p / 7 % 3);
    const index_t width = size[1], first = size[0] / 4, last = size[0];
    index_t next = first * width;
    for_each_label_run(labels, first, last, [&](std::int32_t label, index_t begin, index_t end) {
      REQUIRE(begin == next);
      REQUIRE((begin < end && begin / width == (end - 1) / width));
      for (index_t p = begin; p < end; ++p) REQUIRE(labels[p] == label);
      REQUIRE((end % width == 0 || labels[end] != label));
      next = end;
    });
    CHECK(next == last * width);
  }
}

}  // namespace aixcell::test
