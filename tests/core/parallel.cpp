#include <aixcell/core/parallel.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <vector>

#include <aixcell/core/error.hpp>

#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("every i is visited once", "[core]") {
  const context<cpu> ctx(GENERATE(1, 2, 5));
  const index_t count = GENERATE(0, 1, 2, 1000);
  std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count) + 1);
  parallel_for(ctx, count, [&](index_t i) { ++visits[static_cast<std::size_t>(i)]; });
  for (index_t i = 0; i < count; ++i) CHECK(visits[static_cast<std::size_t>(i)] == 1);
  CHECK(visits.back() == 0);
}

TEST_CASE("an exception leaves a parallel loop as itself", "[core]") {
  const context<cpu> ctx(GENERATE(1, 3));
  const auto fail_at_37 = [](index_t i) {
    if (i == 37) throw data_error("image 37: no objects");
  };
  CHECK_THROWS_AS(parallel_for(ctx, 100, fail_at_37), data_error);
  CHECK_THROWS_WITH(parallel_for(ctx, 100, fail_at_37), "image 37: no objects");
  // All fail: one is reported, and the loop works again afterwards.
  CHECK_THROWS_AS(parallel_for(ctx, 100, [](index_t) { throw std::out_of_range("x"); }), std::out_of_range);
  std::atomic<int> done = 0;
  parallel_for(ctx, 100, [&](index_t) { ++done; });
  CHECK(done == 100);
}

TEST_CASE("no iteration runs after the loop has thrown", "[core]") {
  const context<cpu> ctx(3);
  std::atomic<int> running = 0;
  try {
    parallel_for(ctx, 200, [&](index_t i) {
      ++running;
      if (i == 5) {
        --running;
        throw data_error("stop");
      }
      --running;
    });
    FAIL("nothing was thrown");
  } catch (const data_error&) {
    CHECK(running == 0);
  }
}

TEST_CASE("loops nest", "[core]") {
  const context<cpu> ctx(2);
  std::atomic<int> visits = 0;
  parallel_for(ctx, 8, [&](index_t) { parallel_for(ctx, 8, [&](index_t) { ++visits; }); });
  CHECK(visits == 64);
}

TEST_CASE("ranges cover everything and do not depend on the number of threads", "[core]") {
  const auto ranges_with = [](int threads, index_t count, index_t grain) {
    const context<cpu> ctx(threads);
    std::vector<std::pair<index_t, index_t>> ranges;
    std::mutex mutex;
    parallel_ranges(ctx, count, grain, [&](index_t begin, index_t end) {
      const std::lock_guard lock(mutex);
      ranges.emplace_back(begin, end);
    });
    std::sort(ranges.begin(), ranges.end());
    return ranges;
  };
  using expected = std::vector<std::pair<index_t, index_t>>;
  CHECK(ranges_with(1, 10, 4) == expected{{0, 4}, {4, 8}, {8, 10}});
  CHECK(ranges_with(3, 10, 4) == expected{{0, 4}, {4, 8}, {8, 10}});
  CHECK(ranges_with(2, 8, 4) == expected{{0, 4}, {4, 8}});
  CHECK(ranges_with(2, 3, 100) == expected{{0, 3}});
  CHECK(ranges_with(2, 0, 4).empty());
}
