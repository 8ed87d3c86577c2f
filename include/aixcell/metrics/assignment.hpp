#pragma once
#include <algorithm>
#include <functional>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

#include <aixcell/core/shape.hpp>

namespace aixcell {

/// A pair that may be assigned, and what that is worth.
struct assignment_edge {
  index_t row;
  index_t column;
  double weight;  ///< > 0, finite
};

struct assignment_problem {
  index_t rows = 0;
  index_t columns = 0;
  std::vector<assignment_edge> edges;  ///< any order, each pair at most once
};

namespace detail {

/// Shortest augmenting paths with potentials (Jonker and Volgenant 1987) on a sparse graph. Weights become costs, and
/// each row has a private way out of cost 0: to stay unassigned. A search ends at the first free column, so rows that
/// are far apart in the graph never see each other and no split into components is needed.
class sparse_assignment {
 public:
  explicit sparse_assignment(assignment_problem problem)
      : edges_(std::move(problem.edges)),
        first_edge_(static_cast<std::size_t>(problem.rows) + 1, 0),
        row_potential_(static_cast<std::size_t>(problem.rows), 0.0),
        column_potential_(static_cast<std::size_t>(problem.columns), 0.0),
        distance_(static_cast<std::size_t>(problem.columns), unreached),
        reached_from_(static_cast<std::size_t>(problem.columns), -1),
        column_of_(static_cast<std::size_t>(problem.rows), -1),
        row_of_(static_cast<std::size_t>(problem.columns), -1) {
    std::sort(edges_.begin(), edges_.end(), [](const assignment_edge& a, const assignment_edge& b) {
      return std::pair(a.row, a.column) < std::pair(b.row, b.column);
    });
    for (const auto& e : edges_) ++at(first_edge_, e.row + 1);
    for (index_t r = 0; r < problem.rows; ++r) at(first_edge_, r + 1) += at(first_edge_, r);
  }

  std::vector<index_t> solve() {
    for (index_t r = 0; r < static_cast<index_t>(column_of_.size()); ++r) assign(r);
    return std::move(column_of_);
  }

 private:
  static constexpr double unreached = std::numeric_limits<double>::infinity();

  template <class T>
  static T& at(std::vector<T>& values, index_t i) {
    return values[static_cast<std::size_t>(i)];
  }

  void assign(index_t start) {
    // Chosen such that every reduced cost of this row is >= 0, its way out included.
    double& potential = at(row_potential_, start) = 0;
    for (index_t e = at(first_edge_, start); e < at(first_edge_, start + 1); ++e)
      potential = std::min(potential, -at(edges_, e).weight - at(column_potential_, at(edges_, e).column));

    std::vector<index_t> scanned, reached;
    double way_out = unreached;  // cheapest path that ends with some row of the tree left unassigned
    index_t row_left_out = -1, end = -1, row = start;
    double length = 0;
    for (;;) {
      const double leave = length - at(row_potential_, row);
      if (leave < way_out) {
        way_out = leave;
        row_left_out = row;
      }
      for (index_t e = at(first_edge_, row); e < at(first_edge_, row + 1); ++e) {
        const auto& [from, column, weight] = at(edges_, e);
        const double through = length - weight - at(row_potential_, row) - at(column_potential_, column);
        if (through >= at(distance_, column)) continue;
        if (at(distance_, column) == unreached) reached.push_back(column);
        at(distance_, column) = through;
        at(reached_from_, column) = row;
        queue_.emplace(through, column);
      }
      while (!queue_.empty() && queue_.top().first > at(distance_, queue_.top().second)) queue_.pop();  // outdated
      if (queue_.empty() || queue_.top().first >= way_out) {
        length = way_out;
        break;
      }
      const auto [nearest, column] = queue_.top();
      queue_.pop();
      length = nearest;
      if (at(row_of_, column) < 0) {
        end = column;
        break;
      }
      scanned.push_back(column);
      row = at(row_of_, column);
    }

    at(row_potential_, start) += length;
    for (const index_t column : scanned) {
      at(row_potential_, at(row_of_, column)) += length - at(distance_, column);
      at(column_potential_, column) -= length - at(distance_, column);
    }
    if (end < 0) end = std::exchange(at(column_of_, row_left_out), -1);
    while (end >= 0) {  // shift every assignment on the path by one; the start row had none
      const index_t taker = at(reached_from_, end);
      at(row_of_, end) = taker;
      end = std::exchange(at(column_of_, taker), end);
    }

    for (const index_t column : reached) at(distance_, column) = unreached;
    queue_ = {};
  }

  using entry = std::pair<double, index_t>;
  std::vector<assignment_edge> edges_;  // grouped by row
  std::vector<index_t> first_edge_;
  std::vector<double> row_potential_, column_potential_, distance_;
  std::vector<index_t> reached_from_, column_of_, row_of_;
  std::priority_queue<entry, std::vector<entry>, std::greater<entry>> queue_;
};

}  // namespace detail

/// The one-to-one assignment of greatest total weight: the column of each row, -1 if the row stays unassigned.
/// Each row costs O(E log E) at worst, E edges in its component; a few steps when the graph is a scatter of small ones.
inline std::vector<index_t> best_assignment(assignment_problem problem) {
  return detail::sparse_assignment(std::move(problem)).solve();
}

}  // namespace aixcell
