#include <aixcell/metrics/assignment.hpp>
#include <cmath>
#include <aixcell/core/random.hpp>
#include "support/catch.hpp"

using namespace aixcell;

namespace {

double best_by_trying_all(const assignment_problem& problem, index_t row, std::vector<bool>& used) {
  if (row == problem.rows) return 0;
  double best = best_by_trying_all(problem, row + 1, used);
  for (const auto& e : problem.edges) {
    if (e.row != row || used[static_cast<std::size_t>(e.column)]) continue;
    used[static_cast<std::size_t>(e.column)] = true;
    best = std::max(best, e.weight + best_by_trying_all(problem, row + 1, used));
    used[static_cast<std::size_t>(e.column)] = false;
  }
  return best;
}

/// The weight of an assignment, -1 if it uses a column twice or a pair that is not there.
double weight_of(const assignment_problem& problem, const std::vector<index_t>& columns) {
  std::vector<bool> used(static_cast<std::size_t>(problem.columns));
  double sum = 0;
  for (index_t r = 0; r < problem.rows; ++r) {
    const index_t c = columns[static_cast<std::size_t>(r)];
    if (c < 0) continue;
    if (used[static_cast<std::size_t>(c)]) return -1;
    used[static_cast<std::size_t>(c)] = true;
    const auto edge = std::find_if(problem.edges.begin(), problem.edges.end(),
                                   [&](const auto& e) { return e.row == r && e.column == c; });
    if (edge == problem.edges.end()) return -1;
    sum += edge->weight;
  }
  return sum;
}

}  // namespace

TEST_CASE("an assignment is the best of all", "[metrics]") {
  random_stream random(5);
  for (int round = 0; round < 3000; ++round) {
    assignment_problem problem{random.below(7), random.below(7), {}};
    const float density = random.uniform(0.2f, 1.0f);
    const index_t distinct = 1 + random.below(8);  // few distinct weights: many ties
    for (index_t r = 0; r < problem.rows; ++r)
      for (index_t c = 0; c < problem.columns; ++c)
        if (random.chance(density))
          problem.edges.push_back({r, c, static_cast<double>(1 + random.below(distinct)) / 4});
    std::vector<bool> used(static_cast<std::size_t>(problem.columns));
    const auto columns = best_assignment(problem);
    REQUIRE(columns.size() == static_cast<std::size_t>(problem.rows));
    CHECK(std::abs(weight_of(problem, columns) - best_by_trying_all(problem, 0, used)) < 1e-9);
  }
}

TEST_CASE("an assignment gives up a pair where the rest gains more", "[metrics]") {
  // 0-0 alone is worth 5, 0-1 and 1-0 together 6.
  CHECK(best_assignment({2, 2, {{0, 0, 5}, {0, 1, 3}, {1, 0, 3}}}) == std::vector<index_t>{1, 0});
  // One row must stay out: the lighter one.
  CHECK(best_assignment({2, 1, {{0, 0, 1}, {1, 0, 2}}}) == std::vector<index_t>{-1, 0});
  CHECK(best_assignment({0, 3, {}}).empty());
}

TEST_CASE("an assignment of a long chain is fast", "[metrics]") {
  constexpr index_t n = 65536;
  assignment_problem chain{n, n, {}};
  for (index_t i = 0; i < n; ++i) {
    chain.edges.push_back({i, i, 1.0});
    if (i + 1 < n) chain.edges.push_back({i, i + 1, 1.5});
  }
  const auto columns = best_assignment(chain);
  // All rows matched needs every row on its own column (last row has no other): 1 each. Leaving the last row out
  // gives 1.5 each.
  index_t right = 0;
  for (index_t i = 0; i + 1 < n; ++i) right += columns[static_cast<std::size_t>(i)] == i + 1;
  CHECK(right == n - 1);
  CHECK(columns.back() == -1);
}
